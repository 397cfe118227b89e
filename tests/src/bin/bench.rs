//! What every operation costs on the compiled program: compute units, bytes of a legacy transaction, accounts.
//!
//! `bench` measures and writes `benches/cu.md` and `benches/cu.json`; a drift of more than 3 % against the committed
//! figures, in either direction, fails unless `--accept` is given. `bench --check` compares and writes nothing.
//! Run it as `cargo xtask bench`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use ballast_client::event::Action;
use ballast_client::table::Parameter;
use ballast_client::{Pausable, Role, Scopes, SourceKind};
use ballast_tests::assets::{Feed, Token};
use ballast_tests::prices::lowered;
use ballast_tests::{Actor, Fixture, Money, Receipt};
use serde_json::{Value, json};

/// Positions of the vaults measured; half of them deposits, half debts.
const POSITIONS: [usize; 6] = [1, 2, 4, 8, 16, 32];
/// Prices refreshed in one instruction.
const PRICES: [usize; 3] = [1, 4, 8];
/// Largest drift that needs no decision, in percent.
const TOLERANCE: u64 = 3;
/// Assets of the market: the largest vault and some that it does not use.
const ASSETS: usize = 40;

/// One line of the table.
struct Row {
    operation: &'static str,
    /// Positions of the vault, or prices refreshed.
    count: usize,
    compute_units: u64,
    bytes: usize,
    accounts: usize,
}

impl Row {
    fn new(operation: &'static str, count: usize, receipt: &Receipt) -> Self {
        let Receipt { compute_units, bytes, accounts, .. } = *receipt;
        Self { operation, count, compute_units, bytes, accounts }
    }
}

fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (check, accept) = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => (false, false),
        ["--check"] => (true, false),
        ["--accept"] => (false, true),
        _ => {
            eprintln!("usage: bench [--check | --accept]");
            return Ok(ExitCode::from(2));
        }
    };
    let rows = measure();
    let drifted = compare(&rows)?;
    for line in &drifted {
        eprintln!("{line}");
    }
    if !drifted.is_empty() && !accept {
        bail!("{} rows drifted by more than {TOLERANCE} %; `cargo xtask bench --accept` records them", drifted.len());
    }
    if !check {
        std::fs::write(path("cu.json"), to_json(&rows)).context("cannot write benches/cu.json")?;
        std::fs::write(path("cu.md"), to_markdown(&rows)).context("cannot write benches/cu.md")?;
    }
    println!("{} rows measured, {} drifted by more than {TOLERANCE} %", rows.len(), drifted.len());
    Ok(ExitCode::SUCCESS)
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../benches")).join(name)
}

/// Rows that differ by more than the tolerance from the committed ones, or are new, or gone.
fn compare(rows: &[Row]) -> Result<Vec<String>> {
    let text = std::fs::read_to_string(path("cu.json")).unwrap_or_else(|_| "[]".into());
    let committed: Vec<Value> = serde_json::from_str(&text).context("benches/cu.json is not valid")?;
    let mut before: BTreeMap<(String, u64), u64> = BTreeMap::new();
    for row in &committed {
        let key = (row["operation"].as_str().unwrap_or_default().to_owned(), row["count"].as_u64().unwrap_or_default());
        before.insert(key, row["compute_units"].as_u64().unwrap_or_default());
    }
    let mut drifted = vec![];
    for row in rows {
        let units = row.compute_units;
        match before.remove(&(row.operation.to_owned(), row.count as u64)) {
            None => drifted.push(format!("{} {}: new, {units}", row.operation, row.count)),
            Some(old) if units.abs_diff(old) * 100 > old * TOLERANCE => {
                drifted.push(format!("{} {}: {old} -> {units}", row.operation, row.count));
            }
            Some(old) if old != units => eprintln!("{} {}: {old} -> {units}", row.operation, row.count),
            Some(_) => {}
        }
    }
    drifted.extend(before.into_keys().map(|(operation, count)| format!("{operation} {count}: gone")));
    Ok(drifted)
}

