//! `ballast-localnet` as people run it: what it prints, what it leaves, how it ends.

mod examples;
mod settled;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;

use ballast_client::account;
use ballast_cluster::connection::Connection;

const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/deploy/ballast.so");

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ballast-localnet"));
    command.args(["--program", PROGRAM, "--vaults", "8", "--metrics-port", "0"]);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A local network that is up. It is killed if a test fails before it has ended.
struct Running {
    child: Child,
    output: BufReader<ChildStdout>,
    introduction: String,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        Self::wait_for(command(arguments).args(["--no-keeper", "--rpc-port", "0"]).spawn().unwrap())
    }

    /// Waits for the introduction.
    fn wait_for(mut child: Child) -> Self {
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut introduction = String::new();
        while !introduction.contains("price check") {
            if output.read_line(&mut introduction).unwrap() == 0 {
                let mut errors = String::new();
                child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
                panic!("it ended by itself: {introduction}{errors}");
            }
        }
        Self { child, output, introduction }
    }

    /// The first word of a line that begins with a name.
    fn line(&self, name: &str) -> &str {
        let line = self.introduction.lines().find_map(|line| line.trim_start().strip_prefix(name));
        line.and_then(|rest| rest.split_whitespace().next()).unwrap_or_else(|| panic!("{}", self.introduction))
    }

    fn end(mut self, signal: i32) -> ExitStatus {
        // SAFETY: kill(2) has no memory effects, and the child has not been waited for.
        assert_eq!(unsafe { libc::kill(self.child.id().cast_signed(), signal) }, 0);
        self.child.wait().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn it_says_where_everything_is_and_prices_move() {
    let mut running = Running::start(&["--speed", "36000"]);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let connection = Connection::new(running.line("RPC"));
    let address = running.line("market").trim_end_matches(':').parse().unwrap();
    let found = runtime.block_on(connection.accounts(&[address])).unwrap().accounts.remove(0).unwrap();
    assert_eq!(account::market(&found.owner, &found.data).unwrap().listed().len(), 12);
    let mut line = String::new();
    while !line.contains("price    5 of 97") {
        line.clear();
        assert_ne!(running.output.read_line(&mut line).unwrap(), 0);
    }
    assert!(line.contains("SOL"), "{line}");
    // The chain has its own clock, and it runs.
    let slot = || runtime.block_on(connection.client().get_slot()).unwrap();
    let before = slot();
    std::thread::sleep(Duration::from_secs(2));
    assert!(slot() > before);
    assert!(running.end(libc::SIGINT).success());
}

#[test]
fn what_it_leaves_is_for_the_owner_alone_and_gone_afterwards_unless_kept() {
    let running = Running::start(&[]);
    let config = Path::new(running.line("CLI config")).to_owned();
    let keys = config.with_file_name("keys");
    assert!(fs::read_to_string(&config).unwrap().contains(&format!("json_rpc_url: {:?}", running.line("RPC"))));
    for file in fs::read_dir(&keys).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", file.path());
        let numbers: Vec<u8> = serde_json::from_str(&fs::read_to_string(file.path()).unwrap()).unwrap();
        assert_eq!(numbers.len(), 64);
    }
    assert!(running.end(libc::SIGTERM).success());
    assert!(!config.exists());

    let folder = tempfile::tempdir().unwrap();
    let running = Running::start(&["--dir", folder.path().to_str().unwrap()]);
    assert!(running.end(libc::SIGHUP).success());
    assert!(folder.path().join("keys/user.json").is_file());
}

/// A network with a keeper, and the address of its metrics.
fn with_keeper() -> (Running, String) {
    // Tests stand one folder below the programs of all crates, which are built together with them.
    let keeper = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("ballast-keeper");
    let keeper = keeper.to_str().unwrap();
    let running = Running::wait_for(command(&["--rpc-port", "0", "--keeper", keeper]).spawn().unwrap());
    let metrics = running.line("metrics").strip_prefix("http://").unwrap().strip_suffix("/metrics").unwrap().to_owned();
    (running, metrics)
}

/// What a keeper's metrics say.
fn metrics_of(address: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET /metrics HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn the_keeper_hears_prices_from_the_file_and_goes_when_the_network_is_killed() {
    let (mut running, metrics) = with_keeper();
    let folder = Path::new(running.line("CLI config")).parent().unwrap().to_owned();
    while !metrics_of(&metrics).contains("ballast_keeper_source_difference_ratio{asset=\"SOL\"}") {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(metrics_of(&metrics).contains("ballast_keeper_price_source_up{source=\"file\"} 1"));
    // What nobody can answer to.
    running.child.kill().unwrap();
    running.child.wait().unwrap();
    while TcpStream::connect(&metrics).is_ok() {
        std::thread::sleep(Duration::from_millis(50));
    }
    // Nobody was there to remove it.
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn the_keeper_begins_and_ends_with_it() {
    let (running, metrics) = with_keeper();
    assert!(TcpStream::connect(&metrics).is_ok());
    let folder = Path::new(running.line("CLI config")).parent().unwrap().to_owned();
    assert!(fs::read_to_string(folder.join("keeper.toml")).unwrap().contains("one_node = true"));
    assert!(running.end(libc::SIGINT).success());
    assert!(TcpStream::connect(&metrics).is_err());
    assert!(!folder.exists());
}

#[test]
fn a_signal_while_it_starts_ends_it_too_with_nobody_left_to_read() {
    let mut child = command(&["--no-keeper", "--rpc-port", "0"]).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "starting the network, deploying the program\n");
    // SAFETY: kill(2) has no memory effects, and the child has not been waited for.
    assert_eq!(unsafe { libc::kill(child.id().cast_signed(), libc::SIGINT) }, 0);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_port_in_use_is_an_error_that_names_the_option() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = command(&["--no-keeper", "--rpc-port", &port]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.contains("is in use") && errors.contains("--rpc-port"), "{errors}");
}

#[test]
fn a_bad_command_line_or_file_is_code_two() {
    for wrong in [
        &["--vaults", "0"][..],
        &["--speed", "0"],
        &["--speed", "nan"],
        &["--rows", "5"],
        &["--prices", "/nowhere.csv"],
        &["--silent", "DOGE"],
        &["--block", "10"],
        &["--bogus"],
    ] {
        let output = command(&[]).args(wrong).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{wrong:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let missing = Command::new(env!("CARGO_BIN_EXE_ballast-localnet")).args(["--program", "/nowhere.so"]).output();
    assert_eq!(missing.unwrap().status.code(), Some(2));
}
