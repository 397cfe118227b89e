//! What a wallet has of an asset, and native SOL that becomes tokens and lamports again within one transaction.

use ballast_client::token::{NATIVE_MINT, SPL_TOKEN};
use ballast_client::{Asset, Pubkey, account, token};
use solana_instruction::Instruction;

use crate::amounts::decimal;
use crate::context::{Context, name};
use crate::failure::Failure;

/// Somebody's associated token accounts.
pub struct Wallet<'a> {
    pub context: &'a Context,
    pub address: Pubkey,
}

/// What goes around an instruction that moves native SOL. Empty for everything else.
#[derive(Default)]
pub struct Wrapping {
    pub before: Vec<Instruction>,
    pub after: Vec<Instruction>,
    /// For the one who is about to sign.
    pub line: Option<String>,
}

/// Whether an asset is native SOL as a token.
pub fn is_native(asset: &Asset) -> bool {
    asset.mint == NATIVE_MINT && asset.token_program() == SPL_TOKEN
}

impl Wallet<'_> {
    /// Native units; `None` without an account.
    ///
    /// # Errors
    /// [`Failure::Rpc`]; [`Failure::Usage`] for an account that is no token account of the asset, or frozen.
    pub async fn held(&self, asset: &Asset) -> Result<Option<u64>, Failure> {
        let address = token::address(&self.address, &asset.mint, &asset.token_program());
        let Some(raw) = self.context.connection.account(&address).await? else { return Ok(None) };
        // Lamports may lie at the address of an account that does not exist yet.
        if raw.data.is_empty() {
            return Ok(None);
        }
        let wrong = |why: &str| Failure::usage(format!("the account of {} at {address}: {why}", name(&asset.name)));
        let held = account::token(&raw.owner, &raw.data).map_err(|error| wrong(&error.to_string()))?;
        if held.frozen {
            return Err(wrong("it is frozen, nobody may move its tokens"));
        }
        Ok(Some(held.amount))
    }

    /// Everything that the wallet has of an asset.
    ///
    /// # Errors
    /// See [`Self::held`]; [`Failure::Usage`] for nothing.
    pub async fn all(&self, asset: &Asset) -> Result<u64, Failure> {
        let called = name(&asset.name);
        match self.held(asset).await? {
            Some(held) if held > 0 => Ok(held),
            _ if is_native(asset) => Err(Failure::usage(format!(
                "{} has no wrapped {called}: say how much of its lamports to take, such as {called}=1.5",
                self.address
            ))),
            _ => Err(Failure::usage(format!("{} has no {called}", self.address))),
        }
    }

    /// Wraps what is missing of a payment in native SOL. An account that does not exist yet is closed again afterwards, with
    /// what is left in it.
    ///
    /// # Errors
    /// See [`Self::held`].
    pub async fn pays(&self, asset: &Asset, amount: u64) -> Result<Wrapping, Failure> {
        if !is_native(asset) || self.context.is_shared() {
            return Ok(Wrapping::default());
        }
        let held = self.held(asset).await?;
        let missing = amount.saturating_sub(held.unwrap_or(0));
        if missing == 0 {
            return Ok(Wrapping::default());
        }
        let mut wrapping = Wrapping {
            line: Some(format!("  wraps {} {} first", decimal(missing, asset.decimals), name(&asset.name))),
            ..Wrapping::default()
        };
        if held.is_none() {
            wrapping.before.push(self.opens(asset));
            wrapping.after.push(token::unwrap(&self.address));
        }
        wrapping.before.extend(token::wrap(&self.address, missing));
        Ok(wrapping)
    }

    /// Makes lamports of native SOL that arrives. Where the wallet had wrapped some before, all of it stays wrapped.
    ///
    /// # Errors
    /// See [`Self::held`].
    pub async fn gets(&self, asset: &Asset) -> Result<Wrapping, Failure> {
        if !is_native(asset) || self.context.is_shared() {
            return Ok(Wrapping::default());
        }
        if self.held(asset).await?.is_some() {
            let line = format!("  arrives as wrapped {}, beside what is there", name(&asset.name));
            return Ok(Wrapping { line: Some(line), ..Wrapping::default() });
        }
        Ok(Wrapping {
            before: vec![self.opens(asset)],
            after: vec![token::unwrap(&self.address)],
            line: Some(format!("  arrives as lamports; --keep-wrapped leaves it {}", name(&asset.name))),
        })
    }

    /// At the wallet's own expense, because closing gives the rent to the wallet.
    fn opens(&self, asset: &Asset) -> Instruction {
        token::create(&self.address, &self.address, &asset.mint, &asset.token_program())
    }
}