fn to_json(rows: &[Row]) -> String {
    let lines = rows.iter().map(|row| {
        json!({
            "operation": row.operation,
            "count": row.count,
            "compute_units": row.compute_units,
            "bytes": row.bytes,
            "accounts": row.accounts,
        })
        .to_string()
    });
    format!("[\n{}\n]\n", lines.collect::<Vec<_>>().join(",\n"))
}

fn to_markdown(rows: &[Row]) -> String {
    let mut text = String::from(
        "# Compute units\n\n\
         Measured by `cargo xtask bench` on the compiled program in LiteSVM. A vault of n positions has half deposits and\n\
         half debts; prices are fresh in the market account. Bytes are those of a legacy transaction with one signature\n\
         (1,232 are allowed), accounts those that it names. Flash loan and receivership are whole transactions, the latter\n\
         without what is traded in between; for `absorb_bad_debt` the count is that of the debts. For `refresh_prices` the count is the number of prices;\n\
         *guards* has a band, all breakers and a time of grace, *two sources* a second one that counts as well.\n\n\
         | operation | positions | compute units | bytes | accounts |\n|---|---:|---:|---:|---:|\n",
    );
    for Row { operation, count, compute_units, bytes, accounts } in rows {
        let count = if *count == 0 { "-".to_owned() } else { count.to_string() };
        text.push_str(&format!("| {operation} | {count} | {compute_units} | {bytes} | {accounts} |\n"));
    }
    text
}

fn measure() -> Vec<Row> {
    let mut rows = vec![];
    rows.extend(setting_up());
    let market = Fixture::with_assets(ASSETS).stocked();
    rows.extend(PRICES.map(|count| refreshing("refresh_prices", &market, count)));
    let guarded = Fixture::of(market.tokens().into_iter().map(guarded).take(PRICES[2]).collect());
    rows.extend(PRICES.map(|count| refreshing("refresh_prices, guards", &guarded, count)));
    let doubled = Fixture::of(guarded.tokens().into_iter().map(doubled).collect());
    rows.extend(PRICES.map(|count| refreshing("refresh_prices, two sources", &doubled, count)));
    for positions in POSITIONS {
        rows.extend(moving(&market, positions));
    }
    for (operation, factors, scenarios) in MODELS {
        rows.extend(MODELLED.map(|positions| modelled(operation, factors, scenarios, positions)));
    }
    rows.extend(governing());
    for positions in POSITIONS.into_iter().filter(|positions| *positions > 1) {
        rows.push(Unhealthy::new(positions, false).liquidates("liquidate"));
        if MODELLED.contains(&positions) {
            rows.push(Unhealthy::new(positions, true).liquidates("liquidate, both"));
            rows.push(Unhealthy::new(positions, false).takes_over());
        }
        if positions > 2 {
            rows.push(Unhealthy::new(positions, false).administers());
        }
    }
    rows.extend(beside());
    rows.sort_by_key(|row| (ORDER.iter().position(|name| *name == row.operation), row.count));
    rows
}

/// Models beside plain haircuts: factors and scenarios.
const MODELS: [(&str, u8, u8); 4] =
    [("borrow, 4 factors", 4, 0), ("borrow, 6 factors", 6, 0), ("borrow, 8 scenarios", 0, 8), ("borrow, both", 6, 8)];
/// Positions of the vaults that they are measured with.
const MODELLED: [usize; 4] = [2, 8, 16, 32];

/// The order of the table.
const ORDER: [&str; 41] = [
    "deposit",
    "repay",
    "withdraw",
    "borrow",
    "borrow, 4 factors",
    "borrow, 6 factors",
    "borrow, 8 scenarios",
    "borrow, both",
    "liquidate",
    "liquidate, both",
    "liquidate_into",
    "receivership, 2 seizures, 2 repayments",
    "absorb_bad_debt",
    "fund_reserve",
    "flash loan",
    "refresh_prices",
    "refresh_prices, guards",
    "refresh_prices, two sources",
    "view_health",
    "open_vault",
    "close_vault",
    "set_delegate",
    "transfer_vault",
    "accept_vault",
    "create_market",
    "list_asset",
    "withdraw without debt",
    "open_draft",
    "write_loadings",
    "write_shocks",
    "close_draft",
    "open_market",
    "apply_change, cap",
    "propose_change, haircuts",
    "execute_change, haircuts",
    "propose_change, model",
    "execute_change, model",
    "cancel_change",
    "confirm_risk_model",
    "pause",
    "resume",
];

