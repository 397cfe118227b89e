//! The instructions of one step, and who signs them.

use std::rc::Rc;

use anyhow::Context as _;
use ballast_client::parameters::padded;
use ballast_client::token::{SPL_TOKEN, TOKEN_2022};
use ballast_client::{Change, Market, Proposal, Pubkey, account, change, instruction};
use ballast_cluster::definition::Listed;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_signer::Signer;

use crate::context::Context;
use crate::failure::Failure;
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

/// Lists an asset, after a look at its mint.
///
/// # Errors
/// [`Failure::Usage`] for a mint that is not as the definition says.
pub async fn list(context: &Context, market: &Pubkey, listed: &Listed) -> Result<Action, Failure> {
    let (governance, payer) = (context.signer()?, context.fee_payer()?);
    let wrong = |why: String| Failure::usage(format!("{}: mint {} {why}", listed.name, listed.mint));
    let raw = context.connection.account(&listed.mint).await?.ok_or_else(|| wrong("does not exist".to_owned()))?;
    let mint = account::mint(&raw.owner, &raw.data).map_err(|error| wrong(format!("is {error}")))?;
    if mint.decimals != listed.decimals {
        return Err(wrong(format!("has {} decimals, not {}", mint.decimals, listed.decimals)));
    }
    let program = if listed.token_2022 { TOKEN_2022 } else { SPL_TOKEN };
    if mint.program != program {
        return Err(wrong(format!("belongs to token program {}", mint.program)));
    }
    let name = padded(&listed.name).map_err(|error| wrong(error.to_string()))?;
    let (governs, pays) = (governance.pubkey(), payer.pubkey());
    let instructions = vec![instruction::list_asset(&governs, &pays, market, &listed.mint, &program, name)];
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

/// Proposes a change; also its address.
///
/// # Errors
/// [`Failure`].
pub async fn propose(context: &Context, market: &Pubkey, proposal: &Proposal) -> Result<(Action, Pubkey), Failure> {
    let (governance, payer) = (context.signer()?, context.fee_payer()?);
    let account: Rc<dyn Signer> = Rc::new(Keypair::new());
    let address = account.pubkey();
    let rent = rent(context, Change::SPACE).await?;
    let (pays, governs) = (payer.pubkey(), governance.pubkey());
    let instructions = change::propose(&pays, &governs, market, &address, rent, proposal.clone()).to_vec();
    Ok((Action { instructions, signers: vec![payer, account, governance] }, address))
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
