//! The accounts that prices are read from, found for the sources of a market.

use ballast_client::account::{self, Clock};
use ballast_client::local::PRICE_UPDATE_SPACE;
use ballast_client::oracle::{Oracle, Place, Verdict, place, refreshed};
use ballast_client::{Market, Pubkey, Source};
use ballast_cluster::connection::Connection;

use crate::failure::Failure;

/// Where the feed id stands in a price update that is fully verified: behind discriminator, authority and the level of
/// the verification, which has one byte then.
const FEED_OFFSET: usize = 41;
/// Where the publish time stands in it: behind feed id, price, confidence and exponent.
const PUBLISHED_OFFSET: usize = FEED_OFFSET + 32 + 8 + 8 + 4;

/// An asset with the accounts of its sources, as far as there are any.
pub struct Sourced {
    pub asset: u8,
    pub oracles: [Option<Oracle>; 2],
    /// That of the candidate, if there is one.
    pub candidate: Option<Oracle>,
}

impl Sourced {
    /// As `refresh_prices` takes it; `None` where an account is missing.
    pub fn accounts(&self, market: &Market) -> Option<(u8, Pubkey, Option<Pubkey>)> {
        let [first, second] = self.oracles.each_ref().map(|oracle| oracle.as_ref().map(|oracle| oracle.address));
        let needed = !market.assets.get(usize::from(self.asset))?.sources[1].is_none();
        match second {
            None if needed => None,
            second => Some((self.asset, first?, second.filter(|_| needed))),
        }
    }
}

/// The cluster's clock, as the program sees it.
///
/// # Errors
/// [`Failure::Rpc`].
pub async fn clock(connection: &Connection) -> Result<Clock, Failure> {
    let found = connection.account(&account::CLOCK).await?;
    let found = found.ok_or_else(|| Failure::Rpc(anyhow::anyhow!("the node has no clock")))?;
    account::clock(&found.owner, &found.data).map_err(|error| Failure::Rpc(error.into()))
}

/// The accounts of some assets. `given` ones are tried before any that are looked for.
///
/// # Errors
/// [`Failure::Rpc`].
pub async fn find(
    connection: &Connection,
    market: &Market,
    assets: &[u8],
    given: &[Pubkey],
) -> Result<Vec<Sourced>, Failure> {
    let given = read(connection, given).await?;
    let mut found = vec![];
    for asset in assets {
        let Some(record) = market.listed().get(usize::from(*asset)) else { continue };
        let [first, second] = &record.sources;
        found.push(Sourced {
            asset: *asset,
            oracles: [of_source(connection, first, &given).await?, of_source(connection, second, &given).await?],
            candidate: of_source(connection, &record.candidate, &given).await?,
        });
    }
    Ok(found)
}

async fn read(connection: &Connection, addresses: &[Pubkey]) -> Result<Vec<Oracle>, Failure> {
    if addresses.is_empty() {
        return Ok(vec![]);
    }
    let found = connection.accounts(addresses).await?.accounts;
    let oracles = addresses.iter().zip(found).filter_map(|(address, raw)| {
        let raw = raw?;
        Some(Oracle { address: *address, owner: raw.owner, data: raw.data })
    });
    Ok(oracles.collect())
}

async fn of_source(connection: &Connection, source: &Source, given: &[Oracle]) -> Result<Option<Oracle>, Failure> {
    match place(source) {
        Place::Nowhere => Ok(None),
        Place::At(address) => Ok(read(connection, &[address]).await?.pop()),
        Place::Update { receiver, feed } => {
            let of_feed = |oracle: &&Oracle| oracle.owner == receiver && feed_of(&oracle.data) == Some(feed);
            if let Some(oracle) = given.iter().find(of_feed) {
                return Ok(Some(oracle.clone()));
            }
            let wanted = (FEED_OFFSET, &feed[..]);
            let found = connection.program_accounts(&receiver, PRICE_UPDATE_SPACE, wanted).await?.accounts;
            let oracles = found.into_iter().map(|(address, raw)| Oracle { address, owner: raw.owner, data: raw.data });
            // Sponsored feeds and everybody else's updates alike: the newest is what a refresh wants.
            Ok(oracles.filter(|oracle| of_feed(&oracle)).max_by_key(|oracle| (published(&oracle.data), oracle.address)))
        }
    }
}

fn feed_of(data: &[u8]) -> Option<[u8; 32]> {
    data.get(FEED_OFFSET..)?.first_chunk().copied()
}

fn published(data: &[u8]) -> Option<i64> {
    data.get(PUBLISHED_OFFSET..)?.first_chunk().copied().map(i64::from_le_bytes)
}

/// What a refresh of an asset would do.
///
/// # Errors
/// `AssetUnknown`.
pub fn verdict(market: &Market, sourced: &Sourced, clock: &Clock) -> Result<(Verdict, Box<Market>), Failure> {
    let [first, second] = sourced.oracles.each_ref().map(Option::as_ref);
    Ok(refreshed(market, sourced.asset, [first, second], clock)?)
}
