//! A market of the chain as a definition that could create it again.

use ballast_client::change::{market_value, value};
use ballast_client::table::Scope;
use ballast_client::{Asset, Market, Pubkey, Source};

use super::file::{AssetFile, File, Roles, SourceFile};
use super::model::{Row, Terms};
use super::{Cluster, Origin, values};
use crate::text::printable;

/// Everything about a market but its money.
pub fn export(market: &Market, name: &str, cluster: Cluster, address: Pubkey) -> File {
    let [governance, guardian, steward] = market
        .roles
        .map(|holder| Some(if holder == Pubkey::default() { "none".to_owned() } else { holder.to_string() }));
    File {
        market: name.to_owned(),
        cluster: Some(cluster),
        address: Some(address.to_string()),
        open: Some(!market.in_setup()),
        roles: Roles { governance, guardian, steward },
        parameters: values::write(Scope::Market, 0, |parameter| market_value(market, parameter)),
        model: Terms::of(market),
        classes: Default::default(),
        assets: market.listed().iter().map(|asset| exported(market, asset)).collect(),
    }
}

fn exported(market: &Market, asset: &Asset) -> AssetFile {
    let source = |source: &Source| (!source.is_none()).then(|| SourceFile::of(&origin(market, source)));
    let [first, second] = &asset.sources;
    let Row { loadings, specific, shocks } = Row::of(market, asset);
    AssetFile {
        name: text_of(&asset.name),
        mint: Some(asset.mint.to_string()),
        decimals: Some(asset.decimals),
        token_program: (asset.token_program != 0).then(|| "token-2022".to_owned()),
        class: None,
        source: source(first),
        second_source: source(second),
        loadings,
        specific,
        shocks,
        parameters: values::write(Scope::Asset, asset.decimals, |parameter| value(asset, parameter)),
    }
}

/// A source of the chain as it is written.
pub fn origin(market: &Market, source: &Source) -> Origin {
    let pool = source.kind() == ballast_client::SourceKind::StakePool;
    let base = market.listed().get(usize::from(source.base)).filter(|_| pool);
    Origin { kind: source.kind(), key: source.key, base: base.map(|asset| text_of(&asset.name)) }
}

/// A zero-padded name of the chain. Anybody's market may hold any bytes: what a terminal would obey is written out.
pub fn text_of(padded: &[u8]) -> String {
    let end = padded.iter().position(|byte| *byte == 0).unwrap_or(padded.len());
    printable(&String::from_utf8_lossy(padded.get(..end).unwrap_or(padded)))
}
