//! Seeds of the program's addresses.

/// `["authority", market]`: owner of the custody accounts.
pub const AUTHORITY: &[u8] = b"authority";
/// `["custody", market, mint]`: token account of an asset.
pub const CUSTODY: &[u8] = b"custody";
/// `["vault", market, owner, id]`: a vault.
pub const VAULT: &[u8] = b"vault";
