//! The network that the tests of one process share, wallets on it, and the binary.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};

use ballast_client::{Pubkey, Vault, account, address};
use ballast_cluster::books::{Books, read_clock};
use ballast_cluster::connection::Job;
use ballast_cluster::decimal::Decimal;
use ballast_localnet::catalogue::COUNT;
use ballast_localnet::market::{Site, key};
use ballast_localnet::network::Network;
use ballast_localnet::prices::Frame;
use ballast_localnet::random::Random;
use serde_json::Value;
use solana_keypair::Keypair;
use solana_signer::Signer;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// First prices, dollars: SOL, BTC, ETH, JitoSOL, USDC, USDT, JUP, JTO, BONK, PYTH, RAY, WBTC.
const PRICES: [&str; COUNT] =
    ["100", "50000", "2500", "115", "1", "1", "0.5", "1.25", "0.00002", "0.25", "1.5", "50000"];

/// A network with an open market whose prices are fresh, and nobody in it.
pub struct Stage {
    pub network: Network,
    pub site: Site,
    runtime: Runtime,
    directory: TempDir,
}

/// What the binary did.
#[derive(Clone, Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// The result, which has to be there.
    #[track_caller]
    pub fn json(&self) -> Value {
        assert_eq!(self.code, 0, "{self:?}");
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The failure as programs read it, in the last line of stderr.
    #[track_caller]
    pub fn failure(&self) -> Value {
        let last = self.stderr.lines().last().unwrap_or_default();
        let told: Value = serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {self:?}"));
        assert_eq!(told["exit"], self.code, "{self:?}");
        told
    }

    /// A failure with this exit code whose message contains this; prints nothing on stdout.
    #[track_caller]
    pub fn fails(&self, code: i32, message: &str) {
        assert_eq!(self.code, code, "{self:?}");
        assert!(self.stderr.contains(message), "{message:?} is not in {self:?}");
        assert_eq!(self.stdout, "", "a failure has no result");
    }
}

/// A wallet with a key file.
pub struct Wallet {
    pub key: Arc<Keypair>,
    pub path: PathBuf,
}

impl Wallet {
    pub fn address(&self) -> Pubkey {
        self.key.pubkey()
    }

    pub fn file(&self) -> &str {
        self.path.to_str().expect("a path in UTF-8")
    }
}

/// The one of this process.
pub fn stage() -> &'static Stage {
    static STAGE: OnceLock<Stage> = OnceLock::new();
    STAGE.get_or_init(Stage::build)
}

/// Runs the binary without a cluster and without a configuration.
pub fn ballast(arguments: &[&str]) -> Ran {
    run(Path::new("/nonexistent"), "", arguments)
}

fn run(home: &Path, input: &str, arguments: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ballast"));
    command.args(arguments).env_remove("BALLAST_MARKET").env("HOME", home).env("NO_COLOR", "1");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary runs");
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("the input is read");
    let output = child.wait_with_output().expect("the binary ends");
    Ran {
        code: output.status.code().expect("the binary was not killed"),
        stdout: String::from_utf8(output.stdout).expect("text"),
        stderr: String::from_utf8(output.stderr).expect("text"),
    }
}

impl Stage {
    fn build() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let directory = TempDir::new().expect("a directory");
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/deploy/ballast.so");
        let payer = key(&mut Random::new(1, "payer"));
        let (network, site) = runtime.block_on(async {
            let network = Network::start(&payer, &program).await.expect("a network");
            let (site, _) = Site::build(&network, payer, 1, &frame()).await.expect("a market");
            (network, site)
        });
        let stage = Self { network, site, runtime, directory };
        stage.refresh();
        stage
    }

    pub fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Publishes the first prices now and refreshes all.
    pub fn refresh(&self) {
        self.publish();
        self.wait(self.site.refresh(&self.network.connection, &self.site.payer)).expect("prices");
    }

    /// Publishes the first prices now. The market has not seen them yet.
    pub fn publish(&self) {
        self.wait(async {
            let time = i64::try_from(read_clock(&self.network.connection).await.expect("a clock")).expect("a time");
            self.network.publish(&self.site.feeds.updates(&frame(), &frame(), time)).await.expect("prices");
        });
    }

    pub fn url(&self) -> String {
        self.network.connection.client().url()
    }

    /// A file in a directory that goes with this process.
    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::create_dir_all(Path::new(&path).parent().expect("a parent")).expect("a directory");
        std::fs::write(&path, text).expect("a file");
        path
    }

    /// A path in that directory.
    pub fn path(&self, name: &str) -> String {
        self.directory.path().join(name).to_str().expect("a path in UTF-8").to_owned()
    }

    /// The key in a file.
    pub fn saved(&self, name: &str, key: Arc<Keypair>) -> Wallet {
        let numbers: Vec<String> = key.to_bytes().iter().map(u8::to_string).collect();
        let path = self.file(&format!("{name}.json"), &format!("[{}]", numbers.join(",")));
        Wallet { key, path: path.into() }
    }

    /// A wallet with lamports and tokens: asset and native units.
    pub fn wallet(&self, name: &str, tokens: &[(usize, u64)]) -> Wallet {
        let wallet = self.saved(name, key(&mut Random::new(1, name)));
        let address = wallet.address();
        self.wait(async {
            self.network.fund([address]).await.expect("lamports");
            let fund = tokens.iter().flat_map(|(asset, amount)| self.site.fund(&address, *asset, *amount));
            let fund: Vec<_> = fund.collect();
            if !fund.is_empty() {
                let job = Job::new("funding", fund, &[&self.site.payer]);
                self.network.connection.send(job).await.expect("tokens");
            }
        });
        wallet
    }

    /// Runs the binary against the network and the market as somebody, with JSON as its output.
    pub fn run(&self, wallet: &Wallet, arguments: &[&str]) -> Ran {
        let market = self.site.market.to_string();
        // What an argument says comes later, and wins.
        let named = if arguments.contains(&"--market") { vec![] } else { vec!["--market", &market] };
        self.without_market(wallet, &[arguments, &named].concat())
    }

    /// The same without a market.
    pub fn without_market(&self, wallet: &Wallet, arguments: &[&str]) -> Ran {
        let url = self.url();
        let format = if arguments.contains(&"--output") { vec![] } else { vec!["--output", "json"] };
        let globals = ["--url", &url, "--keypair", wallet.file()];
        run(self.directory.path(), "", &[&globals[..], &format, arguments].concat())
    }

    /// Runs the binary with nothing but these arguments and this input; its home is empty.
    pub fn bare(&self, input: &str, arguments: &[&str]) -> Ran {
        run(self.directory.path(), input, arguments)
    }

    /// The market with all vaults, as the chain has them now.
    pub fn books(&self) -> Books {
        self.wait(Books::read(&self.network.connection, self.site.market)).expect("books")
    }

    /// One of somebody's vaults.
    pub fn vault(&self, owner: &Pubkey, id: u16) -> Option<Vault> {
        let address = address::vault(&self.site.market, owner, id);
        let found = self.wait(self.network.connection.account(&address)).expect("an answer");
        found.map(|raw| account::vault(&raw.owner, &raw.data).expect("a vault"))
    }
}

