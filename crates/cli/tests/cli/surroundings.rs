//! What is not a market: the doctor, a keeper, completions, pipes, versions of transactions, the question on mainnet.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::stage::{ballast, stage};

fn status<'a>(findings: &'a Value, check: &str) -> &'a str {
    let lines = findings.as_array().expect("lines");
    let line = lines.iter().find(|line| line["check"] == check);
    line.unwrap_or_else(|| panic!("{check} is not in {findings}"))["status"].as_str().expect("text")
}

#[test]
fn the_doctor_finds_what_is_there_and_what_is_not() {
    let stage = stage();
    let alice = stage.wallet("alice", &[]);
    let found = stage.run(&alice, &["doctor"]).json();
    for check in ["key", "node", "slots", "program", "market", "prices", "balance"] {
        assert_eq!(status(&found, check), "ok", "{found}");
    }
    assert_eq!(status(&found, "configuration"), "warn");
    let poor = stage.saved("poor", std::sync::Arc::new(solana_keypair::Keypair::new()));
    let found = stage.without_market(&poor, &["doctor"]).json();
    assert_eq!((status(&found, "balance"), status(&found, "market")), ("warn", "warn"));

    let wrong = stage.run(&alice, &["doctor", "--market", &alice.address().to_string()]);
    assert_eq!(wrong.code, 4, "{wrong:?}");
    let found: Value = serde_json::from_str(&wrong.stdout).expect("findings beside the failure");
    assert_eq!(status(&found, "market"), "fail");
    let nowhere = stage.bare("", &["doctor", "-u", "http://127.0.0.1:1", "--output", "json"]);
    assert_eq!(nowhere.code, 3, "{nowhere:?}");
    let found: Value = serde_json::from_str(&nowhere.stdout).expect("findings beside the failure");
    assert_eq!((status(&found, "node"), status(&found, "key")), ("fail", "warn"));
}

#[test]
fn a_configuration_file_says_where_and_who() {
    let stage = stage();
    let alice = stage.wallet("alice", &[]);
    let config = format!(
        "json_rpc_url: {}\nwebsocket_url: ''\nkeypair_path: {}\naddress_labels: {{}}\ncommitment: processed\n",
        stage.url(),
        alice.file()
    );
    let config = stage.file("solana/config.yml", &config);
    stage.bare("", &["vault", "open", "-C", &config]).fails(2, "which market?");
    stage.file("solana/ballast.toml", &format!("[markets]\n\"{}\" = \"{}\"\n", stage.url(), stage.site.market));
    let opened = stage.bare("", &["vault", "open", "-C", &config, "--output", "json-compact"]).json();
    assert_eq!(opened["owner"], alice.address().to_string());
    stage.bare("", &["vault", "list", "-C", "/nonexistent.yml"]).fails(2, "does not exist");
    stage.file("solana/ballast.toml", "[market]\n");
    stage.bare("", &["vault", "list", "-C", &config]).fails(2, "ballast.toml");
}

#[test]
fn every_version_of_transactions_works() {
    let stage = stage();
    let alice = stage.wallet("alice", &[]);
    for (id, version) in [("1", "legacy"), ("2", "v0"), ("3", "v1")] {
        let price = ["--with-compute-unit-price", "1000", "--transaction-version", version];
        let dry = stage.run(&alice, &[&["vault", "open", "--dry-run", "--id", id][..], &price].concat()).json();
        assert!(dry["fee"].as_u64() > Some(5_000), "{dry}");
        let hash =
            stage.wait(stage.network.connection.client().get_latest_blockhash()).expect("a blockhash").to_string();
        let sign = ["vault", "open", "--id", id, "--sign-only", "--blockhash", &hash];
        let signed = stage.run(&alice, &[&sign[..], &price].concat()).json();
        assert_eq!((&signed["status"], &signed["blockhash"]), (&"signed".into(), &hash.into()));
        assert_eq!(signed["absent"], serde_json::json!([]));
    }
    for (id, version) in [("1", "legacy"), ("2", "v0"), ("3", "v1")] {
        let open = ["vault", "open", "--id", id, "--transaction-version", version];
        assert_eq!(stage.run(&alice, &open).json()["status"], "confirmed");
    }
}

/// Answers every request for a path with its text, and stops with the test.
pub fn serve(answers: &'static [(&'static str, u16, &'static str)]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut request = [0; 4_096];
            let length = stream.read(&mut request).unwrap_or(0);
            let request = String::from_utf8_lossy(&request[..length]).into_owned();
            let found = answers.iter().find(|(path, ..)| request.contains(path));
            let (_, code, text) = found.expect("a known path");
            let head = format!("HTTP/1.1 {code} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", text.len());
            let _ = stream.write_all(format!("{head}{text}").as_bytes());
        }
    });
    format!("http://{address}")
}

#[test]
fn a_keeper_tells_how_it_is() {
    let good = serve(&[
        ("/readyz", 200, "{\"ready\":true,\"reasons\":{}}"),
        ("/healthz", 200, "{}"),
        ("/metrics", 200, "# HELP x y\nballast_keeper_scans_total 7\n# EOF\n"),
    ]);
    let ran = ballast(&["keeper", "status", &good, "--output", "json"]).json();
    assert_eq!((&ran["ready"], &ran["metrics"]["ballast_keeper_scans_total"]), (&true.into(), &"7".into()));
    let bad = serve(&[
        ("/readyz", 503, "{\"ready\":false,\"reasons\":{\"rpc\":\"one node of two\"}}"),
        ("/healthz", 200, "{}"),
        ("/metrics", 200, ""),
    ]);
    let ran = ballast(&["keeper", "status", &bad]);
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(ran.stdout.contains("rpc: one node of two"));
    ballast(&["keeper", "status", "http://127.0.0.1:1"]).fails(3, "does not answer");
    ballast(&["keeper", "status", "somewhere"]).fails(2, "is no URL");
}

#[test]
fn money_on_mainnet_is_not_spent_without_a_yes() {
    let stage = stage();
    let alice = stage.wallet("alice", &[]);
    // The local network, but for its first block.
    let mainnet = crate::stage::disguised(&stage.url(), "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d");
    let market = stage.site.market.to_string();
    let open = ["-u", &mainnet, "-k", alice.file(), "--market", &market, "vault", "open"];
    let asked = stage.bare("", &open);
    asked.fails(2, "say -y");
    assert!(asked.stderr.contains("Fee: 5000 lamports"), "{asked:?}");
    assert!(stage.vault(&alice.address(), 0).is_none());
    let sent = stage.bare("", &[&open[..], &["-y", "--output", "json"]].concat()).json();
    assert_eq!(sent["status"], "confirmed");
    let migrated = stage.bare("", &["-u", &mainnet, "-k", alice.file(), "migrate", &stage.path("empty")]);
    assert_eq!(migrated.code, 2, "{migrated:?}");
}

#[test]
fn a_closed_pipe_is_no_panic() {
    for arguments in [&["completions", "bash"][..], &["--help"], &["market", "--help"]] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_ballast"))
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("the binary ends");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && stderr.is_empty(), "{arguments:?}: {:?} {stderr}", output.status);
    }
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = ballast(&["completions", shell]);
        assert!(script.code == 0 && script.stdout.contains("simulate"), "{shell}");
    }
    ballast(&["completions", "tcsh"]).fails(2, "invalid value");
    ballast(&["no-such-noun"]).fails(2, "unrecognized subcommand");
    assert!(ballast(&["--version"]).stdout.starts_with("ballast "));
}
