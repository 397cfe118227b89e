//! Durable nonces: a transaction that was signed long ago. A market may refuse them for changes.

use ballast_client::table::Parameter::{DepositCap, HaircutInit, RefuseNonces};
use ballast_client::{Change, Pausable, Role, change};
use ballast_tests::*;
use solana_instruction::error::InstructionError;
use solana_instruction::{AccountMeta, Instruction};
use solana_message::Message;
use solana_transaction::{Transaction, TransactionError};

const SYSTEM: Pubkey = Pubkey::new_from_array([0; 32]);
const BLOCKHASHES: Pubkey = Pubkey::from_str_const("SysvarRecentB1ockHashes11111111111111111111");
const RENT: Pubkey = Pubkey::from_str_const("SysvarRent111111111111111111111111111111111");
const COMPUTE_BUDGET: Pubkey = Pubkey::from_str_const("ComputeBudget111111111111111111111111111111");
/// Bytes of a nonce account.
const NONCE_SPACE: u64 = 80;

/// An instruction of the system program: `tag` and what follows it.
fn system(tag: u32, parts: &[&[u8]], accounts: Vec<AccountMeta>) -> Instruction {
    let data = [&[&tag.to_le_bytes()[..]], parts].concat().concat();
    Instruction { program_id: SYSTEM, accounts, data }
}

/// Creates a nonce account that somebody may advance.
fn creates_nonce(market: &Fixture, authority: &Pubkey) -> Pubkey {
    let (payer, nonce) = (market.payer(), key("nonce"));
    let lamports = market.world().svm.minimum_balance_for_rent_exemption(NONCE_SPACE as usize);
    let parts: [&[u8]; 3] = [&lamports.to_le_bytes(), &NONCE_SPACE.to_le_bytes(), SYSTEM.as_ref()];
    let both = [AccountMeta::new(payer.pubkey(), true), AccountMeta::new(nonce.pubkey(), true)];
    let create = system(0, &parts, both.to_vec());
    let sysvars = [AccountMeta::new_readonly(BLOCKHASHES, false), AccountMeta::new_readonly(RENT, false)];
    let accounts = [vec![AccountMeta::new(nonce.pubkey(), false)], sysvars.to_vec()].concat();
    let initialise = system(6, &[authority.as_ref()], accounts);
    market.sends(&[create, initialise], &[&payer, &nonce]).unwrap();
    nonce.pubkey()
}

/// `AdvanceNonceAccount`: what makes a transaction one with a durable nonce when it comes first.
fn advance(nonce: &Pubkey, authority: &Pubkey) -> Instruction {
    let accounts = vec![
        AccountMeta::new(*nonce, false),
        AccountMeta::new_readonly(BLOCKHASHES, false),
        AccountMeta::new_readonly(*authority, true),
    ];
    system(4, &[], accounts)
}

/// A market that refuses nonces or not, and the instruction that advances one of its governance.
fn market(refuses: bool) -> (Fixture, Instruction) {
    let market = Fixture::new();
    if refuses {
        market.applies(Role::Guardian, market.values(&[(RefuseNonces, 1)])).unwrap();
    }
    let governance = market.governance().pubkey();
    let nonce = creates_nonce(&market, &governance);
    (market, advance(&nonce, &governance))
}

/// A lower deposit cap of SOL, at once.
fn tighten(market: &Fixture, role: Role) -> Instruction {
    let proposal = market.values_of("SOL", &[(DepositCap, market.asset("SOL").deposit_cap - 1)]);
    change::apply(&market.holder(role).pubkey(), &market.market_address(), None, proposal)
}

/// The same as a proposal, with the creation of its account.
fn propose(market: &Fixture) -> [Instruction; 2] {
    let governance = market.governance().pubkey();
    let rent = market.world().svm.minimum_balance_for_rent_exemption(Change::SPACE);
    let proposal = market.values_of("SOL", &[(HaircutInit, 1 << 31)]);
    change::propose(&governance, &governance, &market.market_address(), &market.change("cap"), rent, proposal)
}

fn sends(market: &Fixture, instructions: &[Instruction], others: &[&Keypair]) -> Outcome {
    let governance = market.governance();
    market.sends(instructions, &[&[&governance], others].concat())
}

#[test]
fn a_market_that_does_not_mind_takes_changes_with_a_nonce() {
    let (market, advance) = market(false);
    sends(&market, &[advance.clone(), tighten(&market, Role::Governance)], &[]).unwrap();
    let guardian = market.holder(Role::Guardian);
    sends(&market, &[advance.clone(), tighten(&market, Role::Guardian)], &[&guardian]).unwrap();
    let [create, propose] = propose(&market);
    sends(&market, &[advance, create, propose], &[&key("change cap")]).unwrap();
}

