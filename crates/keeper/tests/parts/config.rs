//! The configuration file, its example and its secrets.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use ballast_keeper::config::file::StreamKind;
use ballast_keeper::config::{Config, Origin};
use ballast_keeper::secret::{Redaction, Secret, keypair, read_private};
use solana_keypair::Keypair;
use solana_signer::Signer;

const EXAMPLE: &str = include_str!("../../keeper.example.toml");
const MINIMAL: &str = r#"
market = "SysvarC1ock11111111111111111111111111111111"
journal = "journal"
[[endpoint]]
name = "a"
url = "http://127.0.0.1:8899"
[[endpoint]]
name = "b"
url = "https://rpc.example.com"
"#;

fn environment() -> BTreeMap<String, String> {
    let key = Keypair::new_from_array([7; 32]).to_base58_string();
    let pairs = [
        ("BALLAST_KEEPER_KEYPAIR", key.as_str()),
        ("BALLAST_KEEPER_RPC_FIRST", "https://rpc.example.com/?api-key=very-secret-key"),
        ("BALLAST_KEEPER_YELLOWSTONE_TOKEN", "yellowstone-token"),
        ("BALLAST_KEEPER_HERMES_KEY", "hermes-secret"),
    ];
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

fn parse(text: &str) -> anyhow::Result<Config> {
    let environment = environment();
    Config::parse(text, &|name| environment.get(name).cloned())
}

#[track_caller]
fn refused(text: &str, part: &str) {
    let error = format!("{:#}", parse(text).expect_err("the configuration is accepted"));
    assert!(error.contains(part), "{error}");
}

#[test]
fn the_example_is_valid_and_shows_the_defaults() {
    let example = parse(EXAMPLE).unwrap();
    let minimal = parse(MINIMAL).unwrap();
    assert_eq!(format!("{:?}", example.rpc), format!("{:?}", minimal.rpc));
    assert_eq!(format!("{:?}", example.liquidator), format!("{:?}", minimal.liquidator));
    assert_eq!(example.fees, minimal.fees);
    assert_eq!(format!("{:?}", example.changes), format!("{:?}", minimal.changes));
    assert_eq!(
        (example.address, example.patience, example.shutdown),
        (minimal.address, minimal.patience, minimal.shutdown)
    );
    assert_eq!(format!("{:?}", example.log), format!("{:?}", minimal.log));
    let stream =
        |config: &Config| (config.stream.kind, config.stream.poll, config.stream.resync, config.stream.silence);
    assert_eq!(stream(&example), stream(&minimal));
    let prices = |config: &Config| {
        let prices = &config.prices;
        (prices.enabled, prices.refresh_seconds, prices.refresh_bps, prices.batch, prices.check)
    };
    assert_eq!(prices(&example), prices(&minimal));
    assert_eq!(example.keypair.unwrap().pubkey(), Keypair::new_from_array([7; 32]).pubkey());
    assert!(minimal.keypair.is_none());
}

#[test]
fn an_unknown_field_is_an_error_that_names_it() {
    refused(&MINIMAL.replace("journal = ", "jornal = \"x\"\njournal = "), "jornal");
    refused(&format!("{MINIMAL}\n[fees]\npercentil = 5"), "percentil");
}

#[test]
fn one_endpoint_is_not_enough_and_neither_is_one_asked_twice() {
    let one = MINIMAL.rsplit_once("[[endpoint]]").unwrap().0;
    refused(one, "1 endpoints are too few");
    refused(&MINIMAL.replace("https://rpc.example.com", "http://127.0.0.1:8899"), "the same URL");
    refused(&MINIMAL.replace("\"b\"", "\"a\""), "the same name");
    refused(&format!("{MINIMAL}\n[rpc]\nleast_healthy = 1"), "give 2 to 2");
    refused(&format!("{MINIMAL}\n[rpc]\nleast_healthy = 3"), "give 2 to 2");
}

#[test]
fn one_endpoint_is_enough_on_this_machine_when_the_file_says_so() {
    let one = MINIMAL.rsplit_once("[[endpoint]]").unwrap().0;
    let local = format!("{one}\n[rpc]\none_node = true");
    let config = parse(&local).unwrap();
    assert_eq!((config.endpoints.len(), config.rpc.least_healthy), (1, 1));
    for elsewhere in ["http://127.0.0.1.example.com:8899", "http://10.0.0.1:8899", "https://rpc.example.com"] {
        refused(&local.replace("http://127.0.0.1:8899", elsewhere), "has to be on this machine");
    }
}

#[test]
fn a_key_in_a_url_does_not_belong_in_the_file() {
    refused(&MINIMAL.replace("rpc.example.com", "rpc.example.com/?api-key=1"), "it has a query");
    refused(&MINIMAL.replace("rpc.example.com", "me:word@rpc.example.com"), "it has a password");
    refused(
        &MINIMAL.replace("rpc.example.com", "rpc.example.com/v2/0123456789abcdef0123"),
        "its path looks like a key",
    );
    for key in ["v2/Ab_cdEfGh-iJ_kLmNoPq", "a1b2c3d4e5f6", "v1/kEY~with.other=letters"] {
        let url = format!("rpc.example.com/{key}");
        refused(&MINIMAL.replace("rpc.example.com", &url), "its path looks like a key");
    }
    parse(&MINIMAL.replace("rpc.example.com", "rpc.example.com/solana-mainnet/v1")).unwrap();
    refused(&MINIMAL.replace("https://rpc", "ftp://rpc"), "https://");
}

#[test]
fn only_a_loopback_address_is_served() {
    refused(&format!("{MINIMAL}\n[server]\naddress = \"0.0.0.0:9184\""), "not a loopback address");
}

#[test]
fn an_unset_variable_is_named_and_an_unset_hermes_key_is_done_without() {
    refused(&MINIMAL.replace("\"https://rpc.example.com\"", "{ env = \"NOWHERE\" }"), "NOWHERE is not set");
    let hermes = "\n[prices.hermes]\nurl = \"https://hermes.example.com\"\nkey = { env = \"NOWHERE\" }\n";
    assert!(matches!(
        parse(&format!("{MINIMAL}{hermes}")).unwrap().prices.source.map(|source| source.from),
        Some(Origin::Hermes { key: None, .. })
    ));
}

#[test]
fn the_websocket_follows_from_the_url() {
    let config = parse(MINIMAL).unwrap();
    let sockets: Vec<&str> = config.endpoints.iter().map(|endpoint| endpoint.websocket.reveal()).collect();
    assert_eq!(sockets, ["ws://127.0.0.1:8900", "wss://rpc.example.com"]);
    assert_eq!(config.stream.kind, StreamKind::Websocket);
}

#[test]
fn nothing_secret_is_printed() {
    let config = parse(EXAMPLE).unwrap();
    let shown = format!("{:?} {:?} {:?}", config.endpoints, config.stream, config.prices);
    for secret in ["very-secret-key", "yellowstone-token", "hermes-secret"] {
        assert!(!shown.contains(secret), "{shown}");
        let line = format!("error: https://rpc.example.com/?api-key={secret} said no to {secret}.");
        let line = config.redaction.apply(&line);
        assert!(!line.contains(secret), "{line}");
    }
    let key = Keypair::new_from_array([7; 32]).to_base58_string();
    assert_eq!(config.redaction.apply(&key), "[redacted]");
}

#[test]
fn a_secret_that_was_written_into_the_file_is_not_repeated_by_the_error() {
    let secret = Keypair::new_from_array([7; 32]).to_base58_string();
    let keypair = format!("keypair = \"{secret}\"");
    for (line, wrong) in [
        ("the keypair", MINIMAL.replace("journal = ", &format!("{keypair}\njournal = "))),
        ("a broken line", MINIMAL.replace("journal = ", &format!("{keypair} \"\njournal = "))),
        ("the market", MINIMAL.replace("SysvarC1ock11111111111111111111111111111111", &secret)),
    ] {
        let error = format!("{:#}", parse(&wrong).expect_err(line));
        assert!(!error.contains(&secret) && !error.contains(&secret[..20]), "{line}: {error}");
    }
    refused(&MINIMAL.replace("journal = ", &format!("{keypair}\njournal = ")), "line 3: give { env = ");
}

#[test]
fn every_part_of_a_url_that_is_kept_elsewhere_is_redacted() {
    let text = MINIMAL.replace("\"https://rpc.example.com\"", "{ env = \"URL\" }");
    let url = "https://node-7.example.com:8443/v2/short_K/?token=abcdef";
    let config = Config::parse(&text, &|name| (name == "URL").then(|| url.to_owned())).unwrap();
    let said = "https://node-7.example.com:8443/v2/short_K/?token=abcdef wss://node-7.example.com:8443/v2/short_K/ \
                no such path: short_K; no host node-7.example.com; token abcdef";
    let line = config.redaction.apply(said);
    for part in ["node-7", "short_K", "abcdef", "844"] {
        assert!(!line.contains(part), "{line}");
    }
    assert!(line.contains("no such path: [redacted]"), "{line}");
    assert_eq!(config.redaction.apply("http://127.0.0.1:8899/"), "http://127.0.0.1:8899/");
}

#[test]
fn the_file_chooses_the_source_of_prices_and_one_at_most() {
    let hermes = "\n[prices.hermes]\nurl = \"https://hermes.example.com\"\n";
    let file = "\n[prices.file]\npath = \"prices.json\"\n";
    assert!(parse(MINIMAL).unwrap().prices.source.is_none());
    let source = parse(&format!("{MINIMAL}{file}")).unwrap().prices.source.unwrap();
    assert_eq!((source.post, source.interval.as_millis(), source.alarm_bps), (false, 2_000, 200));
    assert!(matches!(source.from, Origin::File { most_age, .. } if most_age.as_secs() == 60));
    refused(&format!("{MINIMAL}{hermes}{file}"), "not both");
    refused(&format!("{MINIMAL}{file}most_age_seconds = 0\n"), "most_age_seconds is 0");
}

#[test]
fn urls_lose_passwords_and_queries_and_keep_the_rest() {
    let redaction = Redaction::new([]);
    let line = "POST https://me:word@rpc.example.com:443/v1?key=1 (ws://127.0.0.1:8900/) failed";
    let shown = "POST https://[redacted]@rpc.example.com:443/v1?[redacted] (ws://127.0.0.1:8900/) failed";
    assert_eq!(redaction.apply(line), shown);
    assert_eq!(redaction.apply("no address at all"), "no address at all");
}

#[test]
fn a_secret_file_that_others_can_read_is_refused_with_the_command_that_mends_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    fs::write(&path, "secret text\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let error = read_private(&path).unwrap_err().to_string();
    assert!(error.contains("(mode 0640); run: chmod 600 "), "{error}");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(read_private(&path).unwrap().reveal(), "secret text");
    fs::write(&path, "\n").unwrap();
    assert!(read_private(&path).unwrap_err().to_string().ends_with("is empty"));
}

#[test]
fn a_key_pair_is_read_in_both_forms_and_never_quoted_in_errors() {
    let key = Keypair::new_from_array([9; 32]);
    let json = format!("{:?}", key.to_bytes());
    assert_eq!(keypair(&Secret::new(json)).unwrap().pubkey(), key.pubkey());
    assert_eq!(keypair(&Secret::new(key.to_base58_string())).unwrap().pubkey(), key.pubkey());
    for wrong in ["[1, 2, 3]", "[1, 2, 999]", "[hunter2]", "hunter2"] {
        let error = format!("{:#}", keypair(&Secret::new(wrong)).unwrap_err());
        assert!(!error.contains("hunter2") && !error.contains("999"), "{error}");
    }
}

#[test]
fn the_cluster_is_named_or_given_by_its_first_block() {
    let of =
        |line: &str| parse(&MINIMAL.replace("journal =", &format!("{line}\njournal ="))).map(|config| config.genesis);
    assert_eq!(of("").unwrap(), None);
    let mainnet = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d";
    assert_eq!(of("cluster = \"mainnet-beta\"").unwrap().unwrap().to_string(), mainnet);
    assert_eq!(of(&format!("cluster = \"{mainnet}\"")).unwrap().unwrap().to_string(), mainnet);
    for wrong in ["mainnet", "local", ""] {
        refused(&MINIMAL.replace("journal =", &format!("cluster = \"{wrong}\"\njournal =")), "cluster: give");
    }
}
