//! `ballast vault deposit|withdraw|borrow|repay`.

use ballast_client::{Pubkey, token};
use clap::Args;
use serde::Serialize;
use solana_instruction::Instruction;
use solana_signer::Signer;

use super::foresight::{foresee, stage};
use super::fresh::{Refresh, refreshed};
use super::view::{Health, changes};
use super::{Chosen, Which};
use crate::amounts::{Part, Tokens, Wanted, decimal, parts};
use crate::context::{Context, OnChain, name};
use crate::failure::Failure;
use crate::output::{Report, facts};
use crate::send::{Request, Sent, send};

/// Amounts to be moved.
#[derive(Args, Debug)]
pub struct Moves {
    /// `SOL=1.5`, or `SOL 1.5`; `all` for as much as there is
    #[arg(required = true, value_name = "ASSET=AMOUNT")]
    amounts: Vec<String>,
    #[command(flatten)]
    which: Which,
    /// Whether prices are refreshed first, in the same transaction
    #[arg(long, value_enum, default_value_t)]
    refresh: Refresh,
}

/// The direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    Deposit,
    Withdraw,
    Borrow,
    Repay,
}

impl Move {
    /// In the imperative.
    pub const fn verb(self) -> &'static str {
        match self {
            Self::Deposit => "deposit",
            Self::Withdraw => "withdraw",
            Self::Borrow => "borrow",
            Self::Repay => "repay",
        }
    }

    /// Whether tokens come from the signer's wallet.
    const fn pays(self) -> bool {
        matches!(self, Self::Deposit | Self::Repay)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Moved {
    vault: String,
    action: &'static str,
    amounts: Vec<MovedPart>,
    /// The check before and after, as it was foreseen.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Health>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<Health>,
    #[serde(flatten)]
    sent: Sent,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MovedPart {
    asset: String,
    /// Absent where it is everything.
    #[serde(flatten)]
    tokens: Option<Tokens>,
}

impl Report for Moved {
    fn text(&self) -> String {
        facts([("Vault", self.vault.clone())]) + &self.sent.text()
    }
}

impl Moves {
    /// # Errors
    /// [`Failure`].
    pub async fn run(self, context: &Context, direction: Move) -> Result<(), Failure> {
        let market = context.market().await?;
        let mut parts = parts(&market, &self.amounts)?;
        let chosen = self.which.find(context, &market).await?;
        let signer = context.signer()?;
        if direction.pays() {
            fill(context, &market, &signer.pubkey(), &mut parts).await?;
        }
        let payer = context.fee_payer()?;
        let mut instructions = Vec::new();
        let mut foreseen = None;
        if let Some(vault) = chosen.vault {
            // Without debts no price is asked for.
            let risky = direction == Move::Borrow || (direction == Move::Withdraw && vault.has_debt());
            let refresh = if risky { self.refresh } else { Refresh::Never };
            let assets: Vec<u8> = parts.iter().map(|part| part.asset).collect();
            let fresh = refreshed(context, &market, &vault, &assets, refresh).await?;
            instructions.extend(fresh.instruction);
            let stage = stage(context, &fresh.market, &vault, market.now, &assets).await?;
            let moves: Vec<(Move, Part)> = parts.iter().map(|part| (direction, *part)).collect();
            foreseen = Some(foresee(stage, &[], &moves)?);
        }
        for part in &parts {
            let made = instruction(&market, &chosen, direction, *part, &signer.pubkey(), &payer.pubkey());
            instructions.extend(made?);
        }
        let lines = parts.iter().map(|part| {
            let record = &market.market.assets[usize::from(part.asset)];
            let amount = match part.wanted {
                Wanted::Native(amount) => decimal(amount, record.decimals),
                Wanted::All => "all".to_owned(),
            };
            format!("{} {amount} {}, vault {}", direction.verb(), name(&record.name), chosen.address)
        });
        let mut preview: Vec<String> = lines.collect();
        preview.extend(foreseen.iter().flat_map(|(preview, after, _)| changes(&after.market, preview)));
        let request = Request { preview, instructions, signers: vec![&*signer] };
        let sent = send(context, request).await?;
        let moved = |part: &Part| {
            let record = &market.market.assets[usize::from(part.asset)];
            let tokens = match part.wanted {
                Wanted::Native(amount) => Some(Tokens::of(record, amount)),
                Wanted::All => None,
            };
            MovedPart { asset: name(&record.name), tokens }
        };
        let amounts = parts.iter().map(moved).collect();
        let health = foreseen.map(|(preview, ..)| [(&preview.before).into(), (&preview.after).into()]);
        let [before, after] = health.map_or([None, None], |health| health.map(Some));
        let vault = chosen.address.to_string();
        context.show(&Moved { vault, action: direction.verb(), amounts, before, after, sent })
    }
}

/// Replaces `all` with what the wallet has. The program takes no more of it than is owed.
async fn fill(context: &Context, market: &OnChain, wallet: &Pubkey, parts: &mut [Part]) -> Result<(), Failure> {
    for part in parts.iter_mut().filter(|part| part.wanted == Wanted::All) {
        let record = &market.market.assets[usize::from(part.asset)];
        let address = token::address(wallet, &record.mint, &record.token_program());
        let held = match context.connection.account(&address).await? {
            Some(raw) => ballast_client::account::token(&raw.owner, &raw.data).map_or(0, |held| held.amount),
            None => 0,
        };
        if held == 0 {
            return Err(Failure::usage(format!("{wallet} has no {}", name(&record.name))));
        }
        part.wanted = Wanted::Native(held);
    }
    Ok(())
}

/// The instruction of one part, after the creation of the token account that it pays into.
fn instruction(
    market: &OnChain,
    Chosen { address, owner, .. }: &Chosen,
    direction: Move,
    Part { asset, wanted }: Part,
    signer: &Pubkey,
    payer: &Pubkey,
) -> Result<Vec<Instruction>, Failure> {
    let reference = market.reference();
    let record = &market.market.assets[usize::from(asset)];
    let account = || token::create(payer, owner, &record.mint, &record.token_program());
    Ok(match (direction, wanted) {
        (Move::Deposit, Wanted::Native(amount)) => vec![reference.deposit(signer, address, asset, amount)],
        (Move::Repay, Wanted::Native(amount)) => vec![reference.repay(signer, address, asset, amount)],
        (Move::Borrow, Wanted::Native(amount)) => {
            vec![account(), reference.borrow_for(signer, owner, address, asset, amount)]
        }
        (Move::Withdraw, wanted) => {
            let amount = match wanted {
                Wanted::Native(amount) => Some(amount),
                Wanted::All => None,
            };
            vec![account(), reference.withdraw_for(signer, owner, address, asset, amount)]
        }
        (Move::Deposit | Move::Repay | Move::Borrow, Wanted::All) => {
            return Err(Failure::usage(format!("say how much {} to {}", name(&record.name), direction.verb())));
        }
    })
}
