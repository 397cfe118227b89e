//! What the liquidator has to pay with.

use std::collections::BTreeMap;

use ballast_client::{Asset, Fee};

/// What the liquidator has of one asset, and what its mint allows.
#[derive(Clone, Copy, Debug)]
pub struct Token {
    /// Native units in the associated token account.
    pub amount: u64,
    /// Whether that account exists. If not, whoever wants to receive something in it creates it first.
    pub exists: bool,
    /// What a transfer costs now ([`Fee::of`] the mint). `None`: the tokens do not move, or nobody has asked the mint.
    pub fee: Option<Fee>,
}

/// The tokens of the liquidator, by the index of the asset in the market.
#[derive(Clone, Debug, Default)]
pub struct Purse {
    tokens: BTreeMap<u8, Token>,
}

impl Purse {
    pub fn set(&mut self, asset: u8, token: Token) {
        self.tokens.insert(asset, token);
    }

    /// What there is of an asset. Where nothing is known, a token of the first token program has no fee, and of the
    /// second one nothing moves until its mint has been asked.
    pub fn token(&self, asset: u8, record: &Asset) -> Token {
        let unknown = Token { amount: 0, exists: false, fee: (record.token_program == 0).then(Fee::default) };
        self.tokens.get(&asset).copied().unwrap_or(unknown)
    }
}

impl Token {
    /// The most that can arrive at somebody else's, native units.
    pub fn most(&self) -> u64 {
        self.fee.and_then(|fee| fee.arrives_floor(self.amount).ok()).unwrap_or(0)
    }

    /// What has to be sent so that this much arrives, if there is as much.
    pub fn sent(&self, arrives: u64) -> Option<u64> {
        let sent = self.fee?.payment(arrives).ok()?.sent;
        (sent <= self.amount).then_some(sent)
    }

    /// What arrives here of what somebody else sends.
    pub fn received(&self, sent: u64) -> Option<u64> {
        self.fee?.arrives_floor(sent).ok()
    }
}
