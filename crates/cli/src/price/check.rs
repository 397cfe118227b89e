//! `ballast price check`: where a price comes from, whether it counts, what a refresh would do, what is refused
//! meanwhile.

use ballast_client::account::Clock;
use ballast_client::explain::{Availability, Explanation, Why, explain};
use ballast_client::measure::{duration, write};
use ballast_client::oracle::{Oracle, Verdict, compared, seen};
use ballast_client::preview::pico_dollars;
use ballast_client::refusal::Refusal;
use ballast_client::risk::breaker::State;
use ballast_client::table::Parameter;
use ballast_client::{BallastError, Doubt, Market, Pubkey, Source};
use clap::Args;
use serde::Serialize;

use super::accounts::{Sourced, clock, find, verdict};
use super::{Rounding, chosen, dollars};
use crate::context::{Context, name};
use crate::failure::Failure;
use crate::gov::describe::{date, source_text};
use crate::output::{Report, Table};

/// Check prices. Exit code 5 when one of them does not count at Init, or at Target and Maint
#[derive(Args, Debug)]
pub struct Check {
    /// Which; by default all
    #[arg(value_name = "ASSET")]
    assets: Vec<String>,
    /// Price account to look at for its feed, instead of the publishers' own or the newest; any number of times
    #[arg(long = "account", value_name = "ADDRESS")]
    accounts: Vec<Pubkey>,
}

/// What a refresh would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VerdictView {
    /// `accepted`, `unchanged`, `withheld`, `refused` or `missing`.
    pub verdict: &'static str,
    /// Name of the error, or of the doubt.
    pub reason: Option<String>,
    pub message: Option<String>,
}

impl From<&Verdict> for VerdictView {
    fn from(verdict: &Verdict) -> Self {
        let said = |verdict, reason: &str, message: &str| {
            let owned = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            Self { verdict, reason: owned(reason), message: owned(message) }
        };
        match verdict {
            Verdict::Accepted => said("accepted", "", ""),
            Verdict::Unchanged => said("unchanged", "", "it was accepted before"),
            Verdict::Withheld(doubt) => said("withheld", &format!("{doubt:?}"), doubted(*doubt)),
            Verdict::Refused(refusal) => said("refused", &refusal.name, &refusal.message),
            Verdict::Missing { slot: 0 } => said("missing", "", "the first source has no account"),
            Verdict::Missing { .. } => said("missing", "", "the second source has no account"),
        }
    }
}

impl VerdictView {
    /// For people.
    pub fn text(&self) -> String {
        match (&self.message, &self.reason) {
            (Some(message), Some(reason)) => format!("{}: {message} ({reason})", self.verdict),
            (Some(message), None) => format!("{}: {message}", self.verdict),
            _ => self.verdict.to_owned(),
        }
    }
}

