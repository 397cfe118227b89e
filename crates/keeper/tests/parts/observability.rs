//! The dashboard and the alerts speak of metrics and labels that exist, every alert leads to a section of the runbook, and every
//! metric is explained.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ballast_keeper::metrics::Metrics;

const DASHBOARD: &str = include_str!("../../grafana/dashboard.json");
const ALERTS: &str = include_str!("../../prometheus/alerts.yml");
const RUNBOOK: &str = include_str!("../../../../docs/src/runbook.md");
const PAGE: &str = include_str!("../../../../docs/src/metrics.md");
const PREFIX: &str = "ballast_keeper_";

/// Everything counted once, so that every metric shows.
fn exposition() -> String {
    let metrics = Metrics::new();
    metrics.liquidation_failed("expired");
    metrics.scanned(Duration::ZERO, 0, 0, 0);
    metrics.price_to_send(Duration::ZERO);
    metrics.oracle_age("SOL", 1);
    metrics.prices_refreshed("landed");
    metrics.price_posted("landed");
    metrics.source_difference("SOL", 0.0);
    metrics.price_source("hermes", true);
    metrics.endpoint("first", true, 0);
    metrics.endpoint_failed("first", "timeout");
    metrics.transaction("landed");
    metrics.change_executed("landed");
    metrics.update_received("polling");
    metrics.resynced("start");
    metrics.pass_failed("stream");
    metrics.text()
}

/// The names of all series.
fn series() -> BTreeSet<String> {
    let text = exposition();
    let names = text.lines().filter(|line| !line.starts_with('#'));
    names.filter_map(|line| line.split(['{', ' ']).next()).map(str::to_owned).collect()
}

/// The metrics that a text speaks of.
fn named(text: &str) -> BTreeSet<String> {
    let word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let words = text.split(|letter| !word(letter));
    words.filter(|word| word.starts_with(PREFIX)).map(str::to_owned).collect()
}

/// The name of a metric without what a histogram's series have at the end.
fn stem(series: &str) -> &str {
    let ends = ["_seconds_bucket", "_seconds_sum", "_seconds_count"];
    let histogram = ends.iter().find(|end| series.ends_with(*end));
    histogram.map_or(series, |end| &series[..series.len() - end.len() + "_seconds".len()])
}

/// All metrics with their labels. The borders of a histogram's parts are no label that anybody chose.
fn labels() -> BTreeMap<String, BTreeSet<String>> {
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in exposition().lines().filter(|line| !line.starts_with('#')) {
        let (series, _) = line.rsplit_once(' ').unwrap();
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let names = labels.split(',').filter_map(|label| Some(label.split_once('=')?.0.to_owned()));
        all.entry(stem(name).to_owned()).or_default().extend(names.filter(|name| name != "le"));
    }
    all
}

/// The labels that a question groups by, and those that a text puts into words: `{{ $labels.asset }}`, `{{kind}}`.
fn asked(text: &str) -> BTreeSet<String> {
    let lists = ["by (", "without ("].iter().flat_map(|word| text.split(*word).skip(1));
    let grouped = lists.flat_map(|rest| rest.split(')').next().unwrap().split(','));
    let worded = text.split("{{").skip(1).map(|rest| rest.split("}}").next().unwrap().trim());
    let worded = worded.filter(|word| *word != "$value").map(|word| word.trim_start_matches("$labels."));
    grouped.map(str::trim).chain(worded).filter(|label| *label != "le").map(str::to_owned).collect()
}

#[test]
fn dashboard_and_alerts_ask_for_labels_that_their_metrics_have() {
    let dashboard: serde_json::Value = serde_json::from_str(DASHBOARD).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.flat_map(|panel| panel["targets"].as_array().unwrap());
    let shown = targets.map(|target| format!("{} {}", target["expr"], target["legendFormat"]));
    let alerts = ALERTS.split("- alert: ").skip(1).map(str::to_owned);
    let (known, mut found) = (labels(), 0);
    for text in shown.chain(alerts) {
        let metrics = named(&text);
        let had: BTreeSet<&String> = metrics.iter().flat_map(|name| &known[stem(name)]).collect();
        for label in asked(&text) {
            assert!(had.contains(&label), "{label} is no label of {metrics:?}: {text}");
            found += 1;
        }
    }
    assert!(found >= 20, "only {found} labels are asked for");
}

