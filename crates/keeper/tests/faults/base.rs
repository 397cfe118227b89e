//! What is the same at the beginning of every case: a market with lenders, four borrowers, a keeper with tokens, and a change
//! of the market that waits and can be carried out in the middle of the crash.

use ballast_client::{Pubkey, Vault, account};
use ballast_tests::{Fixture, assets};
use litesvm::LiteSVM;
use solana_account::Account;
use solana_instruction::Instruction;

use crate::chain::SYMBOLS;

/// The change can be carried out so many seconds after the beginning.
const DUE_AFTER: u64 = 8;
/// What it sets: the comparisons that a new source of USDT has to pass.
const CHECKS: u64 = 7;

/// A price source.
#[derive(Clone)]
pub struct Oracle {
    pub address: Pubkey,
    pub owner: Pubkey,
    pub feed: [u8; 32],
    pub kind: ballast_client::SourceKind,
}

/// What is the same at the beginning of every case.
#[derive(Clone)]
pub struct Base {
    pub svm: LiteSVM,
    pub market: Pubkey,
    pub vaults: Vec<Pubkey>,
    /// Vault accounts that are not what they seem, for whoever puts them there.
    pub poison: Vec<(Pubkey, Account)>,
    pub oracles: Vec<Oracle>,
    pub refresh: Instruction,
    /// A change that is due a little later.
    pub change: Pubkey,
}

impl Base {
    /// A market with lenders and four borrowers, and a keeper with tokens.
    pub fn new() -> Self {
        use ballast_tests::client::table::Parameter::{MaxAge, SourceChecks};
        let tokens: Vec<_> = SYMBOLS.iter().map(|symbol| assets::token(symbol).with(&[(MaxAge, 600)])).collect();
        let market = Fixture::of(tokens).stocked();
        market.proposes("due", market.values_of("USDT", &[(SourceChecks, CHECKS)])).expect("a change that waits");
        let wait = market.waiting("due").eta - market.now().unsigned_abs() - DUE_AFTER;
        market.advances(i64::try_from(wait).expect("a short wait"));
        market.refreshes_all();
        let mut vaults = Vec::new();
        let borrowers = [
            ("100", "0", "10400", "0"),
            ("200", "0.05", "19000", "2000"),
            ("50", "0", "0", "5150"),
            ("60", "0.2", "9000", "5000"),
        ];
        for (at, (sol, btc, usdc, usdt)) in borrowers.into_iter().enumerate() {
            let deposits = [ballast_tests::sol(sol), ballast_tests::btc(btc)];
            let borrower = market.actor(&format!("borrower {at}"), &deposits);
            for deposit in deposits.into_iter().filter(|money| money.units > 0) {
                borrower.deposits(deposit).expect("a deposit");
            }
            for loan in [ballast_tests::usdc(usdc), ballast_tests::usdt(usdt)] {
                if loan.units > 0 {
                    borrower.borrows(loan).expect("a loan");
                }
            }
            vaults.push(borrower.vault_address());
        }
        let keeper = market.newcomer("keeper");
        for symbol in SYMBOLS {
            keeper.wallet(symbol);
        }
        keeper.is_given(ballast_tests::usdc("200000"));
        keeper.is_given(ballast_tests::usdt("200000"));
        let poison = poison(&market, &vaults);
        let oracle = |symbol: &&str| {
            let token = market.token(symbol);
            let kind = token.listing.source_kind;
            Oracle { address: token.oracle, owner: token.oracle_program(), feed: token.feed(), kind }
        };
        let svm = market.world().svm.clone().with_blockhash_check(false).with_sigverify(false);
        Self {
            svm,
            market: market.market_address(),
            vaults,
            poison,
            oracles: SYMBOLS.iter().map(oracle).collect(),
            refresh: market.refresh_instruction(&SYMBOLS),
            change: market.change("due"),
        }
    }
}

/// Accounts of the program of the size of a vault of this market that are none: another type, another version, positions that
/// cannot be, and an asset that is not listed.
fn poison(market: &Fixture, vaults: &[Pubkey]) -> Vec<(Pubkey, Account)> {
    let good = market.account(&vaults[0]).expect("a vault");
    let changed = |name: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let mut account = good.clone();
        change(&mut account.data);
        (ballast_tests::address(name), account)
    };
    let with = |change: &dyn Fn(&mut Vault)| {
        let mut vault = market.vault(&vaults[0]);
        change(&mut vault);
        account::encode(&vault)
    };
    vec![
        changed("poisoned type", &|data| data[3] ^= 0xff),
        changed("poisoned version", &|data| data[8] = 77),
        changed("poisoned order", &|data| *data = with(&|vault| vault.positions.swap(0, 1))),
        changed("poisoned asset", &|data| *data = with(&|vault| vault.positions[1].asset = 60)),
        changed("poisoned count", &|data| *data = with(&|vault| vault.position_count = 255)),
    ]
}
