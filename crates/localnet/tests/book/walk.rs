//! What the commands of a page run in: a folder, a local network, an environment.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::WORKSPACE;

/// What pages call the folder of the local network.
pub const FOLDER: &str = "/tmp/ballast";
/// And its addresses: RPC, websocket, keeper, the node that is not there, a second keeper. Here they are others.
const ADDRESSES: [&str; 5] = ["127.0.0.1:8899", "127.0.0.1:8900", "127.0.0.1:9184", "127.0.0.1:8898", "127.0.0.1:9185"];
/// Programs of the system that pages use.
const OF_THE_SYSTEM: [&str; 1] = ["sleep"];
/// How long what runs in the background may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// See the module.
pub struct Walk {
    folder: tempfile::TempDir,
    network: Option<Child>,
    /// Ended with the network.
    beside: Vec<Child>,
    environment: Vec<(String, String)>,
    /// In the order of [`ADDRESSES`].
    addresses: Vec<String>,
}

/// What a command did.
pub struct Ran {
    pub code: i32,
    pub printed: String,
}

impl Drop for Walk {
    fn drop(&mut self) {
        self.end();
    }
}

/// Where a program of ours is.
pub fn program(name: &str) -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_ballast-localnet")).with_file_name(name)
}

impl Walk {
    pub fn begin() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self { folder, network: None, beside: Vec::new(), environment: Vec::new(), addresses: Vec::new() }
    }

    /// Ends what runs, the network last.
    fn end(&mut self) {
        for mut child in self.beside.drain(..).chain(self.network.take()) {
            // Not SIGKILL: a network has to end its keeper.
            // SAFETY: kill(2) has no memory effects, and the child has not been waited for.
            unsafe { libc::kill(child.id().cast_signed(), libc::SIGTERM) };
            let _ = child.wait();
        }
    }

    /// A text with our folder and addresses in place of the book's.
    fn ours(&self, text: &str) -> String {
        let folder = self.folder.path().to_str().expect("a path in UTF-8");
        let pairs = ADDRESSES.into_iter().zip(&self.addresses);
        pairs.fold(text.replace(FOLDER, folder), |text, (books, ours)| text.replace(books, ours))
    }

    /// The other way.
    fn books(&self, text: &str) -> String {
        let folder = self.folder.path().to_str().expect("a path in UTF-8");
        let pairs = ADDRESSES.into_iter().zip(&self.addresses);
        let text = pairs.fold(text.replace(folder, FOLDER), |text, (books, ours)| text.replace(ours, books));
        text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
    }

    /// Writes a file into the folder.
    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), self.ours(text)).expect("a file");
    }

    /// What a command prints, with the folder by its name in the book.
    pub fn carry_out(&mut self, command: &str) -> Ran {
        let ours = self.ours(command);
        let words: Vec<&str> = ours.split_whitespace().collect();
        let done = |printed| Ran { code: 0, printed };
        let ran = match words[..] {
            ["cargo", "xtask", "localnet", ref options @ ..] => done(self.start(options)),
            ["cargo", "xtask", "migrate", ref options @ ..] => {
                self.run("ballast", &[&["migrate", "migrations"], options].concat())
            }
            ["export", setting] => {
                let (name, value) = setting.split_once('=').expect("a name and a value");
                self.environment.push((name.to_owned(), value.to_owned()));
                done(String::new())
            }
            [program, ref arguments @ .., "&"] => done(self.beside(program, arguments)),
            [program, ref arguments @ ..] => self.run(program, arguments),
            [] => panic!("an empty command"),
        };
        Ran { printed: self.books(&ran.printed), ..ran }
    }

    fn command(&self, name: &str, arguments: &[&str]) -> Command {
        let system = OF_THE_SYSTEM.contains(&name);
        let mut command = Command::new(if system { PathBuf::from(name) } else { program(name) });
        command.args(arguments).current_dir(WORKSPACE).env("NO_COLOR", "1").stdin(Stdio::null());
        command.env_remove("BALLAST_MARKET").envs(self.environment.iter().cloned());
        command
    }

    fn run(&self, name: &str, arguments: &[&str]) -> Ran {
        let output = self.command(name, arguments).output().unwrap_or_else(|error| panic!("{name}: {error}"));
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        let code = output.status.code().expect("nobody killed it");
        // As on a terminal: what is said beforehand, then the result; why it failed comes last.
        let printed = if code == 0 { stderr + &stdout } else { stdout + &stderr };
        Ran { code, printed }
    }

    /// Starts a keeper that goes on, and waits until it answers.
    fn beside(&mut self, name: &str, arguments: &[&str]) -> String {
        let quiet = |command: &mut Command| command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let child = quiet(&mut self.command(name, arguments)).unwrap_or_else(|error| panic!("{name}: {error}"));
        self.beside.push(child);
        let address = self.addresses.last().expect("a network");
        let deadline = Instant::now() + PATIENCE;
        while !answers(address) {
            assert!(Instant::now() < deadline, "{name} {arguments:?} does not answer at {address}");
            std::thread::sleep(Duration::from_millis(100));
        }
        String::new()
    }

    /// Starts the network on free ports, and waits until the last price has been published. There is one at a time.
    fn start(&mut self, options: &[&str]) -> String {
        self.end();
        let mut process = Command::new(program("ballast-localnet"));
        process.arg("--program").arg(Path::new(WORKSPACE).join("target/deploy/ballast.so"));
        process.args(options).args(["--rpc-port", "0", "--metrics-port", "0"]);
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
        let [rpc, websocket] = ["RPC ", "websocket "].map(|name| address(name).expect("an address"));
        // Without a keeper nobody listens there.
        let metrics = address("metrics ").unwrap_or_else(free);
        self.addresses = vec![rpc, websocket, metrics, free(), free()];
        printed.trim_start().to_owned()
    }
}

/// An address at which nobody listens.
fn free() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").to_string()
}

/// Whether a server of pages is there, whatever it answers.
fn answers(address: &str) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(address)?;
        write!(stream, "GET /readyz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.contains("\"rpc\"") || answer.starts_with("HTTP/1.1 200"))
}

/// `price    4 of 4: ..`
fn is_last_price(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    matches!(words[..], ["price", at, "of", end, ..] if end.trim_end_matches(':') == at)
}
