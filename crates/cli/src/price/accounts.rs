//! The accounts that prices are read from, found for the sources of a market.

use ballast_client::account::{self, Clock};
use ballast_client::local::PRICE_UPDATE_SPACE;
use ballast_client::oracle::{Oracle, Place, Verdict, place, refreshed, sponsored};
use ballast_client::{Asset, Market, Pubkey, Source};
use ballast_cluster::connection::Connection;

use crate::failure::Failure;
use crate::output::note;

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
    clock: &Clock,
) -> Result<Vec<Sourced>, Failure> {
    let records = || assets.iter().filter_map(|asset| Some((*asset, market.listed().get(usize::from(*asset))?)));
    let mut addresses: Vec<Pubkey> = records().flat_map(|(_, record)| sources(record)).filter_map(address).collect();
    addresses.sort_unstable();
    addresses.dedup();
    let (given, known) = (read(connection, given).await?, read(connection, &addresses).await?);
    let search = Search { connection, given, known, now: clock.unix };
    let mut found = vec![];
    for (asset, record) in records() {
        let [first, second, candidate] = sources(record);
        found.push(Sourced {
            asset,
            oracles: [search.of_source(record, first).await?, search.of_source(record, second).await?],
            candidate: search.of_source(record, candidate).await?,
        });
    }
    Ok(found)
}

fn sources(asset: &Asset) -> [&Source; 3] {
    let [first, second] = &asset.sources;
    [first, second, &asset.candidate]
}

/// The one account to look at first.
fn address(source: &Source) -> Option<Pubkey> {
    match place(source) {
        Place::Nowhere => None,
        Place::At(address) => Some(address),
        Place::Update { receiver, feed } => sponsored(&receiver, &feed),
    }
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

/// What is at hand, and where to look for the rest.
struct Search<'a> {
    connection: &'a Connection,
    given: Vec<Oracle>,
    /// At the addresses of [`address`].
    known: Vec<Oracle>,
    /// Unix seconds.
    now: u64,
}

impl Search<'_> {
    async fn of_source(&self, asset: &Asset, source: &Source) -> Result<Option<Oracle>, Failure> {
        let known = address(source).and_then(|address| self.known.iter().find(|oracle| oracle.address == address));
        let Place::Update { receiver, feed } = place(source) else { return Ok(known.cloned()) };
        let of_feed = |oracle: &&Oracle| oracle.owner == receiver && feed_of(&oracle.data) == Some(feed);
        if let Some(oracle) = self.given.iter().find(of_feed) {
            return Ok(Some(oracle.clone()));
        }
        // The account that the publishers keep up to date, as long as they do: it costs no search, which many public nodes
        // refuse.
        let kept = known.filter(of_feed);
        if let Some(oracle) = kept.filter(|oracle| self.renews(asset, oracle)) {
            return Ok(Some(oracle.clone()));
        }
        let wanted = (FEED_OFFSET, &feed[..]);
        let found = match self.connection.program_accounts(&receiver, PRICE_UPDATE_SPACE, wanted).await {
            Ok(found) => found.accounts,
            Err(error) => {
                let Some(kept) = kept else { return Err(error.into()) };
                note(&format!("Only the publishers' own account is looked at, {}: {error:#}", kept.address));
                return Ok(Some(kept.clone()));
            }
        };
        let oracles = found.into_iter().map(|(address, raw)| Oracle { address, owner: raw.owner, data: raw.data });
        // Sponsored feeds and everybody else's updates alike: the newest is what a refresh wants.
        Ok(oracles.filter(|oracle| of_feed(&oracle)).max_by_key(|oracle| (published(&oracle.data), oracle.address)))
    }

    /// Whether it is newer than the stored price, and young enough to count at every level.
    fn renews(&self, asset: &Asset, oracle: &Oracle) -> bool {
        let published = published(&oracle.data).and_then(|time| u64::try_from(time).ok());
        let youngest = u64::from(asset.max_age.min(asset.max_age_init));
        published.is_some_and(|time| time > asset.publish_time && time.saturating_add(youngest) >= self.now)
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
