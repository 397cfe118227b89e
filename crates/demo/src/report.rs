//! The report on standard output.

use std::collections::HashSet;
use std::fmt::{self, Display, Formatter};

use ballast_client::event::{BadDebtAbsorbed, Liquidated};
use ballast_client::risk::{Amount, Fraction, Rate, Usd};
use ballast_client::{Asset, Market, Pubkey};

use crate::keeper::gain;
use crate::meter::Reading;
use crate::play::Played;
use crate::states::{BadDebt, Tally};
use ballast_cluster::text::{dollars, grouped, percent, price, tokens};
use ballast_localnet::audit::Check;
use ballast_localnet::catalogue::{ASSETS, CORE, COUNT};
use ballast_localnet::prices::Path;

/// Everything that the report says.
pub struct Report {
    pub path: Path,
    pub program_bytes: u64,
    pub program: String,
    pub address: String,
    pub lenders: usize,
    /// Positions of each borrower's vault after the loans.
    pub positions: Vec<usize>,
    pub transactions: usize,
    /// The market right after the loans, and at the end.
    pub markets: [Box<Market>; 2],
    pub played: Played,
    pub repaid: usize,
    pub withdrawn: usize,
    pub closed: usize,
    pub readings: Vec<Reading>,
    pub checks: Vec<Check>,
    pub seconds: f64,
}

impl Report {
    pub fn passed(&self) -> bool {
        self.checks.iter().all(|check| check.passed)
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.introduction(f)?;
        let [before, after] = &self.markets;
        writeln!(f, "\nMarket before the first step")?;
        market(f, before)?;
        writeln!(f, "\nMarket at the end")?;
        market(f, after)?;
        self.states(f)?;
        self.liquidations(f)?;
        self.bad_debt(f)?;
        self.compute_units(f)?;
        self.conclusion(f)
    }
}

impl Report {
    fn introduction(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut positions = self.positions.clone();
        positions.sort_unstable();
        let at = |index: usize| positions.get(index).copied().unwrap_or(0);
        writeln!(f, "Ballast on a local network")?;
        writeln!(f, "  program      {}, {} bytes", self.program, grouped(self.program_bytes))?;
        writeln!(f, "  market       {}: {}", self.address, ballast_localnet::actors::describe())?;
        writeln!(
            f,
            "  vaults       {} borrowers with {} to {} positions (median {}), {} lenders",
            positions.len(),
            at(0),
            at(positions.len().saturating_sub(1)),
            at(positions.len() / 2),
            self.lenders
        )?;
        writeln!(f, "  prices       {}", self.path.source)?;
        writeln!(f, "               deepest fall from the first row: {}", self.path.falls())?;
        for note in &self.path.notes {
            writeln!(f, "               {note}")?;
        }
        writeln!(f, "  run          {} transactions confirmed in {:.0} s", self.transactions, self.seconds)
    }

    fn states(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Played { before, worst: (step, worst), after, .. } = &self.played;
        let worst_name = format!("worst (step {step})");
        writeln!(f, "\nBorrowers by margin state")?;
        writeln!(f, "  {:<24}{:>8}{:>18}{:>8}", "", "before", worst_name, "after")?;
        let mut row = |name: &str, count: fn(&Tally) -> usize| {
            writeln!(f, "  {name:<24}{:>8}{:>18}{:>8}", count(before), count(worst), count(after))
        };
        row("Healthy", |tally| tally.healthy)?;
        row("Restricted", |tally| tally.restricted)?;
        row("Liquidatable", |tally| tally.liquidatable)?;
        row("Insolvent", |tally| tally.insolvent)?;
        row("Unpriced", |tally| tally.unpriced)?;
        row("without debt (+lenders)", |tally| tally.free)?;
        writeln!(
            f,
            "  worst: right after a refresh, before the keeper acted. Afterwards {} repaid and {} withdrew a part, {} left.",
            self.repaid, self.withdrawn, self.closed
        )
    }

