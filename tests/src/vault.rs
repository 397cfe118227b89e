//! Vaults that nobody has opened: for whoever reads accounts and not the program.

use ballast_client::{MAX_POSITIONS, Position, Pubkey, Vault};

const EMPTY: Position = Position { shares: 0, asset: 0, side: 0, padding: [0; 6] };

/// A vault of a market with these positions, as an account of its own: asset, whether it is owed, shares. Sorted by asset.
pub fn holding(market: &Pubkey, positions: &[(u8, bool, u64)]) -> Vault {
    let mut vault = Vault {
        version: 1,
        bump: 255,
        position_count: u8::try_from(positions.len()).expect("few positions"),
        padding: [0; 3],
        id: 0,
        market: *market,
        owner: Pubkey::default(),
        positions: [EMPTY; MAX_POSITIONS],
        delegate: Pubkey::default(),
        delegate_until: 0,
        delegate_scopes: 0,
        more_padding: [0; 7],
        named: Pubkey::default(),
        reserved: [0; 6],
    };
    for (slot, (asset, owed, shares)) in vault.positions.iter_mut().zip(positions) {
        *slot = Position { shares: *shares, asset: *asset, side: u8::from(*owed), padding: [0; 6] };
    }
    vault
}
