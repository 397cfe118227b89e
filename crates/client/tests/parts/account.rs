//! Nothing is decoded that is not what it is asked for.

use ballast_client::account::{self, CLOCK, Clock, DecodeError, Mint, SYSVAR, TokenAccount};
use ballast_client::token::{SPL_TOKEN, TOKEN_2022};
use ballast_client::{Change, Draft, ID, Market, Pubkey, Vault, local};
use bytemuck::Zeroable;

const STRANGER: Pubkey = Pubkey::new_from_array([9; 32]);

/// A vault of layout version 1.
fn vault() -> Vec<u8> {
    let mut vault = Vault::zeroed();
    vault.version = 1;
    vault.id = 77;
    account::encode(&vault)
}

/// Decodes the same bytes as each of the program's types, and returns what went wrong.
fn refusals(owner: &Pubkey, data: &[u8]) -> [Option<DecodeError>; 4] {
    [
        account::market(owner, data).err(),
        account::vault(owner, data).err(),
        account::draft(owner, data).err(),
        account::change(owner, data).err(),
    ]
}

#[test]
fn an_account_of_the_program_is_decoded() {
    assert_eq!(account::vault(&ID, &vault()).unwrap().id, 77);
    let mut market: Box<Market> = bytemuck::allocation::zeroed_box();
    (market.version, market.asset_count) = (1, 3);
    assert_eq!(account::market(&ID, &account::encode(&*market)).unwrap().asset_count, 3);
    let mut draft: Box<Draft> = bytemuck::allocation::zeroed_box();
    (draft.version, draft.author) = (1, STRANGER);
    assert_eq!(account::draft(&ID, &account::encode(&*draft)).unwrap().author, STRANGER);
    let mut change: Box<Change> = bytemuck::allocation::zeroed_box();
    (change.version, change.eta) = (1, 5);
    assert_eq!(account::change(&ID, &account::encode(&*change)).unwrap().eta, 5);
}

