//! What actions would do to a vault: the program's own decisions on copies of what is on chain.

use ballast_client::impact::Shock;
use ballast_client::preview::{Action, Preview, Stage, preview};
use ballast_client::refusal::Refusal;
use ballast_client::{Fee, Market, Vault};

use super::moves::Move;
use crate::amounts::{Part, Wanted};
use crate::context::Context;
use crate::failure::Failure;
use crate::price::accounts::clock;

/// A vault in its market, with what the tokens of some assets withhold from transfers.
///
/// # Errors
/// [`Failure::Rpc`], or a token that the program does not accept any more.
pub async fn stage(
    context: &Context,
    market: &Market,
    vault: &Vault,
    now: u64,
    assets: &[u8],
) -> Result<Stage, Failure> {
    let mut stage = Stage::new(market, vault, now);
    for index in assets {
        let Some(asset) = market.listed().get(usize::from(*index)).filter(|asset| asset.token_program != 0) else {
            continue;
        };
        let clock = clock(&context.connection).await?;
        let mint = context.connection.account(&asset.mint).await?;
        let mint = mint.ok_or_else(|| Failure::usage(format!("mint {} does not exist", asset.mint)))?;
        let fee = Fee::of(&mint.data, clock.epoch).map_err(Refusal::from)?;
        stage = stage.with_fee(*index, fee);
    }
    Ok(stage)
}

/// The action of one part. `all` of a loan is the largest that the program accepts.
pub fn action(stage: &Stage, direction: Move, part: Part) -> Action {
    let Part { asset, wanted } = part;
    let amount = match wanted {
        Wanted::Native(amount) => Some(amount),
        Wanted::All => None,
    };
    match direction {
        Move::Deposit => Action::Deposit { asset, amount: amount.unwrap_or(u64::MAX) },
        Move::Repay => Action::Repay { asset, amount },
        Move::Withdraw => Action::Withdraw { asset, amount },
        Move::Borrow => {
            let cash = stage.market.listed().get(usize::from(asset)).map_or(0, |asset| asset.cash);
            let largest = || stage.largest(cash, |amount| Action::Borrow { asset, amount }).unwrap_or(0);
            Action::Borrow { asset, amount: amount.unwrap_or_else(largest) }
        }
    }
}

/// Carries moves out, one after the other, after prices have moved.
///
/// # Errors
/// Prices that cannot be moved like that.
pub fn foresee(
    stage: Stage,
    shocks: &[Shock],
    moves: &[(Move, Part)],
) -> Result<(Preview, Stage, Vec<Action>), Failure> {
    let mut played = stage.clone();
    if !shocks.is_empty() {
        played.shock(shocks)?;
    }
    let mut actions = Vec::new();
    for (direction, part) in moves {
        let action = action(&played, *direction, *part);
        played.act(action);
        actions.push(action);
    }
    Ok((preview(stage, shocks, &actions)?, played, actions))
}
