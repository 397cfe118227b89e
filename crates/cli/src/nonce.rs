//! `--nonce`: transactions that several people sign one after the other, over days.

use std::rc::Rc;

use ballast_client::nonce::{Nonce, REFUSED, advance};
use ballast_client::{ID, Pubkey, decode};
use solana_instruction::Instruction;
use solana_signer::Signer;
use solana_transaction::Hash;

use crate::context::Context;
use crate::failure::Failure;

/// A nonce that the user has named.
pub struct Durable {
    pub account: Pubkey,
    pub authority: Rc<dyn Signer>,
}

impl Durable {
    /// `None` without `--nonce`.
    ///
    /// # Errors
    /// [`Failure::Usage`] for an authority that cannot be loaded.
    pub fn of(context: &Context) -> Result<Option<Self>, Failure> {
        let Some(account) = context.options.nonce else { return Ok(None) };
        let authority = match &context.options.nonce_authority {
            Some(source) => context.signer_at(source, "the authority of the nonce")?,
            None => context.signer()?,
        };
        Ok(Some(Self { account, authority }))
    }

    /// What its value is: that of `--blockhash`, which needs no node, or what the account says.
    ///
    /// # Errors
    /// [`Failure::Usage`] for an account that is no nonce, or has another authority.
    pub async fn value(&self, context: &Context) -> Result<Hash, Failure> {
        if context.options.sign_only && context.signed.replace(true) {
            let why = "a nonce is good for one transaction, and this command makes several: sign them one by one";
            return Err(Failure::usage(why));
        }
        if let Some(value) = context.options.blockhash {
            return Ok(value);
        }
        let Self { account, authority } = self;
        let found = context.connection.account(account).await?;
        let nonce = found.and_then(|raw| Nonce::decode(&raw.owner, &raw.data));
        let make = "make one with `solana create-nonce-account`";
        let nonce = nonce.ok_or_else(|| Failure::usage(format!("{account} is no nonce: {make}")))?;
        if nonce.authority != authority.pubkey() {
            let why = format!("the authority of nonce {account} is {}, not {}", nonce.authority, authority.pubkey());
            return Err(Failure::usage(format!("{why}: name it with --nonce-authority")));
        }
        Ok(nonce.value)
    }

    /// Puts its advance in front, where the cluster looks for it.
    ///
    /// # Errors
    /// [`Failure::Usage`] for what the market does not let anybody do with a durable nonce.
    pub async fn prepend(&self, context: &Context, instructions: &mut Vec<Instruction>) -> Result<(), Failure> {
        for instruction in instructions.iter().filter(|instruction| instruction.program_id == ID) {
            let Ok(decoded) = decode::instruction(instruction) else { continue };
            let Some(address) = decoded.account("market") else { continue };
            if !REFUSED.contains(&decoded.name.as_str()) {
                continue;
            }
            let offline = context.options.market_account.is_some();
            let chain = if offline { context.market().await? } else { context.market_at(address).await? };
            if chain.market.refuse_nonces != 0 {
                return Err(Failure::usage(format!(
                    "market {address} refuses durable nonces in {} (its parameter refuse_nonces): sign within the life \
                     of a blockhash, about a minute, or let a multi-signature such as Squads collect the approvals",
                    decoded.name
                )));
            }
        }
        instructions.insert(0, advance(&self.account, &self.authority.pubkey()));
        Ok(())
    }
}
