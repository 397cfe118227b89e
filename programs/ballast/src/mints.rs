//! What a mint of Token-2022 may carry: an allow-list of extensions, and the fee of a transfer.
//!
//! Read at listing and whenever tokens move, because the issuer may set a fee, a hook or a pause at any time after it.
//! The same list both times, whichever way the tokens go: a token that the market would not list today does not move,
//! and what is booked in it is still traded by `liquidate_into`, which moves none.

use anchor_lang::prelude::*;
use anchor_spl::token_2022::spl_token_2022::extension::default_account_state::DefaultAccountState;
use anchor_spl::token_2022::spl_token_2022::extension::pausable::PausableConfig;
use anchor_spl::token_2022::spl_token_2022::extension::transfer_fee::{TransferFee, TransferFeeConfig};
use anchor_spl::token_2022::spl_token_2022::extension::transfer_hook::TransferHook;
use anchor_spl::token_2022::spl_token_2022::extension::{
    BaseStateWithExtensions, ExtensionType, PodStateWithExtensions,
};
use anchor_spl::token_2022::spl_token_2022::pod::PodMint;
use anchor_spl::token_2022::spl_token_2022::state::{Account as TokenAccount, AccountState};

use crate::ensure;
use crate::error::{BallastError, refuse};

/// Bytes of a mint without extensions. The two token programs share the layout, and SPL Token knows no other.
const BARE: usize = 82;

/// What is withheld from a transfer of a token at present. The default is nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fee {
    bps: u16,
    /// Of one transfer, native units.
    most: u64,
}

impl Fee {
    /// The fee from the bytes of a mint and the epoch of the network, after the allow-list. Clients ask the same.
    ///
    /// # Errors
    /// `MintExtensionNotAllowed`, also for what the library cannot read; `TokenHalted`.
    pub fn of(data: &[u8], epoch: u64) -> Result<Self> {
        let state = PodStateWithExtensions::<PodMint>::unpack(data).map_err(not_allowed)?;
        let mut fee = Self::default();
        // Fails on the first type that the library does not know.
        for kind in state.get_extension_types().map_err(not_allowed)? {
            match kind {
                // They touch neither balances nor transfers. Amounts are raw everywhere, so rate and multiplier are for people.
                ExtensionType::MetadataPointer
                | ExtensionType::TokenMetadata
                | ExtensionType::GroupPointer
                | ExtensionType::TokenGroup
                | ExtensionType::GroupMemberPointer
                | ExtensionType::TokenGroupMember
                | ExtensionType::InterestBearingConfig
                | ExtensionType::ScaledUiAmount => {}
                ExtensionType::TransferFeeConfig => {
                    let config = state.get_extension::<TransferFeeConfig>().map_err(not_allowed)?;
                    let current = config.get_epoch_fee(epoch);
                    fee.bps = current.transfer_fee_basis_points.into();
                    fee.most = current.maximum_fee.into();
                }
                // A hook is foreign code that decides over every liquidation.
                ExtensionType::TransferHook => {
                    let hook = state.get_extension::<TransferHook>().map_err(not_allowed)?;
                    ensure!(Option::<Pubkey>::from(hook.program_id).is_none(), TokenHalted);
                }
                ExtensionType::DefaultAccountState => {
                    let new = state.get_extension::<DefaultAccountState>().map_err(not_allowed)?;
                    ensure!(new.state == u8::from(AccountState::Initialized), TokenHalted);
                }
                ExtensionType::Pausable => {
                    let config = state.get_extension::<PausableConfig>().map_err(not_allowed)?;
                    ensure!(!bool::from(config.paused), TokenHalted);
                }
                _ => return Err(refuse(BallastError::MintExtensionNotAllowed)),
            }
        }
        Ok(fee)
    }

    /// What arrives when `sent` is sent: rounded down, as the token program does.
    ///
    /// # Errors
    /// None for any fee that the token program accepts.
    #[inline(always)]
    pub fn arrives_floor(&self, sent: u64) -> Result<u64> {
        if self.bps == 0 { Ok(sent) } else { arrives_floor(*self, sent) }
    }

    /// The least that has to be sent so that this much arrives, exactly. No more than was offered for anything up to
    /// [`Self::arrives_floor`] of the offer, because one unit more sent is one or none more that arrives.
    ///
    /// # Errors
    /// `AmountOutOfRange`.
    #[inline(always)]
    pub fn payment(&self, arrives: u64) -> Result<Payment> {
        let sent = if self.bps == 0 { arrives } else { sent_ceil(*self, arrives)? };
        Ok(Payment { sent, arrives })
    }
}

impl From<Fee> for TransferFee {
    fn from(fee: Fee) -> Self {
        Self { transfer_fee_basis_points: fee.bps.into(), maximum_fee: fee.most.into(), ..Self::default() }
    }
}

#[inline(never)]
fn arrives_floor(fee: Fee, sent: u64) -> Result<u64> {
    TransferFee::from(fee).calculate_post_fee_amount(sent).ok_or_else(|| refuse(BallastError::AmountOutOfRange))
}

#[inline(never)]
fn sent_ceil(fee: Fee, arrives: u64) -> Result<u64> {
    TransferFee::from(fee).calculate_pre_fee_amount(arrives).ok_or_else(|| refuse(BallastError::AmountOutOfRange))
}

/// Tokens on their way into custody, native units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payment {
    pub sent: u64,
    /// The rest is the fee.
    pub arrives: u64,
}

/// Refuses a mint that may not move now, and says what a transfer of it costs.
///
/// # Errors
/// `MintExtensionNotAllowed`, `TokenHalted`.
#[inline(always)]
pub fn check(mint: &AccountInfo) -> Result<Fee> {
    if mint.data_len() == BARE {
        return Ok(Fee::default());
    }
    check_extended(mint)
}

#[inline(never)]
fn check_extended(mint: &AccountInfo) -> Result<Fee> {
    Fee::of(&mint.try_borrow_data()?, Clock::get()?.epoch)
}

/// Bytes of a token account of this mint: some extensions of a mint ask for one of its accounts.
///
/// # Errors
/// `MintExtensionNotAllowed`.
pub fn account_space(mint: &AccountInfo) -> Result<usize> {
    if mint.data_len() == BARE {
        return Ok(anchor_spl::token::TokenAccount::LEN);
    }
    let data = mint.try_borrow_data()?;
    let state = PodStateWithExtensions::<PodMint>::unpack(&data).map_err(not_allowed)?;
    let required =
        ExtensionType::get_required_init_account_extensions(&state.get_extension_types().map_err(not_allowed)?);
    ExtensionType::try_calculate_account_len::<TokenAccount>(&required).map_err(not_allowed)
}

#[cold]
fn not_allowed(_: ProgramError) -> Error {
    refuse(BallastError::MintExtensionNotAllowed)
}