#[test]
fn every_metric_stands_on_its_page_with_its_labels_and_the_kinds_that_a_new_keeper_shows() {
    let ticked = |cell: &str| -> Vec<String> { cell.split('`').skip(1).step_by(2).map(str::to_owned).collect() };
    let mut written: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut meanings = BTreeMap::new();
    let (metrics, _) = PAGE.split_once("## Why nothing was signed").unwrap();
    for row in metrics.lines().filter_map(|line| line.strip_prefix("| `")) {
        let cells: Vec<&str> = row.split('|').collect();
        let name = format!("{PREFIX}{}", cells[0].trim().trim_end_matches('`'));
        written.insert(name.clone(), ticked(cells[1]).into_iter().collect());
        meanings.insert(name, cells[2].to_owned());
    }
    assert_eq!(written, labels());
    let text = Metrics::new().text();
    for line in text.lines().filter(|line| line.contains("{kind=") || line.contains("{reason=")) {
        let (name, rest) = line.split_once('{').unwrap();
        let value = rest.split('"').nth(1).unwrap();
        // The attempts have all kinds, and whoever has more refers to them.
        let name = name.replace("liquidations_total", "liquidation_attempts_total");
        assert!(ticked(&meanings[&name]).contains(&value.to_owned()), "{name} does not explain {value}");
    }
}

#[test]
fn dashboard_and_alerts_name_only_metrics_that_exist() {
    let series = series();
    for (text, least) in [(DASHBOARD, 30), (ALERTS, 15)] {
        let named = named(text);
        assert!(named.len() >= least, "{named:?}");
        let unknown: Vec<_> = named.difference(&series).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }
}

#[test]
fn every_metric_is_on_the_dashboard_but_the_version_and_the_time_of_the_last_pass() {
    let shown = named(DASHBOARD);
    let bucket = |name: &str| {
        ["_count", "_sum"].iter().find_map(|end| name.strip_suffix(end)).map(|stem| format!("{stem}_bucket"))
    };
    let unseen = series()
        .into_iter()
        .filter(|name| !shown.contains(name) && !bucket(name).is_some_and(|bucket| shown.contains(&bucket)));
    let unseen: Vec<String> = unseen.collect();
    assert_eq!(unseen, ["ballast_keeper_build_info", "ballast_keeper_last_pass_timestamp_seconds"]);
}

#[test]
fn the_dashboard_is_json_with_panels_that_ask_something() {
    let dashboard: serde_json::Value = serde_json::from_str(DASHBOARD).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let asks = |panel: &serde_json::Value| panel["targets"].as_array().is_some_and(|targets| !targets.is_empty());
    assert!(panels.len() >= 20 && panels.iter().all(asks));
}

#[test]
fn every_alert_leads_to_a_section_of_the_runbook_that_names_it() {
    let anchor = |title: &str| title.trim().to_lowercase().replace(' ', "-");
    let mut sections: Vec<(String, String)> = Vec::new();
    for part in RUNBOOK.split("\n## ").skip(1) {
        let (title, body) = part.split_once('\n').unwrap();
        sections.push((anchor(title), body.to_owned()));
    }
    let names: Vec<&str> = sections.iter().map(|(anchor, _)| anchor.as_str()).collect();
    let cases = ["oracle-outage", "rpc-outage", "stuck-change", "bad-debt", "keeper-behind", "journal"];
    assert_eq!(names.split_first(), Some((&"what-to-look-at", &cases[..])));
    let alerts: Vec<&str> = ALERTS.split("- alert: ").skip(1).collect();
    assert!(alerts.len() >= 10);
    for alert in alerts {
        let name = alert.lines().next().unwrap();
        let (_, rest) =
            alert.split_once("runbook: docs/src/runbook.md#").unwrap_or_else(|| panic!("{name} has no runbook"));
        let anchor = rest.lines().next().unwrap();
        let (_, body) =
            sections.iter().find(|(found, _)| found == anchor).unwrap_or_else(|| panic!("no section {anchor}"));
        assert!(body.contains(&format!("`{name}`")), "section {anchor} does not name {name}");
    }
}
