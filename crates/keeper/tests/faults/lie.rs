//! What a node says that is not so.

use solana_client::rpc_request::RpcRequest;

/// What a node that lies says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lie {
    /// Accounts belong to another program.
    Owner,
    /// Accounts lack their end.
    Truncated,
    /// Answers are as of a slot long ago.
    StaleSlot,
    /// Answers are as of a slot that is yet to come.
    FutureSlot,
    /// It is of another cluster.
    Genesis,
    /// There are no vaults.
    NoVaults,
    /// The market is another account.
    NoMarket,
    /// Every simulation fails.
    Refusals,
    /// Every transaction has landed.
    Landed,
    /// The blockhash is invented, and good for one block.
    Blockhash,
    /// The cluster's clock is of a slot and a year that are yet to come.
    Clock,
    /// Answers are of another type.
    Garbage,
}

pub const LIES: [Lie; 12] = [
    Lie::Owner,
    Lie::Truncated,
    Lie::StaleSlot,
    Lie::FutureSlot,
    Lie::Genesis,
    Lie::NoVaults,
    Lie::NoMarket,
    Lie::Refusals,
    Lie::Landed,
    Lie::Blockhash,
    Lie::Clock,
    Lie::Garbage,
];

impl Lie {
    /// Whether it is told in answer to a request.
    pub fn concerns(self, request: RpcRequest) -> bool {
        use RpcRequest as R;
        match self {
            Self::Owner | Self::Truncated => matches!(request, R::GetMultipleAccounts | R::GetProgramAccounts),
            Self::StaleSlot | Self::FutureSlot => {
                matches!(request, R::GetMultipleAccounts | R::GetProgramAccounts | R::SimulateTransaction)
            }
            Self::Genesis => request == R::GetGenesisHash,
            Self::NoVaults => request == R::GetProgramAccounts,
            Self::NoMarket | Self::Clock => request == R::GetMultipleAccounts,
            Self::Refusals => request == R::SimulateTransaction,
            Self::Landed => request == R::GetSignatureStatuses,
            Self::Blockhash => request == R::GetLatestBlockhash,
            Self::Garbage => request != R::SendTransaction,
        }
    }
}