/// The first prices.
pub fn frame() -> Frame {
    Frame { time: 0, prices: PRICES.map(|price| Decimal::parse(price).expect("a price")) }
}

/// What a troubled node does with a request.
pub enum Trouble {
    /// It answers as the node behind it does.
    None,
    /// The request is lost: HTTP status 502.
    NoRequest,
    /// The request is carried out, but the answer is lost.
    NoAnswer,
    /// It says this.
    Result(Value),
}

/// A node that answers as another one does, but says that its cluster began with this block. It ends with the process.
pub fn disguised(url: &str, genesis: &str) -> String {
    let genesis = genesis.to_owned();
    altered(url, "getGenesisHash", move |_| serde_json::json!({ "result": genesis }))
}

/// A node that answers as another one does, but for one method: result or error are what is made of the request.
pub fn altered(
    url: &str,
    method: &'static str,
    answer: impl Fn(&serde_json::Value) -> serde_json::Value + Send + 'static,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let target = url.trim_start_matches("http://").to_owned();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let Some(body) = body(&mut stream) else { continue };
            let request: serde_json::Value = serde_json::from_str(&body).expect("a request");
            let answer = if request["method"] == method {
                let mut answer = answer(&request);
                (answer["jsonrpc"], answer["id"]) = ("2.0".into(), request["id"].clone());
                answer.to_string()
            } else {
                forward(&target, &body)
            };
            respond(&mut stream, "200 OK", &answer);
        }
    });
    format!("http://{address}")
}

/// What a node answers to a request.
pub fn answered(url: &str, request: &Value) -> Value {
    let answer = forward(url.trim_start_matches("http://"), &request.to_string());
    serde_json::from_str(&answer).expect("an answer")
}

/// A node that answers as another one does, and what it was asked. It ends with the process.
pub fn overheard(url: &str) -> (String, Arc<Mutex<Vec<serde_json::Value>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (target, heard) = (url.trim_start_matches("http://").to_owned(), asked.clone());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let Some(body) = body(&mut stream) else { continue };
            heard.lock().expect("nobody panicked").push(serde_json::from_str(&body).expect("a request"));
            respond(&mut stream, "200 OK", &forward(&target, &body));
        }
    });
    (format!("http://{address}"), asked)
}

/// A node that answers as another one does, unless its script has trouble with a method that was asked for so often before.
/// It ends with the process.
pub fn troubled(url: &str, script: impl Fn(&str, usize) -> Trouble + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let target = url.trim_start_matches("http://").to_owned();
    std::thread::spawn(move || {
        let mut asked: HashMap<String, usize> = HashMap::new();
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let Some(body) = body(&mut stream) else { continue };
            let request: Value = serde_json::from_str(&body).expect("a request");
            let method = request["method"].as_str().expect("a method");
            let count = asked.entry(method.to_owned()).or_default();
            let trouble = script(method, *count);
            *count += 1;
            match trouble {
                Trouble::None => respond(&mut stream, "200 OK", &forward(&target, &body)),
                Trouble::NoRequest => respond(&mut stream, "502 Bad Gateway", ""),
                Trouble::NoAnswer => {
                    forward(&target, &body);
                    respond(&mut stream, "502 Bad Gateway", "");
                }
                Trouble::Result(result) => {
                    let answer = serde_json::json!({ "jsonrpc": "2.0", "result": result, "id": request["id"] });
                    respond(&mut stream, "200 OK", &answer.to_string());
                }
            }
        }
    });
    format!("http://{address}")
}

/// The body of a request or an answer with a known length.
fn body(stream: &mut TcpStream) -> Option<String> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    String::from_utf8(body).ok()
}

fn forward(target: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(target).expect("the network");
    let head = "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nconnection: close\r\n";
    let message = format!("{head}content-length: {}\r\n\r\n{request}", request.len());
    stream.write_all(message.as_bytes()).expect("a request");
    body(&mut stream).expect("an answer")
}

fn respond(stream: &mut TcpStream, status: &str, answer: &str) {
    let head = format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close\r\n");
    let message = format!("{head}content-length: {}\r\n\r\n{answer}", answer.len());
    stream.write_all(message.as_bytes()).expect("an answer");
}