const fn doubted(doubt: Doubt) -> &'static str {
    match doubt {
        Doubt::Confidence => "its confidence interval is wider than the asset allows",
        Doubt::Band => "it lies outside of the band",
        Doubt::Base => "the price of the base asset is in doubt itself",
        Doubt::Disagreement => "the two sources differ by too much",
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SourceView {
    source: String,
    /// The account that was looked at.
    account: Option<String>,
    /// Dollars for a whole token, as the account says it now.
    price: Option<String>,
    confidence: Option<String>,
    /// Unix seconds.
    published: Option<u64>,
    age_seconds: Option<u64>,
    /// Why it cannot be read.
    error: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Counts {
    counts: bool,
    /// Up to this second, or withheld up to it where that is known.
    until: Option<u64>,
    reason: Option<String>,
}

impl From<Availability> for Counts {
    fn from(availability: Availability) -> Self {
        let (reason, until) = match availability {
            Availability::Until(until) => return Self { counts: true, until: Some(until), reason: None },
            Availability::Withheld(why) => match why {
                Why::NoSource => ("it has no price source", None),
                Why::NoPrice => ("it has never had a price", None),
                Why::TooOld { .. } => ("it is too old", None),
                Why::Doubted { .. } => ("a newer price was not believed", None),
                Why::Paused { until } => ("the asset is paused", Some(until)),
                Why::Breaker { until } => ("a breaker stops new risk", Some(until)),
                Why::Grace { until } => ("after an outage there is a time of grace", Some(until)),
                Why::AwaitsNext => ("what withheld it is over; the next accepted price counts", None),
            },
        };
        Self { counts: false, until, reason: Some(reason.to_owned()) }
    }
}

impl Counts {
    fn text(&self) -> String {
        let until = self.until.map_or(String::new(), |until| format!(" until {}", date(until)));
        match &self.reason {
            None => format!("counts{until}"),
            Some(reason) => format!("NO: {reason}{until}"),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CandidateView {
    #[serde(flatten)]
    source: SourceView,
    slot: u8,
    checks: u8,
    needed: u8,
    /// What `observe_candidate` would do now: `agrees`, `differs`, or an error.
    observation: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Checked {
    asset: String,
    /// Whether it counts at every level.
    usable: bool,
    /// The stored price, dollars for a whole token.
    price: Option<String>,
    published: Option<u64>,
    age_seconds: Option<u64>,
    max_age_seconds: u32,
    max_age_init_seconds: u32,
    max_confidence: String,
    band: [String; 2],
    init: Counts,
    target_and_maint: Counts,
    breaker: &'static str,
    breaker_until: Option<u64>,
    paused_until: Option<u64>,
    grace_until: Option<u64>,
    sources: Vec<SourceView>,
    refresh: VerdictView,
    /// Whether it would count at every level after a refresh.
    usable_after_refresh: bool,
    candidate: Option<CandidateView>,
    /// What is refused or counts otherwise meanwhile.
    refused: Vec<&'static str>,
}

#[derive(Serialize)]
#[serde(transparent)]
struct AllChecked(Vec<Checked>);

impl Report for AllChecked {
    fn text(&self) -> String {
        let heads = ["Asset", ">Price", ">Age", ">Most", ">Confidence", ">Most", "Init", "Target, Maint", "Refresh"];
        let mut table = Table::new(&heads);
        for checked in &self.0 {
            let age = checked.age_seconds.map_or("-".to_owned(), duration);
            let confidence = checked.sources.first().and_then(|source| source.confidence.clone());
            let short = |counts: &Counts| if counts.counts { "counts" } else { "NO" }.to_owned();
            table.row([
                checked.asset.clone(),
                checked.price.clone().unwrap_or_else(|| "-".to_owned()),
                age,
                duration(checked.max_age_seconds.into()),
                confidence.unwrap_or_else(|| "-".to_owned()),
                checked.max_confidence.clone(),
                short(&checked.init),
                short(&checked.target_and_maint),
                checked.refresh.verdict.to_owned(),
            ]);
        }
        let mut out = table.to_string();
        // One asset was asked for, or something is wrong with one: the whole story.
        for checked in self.0.iter().filter(|checked| self.0.len() == 1 || !checked.usable) {
            out.push_str(&checked.story());
        }
        out
    }
}

impl Checked {
    fn story(&self) -> String {
        let mut out = format!("\n{}\n", self.asset);
        let mut fact = |name: &str, value: String| out.push_str(&format!("  {name:<18}{value}\n"));
        for source in &self.sources {
            let account = source.account.as_deref().unwrap_or("no account was found");
            fact("source:", format!("{} at {account}", source.source));
            if let Some(error) = &source.error {
                fact("", format!("cannot be read: {error}"));
            }
            if let (Some(price), Some(confidence), Some(age)) = (&source.price, &source.confidence, source.age_seconds)
            {
                fact("", format!("says {price} +/- {confidence}, {} old", duration(age)));
            }
        }
        fact("band:", format!("{} to {}", self.band[0], self.band[1]));
        fact("at Init:", self.init.text());
        fact("at Target, Maint:", self.target_and_maint.text());
        let until = self.breaker_until.map_or(String::new(), |until| format!(" until {}", date(until)));
        fact("breaker:", format!("{}{until}", self.breaker));
        fact("a refresh:", self.refresh.text());
        if let Some(candidate) = &self.candidate {
            fact(
                "candidate:",
                format!("{} has agreed {} of {} times", candidate.source.source, candidate.checks, candidate.needed),
            );
            fact("", format!("an observation now: {}", candidate.observation));
        }
        self.refused.iter().for_each(|refused| fact("refused:", (*refused).to_owned()));
        out
    }
}

impl Check {
    /// # Errors
    /// [`Failure`]; exit code 5 when a price does not count somewhere.
    pub async fn run(self, context: &Context) -> Result<(), Failure> {
        let chain = context.market().await?;
        let assets = chosen(&chain, &self.assets)?;
        let clock = clock(&context.connection).await?;
        let found = find(&context.connection, &chain.market, &assets, &self.accounts, &clock).await?;
        let checked =
            found.iter().map(|sourced| checked(&chain.market, sourced, &clock)).collect::<Result<Vec<_>, _>>()?;
        let unusable: Vec<String> = checked.iter().filter(|c| !c.usable).map(|checked| checked.asset.clone()).collect();
        context.show(&AllChecked(checked))?;
        if unusable.is_empty() {
            return Ok(());
        }
        let message = format!("prices that do not count everywhere: {}", unusable.join(", "));
        let code = u32::from(BallastError::PriceUnusable);
        Err(Refusal { code, name: "PriceUnusable".to_owned(), message }.into())
    }
}

fn nearest(pico: u64) -> String {
    dollars(pico, Rounding::Nearest)
}

fn source_view(market: &Market, asset: u8, source: &Source, oracle: Option<&Oracle>, clock: &Clock) -> SourceView {
    let seen = oracle.map(|oracle| seen(market, asset, source, oracle, clock));
    let (seen, error) = match seen {
        Some(Ok(seen)) => (Some(seen), None),
        Some(Err(refusal)) => (None, Some(refusal.to_string())),
        None => (None, None),
    };
    SourceView {
        source: source_text(market, source),
        account: oracle.map(|oracle| oracle.address.to_string()),
        price: seen.and_then(|seen| seen.pico_dollars).map(nearest),
        confidence: seen.map(|seen| write(Parameter::MaxConfidence, 0, rounded(seen.confidence.get()))),
        published: seen.map(|seen| seen.published),
        age_seconds: seen.map(|seen| clock.unix.saturating_sub(seen.published)),
        error,
    }
}

/// To whole hundredths of a basis point, up, for display.
fn rounded(fraction: u32) -> u64 {
    let parts = (u64::from(fraction) * 1_000_000).div_ceil(1 << 32);
    (parts << 32).div_ceil(1_000_000).min(u64::from(u32::MAX))
}

fn checked(market: &Market, sourced: &Sourced, clock: &Clock) -> Result<Checked, Failure> {
    let asset = &market.assets[usize::from(sourced.asset)];
    let told: Explanation = explain(asset, clock.unix);
    let (verdict, after) = verdict(market, sourced, clock)?;
    let later = explain(&after.assets[usize::from(sourced.asset)], clock.unix);
    let used = asset.sources.iter().zip(&sourced.oracles).filter(|(source, _)| !source.is_none());
    let view = |source: &Source, oracle: Option<&Oracle>| source_view(market, sourced.asset, source, oracle, clock);
    let text = |parameter, value| write(parameter, asset.decimals, value);
    Ok(Checked {
        asset: name(&asset.name),
        usable: told.usable(),
        price: asset.spot().and_then(|price| pico_dollars(price, asset.decimals)).map(nearest),
        published: told.age.is_some().then_some(asset.publish_time),
        age_seconds: told.age,
        max_age_seconds: asset.max_age,
        max_age_init_seconds: asset.max_age_init,
        max_confidence: text(Parameter::MaxConfidence, asset.max_confidence.into()),
        band: [text(Parameter::BandLow, asset.band_low), text(Parameter::BandHigh, asset.band_high)],
        init: told.init.into(),
        target_and_maint: told.spot.into(),
        breaker: match told.breaker {
            State::Normal => "normal",
            State::Cautious => "cautious",
            State::ReduceOnly => "reduce-only",
        },
        breaker_until: told.breaker_until,
        paused_until: told.paused_until,
        grace_until: told.grace_until,
        sources: used.map(|(source, oracle)| view(source, oracle.as_ref())).collect(),
        refresh: VerdictView::from(&verdict),
        usable_after_refresh: later.usable(),
        candidate: told.candidate.map(|candidate| CandidateView {
            source: view(&candidate.source, sourced.candidate.as_ref()),
            slot: candidate.slot,
            checks: candidate.checks,
            needed: candidate.needed,
            observation: observation(market, sourced, candidate.checks, clock),
        }),
        refused: told.effects().into_iter().map(|effect| effect.text()).collect(),
    })
}

fn observation(market: &Market, sourced: &Sourced, checks: u8, clock: &Clock) -> String {
    let Some(oracle) = &sourced.candidate else { return "no account was found".to_owned() };
    match compared(market, sourced.asset, oracle, clock) {
        Ok(comparison) if comparison.took_over => "agrees, and the source takes over".to_owned(),
        Ok(comparison) if comparison.checks > checks => "agrees".to_owned(),
        Ok(_) => "differs, and the count begins anew".to_owned(),
        Err(refusal) => refusal.to_string(),
    }
}
