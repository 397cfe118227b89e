//! What `refresh_prices` and `observe_candidate` would do with the present bytes of oracle accounts: the program's own
//! functions on a copy of the market.

use anchor_lang::prelude::{AccountInfo, Clock as Sysvar};
use ballast::oracle::{Comparison, Doubt, Observation, observe};
use ballast::state::{Market, Source, SourceKind};
use ballast_risk::Fraction;

use crate::Pubkey;
use crate::account::Clock;
use crate::impact::copied;
use crate::local::{RECEIVER, RECEIVER_CORE};
use crate::preview::pico_dollars;
use crate::refusal::Refusal;

/// An oracle account as a node gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oracle {
    pub address: Pubkey,
    /// The program that owns it.
    pub owner: Pubkey,
    pub data: Vec<u8>,
}

/// What an account says of an asset, in the units of the band.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// 10^-12 dollars for a whole token; `None` above 18 million dollars.
    pub pico_dollars: Option<u64>,
    /// The confidence interval as a part of the price.
    pub confidence: Fraction,
    /// Unix seconds.
    pub published: u64,
    /// What speaks against it already.
    pub doubt: Option<Doubt>,
}

/// What would become of a refresh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It becomes the price.
    Accepted,
    /// It was accepted before, and changes nothing.
    Unchanged,
    /// It is not believed, and the stored price is withheld.
    Withheld(Doubt),
    /// The instruction fails.
    Refused(Refusal),
    /// A source has no account here, the first or the second.
    Missing { slot: u8 },
}

/// Where the account of a source is: at the address that is its key, or at any address, owned by a receiver program.
pub enum Place {
    At(Pubkey),
    /// Any `PriceUpdateV2` of this program with this feed id.
    Update {
        receiver: Pubkey,
        feed: [u8; 32],
    },
    Nowhere,
}

/// Where to look for the account of a source.
pub fn place(source: &Source) -> Place {
    let update = |receiver| Place::Update { receiver, feed: source.key.to_bytes() };
    match source.kind() {
        SourceKind::None => Place::Nowhere,
        SourceKind::PythPull => update(RECEIVER),
        SourceKind::PythPullCore => update(RECEIVER_CORE),
        SourceKind::PythPush | SourceKind::SwitchboardPull | SourceKind::StakePool => Place::At(source.key),
    }
}

/// The programs that keep the publishers' own accounts, one for each receiver.
const PUSH_ORACLE: Pubkey = Pubkey::from_str_const("pythWSnswVUd12oZpeFP8e9CVaEqJg25g1Vtc2biRsT");
const PUSH_ORACLE_CORE: Pubkey = Pubkey::from_str_const("pyt2F414BA6dPttK6RddPZUdHfapoBN24GL5wbrPCou");
/// The shard that the publishers keep up to date.
const SHARD: u16 = 0;

/// The account of a feed that the publishers keep up to date themselves; `None` for a receiver without such accounts.
pub fn sponsored(receiver: &Pubkey, feed: &[u8; 32]) -> Option<Pubkey> {
    let program = match *receiver {
        RECEIVER => PUSH_ORACLE,
        RECEIVER_CORE => PUSH_ORACLE_CORE,
        _ => return None,
    };
    Some(Pubkey::find_program_address(&[&SHARD.to_le_bytes()[..], &feed[..]], &program).0)
}

/// What the program asks the cluster for.
fn sysvar(now: &Clock) -> Sysvar {
    let unix_timestamp = i64::try_from(now.unix).unwrap_or(i64::MAX);
    Sysvar { slot: now.slot, epoch: now.epoch, unix_timestamp, ..Sysvar::default() }
}

fn observed(market: &Market, asset: u8, source: &Source, oracle: &Oracle, now: &Clock) -> Result<Observation, Refusal> {
    let (mut lamports, mut data) = (1, oracle.data.clone());
    let info = AccountInfo::new(&oracle.address, false, false, &mut lamports, &mut data, &oracle.owner, false);
    Ok(observe(market, market.asset(asset)?, source, &info, &sysvar(now))?)
}

/// What an account says of an asset as one of its sources.
///
/// # Errors
/// What the program says about the account.
pub fn seen(market: &Market, asset: u8, source: &Source, oracle: &Oracle, now: &Clock) -> Result<Seen, Refusal> {
    let Observation { price, confidence, published, doubt, .. } = observed(market, asset, source, oracle, now)?;
    let pico_dollars = pico_dollars(price, market.asset(asset)?.decimals);
    Ok(Seen { pico_dollars, confidence, published, doubt })
}

/// What `refresh_prices` would do for one asset, and the market after it.
///
/// # Errors
/// `AssetUnknown`.
pub fn refreshed(
    market: &Market,
    asset: u8,
    oracles: [Option<&Oracle>; 2],
    now: &Clock,
) -> Result<(Verdict, Box<Market>), Refusal> {
    let mut after = copied(market);
    let [first, second] = market.asset(asset)?.sources;
    let verdict = match oracles {
        [None, _] => Verdict::Missing { slot: 0 },
        [_, None] if !second.is_none() => Verdict::Missing { slot: 1 },
        [Some(oracle), other] => {
            let other = other.filter(|_| !second.is_none()).map(|other| (&second, other));
            accept(&mut after, asset, (&first, oracle), other, now).unwrap_or_else(Verdict::Refused)
        }
    };
    // What is refused changes nothing.
    let after = if matches!(verdict, Verdict::Refused(_)) { copied(market) } else { after };
    Ok((verdict, after))
}

type Sourced<'a> = (&'a Source, &'a Oracle);

fn accept(
    market: &mut Market,
    asset: u8,
    first: Sourced<'_>,
    second: Option<Sourced<'_>>,
    now: &Clock,
) -> Result<Verdict, Refusal> {
    let read = |(source, oracle): Sourced<'_>| observed(market, asset, source, oracle, now);
    let first = read(first)?;
    let second = second.map(read).transpose()?;
    let record = market.asset_mut(asset)?;
    let before = record.publish_time;
    let doubt = record.accept(&first, second.as_ref(), now.unix, now.slot)?;
    record.accrue(now.unix);
    Ok(match doubt {
        Some(doubt) => Verdict::Withheld(doubt),
        None if record.publish_time == before => Verdict::Unchanged,
        None => Verdict::Accepted,
    })
}

/// What `observe_candidate` would do with an account.
///
/// # Errors
/// What the program says.
pub fn compared(market: &Market, asset: u8, oracle: &Oracle, now: &Clock) -> Result<Comparison, Refusal> {
    let mut after = copied(market);
    let candidate = market.asset(asset)?.candidate;
    let seen = observed(market, asset, &candidate, oracle, now)?;
    Ok(after.asset_mut(asset)?.compare_candidate(&seen, now.unix, market.delay)?)
}
