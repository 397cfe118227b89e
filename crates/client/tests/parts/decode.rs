//! Every instruction of the program has a builder, and what is built is read back by the committed description.

use std::collections::BTreeSet;

use ballast_client::decode::{Decoded, instruction};
use ballast_client::instruction::{self as build, MarketRef};
use ballast_client::model::Drafting;
use ballast_client::{Edit, Guard, Market, Pausable, Proposal, Pubkey, Role, Scopes, change};
use serde_json::{Value, json};
use solana_instruction::Instruction;

const fn key(byte: u8) -> Pubkey {
    Pubkey::new_from_array([byte; 32])
}

const MARKET: Pubkey = key(1);
const OWNER: Pubkey = key(2);
const VAULT: Pubkey = key(3);
const OTHER: Pubkey = key(4);

/// A market of two assets.
fn market() -> Box<Market> {
    let mut market: Box<Market> = bytemuck::allocation::zeroed_box();
    (market.version, market.asset_count, market.authority) = (1, 2, key(9));
    for (asset, byte) in market.assets.iter_mut().zip([20, 30]) {
        (asset.mint, asset.custody) = (key(byte), key(byte + 1));
    }
    market
}

fn caps() -> Proposal {
    Proposal::Parameters { asset: Some(1), edits: vec![Edit { parameter: 0, from: 5, to: u64::MAX }], ramp: 86_400 }
}

/// One of each, by all builders.
fn all(market: &Market) -> Vec<Instruction> {
    let guard = Guard { least_margin_bps: Some(12_000), deadline_slot: Some(77) };
    let own = MarketRef::new(MARKET, market).guarded(guard);
    let draft = Drafting { market: MARKET, author: OWNER, draft: OTHER };
    let mut all = vec![
        own.deposit(&OWNER, &VAULT, 0, 1),
        own.repay(&OWNER, &VAULT, 1, 2),
        own.withdraw(&OWNER, &VAULT, 0, None),
        own.borrow(&OWNER, &VAULT, 1, u64::MAX),
        own.liquidate(&OWNER, &VAULT, 1, 0, 3),
        own.liquidate_into(&OWNER, &VAULT, &OTHER, 1, 0, 4),
        own.fund_reserve(&OWNER, 1, 5),
        own.seize(&OWNER, &VAULT, 0, 6),
        own.transfer_vault(&OWNER, &VAULT, OTHER),
        own.accept_vault(&OTHER, &VAULT),
        own.absorb_bad_debt(&VAULT),
        own.view_health(&VAULT),
        build::refresh_prices(&MARKET, &[(0, key(50), None), (1, key(51), Some(key(52)))]),
        build::observe_candidate(&MARKET, 1, &key(50)),
        build::open_vault(&OWNER, &OTHER, &MARKET, 300),
        build::close_vault(&OWNER, &VAULT, &OTHER),
        build::set_delegate(&OWNER, &VAULT, OTHER, Scopes::default(), 1_800_000_000),
        build::list_asset(
            &OWNER,
            &OTHER,
            &MARKET,
            &key(20),
            &ballast_client::token::SPL_TOKEN,
            *b"SOL\0\0\0\0\0\0\0\0\0\0\0\0\0",
        ),
        change::apply(&OWNER, &MARKET, None, caps()),
        change::execute(&MARKET, &OTHER, &OWNER, Some(key(8))),
        change::cancel(&OWNER, &MARKET, &OTHER, &OWNER),
        change::accept_role(&OWNER, &MARKET, Role::Guardian),
        change::open_market(&OWNER, &MARKET),
        change::pause(&OWNER, &MARKET, Pausable::Asset(1), 3_600),
        change::resume(&OWNER, &MARKET, Pausable::Withdraw),
        change::confirm_risk_model(&OWNER, &MARKET),
        draft.close(),
    ];
    all.extend(own.flash_loan(&OWNER, 0, 7));
    all.extend(own.receivership(&OWNER, &VAULT));
    all.extend(draft.write_loadings(&[[1, -2, 3, 4, 5, 6, 7]]));
    all.extend(draft.write_shocks(&[[-1, 2, 3, 4, 5, 6, 7, 8]]));
    // The first of these creates the account.
    let [_, created] = build::create_market(&OWNER, &MARKET, [OWNER, OTHER, key(7)], 1);
    let [_, proposed] = change::propose(&OWNER, &OWNER, &MARKET, &OTHER, 1, caps());
    let [_, opened] = draft.open(1);
    all.extend([created, proposed, opened]);
    all
}

