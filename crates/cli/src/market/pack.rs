//! Several steps of a set-up in one transaction, as many as fit.

use ballast_client::transaction::{Budget, compile};
use solana_signer::Signer;
use solana_transaction::Hash;

use super::actions::Action;
use crate::context::Context;
use crate::failure::Failure;

/// Steps in one transaction at most: what its compute units are good for.
const MOST: usize = 8;
/// For the size of a transaction with a budget.
const BUDGET: Budget = Budget { units: 1, price: 1 };

/// Joins actions from the first on, and says how many of them.
///
/// # Errors
/// [`Failure::Usage`] when the first alone is too large.
pub fn packed(context: &Context, actions: Vec<Action>) -> Result<(Action, usize), Failure> {
    let payer = context.fee_payer()?.pubkey();
    let version = context.options.transaction_version.into();
    let mut all = Action { instructions: Vec::new(), signers: Vec::new() };
    let mut count = 0;
    for action in actions.into_iter().take(MOST) {
        let before = all.instructions.len();
        all.instructions.extend(action.instructions);
        let fits = compile(version, &payer, &all.instructions, Some(BUDGET), &[], Hash::default());
        match fits {
            Err(error) if count == 0 => return Err(Failure::Usage(error.to_string())),
            Err(_) => {
                all.instructions.truncate(before);
                break;
            }
            Ok(_) => {
                all.signers.extend(action.signers);
                count += 1;
            }
        }
    }
    Ok((all, count))
}
