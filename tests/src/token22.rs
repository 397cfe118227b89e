//! Tokens of Token-2022 with extensions, made by the token program itself, and what their issuer does later.

use anchor_spl::token_2022::spl_token_2022::extension::transfer_fee::{TransferFeeAmount, TransferFeeConfig};
use anchor_spl::token_2022::spl_token_2022::extension::{
    BaseStateWithExtensions, StateWithExtensions, confidential_transfer, default_account_state, group_member_pointer,
    group_pointer, interest_bearing_mint, metadata_pointer, pausable, scaled_ui_amount, transfer_fee, transfer_hook,
};
use anchor_spl::token_2022::spl_token_2022::instruction as token_instruction;
use anchor_spl::token_2022::spl_token_2022::state::{Account, Mint};
use ballast_client::token::{self, TOKEN_2022};
use ballast_client::{Fee, Pubkey};
use solana_clock::Clock;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_signer::Signer;

pub use anchor_spl::token_2022::spl_token_2022::extension::ExtensionType;
pub use anchor_spl::token_2022::spl_token_2022::state::AccountState;

use crate::assets::{self, Token};
use crate::fixture::{DUST, Fixture};
use crate::outcome::{Fault, Outcome};
use crate::{address, key};

/// The token with extensions of [`Fixture::with_extensions`].
pub const EXTENDED: &str = "X22";

/// Codes of Token-2022 beyond those of the first token program.
pub mod token22_fault {
    use super::Fault;

    pub const DECIMALS_MISMATCH: Fault = Fault::Token(18);
    pub const NO_MEMO: Fault = Fault::Token(36);
    pub const CPI_GUARD: Fault = Fault::Token(42);
}

/// An extension as the issuer sets it up. All authorities are his.
#[derive(Clone, Copy, Debug)]
pub enum Extension {
    TransferFee { bps: u16, most: u64 },
    CloseAuthority,
    Confidential,
    DefaultState(AccountState),
    NonTransferable,
    Interest(i16),
    PermanentDelegate,
    Hook(Option<Pubkey>),
    MetadataPointer,
    GroupPointer,
    GroupMemberPointer,
    ScaledUi(f64),
    Pausable,
}

impl Extension {
    fn kind(self) -> ExtensionType {
        match self {
            Self::TransferFee { .. } => ExtensionType::TransferFeeConfig,
            Self::CloseAuthority => ExtensionType::MintCloseAuthority,
            Self::Confidential => ExtensionType::ConfidentialTransferMint,
            Self::DefaultState(_) => ExtensionType::DefaultAccountState,
            Self::NonTransferable => ExtensionType::NonTransferable,
            Self::Interest(_) => ExtensionType::InterestBearingConfig,
            Self::PermanentDelegate => ExtensionType::PermanentDelegate,
            Self::Hook(_) => ExtensionType::TransferHook,
            Self::MetadataPointer => ExtensionType::MetadataPointer,
            Self::GroupPointer => ExtensionType::GroupPointer,
            Self::GroupMemberPointer => ExtensionType::GroupMemberPointer,
            Self::ScaledUi(_) => ExtensionType::ScaledUiAmount,
            Self::Pausable => ExtensionType::Pausable,
        }
    }

    fn initialize(self, mint: &Pubkey) -> Instruction {
        let (program, me) = (&TOKEN_2022, issuer().pubkey());
        let built = match self {
            Self::TransferFee { bps, most } => {
                let me = Some(&me);
                transfer_fee::instruction::initialize_transfer_fee_config(program, mint, me, me, bps, most)
            }
            Self::CloseAuthority => token_instruction::initialize_mint_close_authority(program, mint, Some(&me)),
            Self::Confidential => {
                confidential_transfer::instruction::initialize_mint(program, mint, Some(me), true, None)
            }
            Self::DefaultState(state) => {
                default_account_state::instruction::initialize_default_account_state(program, mint, &state)
            }
            Self::NonTransferable => token_instruction::initialize_non_transferable_mint(program, mint),
            Self::Interest(rate) => interest_bearing_mint::instruction::initialize(program, mint, Some(me), rate),
            Self::PermanentDelegate => token_instruction::initialize_permanent_delegate(program, mint, &me),
            Self::Hook(hook) => transfer_hook::instruction::initialize(program, mint, Some(me), hook),
            Self::MetadataPointer => metadata_pointer::instruction::initialize(program, mint, Some(me), Some(*mint)),
            Self::GroupPointer => group_pointer::instruction::initialize(program, mint, Some(me), Some(*mint)),
            Self::GroupMemberPointer => {
                group_member_pointer::instruction::initialize(program, mint, Some(me), Some(*mint))
            }
            Self::ScaledUi(multiplier) => {
                scaled_ui_amount::instruction::initialize(program, mint, Some(me), multiplier)
            }
            Self::Pausable => pausable::instruction::initialize(program, mint, &me),
        };
        built.expect("an instruction")
    }
}