    fn liquidations(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let all: Vec<&Liquidated> = self.played.liquidations.iter().map(|(_, event)| event).collect();
        writeln!(f, "\nLiquidations: {} of {} vaults", all.len(), vaults(&all))?;
        writeln!(
            f,
            "  {:<9}{:>8}{:>12}{:>13}{:>8}{:>12}{:>13}{:>12}",
            "asset", "repaid", "tokens", "dollars", "seized", "tokens", "dollars", "bonus"
        )?;
        for (asset, entry) in ASSETS.iter().enumerate() {
            let repaid =
                Total::of(all.iter().copied().filter(|one| usize::from(one.debt_asset) == asset), |one| one.repaid);
            let seized =
                Total::of(all.iter().copied().filter(|one| usize::from(one.collateral_asset) == asset), |one| {
                    one.seized
                });
            if repaid.count + seized.count == 0 {
                continue;
            }
            let shown = |total: &Total| tokens(total.tokens, entry.decimals);
            writeln!(
                f,
                "  {:<9}{:>8}{:>12}{:>13}{:>8}{:>12}{:>13}{:>12}",
                entry.name,
                repaid.count,
                shown(&repaid),
                dollars(repaid.repaid),
                seized.count,
                shown(&seized),
                dollars(seized.seized),
                dollars(seized.seized.saturating_sub(seized.repaid)),
            )?;
        }
        let total = Total::of(all.iter().copied(), |_| 0);
        let bonus = total.seized.saturating_sub(total.repaid);
        let part = if total.repaid == 0 { 0.0 } else { bonus as f64 / total.repaid as f64 };
        writeln!(
            f,
            "  total: repaid {}, seized {}, bonus {} ({} of what was repaid, {} of it for the reserves); refused in \
             simulation: {}",
            dollars(total.repaid),
            dollars(total.seized),
            dollars(bonus),
            percent(part),
            dollars(bonus.saturating_add_signed(-all.iter().map(|event| gain(event)).sum::<i64>())),
            self.played.refused
        )
    }

    /// What was written off, at the prices of the end.
    fn losses(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let [_, market] = &self.markets;
        let worth = |loss: &BadDebtAbsorbed, units: u64| {
            let spot = market.asset(loss.asset).ok().and_then(Asset::spot);
            spot.and_then(|spot| spot.value_floor(Amount::new(units)).ok()).map_or(0, Usd::get)
        };
        let all = &self.played.losses;
        let total = |units: fn(&BadDebtAbsorbed) -> u64| all.iter().map(|loss| worth(loss, units(loss))).sum();
        let (reserve, deposits) = (total(|loss| loss.by_reserve), total(|loss| loss.by_depositors));
        let count = all.len();
        writeln!(
            f,
            "  written off         {count} debts: {} by reserves, {} by depositors",
            dollars(reserve),
            dollars(deposits)
        )
    }

    fn bad_debt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let line = |name: &str, bad: &BadDebt| {
            format!(
                "  {name:<20}{} vaults owe {} more than they hold; {} of them with nothing left owe {}",
                bad.under_water.len(),
                dollars(bad.shortfall),
                bad.empty,
                dollars(bad.uncovered)
            )
        };
        writeln!(f, "\nBad debt")?;
        writeln!(f, "{}", line("at its highest", &self.played.worst_bad_debt))?;
        writeln!(f, "{}", line("after", &self.played.bad_debt))?;
        self.losses(f)?;
        let lost = &self.played.bad_debt.under_water;
        if lost.is_empty() {
            return Ok(());
        }
        let solvent = lost.iter().filter(|vault| solvent_at_last(&self.played.liquidations, vault)).count();
        let all = self.played.liquidations.iter().map(|(_, event)| event);
        let total = Total::of(all.filter(|event| lost.contains(&event.vault)), |_| 0);
        writeln!(
            f,
            "  {solvent} of them still held more than they owed when their last step of liquidations began; liquidators got \
             {} of bonus out of all",
            dollars(total.seized.saturating_sub(total.repaid))
        )
    }

    fn compute_units(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nCompute units per operation, token transfers included")?;
        writeln!(f, "  {:<18}{:>8}{:>10}{:>10}{:>10}", "", "count", "min", "median", "max")?;
        for Reading { operation, count, least, median, most } in &self.readings {
            let [count, least, median, most] = [*count as u64, *least, *median, *most].map(grouped);
            writeln!(f, "  {operation:<18}{count:>8}{least:>10}{median:>10}{most:>10}")?;
        }
        writeln!(f, "  refresh_prices refreshes {COUNT} prices at once.")
    }

    fn conclusion(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nChecks")?;
        for Check { name, passed, detail } in &self.checks {
            let verdict = if *passed { "passed" } else { "FAILED" };
            writeln!(f, "  {verdict}  {name:<28}{detail}")?;
        }
        Ok(())
    }
}

