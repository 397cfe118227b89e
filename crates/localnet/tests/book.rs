//! The console blocks of the book, carried out: each command ends as it should, and prints the words that the page shows.
//! `BALLAST_ACCEPT=1` writes what was printed into the page.
//!
//! Numbers and addresses are not compared: some of them depend on how fast the machine is.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const WORKSPACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
/// What pages call the folder of the local network.
const FOLDER: &str = "/tmp/ballast";

/// And its addresses: RPC, websocket, keeper. Here they are others.
const ADDRESSES: [&str; 3] = ["127.0.0.1:8899", "127.0.0.1:8900", "127.0.0.1:9184"];

/// What `ballast price` says of a price that is new to the market, or is not.
const CHANCE: [&str; 2] = ["accepted", "unchanged"];

/// What a page's commands run in.
struct Walk {
    folder: tempfile::TempDir,
    network: Option<Child>,
    environment: Vec<(String, String)>,
    /// In the order of [`ADDRESSES`].
    addresses: Vec<String>,
}

impl Drop for Walk {
    fn drop(&mut self) {
        if let Some(network) = &mut self.network {
            // Not SIGKILL: it has to end its keeper.
            // SAFETY: kill(2) has no memory effects, and the child has not been waited for.
            unsafe { libc::kill(network.id().cast_signed(), libc::SIGTERM) };
            let _ = network.wait();
        }
    }
}

impl Walk {
    /// What a command prints, with the folder by its name in the book.
    fn carry_out(&mut self, command: &str) -> String {
        let folder = self.folder.path().to_str().expect("a path in UTF-8").to_owned();
        let mut command = command.replace(FOLDER, &folder);
        for (ours, books) in self.addresses.iter().zip(ADDRESSES) {
            command = command.replace(books, ours);
        }
        let words: Vec<&str> = command.split_whitespace().collect();
        let mut printed = match words[..] {
            ["cargo", "xtask", "localnet", ref options @ ..] => self.start(options),
            ["export", setting] => {
                let (name, value) = setting.split_once('=').expect("a name and a value");
                self.environment.push((name.to_owned(), value.to_owned()));
                String::new()
            }
            [program, ref arguments @ ..] => self.run(&command, program, arguments),
            [] => panic!("an empty command"),
        };
        printed = printed.replace(&folder, FOLDER);
        for (ours, books) in self.addresses.iter().zip(ADDRESSES) {
            printed = printed.replace(ours, books);
        }
        printed.lines().map(|line| format!("{}\n", line.trim_end())).collect()
    }

    fn run(&self, command: &str, program: &str, arguments: &[&str]) -> String {
        let programs = Path::new(env!("CARGO_BIN_EXE_ballast-localnet")).parent().expect("a folder");
        let mut process = Command::new(programs.join(program));
        process.args(arguments).envs(self.environment.iter().cloned()).env("NO_COLOR", "1").stdin(Stdio::null());
        let output = process.output().unwrap_or_else(|error| panic!("{program}: {error}"));
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
        assert!(output.status.success(), "{command}: {}\n{}", output.status, text(&output.stderr));
        // What has no result to print tells about itself.
        text(if output.stdout.is_empty() { &output.stderr } else { &output.stdout })
    }

    /// Starts the network on free ports, and waits until the last price has been published.
    fn start(&mut self, options: &[&str]) -> String {
        let program = Path::new(WORKSPACE).join("target/deploy/ballast.so");
        let mut process = Command::new(env!("CARGO_BIN_EXE_ballast-localnet"));
        process.arg("--program").arg(program).args(options).args(["--rpc-port", "0", "--metrics-port", "0"]);
        process.current_dir(WORKSPACE).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = process.spawn().expect("the local network starts");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        self.network = Some(child);
        let mut printed = String::new();
        for line in lines.by_ref() {
            let line = line.expect("text");
            printed.push_str(&line);
            printed.push('\n');
            if is_last_price(&line) {
                break;
            }
        }
        assert!(printed.lines().last().is_some_and(is_last_price), "the local network ended: {printed}");
        // Whoever writes to a pipe that nobody reads stops.
        std::thread::spawn(move || {
            let mut rest = Vec::new();
            lines.for_each(|line| rest.push(line.is_ok()));
        });
        let address = |name: &str| {
            let url = printed.lines().find_map(|line| line.trim().strip_prefix(name))?;
            Some(url.trim().split("//").nth(1)?.split('/').next()?.to_owned())
        };
        self.addresses = ["RPC ", "websocket ", "metrics "].into_iter().filter_map(address).collect();
        printed.trim_start().to_owned()
    }
}

/// `price    4 of 4: ..`
fn is_last_price(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    matches!(words[..], ["price", at, "of", end, ..] if end.trim_end_matches(':') == at)
}

/// The lines without everything that holds a digit. Lines of a log come in any order, and are left out. Whether a price is new
/// to the market is chance where a keeper runs beside.
fn words(text: &str) -> BTreeSet<String> {
    let words = |line: &str| {
        let chance = |word: &str| word.contains(|letter: char| letter.is_ascii_digit()) || CHANCE.contains(&word);
        let plain = line.split_whitespace().filter(|word| !chance(word));
        plain.collect::<Vec<_>>().join(" ")
    };
    text.lines()
        .filter(|line| !line.contains(" INFO ") && !line.contains(" WARN "))
        .map(words)
        .filter(|line| !line.is_empty())
        .collect()
}

/// A page with the blocks carried out in their order.
fn carried_out(page: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let mut walk = Walk { folder, network: None, environment: Vec::new(), addresses: Vec::new() };
    let mut lines = page.lines().peekable();
    let mut out = String::new();
    while let Some(line) = lines.next() {
        out.push_str(line);
        out.push('\n');
        if line != "```console" {
            continue;
        }
        while let Some(command) = lines.next_if(|line| *line != "```") {
            let wanted = command.strip_prefix("$ ").unwrap_or_else(|| panic!("{command:?} is no command"));
            let mut shown = String::new();
            while let Some(line) = lines.next_if(|line| *line != "```" && !line.starts_with("$ ")) {
                shown.push_str(line);
                shown.push('\n');
            }
            let printed = walk.carry_out(wanted);
            let missing: Vec<_> = words(&shown).difference(&words(&printed)).cloned().collect();
            let accept = std::env::var_os("BALLAST_ACCEPT").is_some();
            assert!(accept || missing.is_empty(), "`{wanted}` does not print {missing:?} but:\n{printed}");
            out.push_str(&format!("$ {wanted}\n{}", if accept { printed } else { shown }));
        }
    }
    out
}

/// Carries a page of the book out.
fn follow(page: &str) {
    let path = PathBuf::from(WORKSPACE).join("docs/src").join(page);
    let text = std::fs::read_to_string(&path).expect("the page");
    let done = carried_out(&text);
    if std::env::var_os("BALLAST_ACCEPT").is_some() {
        std::fs::write(&path, done).expect("the page");
    } else {
        assert_eq!(done, text);
    }
}

#[test]
fn the_first_liquidation_goes_as_the_page_says() {
    follow("first-liquidation.md");
}

#[test]
fn the_commands_of_the_runbook_do_what_it_shows() {
    follow("runbook.md");
}