/// Who issues the tokens of these tests.
pub fn issuer() -> Keypair {
    key("issuer")
}

/// A plain asset under Token-2022.
pub fn token22(symbol: &'static str) -> Token {
    Token { token_program: TOKEN_2022, ..assets::token(symbol) }
}

/// Transfer fees in an account that belong to the issuer.
pub fn withheld_in_account(data: &[u8]) -> u64 {
    let state = StateWithExtensions::<Account>::unpack(data).ok();
    let fees = state.and_then(|state| state.get_extension::<TransferFeeAmount>().ok().copied());
    fees.map_or(0, |fees| fees.withheld_amount.into())
}

/// Transfer fees that were carried to the mint.
pub fn withheld_in_mint(data: &[u8]) -> u64 {
    let state = StateWithExtensions::<Mint>::unpack(data).ok();
    let fees = state.and_then(|state| state.get_extension::<TransferFeeConfig>().ok().copied());
    fees.map_or(0, |fees| fees.withheld_amount.into())
}

impl Fixture {
    /// A stocked market of SOL, USDC and [`EXTENDED`], ten dollars each, with these extensions.
    pub fn with_extensions(extensions: &[Extension]) -> Self {
        let market = Self::without_market();
        market.creates_market(DUST).expect("a market");
        for symbol in ["SOL", "USDC"] {
            market.lists(assets::token(symbol)).expect("a listed asset");
        }
        let token = token22(EXTENDED);
        market.issues(&token, extensions);
        market.lists(token).expect("a listed asset");
        market.refreshes_all();
        market.opens_market().expect("an open market");
        market.stocked()
    }

    /// The issuer creates a mint with these extensions.
    pub fn issues(&self, token: &Token, extensions: &[Extension]) {
        let (issuer, mint) = (issuer(), token.mint);
        self.gives_lamports(&issuer.pubkey());
        let kinds: Vec<_> = extensions.iter().map(|extension| extension.kind()).collect();
        let space = ExtensionType::try_calculate_account_len::<Mint>(&kinds).expect("a size");
        // The empty account of the token program that `create_account` leaves.
        self.writes_data(&mint, &TOKEN_2022, vec![0; space]);
        let mut instructions: Vec<_> = extensions.iter().map(|extension| extension.initialize(&mint)).collect();
        let (me, authority) = (issuer.pubkey(), address("mint authority"));
        let last = token_instruction::initialize_mint2(&TOKEN_2022, &mint, &authority, Some(&me), token.decimals);
        instructions.push(last.expect("an instruction"));
        self.sends(&instructions, &[&issuer]).expect("a mint");
    }

    /// The associated token program creates somebody's account of a token.
    pub fn makes_token_account(&self, wallet: &Pubkey, token: &Token) {
        let payer = self.payer();
        let create = token::create(&payer.pubkey(), wallet, &token.mint, &token.token_program);
        self.sends(&[create], &[&payer]).expect("a token account");
    }

    /// Sends what the issuer signs.
    #[track_caller]
    pub fn issuer_sends<E: std::fmt::Debug>(&self, instruction: Result<Instruction, E>) {
        self.sends(&[instruction.expect("an instruction")], &[&issuer()]).expect("what the issuer wants");
    }

