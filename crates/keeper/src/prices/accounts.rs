//! Which accounts the sources of a market are read from.

use std::collections::BTreeMap;

pub use ballast_client::oracle::sponsored;
use ballast_client::oracle::{Place, place};
use ballast_client::{Asset, Market, Pubkey, Source};

use super::name;

/// The accounts of one asset: of its sources, and of the source that is to replace one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accounts {
    pub sources: [Option<Pubkey>; 2],
    pub candidate: Option<Pubkey>,
}

impl Accounts {
    /// `named`: those of the configuration, which count where a source names a feed.
    pub fn of(asset: &Asset, named: [Option<Pubkey>; 2]) -> Self {
        let [first, second] = asset.sources;
        let [first_named, second_named] = named;
        Self { sources: [at(&first, first_named), at(&second, second_named)], candidate: at(&asset.candidate, None) }
    }

    /// Those of all listed assets, in their order. `named` by the name of the asset.
    pub fn of_market(market: &Market, named: &BTreeMap<String, [Option<Pubkey>; 2]>) -> Vec<Self> {
        let of = |asset: &Asset| Self::of(asset, named.get(&name(&asset.name)).copied().unwrap_or_default());
        market.listed().iter().map(of).collect()
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = Pubkey> {
        self.sources.into_iter().chain([self.candidate]).flatten()
    }
}

fn at(source: &Source, named: Option<Pubkey>) -> Option<Pubkey> {
    match place(source) {
        Place::Nowhere => None,
        Place::At(address) => Some(address),
        Place::Update { receiver, feed } => named.or_else(|| sponsored(&receiver, &feed)),
    }
}