fn setting_up() -> Vec<Row> {
    let empty = Fixture::without_market();
    let created = empty.creates_market(1_000_000).expect("a market");
    let listed = empty.lists(ballast_tests::assets::token("SOL")).expect("an asset");
    empty.opens_market().expect("an open market");
    let alice = empty.newcomer("alice");
    let opened = alice.opens_vault().expect("a vault");
    let closed = alice.closes_vault().expect("no vault");
    vec![
        Row::new("create_market", 0, &created),
        Row::new("list_asset", 0, &listed),
        Row::new("open_vault", 0, &opened),
        Row::new("close_vault", 0, &closed),
    ]
}

/// A token with all breakers, a band and a limit for outflow.
fn guarded(token: Token) -> Token {
    let tenth = u64::from(u32::MAX) / 10;
    token.with(&[
        (Parameter::OutflowLimit, tenth),
        (Parameter::BandLow, 1),
        (Parameter::BandHigh, u64::MAX / 2),
        (Parameter::BreakerJump, tenth),
        (Parameter::BreakerConfidence, tenth),
        (Parameter::BreakerDrawdown, tenth),
        (Parameter::BreakerVariance, 4 << 16),
        (Parameter::RecoveryGrace, 1_200),
    ])
}

/// The same with another source, both of which count.
fn doubled(token: Token) -> Token {
    let second = Feed::new(&format!("another source of {}", token.symbol), SourceKind::SwitchboardPull, token.price);
    token.with(&[(Parameter::Conservative, 1)]).checked_by(second)
}

/// Refreshing the first prices of the market, each newer than the one stored.
fn refreshing(operation: &'static str, market: &Fixture, count: usize) -> Row {
    market.advances(1);
    let tokens = market.tokens();
    let symbols: Vec<_> = tokens.iter().take(count).map(|token| token.symbol).collect();
    for token in tokens.iter().take(count) {
        market.sets_price(token.symbol, token.price);
        if token.second.is_some() {
            market.sets_second_price(token.symbol, token.price);
        }
    }
    Row::new(operation, count, &market.refreshes(&symbols).expect("good prices"))
}

/// Deposit, withdraw, borrow, repay and the view of a vault with this many positions.
fn moving(market: &Fixture, positions: usize) -> Vec<Row> {
    let alice = market.actor(
        ["one", "two", "four", "eight", "sixteen", "most"][POSITIONS.iter().position(|n| *n == positions).unwrap_or(0)],
        &[],
    );
    alice.fills_vault(positions);
    // A second later, so that there is interest to accrue; prices are still fresh.
    market.advances(1);
    market.refreshes_all();
    market.advances(1);
    let tokens = market.tokens();
    let mut rows = vec![];
    let mut measured = |operation, action, money: Money| {
        let receipt = alice.sends(&[alice.instruction(action, money)]).expect("an accepted transaction");
        rows.push(Row::new(operation, positions, &receipt));
    };
    let held = market.worth(tokens[0].symbol, 100);
    alice.is_given(held);
    measured("deposit", Action::Deposit, held);
    if positions == 1 {
        measured("withdraw without debt", Action::Withdraw, held);
    } else {
        measured("withdraw", Action::Withdraw, held);
        let owed = market.worth(tokens[positions - 1].symbol, 100);
        measured("borrow", Action::Borrow, owed);
        measured("repay", Action::Repay, owed);
    }
    let view = market.builds(|market| market.view_health(&alice.vault_address()));
    rows.push(Row::new("view_health", positions, &alice.sends(&[view]).expect("a view")));
    rows
}

