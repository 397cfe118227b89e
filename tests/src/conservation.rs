//! Counting: every token and every share on the network, to the unit.

use std::collections::HashMap;

use ballast_client::account::TokenAccount;
use ballast_client::{ID, Market, Pubkey, Vault, account, token};

use crate::fixture::Fixture;
use crate::token22::{withheld_in_account, withheld_in_mint};
use crate::world::World;

/// The mint of wrapped SOL.
const NATIVE_MINT: Pubkey = Pubkey::from_str_const("So11111111111111111111111111111111111111112");

impl Fixture {
    /// Panics unless all books balance. Runs by itself when the fixture goes out of scope.
    pub fn conservation(&self) {
        self.world().conservation();
    }
}

impl World {
    pub fn conservation(&self) {
        let accounts = self.svm.get_program_accounts(&ID);
        let vaults: Vec<_> =
            accounts.iter().filter_map(|(_, found)| account::vault(&found.owner, &found.data).ok()).collect();
        for (address, found) in &accounts {
            if let Ok(market) = account::market(&found.owner, &found.data) {
                let of_market = vaults.iter().filter(|vault| vault.market == *address);
                self.market_conserves(&market, &of_market.collect::<Vec<_>>());
            }
        }
        self.supply_is_constant();
    }

    fn market_conserves(&self, market: &Market, vaults: &[&Vault]) {
        for vault in vaults {
            is_packed(vault, market.asset_count);
        }
        for (index, asset) in market.listed().iter().enumerate() {
            let shares = |side: u8| {
                let positions = vaults.iter().flat_map(|vault| vault.used());
                let of_asset = positions.filter(|held| usize::from(held.asset) == index && held.side == side);
                of_asset.map(|held| u128::from(held.shares)).sum::<u128>()
            };
            assert_eq!(shares(0), u128::from(asset.deposit_shares), "deposit shares of asset {index}");
            assert_eq!(shares(1), u128::from(asset.debt_shares), "debt shares of asset {index}");
            asset.pool().reserve_floor().unwrap_or_else(|_| panic!("INV-01: the pool of asset {index} is insolvent"));
            let donated = self.donated.get(&asset.custody).copied().unwrap_or(0);
            let custody = self.svm.get_account(&asset.custody).expect("a custody account");
            let held = account::token(&custody.owner, &custody.data).expect("a token account");
            assert_eq!((held.owner, held.mint), (market.authority, asset.mint), "custody of asset {index}");
            assert_eq!(held.amount, asset.cash + donated, "INV-02: custody of asset {index} is its cash");
        }
    }

    /// Nothing creates or destroys tokens: all accounts of a mint add up to its supply.
    fn supply_is_constant(&self) {
        let mut totals: HashMap<Pubkey, u128> = HashMap::new();
        for program in [token::SPL_TOKEN, token::TOKEN_2022] {
            for (_, found) in self.svm.get_program_accounts(&program) {
                if let Ok(TokenAccount { mint, amount, .. }) = account::token(&found.owner, &found.data) {
                    // A transfer fee stays in the account that received the rest, beside its amount.
                    *totals.entry(mint).or_default() +=
                        u128::from(amount) + u128::from(withheld_in_account(&found.data));
                }
            }
        }
        // Wrapped SOL has no supply of its own: its tokens are lamports.
        for token in self.tokens().filter(|token| token.mint != NATIVE_MINT) {
            let mint = self.svm.get_account(&token.mint).expect("a mint");
            let supply = account::mint(&mint.owner, &mint.data).expect("a mint").supply;
            let total = totals.get(&token.mint).copied().unwrap_or(0) + u128::from(withheld_in_mint(&mint.data));
            assert_eq!(total, u128::from(supply), "tokens of {}", token.symbol);
        }
    }
}

/// Positions are sorted, each asset once, none empty, nothing behind them.
fn is_packed(vault: &Vault, assets: u8) {
    let used = vault.used();
    assert_eq!(used.len(), usize::from(vault.position_count));
    assert!(used.windows(2).all(|pair| pair[0].asset < pair[1].asset), "positions are sorted by asset, each once");
    for held in used {
        assert!(held.shares > 0 && held.side <= 1 && held.asset < assets, "a position in use: {held:?}");
    }
    let rest = &vault.positions[used.len()..];
    assert!(bytemuck::cast_slice::<_, u8>(rest).iter().all(|byte| *byte == 0), "nothing behind the last position");
}