    /// The issuer sets a transfer fee. The token program lets it begin two epochs later.
    pub fn sets_fee(&self, symbol: &str, bps: u16, most: u64) {
        let (mint, me) = (self.token(symbol).mint, issuer().pubkey());
        self.issuer_sends(transfer_fee::instruction::set_transfer_fee(&TOKEN_2022, &mint, &me, &[], bps, most));
    }

    /// A transfer fee that has begun.
    pub fn lets_fee_begin(&self, symbol: &str, bps: u16, most: u64) {
        self.sets_fee(symbol, bps, most);
        self.passes_epochs(2);
    }

    /// Anybody carries the fees withheld in an account to the mint.
    pub fn harvests_fees(&self, symbol: &str, account: &Pubkey) {
        let mint = self.token(symbol).mint;
        self.issuer_sends(transfer_fee::instruction::harvest_withheld_tokens_to_mint(&TOKEN_2022, &mint, &[account]));
    }

    /// Epochs pass, in no time.
    pub fn passes_epochs(&self, epochs: u64) {
        let clock = self.clock();
        let later = Clock { epoch: clock.epoch + epochs, ..clock };
        self.world_mut().svm.set_sysvar(&later);
    }

    /// The fee of a token as a client sees it.
    pub fn fee(&self, symbol: &str) -> Fee {
        let mint = self.account(&self.token(symbol).mint).expect("a mint");
        Fee::of(&mint.data, self.clock().epoch).expect("a token that moves")
    }

    /// The issuer sets a transfer hook, or none.
    pub fn sets_hook(&self, symbol: &str, hook: Option<Pubkey>) {
        let (mint, me) = (self.token(symbol).mint, issuer().pubkey());
        self.issuer_sends(transfer_hook::instruction::update(&TOKEN_2022, &mint, &me, &[], hook));
    }

    /// The issuer decides whether new accounts begin frozen.
    pub fn sets_default_state(&self, symbol: &str, state: AccountState) {
        let (mint, me) = (self.token(symbol).mint, issuer().pubkey());
        let update = default_account_state::instruction::update_default_account_state;
        self.issuer_sends(update(&TOKEN_2022, &mint, &me, &[], &state));
    }

    /// The issuer pauses the token, or ends the pause.
    pub fn sets_pause(&self, symbol: &str, paused: bool) {
        let (mint, me) = (self.token(symbol).mint, issuer().pubkey());
        let instruction = if paused { pausable::instruction::pause } else { pausable::instruction::resume };
        self.issuer_sends(instruction(&TOKEN_2022, &mint, &me, &[]));
    }

    /// The issuer freezes a token account.
    pub fn freezes(&self, account: &Pubkey, symbol: &str) {
        let (mint, me) = (self.token(symbol).mint, issuer().pubkey());
        self.issuer_sends(token_instruction::freeze_account(&TOKEN_2022, account, &mint, &me, &[]));
    }

    /// The issuer thaws a token account.
    pub fn thaws(&self, account: &Pubkey, symbol: &str) {
        let (mint, me) = (self.token(symbol).mint, issuer().pubkey());
        self.issuer_sends(token_instruction::thaw_account(&TOKEN_2022, account, &mint, &me, &[]));
    }

    /// Changes the bytes of a mint past the token program.
    pub fn tampers_with_mint(&self, symbol: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mint = self.token(symbol).mint;
        let mut data = self.account(&mint).expect("a mint").data;
        change(&mut data);
        self.writes_data(&mint, &TOKEN_2022, data);
    }

    /// Lists a token whose mint exists.
    pub fn lists_issued(&self, symbol: &'static str, extensions: &[Extension]) -> Outcome {
        let token = token22(symbol);
        self.issues(&token, extensions);
        self.lists_bare(token)
    }
}

/// An extension in the bytes of a mint, its value all zero: type, length, value.
pub fn appends_extension(mint: &mut Vec<u8>, kind: u16, length: u16) {
    if mint.len() == 82 {
        mint.resize(165, 0);
        // The account type of a mint.
        mint.push(1);
    }
    mint.extend(kind.to_le_bytes());
    mint.extend(length.to_le_bytes());
    mint.resize(mint.len() + usize::from(length), 0);
}