/// The same loan as in [`moving`] in a market with factors and scenarios.
fn modelled(operation: &'static str, factors: u8, scenarios: u8, positions: usize) -> Row {
    let market = Fixture::setting_up(ASSETS);
    market.adopts(factors, scenarios);
    let market = market.stocked();
    let alice = market.actor("alice", &[]);
    alice.fills_vault(positions);
    market.advances(1);
    market.refreshes_all();
    market.advances(1);
    let owed = market.worth(market.tokens()[positions - 1].symbol, 100);
    let receipt = alice.sends(&[alice.instruction(Action::Borrow, owed)]).expect("a loan");
    Row::new(operation, positions, &receipt)
}

/// What governance and the author of a draft pay in a market of this many assets.
fn governing() -> Vec<Row> {
    let market = Fixture::setting_up(ASSETS);
    let author = ballast_tests::key("quant");
    let mut rows = vec![];
    let mut measured = |operation, count, receipt: &Receipt| rows.push(Row::new(operation, count, receipt));
    measured("open_draft", 0, &market.opens_draft("quant").expect("a draft"));
    let model = market.rows(6, 8);
    let drafting = market.drafting("quant");
    let (loadings, shocks): (Vec<_>, Vec<_>) = model.iter().map(|row| (row.loadings(), row.shocks())).unzip();
    let first = |instructions: Vec<_>| market.sends(&instructions[..1], &[&author]).expect("rows");
    measured("write_loadings", ballast_client::model::LOADING_ROWS, &first(drafting.write_loadings(&loadings)));
    measured("write_shocks", ballast_client::model::SHOCK_ROWS, &first(drafting.write_shocks(&shocks)));
    market.writes_loadings("quant", &loadings);
    market.writes_shocks("quant", &shocks);
    measured("open_market", 0, &market.opens_market().expect("an open market"));

    let cap = market.values_of("SOL", &[(Parameter::DepositCap, 1_000_000_000)]);
    measured("apply_change, cap", 1, &market.applies(Role::Guardian, cap).expect("a lower cap"));
    let haircut = |bps: u64| bps * ballast_tests::assets::WHOLE / 10_000;
    let haircuts = [
        (Parameter::HaircutInit, haircut(3_000)),
        (Parameter::HaircutTarget, haircut(2_500)),
        (Parameter::HaircutMaint, haircut(2_000)),
    ];
    let proposal = market.values_of("SOL", &haircuts);
    measured("propose_change, haircuts", 3, &market.proposes("haircuts", proposal.clone()).expect("a proposal"));
    measured("pause", 0, &market.pauses(Role::Guardian, Pausable::Asset(0), 60).expect("a pause"));
    measured("resume", 0, &market.resumes(Role::Guardian, Pausable::Asset(0)).expect("no pause"));
    let proposed = drafting.proposal(&market.market(), ballast_tests::model::risk_model(6, 8), &loadings, &shocks);
    measured("propose_change, model", 0, &market.proposes("model", proposed).expect("a proposal"));
    market.proposes("again", proposal).expect("a proposal");
    measured("cancel_change", 0, &market.cancels(Role::Guardian, "again").expect("no proposal"));
    market.advances(86_400);
    measured("execute_change, haircuts", 3, &market.executes("haircuts").expect("a ramp"));
    measured("execute_change, model", ASSETS, &market.executes_from("model", Some("quant")).expect("a model"));
    measured("confirm_risk_model", 0, &market.confirms_risk_model().expect("a confirmation"));
    measured("close_draft", 0, &market.sends(&[drafting.close()], &[&author]).expect("no draft"));
    rows
}

/// A vault of which all collateral has lost a third of its value, and somebody to liquidate it.
struct Unhealthy {
    market: Fixture,
    alice: Actor,
    liquidator: Actor,
    tokens: Vec<Token>,
    positions: usize,
}

