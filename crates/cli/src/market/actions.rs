//! The instructions of one step, and who signs them.

use std::rc::Rc;

use anyhow::Context as _;
use ballast_client::parameters::padded;
use ballast_client::{Change, Market, Proposal, Pubkey, change, instruction};
use ballast_cluster::definition::Listed;
use solana_instruction::Instruction;
use solana_signer::Signer;

use super::preflight::program;
use crate::context::Context;
use crate::failure::Failure;
use crate::gov::accounts::Pending;
use crate::send::{Request, Sent, send};

/// Instructions with everybody who signs them.
pub struct Action {
    pub instructions: Vec<Instruction>,
    pub signers: Vec<Rc<dyn Signer>>,
}

impl Action {
    /// Sends it.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn send(&self, context: &Context, preview: Vec<String>) -> Result<Sent, Failure> {
        let signers = self.signers.iter().map(|signer| &**signer).collect();
        send(context, Request { preview, instructions: self.instructions.clone(), signers }).await
    }
}

/// Lamports that keep an account of this size.
async fn rent(context: &Context, space: usize) -> Result<u64, Failure> {
    let rent = context.connection.client().get_minimum_balance_for_rent_exemption(space).await;
    Ok(rent.context("no answer about rent")?)
}

/// Creates a market with these holders of guardian and steward.
///
/// # Errors
/// [`Failure`].
pub async fn create(
    context: &Context,
    market: &Rc<dyn Signer>,
    [guardian, steward]: [Pubkey; 2],
) -> Result<Action, Failure> {
    let (governance, payer) = (context.signer()?, context.fee_payer()?);
    let rent = rent(context, Market::SPACE).await?;
    let roles = [governance.pubkey(), guardian, steward];
    let instructions = instruction::create_market(&payer.pubkey(), &market.pubkey(), roles, rent).to_vec();
    Ok(Action { instructions, signers: vec![payer, Rc::clone(market), governance] })
}

/// Lists an asset.
///
/// # Errors
/// A key that cannot be loaded, or a name that is too long.
pub fn list(context: &Context, market: &Pubkey, listed: &Listed) -> Result<Action, Failure> {
    let (governance, payer) = (context.signer()?, context.fee_payer()?);
    let name = padded(&listed.name).map_err(|error| Failure::usage(format!("{}: {error}", listed.name)))?;
    let (governs, pays) = (governance.pubkey(), payer.pubkey());
    let instructions = vec![instruction::list_asset(&governs, &pays, market, &listed.mint, &program(listed), name)];
    Ok(Action { instructions, signers: vec![governance, payer] })
}

/// Makes a change at once.
///
/// # Errors
/// A key that cannot be loaded.
pub fn change_at_once(context: &Context, market: &Pubkey, proposal: &Proposal) -> Result<Action, Failure> {
    let signer = context.signer()?;
    let instructions = vec![change::apply(&signer.pubkey(), market, None, proposal.clone())];
    Ok(Action { instructions, signers: vec![signer] })
}

/// Takes a model with the rows of a draft over at once.
///
/// # Errors
/// A key that cannot be loaded.
pub fn take_over(context: &Context, market: &Pubkey, draft: Pubkey, proposal: &Proposal) -> Result<Action, Failure> {
    let signer = context.signer()?;
    let instructions = vec![change::apply(&signer.pubkey(), market, Some(draft), proposal.clone())];
    Ok(Action { instructions, signers: vec![signer] })
}

/// Proposes a change; also its address. It is derived from governance and the change, so the same change is never proposed
/// twice, however far the node lags, and nobody but governance has to sign.
///
/// # Errors
/// [`Failure`].
pub async fn propose(context: &Context, market: &Pubkey, proposal: &Proposal) -> Result<(Action, Pubkey), Failure> {
    let (governance, payer) = (context.signer()?, context.fee_payer()?);
    let rent = rent(context, Change::SPACE).await?;
    let (pays, governs) = (payer.pubkey(), governance.pubkey());
    let seed = change::seed(market, proposal);
    let address = change::seeded_address(&governs, &seed);
    let instructions = change::propose_with_seed(&pays, &governs, market, &seed, rent, proposal.clone());
    let (Some(address), Some(instructions)) = (address, instructions) else {
        return Err(Failure::usage("the seed of the change is too long"));
    };
    Ok((Action { instructions: instructions.to_vec(), signers: vec![payer, governance] }, address))
}

/// Closes the account of a change that is not to be executed.
///
/// # Errors
/// A key that cannot be loaded.
pub fn close(context: &Context, market: &Pubkey, old: &Pending) -> Result<Instruction, Failure> {
    Ok(change::cancel(&context.signer()?.pubkey(), market, &old.address, &old.change.proposer))
}

/// Ends the set-up.
///
/// # Errors
/// A key that cannot be loaded.
pub fn open(context: &Context, market: &Pubkey) -> Result<Action, Failure> {
    let governance = context.signer()?;
    let instructions = vec![change::open_market(&governance.pubkey(), market)];
    Ok(Action { instructions, signers: vec![governance] })
}