#[test]
fn an_account_of_another_owner_is_refused_whatever_it_contains() {
    let errors = refusals(&STRANGER, &vault());
    for (error, kind) in errors.into_iter().zip(["market", "vault", "draft", "change"]) {
        let error = error.unwrap();
        assert!(matches!(error, DecodeError::Owner { found: STRANGER, .. }));
        let message = format!("not a {kind}: the account is owned by {STRANGER} instead of {ID}");
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn an_account_of_another_type_is_named() {
    let [market, own, draft, change] = refusals(&ID, &vault());
    assert_eq!(own, None);
    for (error, kind) in [(market, "market"), (draft, "draft"), (change, "change")] {
        assert_eq!(error.unwrap().to_string(), format!("not a {kind}: the account is a vault"));
    }
}

#[test]
fn bytes_of_no_type_at_all_are_refused() {
    for data in [vec![], vec![1; 7], vec![0; Vault::SPACE], vec![0xff; Market::SPACE]] {
        for (error, kind) in refusals(&ID, &data).into_iter().zip(["market", "vault", "draft", "change"]) {
            assert_eq!(error, Some(DecodeError::Discriminator { kind, found: None }), "{} bytes", data.len());
        }
    }
}

#[test]
fn an_account_of_another_size_is_refused() {
    let good = vault();
    for size in [8, 9, Vault::SPACE - 1, Vault::SPACE + 1] {
        let mut data = good.clone();
        data.resize(size, 0);
        let error = account::vault(&ID, &data).unwrap_err();
        assert_eq!(error, DecodeError::Size { kind: "vault", expected: 720, found: size });
    }
}

#[test]
fn an_account_of_another_version_is_refused() {
    for version in [0, 2, 255] {
        let mut data = vault();
        data[8] = version;
        let error = account::vault(&ID, &data).unwrap_err();
        assert_eq!(error, DecodeError::Version { kind: "vault", expected: 1, found: version });
        assert!(error.to_string().contains(&format!("layout version {version}")), "{error}");
    }
}

#[test]
fn token_accounts_of_both_programs_are_decoded() {
    let (mint, owner) = (Pubkey::new_from_array([1; 32]), Pubkey::new_from_array([2; 32]));
    for program in [SPL_TOKEN, TOKEN_2022] {
        let data = local::token_account(&mint, &owner, 1_234);
        let expected = TokenAccount { program, mint, owner, amount: 1_234, frozen: false };
        assert_eq!(account::token(&program, &data), Ok(expected));
        let mut frozen = data.clone();
        frozen[108] = 2;
        assert_eq!(account::token(&program, &frozen), Ok(TokenAccount { frozen: true, ..expected }));
    }
}

#[test]
fn a_token_account_with_extensions_is_one_of_token_2022() {
    let mut data = local::token_account(&STRANGER, &STRANGER, 7);
    data.extend([2, 0, 0, 0]);
    assert_eq!(account::token(&TOKEN_2022, &data).unwrap().amount, 7);
    assert_eq!(
        account::token(&SPL_TOKEN, &data),
        Err(DecodeError::Size { kind: "token account", expected: 165, found: 169 })
    );
    // The byte behind it says mint.
    data[165] = 1;
    assert_eq!(
        account::token(&TOKEN_2022, &data),
        Err(DecodeError::Content { kind: "token account", found: "a mint" })
    );
    // A multisignature account has a size of its own, whatever stands in it.
    data[165] = 2;
    data.resize(355, 0);
    assert!(matches!(account::token(&TOKEN_2022, &data), Err(DecodeError::Size { found: 355, .. })));
}

#[test]
fn what_is_no_token_account_is_refused() {
    let good = local::token_account(&STRANGER, &STRANGER, 7);
    let owner = account::token(&STRANGER, &good).unwrap_err();
    assert!(matches!(owner, DecodeError::Owner { found: STRANGER, .. }));
    assert!(owner.to_string().ends_with(&format!("instead of {SPL_TOKEN} or {TOKEN_2022}")), "{owner}");
    for size in [0, 64, 82, 164, 166] {
        let mut data = good.clone();
        data.resize(size, 0);
        assert!(matches!(account::token(&SPL_TOKEN, &data), Err(DecodeError::Size { .. })), "{size}");
    }
    let mut empty = good;
    empty[108] = 0;
    let error = account::token(&SPL_TOKEN, &empty).unwrap_err();
    assert_eq!(error.to_string(), "not a token account: the account is not initialised");
}

#[test]
fn mints_of_both_programs_are_decoded() {
    for program in [SPL_TOKEN, TOKEN_2022] {
        let data = local::mint(&STRANGER, 9, 55);
        assert_eq!(account::mint(&program, &data), Ok(Mint { program, decimals: 9, supply: 55 }));
    }
    let mut extended = local::mint(&STRANGER, 6, 1);
    extended.resize(165, 0);
    assert!(account::mint(&TOKEN_2022, &extended).is_err());
    extended.extend([1, 0]);
    assert_eq!(account::mint(&TOKEN_2022, &extended), Ok(Mint { program: TOKEN_2022, decimals: 6, supply: 1 }));
    extended[165] = 2;
    assert_eq!(
        account::mint(&TOKEN_2022, &extended).unwrap_err().to_string(),
        "not a mint: the account is a token account"
    );
    extended[165] = 1;
    extended[45] = 0;
    assert!(matches!(account::mint(&TOKEN_2022, &extended), Err(DecodeError::Content { .. })));
    let token = local::token_account(&STRANGER, &STRANGER, 7);
    assert!(matches!(account::mint(&SPL_TOKEN, &token), Err(DecodeError::Size { expected: 82, found: 165, .. })));
}

/// Slot, start of the epoch, epoch, epoch of the leader schedule, unix time.
fn clock(unix: i64) -> Vec<u8> {
    [7u64.to_le_bytes(), [0; 8], 3u64.to_le_bytes(), 4u64.to_le_bytes(), unix.to_le_bytes()].concat()
}

#[test]
fn the_clock_is_the_clusters() {
    let now = 1_795_372_800;
    assert_eq!(account::clock(&SYSVAR, &clock(now)), Ok(Clock { unix: now.unsigned_abs(), slot: 7, epoch: 3 }));
    // As the program counts it.
    assert_eq!(account::clock(&SYSVAR, &clock(-1)).unwrap().unix, 0);
    assert!(matches!(account::clock(&CLOCK, &clock(now)), Err(DecodeError::Owner { .. })));
    assert!(matches!(account::clock(&SYSVAR, &clock(now)[..39]), Err(DecodeError::Size { found: 39, .. })));
}