fn described() -> Value {
    serde_json::from_str(include_str!("../../../../idl/ballast.json")).unwrap()
}

#[test]
fn every_instruction_has_a_builder_and_is_decoded() {
    let (market, idl) = (market(), described());
    let mut seen = BTreeSet::new();
    for built in all(&market) {
        let decoded = instruction(&built).unwrap();
        let known = idl["instructions"].as_array().unwrap().iter().find(|known| known["name"] == decoded.name).unwrap();
        let (accounts, arguments) = (known["accounts"].as_array().unwrap(), known["args"].as_array().unwrap());
        assert_eq!(decoded.arguments.as_object().unwrap().len(), arguments.len(), "{}", decoded.name);
        for (known, (name, found)) in accounts.iter().zip(&decoded.accounts) {
            assert_eq!(known["name"], name.as_str());
            assert!(found.is_some() || known["optional"] == true, "{}: {name}", decoded.name);
        }
        assert!(decoded.accounts.len() >= accounts.len());
        seen.insert(decoded.name);
    }
    let names = idl["instructions"].as_array().unwrap().iter().map(|known| known["name"].as_str().unwrap().to_owned());
    assert_eq!(seen, names.collect());
}

/// The one instruction of a name.
fn decoded(name: &str) -> Decoded {
    let all = all(&market()).into_iter().filter_map(|built| instruction(&built).ok());
    all.into_iter().find(|decoded| decoded.name == name).unwrap()
}

#[test]
fn arguments_are_read_by_their_names() {
    let borrow = decoded("borrow");
    let guard = json!({ "least_margin_bps": 12_000, "deadline_slot": "77" });
    assert_eq!(borrow.arguments, json!({ "asset": 1, "amount": u64::MAX.to_string(), "guard": guard }));
    assert_eq!((borrow.account("vault"), borrow.account("nobody"), borrow.assets()), (Some(VAULT), None, vec![1]));
    assert_eq!(decoded("withdraw").arguments["amount"], Value::Null);
    assert_eq!(decoded("pause").arguments["paused"], json!({ "Asset": 1 }));
    assert_eq!(decoded("pause").assets(), [1]);
    assert_eq!(decoded("refresh_prices").assets(), [0, 1]);
    assert_eq!(decoded("liquidate").assets(), [1, 0]);
    let edits = json!([{ "parameter": 0, "from": "5", "to": u64::MAX.to_string() }]);
    let proposal = json!({ "Parameters": { "asset": 1, "edits": edits, "ramp": 86_400 } });
    for name in ["apply_change", "propose_change"] {
        assert_eq!(decoded(name).arguments["proposal"], proposal, "{name}");
    }
}

#[test]
fn an_optional_account_that_is_left_out_is_none() {
    assert_eq!(decoded("apply_change").account("draft"), None);
    assert_eq!(decoded("execute_change").account("draft"), Some(key(8)));
}

#[test]
fn oracle_accounts_are_numbered() {
    let names: Vec<_> = decoded("refresh_prices").accounts.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["market", "oracle 1", "oracle 2", "oracle 3"]);
}

#[test]
fn every_byte_and_every_account_counts() {
    let market = market();
    let good = MarketRef::new(MARKET, &market).borrow(&OWNER, &VAULT, 1, 5);
    let why = |change: &dyn Fn(&mut Instruction)| {
        let mut bad = good.clone();
        change(&mut bad);
        instruction(&bad).unwrap_err()
    };
    assert_eq!(why(&|bad| bad.data.push(0)), "borrow: 1 bytes are left over");
    assert_eq!(why(&|bad| bad.data.truncate(12)), "borrow: the bytes end too early");
    assert_eq!(why(&|bad| bad.data[0] ^= 1), "no instruction of this program begins with these bytes");
    assert_eq!(why(&|bad| bad.accounts.truncate(3)), "borrow: 3 accounts are named instead of 8");
    assert_eq!(why(&|bad| bad.accounts.push(bad.accounts[0].clone())), "borrow: 9 accounts are named instead of 8");
    assert_eq!(why(&|bad| bad.accounts[0].is_signer = false), "borrow: signer has to sign and does not");
    assert_eq!(why(&|bad| bad.accounts[1].is_writable = false), "borrow: market has to be writable and is not");
    assert_eq!(why(&|bad| bad.program_id = Pubkey::default()), "the instruction is one of System Program");
}