/// Sums over liquidations.
#[derive(Default)]
struct Total {
    count: usize,
    tokens: u64,
    /// Micro-dollars.
    repaid: u64,
    /// Micro-dollars.
    seized: u64,
}

impl Total {
    fn of<'a>(all: impl Iterator<Item = &'a Liquidated>, tokens: fn(&Liquidated) -> u64) -> Self {
        all.fold(Self::default(), |total, one| Self {
            count: total.count + 1,
            tokens: total.tokens.saturating_add(tokens(one)),
            repaid: total.repaid.saturating_add(one.repaid_value),
            seized: total.seized.saturating_add(one.seized_value),
        })
    }
}

/// Whether a vault still had equity before the first liquidation of the last step in which it was liquidated: what it
/// owes beyond its means afterwards, is then the bonus.
fn solvent_at_last(all: &[(usize, Liquidated)], vault: &Pubkey) -> bool {
    let of_vault = || all.iter().filter(|(_, event)| event.vault == *vault);
    let last = of_vault().map(|(step, _)| *step).max();
    of_vault().find(|(step, _)| Some(*step) == last).is_some_and(|(_, event)| event.equity_before >= 0)
}

/// Number of different vaults.
fn vaults(all: &[&Liquidated]) -> usize {
    all.iter().map(|one| one.vault).collect::<HashSet<_>>().len()
}

fn market(f: &mut Formatter<'_>, market: &Market) -> fmt::Result {
    writeln!(
        f,
        "  {:<9}{:>13}{:>10}{:>13}{:>10}{:>13}{:>9}{:>11}{:>11}{:>11}",
        "asset", "price", "supplied", "dollars", "borrowed", "dollars", "used", "borrow/yr", "supply/yr", "reserve"
    )?;
    let mut sums = [0u64; 3];
    for (at, (asset, entry)) in market.listed().iter().zip(ASSETS).enumerate() {
        let pool = asset.pool();
        let supplied = pool.deposits_ceil().unwrap_or(Amount::MAX);
        let borrowed = pool.debts_floor().unwrap_or(Amount::MAX);
        let reserve = pool.reserve_floor().unwrap_or(Amount::ZERO);
        let values = [supplied, borrowed, reserve].map(|amount| value(asset, amount));
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum = sum.saturating_add(value);
        }
        let [supplied_value, borrowed_value, reserve_value] = values;
        let shown = |amount: Amount| tokens(amount.get(), entry.decimals);
        writeln!(
            f,
            "  {:<9}{:>13}{:>10}{:>13}{:>10}{:>13}{:>9}{:>11}{:>11}{:>11}{}",
            entry.name,
            price(spot(asset)),
            shown(supplied),
            dollars(supplied_value),
            shown(borrowed),
            dollars(borrowed_value),
            percent(part(pool.utilisation_floor().unwrap_or(Fraction::ZERO))),
            percent(yearly(asset.borrow_rate)),
            percent(yearly(asset.supply_rate)),
            format!("${:.2}", reserve_value as f64 / 1e6),
            if at + 1 == CORE { "  core" } else { "" }
        )?;
    }
    let [supplied, borrowed, reserve] = sums;
    writeln!(
        f,
        "  {:<9}{:>23}{:>13}{:>10}{:>13}{:>42}",
        "total",
        "",
        dollars(supplied),
        "",
        dollars(borrowed),
        format!("${:.2}", reserve as f64 / 1e6)
    )
}

fn value(asset: &Asset, amount: Amount) -> u64 {
    asset.spot().and_then(|price| price.value_floor(amount).ok()).map_or(0, Usd::get)
}

/// Dollars for one whole token.
fn spot(asset: &Asset) -> f64 {
    let micro = asset.spot().map_or(0.0, |price| price.mantissa() as f64 * 2f64.powi(-i32::from(price.shift())));
    micro * 10f64.powi(i32::from(asset.decimals) - 6)
}

fn part(fraction: Fraction) -> f64 {
    f64::from(fraction.get()) / 2f64.powi(32)
}

/// A rate per second in 2^-52 as a part of one in a year, without compounding.
fn yearly(rate: u32) -> f64 {
    f64::from(rate) / 2f64.powi(52) * Rate::YEAR as f64
}