impl Unhealthy {
    fn new(positions: usize, model: bool) -> Self {
        let market = Fixture::setting_up(ASSETS);
        if model {
            market.adopts(6, 8);
        }
        let market = market.stocked();
        let alice = market.actor("alice", &[]);
        let tokens = market.tokens();
        let deposits = positions / 2;
        for token in &tokens[..deposits] {
            let money = market.worth(token.symbol, 10_000);
            alice.is_given(money);
            alice.deposits(money).expect("a deposit");
        }
        // With netting it takes more to need a liquidation.
        let loan = if model { 6_650 } else { 6_000 };
        for token in &tokens[deposits..positions] {
            alice.borrows(market.worth(token.symbol, loan)).expect("a loan");
        }
        for token in &tokens[..deposits] {
            market.price_moves(token.symbol, lowered(token.price));
        }
        market.refreshes_all();
        market.advances(1);
        let liquidator = market.actor("liquidator", &[]);
        Self { market, alice, liquidator, tokens, positions }
    }

    /// The n-th debt from the end, worth this many dollars, and a wallet that pays it.
    fn debt(&self, at: usize, dollars: u64) -> Money {
        let money = self.market.worth(self.tokens[self.positions - 1 - at].symbol, dollars);
        self.liquidator.is_given(money);
        money
    }

    /// Part of the last debt against the first collateral.
    fn liquidates(&self, operation: &'static str) -> Row {
        let pays = self.debt(0, 500);
        let receipt = self.liquidator.liquidates(&self.alice, pays, self.tokens[0].symbol).expect("a liquidation");
        Row::new(operation, self.positions, &receipt)
    }

    /// The same into a vault of two positions.
    fn takes_over(&self) -> Row {
        let own = self.market.worth(self.tokens[ASSETS - 1].symbol, 10_000);
        self.liquidator.is_given(own);
        self.liquidator.deposits(own).expect("a deposit");
        let owes = self.market.worth(self.tokens[self.positions - 1].symbol, 500);
        let receipt = self.liquidator.takes_over(&self.alice, owes, self.tokens[0].symbol).expect("a liquidation");
        Row::new("liquidate_into", self.positions, &receipt)
    }

    /// A transaction that seizes two collaterals and repays two debts.
    fn administers(&self) -> Row {
        let seized = [0, 1].map(|at| {
            let money = self.market.worth(self.tokens[at].symbol, 100);
            self.liquidator.seize(&self.alice, money)
        });
        let repaid = [0, 1].map(|at| self.liquidator.repay_for(&self.alice, self.debt(at, 100)));
        let receipt = self.liquidator.administers(&self.alice, &[seized, repaid].concat()).expect("a receivership");
        Row::new("receivership, 2 seizures, 2 repayments", self.positions, &receipt)
    }
}

/// What is written off, by the number of debts, and the rest of what stands beside a liquidation.
fn beside() -> Vec<Row> {
    let market = Fixture::with_assets(ASSETS).stocked();
    let alice = market.actor("alice", &[]);
    let dollar = market.worth("USDC", 100);
    alice.is_given(dollar);
    let bob = market.newcomer("bob");
    let mut rows = vec![
        Row::new("fund_reserve", 0, &alice.funds(dollar.with(1_000_000)).expect("a gift")),
        Row::new("flash loan", 0, &alice.borrows_flash(dollar, &[]).expect("a flash loan")),
        Row::new("set_delegate", 0, &alice.delegates(&bob.address(), Scopes::default(), 1).expect("a delegate")),
        Row::new("transfer_vault", 0, &alice.offers_vault(&bob.address()).expect("an offer")),
        Row::new("accept_vault", 0, &bob.accepts_vault(&alice.vault_address()).expect("an heir")),
    ];
    for debts in [1, 16] {
        let ruined = market.actor(Box::leak(format!("ruined {debts}").into_boxed_str()), &[]);
        ruined.fills_vault(2 * debts);
        // Past the program: its own way there takes a liquidation of each collateral.
        market.tampers_with_vault(&ruined.vault_address(), |vault| {
            let owed: Vec<_> = vault.used().iter().filter(|position| position.side == 1).copied().collect();
            vault.positions = bytemuck::Zeroable::zeroed();
            vault.positions[..owed.len()].copy_from_slice(&owed);
            vault.position_count = owed.len() as u8;
        });
        rows.push(Row::new("absorb_bad_debt", debts, &alice.absorbs(&ruined).expect("a loss")));
    }
    rows
}
