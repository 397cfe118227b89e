//! What a source of accounts delivers, whichever it is: polling, websocket or gRPC.

use ballast_client::Pubkey;

/// An account as a node says it is. Nothing of it is verified: whoever uses it checks owner, type, size and market.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    pub address: Pubkey,
    pub owner: Pubkey,
    /// `None`: there is no such account any more.
    pub data: Option<Vec<u8>>,
    /// The slot in which the node saw it.
    pub slot: u64,
}
