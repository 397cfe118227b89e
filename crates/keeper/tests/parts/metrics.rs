//! What Prometheus reads.

use std::time::Duration;

use ballast_keeper::metrics::Metrics;

#[track_caller]
fn says(text: &str, line: &str) {
    assert!(text.lines().any(|found| found == line), "no line {line:?} in\n{text}");
}

#[test]
fn a_new_keeper_shows_its_kinds_at_zero_and_ends_with_the_marker() {
    let text = Metrics::new().text();
    says(&text, "ballast_keeper_liquidation_attempts_total{kind=\"pair\"} 0");
    says(&text, "ballast_keeper_liquidations_total{kind=\"into\"} 0");
    says(&text, "ballast_keeper_change_expiry_seconds -1");
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn gains_and_losses_are_counted_apart_to_the_unit() {
    let metrics = Metrics::new();
    metrics.liquidation_landed("pair", 1_234_567);
    metrics.liquidation_landed("pair", 3);
    metrics.liquidation_landed("receivership", -5);
    let text = metrics.text();
    says(&text, "ballast_keeper_profit_micro_dollars_total 1234570");
    says(&text, "ballast_keeper_loss_micro_dollars_total 5");
    says(&text, "ballast_keeper_liquidations_total{kind=\"pair\"} 2");
    says(&text, "ballast_keeper_liquidations_total{kind=\"receivership\"} 1");
}

#[test]
fn losses_of_a_subscription_are_there_before_the_first_one_so_that_their_increase_can_be_asked_for() {
    let metrics = Metrics::new();
    metrics.stream_lost("mute");
    let text = metrics.text();
    says(&text, "ballast_keeper_stream_losses_total{reason=\"closed\"} 0");
    says(&text, "ballast_keeper_stream_losses_total{reason=\"mute\"} 1");
    says(&text, "ballast_keeper_stream_losses_total{reason=\"silent\"} 0");
}

#[test]
fn clones_count_together() {
    let metrics = Metrics::new();
    let clone = metrics.clone();
    clone.liquidation_failed("expired");
    metrics.liquidation_failed("expired");
    says(&clone.text(), "ballast_keeper_liquidation_failures_total{reason=\"expired\"} 2");
}

#[test]
fn a_failed_write_to_the_journal_shows_until_one_succeeds() {
    let metrics = Metrics::new();
    metrics.journal_written(10);
    metrics.journal_failed();
    says(&metrics.text(), "ballast_keeper_journal_writable 0");
    metrics.journal_written(64);
    let text = metrics.text();
    says(&text, "ballast_keeper_journal_writable 1");
    says(&text, "ballast_keeper_journal_bytes 64");
    says(&text, "ballast_keeper_journal_failures_total 1");
}

#[test]
fn a_scan_is_timed_and_its_findings_replace_those_of_the_last() {
    let metrics = Metrics::new();
    metrics.scanned(Duration::from_micros(100), 2_000, 7, 1);
    metrics.scanned(Duration::from_micros(100), 10, 2, 0);
    let text = metrics.text();
    says(&text, "ballast_keeper_vault_evaluations_total 2010");
    says(&text, "ballast_keeper_liquidatable_vaults 2");
    says(&text, "ballast_keeper_bad_debt_vaults 0");
    says(&text, "ballast_keeper_scan_seconds_count 2");
}

#[test]
fn endpoints_are_told_apart_by_name() {
    let metrics = Metrics::new();
    metrics.endpoint("first", true, 0);
    metrics.endpoint("second", false, 40);
    metrics.endpoint_failed("second", "lagging");
    let text = metrics.text();
    says(&text, "ballast_keeper_rpc_slots_behind{endpoint=\"second\"} 40");
    says(&text, "ballast_keeper_rpc_healthy{endpoint=\"first\"} 1");
    says(&text, "ballast_keeper_rpc_failures_total{endpoint=\"second\",reason=\"lagging\"} 1");
}