#[test]
fn atk_g01_a_market_that_refuses_nonces_takes_no_change_with_one() {
    let (market, advance) = market(true);
    for role in Role::ALL {
        let holder = market.holder(role);
        let both = [advance.clone(), tighten(&market, role)];
        expect_refusal(market.sends(&both, &[&market.governance(), &holder]), BallastError::DurableNonce);
    }
    let [create, propose] = propose(&market);
    let all = [advance.clone(), create.clone(), propose.clone()];
    expect_refusal(sends(&market, &all, &[&key("change cap")]), BallastError::DurableNonce);
    // Whatever stands in between.
    let nothing = slots::transfer(&market.governance().pubkey(), &address("somebody"), 1_000_000);
    let all = [advance.clone(), nothing, create.clone(), propose.clone()];
    expect_refusal(sends(&market, &all, &[&key("change cap")]), BallastError::DurableNonce);
    let (address, governance) = (market.market_address(), market.governance().pubkey());
    let late = assets::token("P08");
    market.mints(&late);
    let accept = change::accept_role(&governance, &address, Role::Steward);
    for other in [accept, change::confirm_risk_model(&governance, &address)] {
        expect_refusal(sends(&market, &[advance.clone(), other], &[]), BallastError::DurableNonce);
    }
    let list = [advance.clone(), market.list_instruction(&late)];
    expect_refusal(sends(&market, &list, &[&market.payer()]), BallastError::DurableNonce);
    // The same transactions without it.
    sends(&market, &[tighten(&market, Role::Governance)], &[]).unwrap();
    sends(&market, &[create, propose], &[&key("change cap")]).unwrap();
}

#[test]
fn also_while_it_is_being_set_up() {
    let market = Fixture::setting_up(1);
    let governance = market.governance().pubkey();
    let nonce = creates_nonce(&market, &governance);
    market.applies(Role::Governance, market.values(&[(RefuseNonces, 1)])).unwrap();
    let open = change::open_market(&governance, &market.market_address());
    for act in [tighten(&market, Role::Governance), open] {
        expect_refusal(sends(&market, &[advance(&nonce, &governance), act], &[]), BallastError::DurableNonce);
    }
}

/// A guardian may well keep a signed pause in the drawer; and whoever executes needs no fresh signature of governance.
#[test]
fn what_only_stops_something_is_taken_with_a_nonce_all_the_same() {
    let (market, advance) = market(true);
    let (governance, address) = (market.governance().pubkey(), market.market_address());
    let with = |instruction: Instruction| sends(&market, &[advance.clone(), instruction], &[]);
    with(change::pause(&governance, &address, Pausable::Borrow, 100)).unwrap();
    with(change::resume(&governance, &address, Pausable::Borrow)).unwrap();
    for name in ["one", "two"] {
        market.proposes(name, market.values_of("SOL", &[(DepositCap, 5)])).unwrap();
    }
    with(change::cancel(&governance, &address, &market.change("one"), &governance)).unwrap();
    market.advances(86_400);
    with(change::execute(&address, &market.change("two"), &governance, None)).unwrap();
}

/// The runtime takes a nonce for used only when its instruction comes first.
#[test]
fn what_is_no_nonce_is_not_taken_for_one() {
    let (market, advance) = market(true);
    let governance = market.governance().pubkey();
    // Advanced later: the transaction has an ordinary blockhash.
    let nothing = slots::transfer(&governance, &address("somebody"), 1_000_000);
    sends(&market, &[nothing.clone(), advance, tighten(&market, Role::Governance)], &[]).unwrap();
    // Another instruction of the system program, and one of another program that begins with the same bytes.
    sends(&market, &[nothing, tighten(&market, Role::Governance)], &[]).unwrap();
    let limit = Instruction { program_id: COMPUTE_BUDGET, accounts: vec![], data: vec![4, 0, 0, 0, 1] };
    sends(&market, &[limit, tighten(&market, Role::Governance)], &[]).unwrap();
}

/// Signed today over the nonce, sent a hundred days and many blocks later.
#[test]
fn atk_g01_a_signature_from_the_drawer_works_until_the_market_refuses_it() {
    for refuses in [false, true] {
        let (market, advance) = market(refuses);
        let governance = market.governance();
        let stored = market.account(&address("nonce")).unwrap().data;
        // Version, state, authority, nonce.
        let nonce: [u8; 32] = stored[40..72].try_into().unwrap();
        let cap = market.asset("SOL").deposit_cap;
        let mut message = Message::new(&[advance, tighten(&market, Role::Governance)], Some(&governance.pubkey()));
        message.recent_blockhash = nonce.into();
        let mut signed = Transaction::new_unsigned(message);
        signed.partial_sign(&[&governance], nonce.into());

        market.advances(100 * 86_400);
        market.refreshes_all();
        let sent = market.world_mut().svm.send_transaction(signed);
        if refuses {
            let code = BallastError::DurableNonce.into();
            let expected = TransactionError::InstructionError(1, InstructionError::Custom(code));
            assert_eq!(sent.unwrap_err().err, expected);
            assert_eq!(market.asset("SOL").deposit_cap, cap);
        } else {
            sent.unwrap();
            assert_eq!(market.asset("SOL").deposit_cap, cap - 1);
        }
    }
}
