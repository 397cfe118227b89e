//! The program itself, as far as it goes without a network: arguments, configuration, exit codes.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use solana_keypair::Keypair;

/// A configuration with two nodes that are not there.
fn configuration(folder: &Path, more: &str) -> PathBuf {
    let port = |offset| {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port().wrapping_add(offset)
    };
    let text = format!(
        "market = \"SysvarC1ock11111111111111111111111111111111\"\njournal = {:?}\n{more}\n\
         [[endpoint]]\nname = \"a\"\nurl = \"http://127.0.0.1:{}\"\n[[endpoint]]\nname = \"b\"\nurl = \"http://127.0.0.1:{}\"\n\
         [rpc]\ntimeout_milliseconds = 200\n[server]\naddress = \"127.0.0.1:0\"\n",
        folder.join("journal"),
        port(0),
        port(1),
    );
    let path = folder.join("keeper.toml");
    fs::write(&path, text).unwrap();
    path
}

fn keeper(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ballast-keeper")).args(arguments).env_remove("RUST_LOG").output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn wrong_arguments_end_with_two_and_help_names_the_exit_codes() {
    assert_eq!(keeper(&[]).status.code(), Some(2));
    assert_eq!(keeper(&["--config", "x", "--check", "--once"]).status.code(), Some(2));
    let help = keeper(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    let help = text(&help.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
    for word in ["--config", "--once", "--dry-run", "--check", "3 when the nodes cannot be relied on"] {
        assert!(help.contains(word), "{help}");
    }
}

#[test]
fn a_faulty_configuration_ends_with_one_and_says_what_to_change() {
    let folder = tempfile::tempdir().unwrap();
    let missing = keeper(&["--config", folder.path().join("nothing.toml").to_str().unwrap()]);
    assert_eq!(missing.status.code(), Some(1));
    let path = configuration(folder.path(), "tpyo = 1");
    let typo = keeper(&["--config", path.to_str().unwrap()]);
    assert_eq!(typo.status.code(), Some(1));
    assert!(text(&typo.stderr).contains("tpyo"), "{}", text(&typo.stderr));
}

#[test]
fn a_key_pair_that_others_can_read_is_refused_and_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let (key, secret) = (folder.path().join("key.json"), Keypair::new().to_base58_string());
    fs::write(&key, &secret).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let path = configuration(folder.path(), &format!("keypair = {{ file = {key:?} }}"));
    let refused = keeper(&["--config", path.to_str().unwrap(), "--once"]);
    assert_eq!(refused.status.code(), Some(1));
    let said = text(&refused.stderr);
    assert!(said.contains("run: chmod 600 ") && !said.contains(&secret), "{said}");
}

#[test]
fn nodes_that_are_not_there_fail_a_check_with_three_and_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = configuration(folder.path(), "");
    let check = keeper(&["--config", path.to_str().unwrap(), "--check"]);
    assert_eq!(check.status.code(), Some(3), "{}", text(&check.stderr));
    let said = text(&check.stdout);
    assert!(said.contains("endpoint a: ") && said.contains("endpoint b: "), "{said}");
    assert!(!folder.path().join("journal").exists());
}
