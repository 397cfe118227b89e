//! The dashboard and the alerts speak of metrics that exist, and every alert leads to a section of the runbook.

use std::collections::BTreeSet;
use std::time::Duration;

use ballast_keeper::metrics::Metrics;

const DASHBOARD: &str = include_str!("../../grafana/dashboard.json");
const ALERTS: &str = include_str!("../../prometheus/alerts.yml");
const RUNBOOK: &str = include_str!("../../../../docs/src/runbook.md");

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
    words.filter(|word| word.starts_with("ballast_keeper_")).map(str::to_owned).collect()
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
    let stem = |name: &str| {
        ["_count", "_sum"].iter().find_map(|end| name.strip_suffix(end)).map(|stem| format!("{stem}_bucket"))
    };
    let unseen = series()
        .into_iter()
        .filter(|name| !shown.contains(name) && !stem(name).is_some_and(|bucket| shown.contains(&bucket)));
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
