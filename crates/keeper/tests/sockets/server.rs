//! A node's websocket: the part of Solana's subscription protocol that the keeper speaks, with what can go wrong in it.

use std::sync::{Arc, Mutex};

use ballast_client::account::CLOCK;
use ballast_client::{ID, Pubkey, Vault};
use ballast_keeper::updates::Update;
use ballast_tests::random::Random;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, accept_async};

use crate::chain::{Shared, lock};
use crate::fault::Fault;
use crate::node::encoded;

/// Whose nothing is.
const NOBODY: Pubkey = Pubkey::new_from_array([0; 32]);
/// Notices that come in the wrong order together.
const TOGETHER: usize = 8;
/// How many notices back an old one is taken from. All of them are of slots that a node may still tell of.
const BACK: usize = 8;
/// Slots ahead, or back, that no node can be.
const FAR: u64 = 1_000_000;
const LONG: u64 = 10_000;

/// What is wrong with all connections of a case at the moment.
pub struct Mood {
    pub fault: Option<Fault>,
    /// How often the fault was done since it began.
    pub done: u64,
    /// What was asked for that should not be.
    pub wrong: Vec<String>,
    random: Random,
}

impl Mood {
    pub fn new(seed: u64) -> Arc<Mutex<Self>> {
        Arc::new(Mutex::new(Self { fault: None, done: 0, wrong: Vec::new(), random: Random::new(seed) }))
    }
}

/// A node's websocket server.
#[derive(Clone)]
pub struct Server {
    pub chain: Shared,
    pub mood: Arc<Mutex<Mood>>,
}

/// What a connection has subscribed to.
enum Subscribed {
    Vaults,
    To(Pubkey),
}

/// A connection.
struct Line {
    socket: WebSocketStream<TcpStream>,
    subscribed: Vec<Subscribed>,
    /// Notices that are kept back.
    kept: Vec<Update>,
    /// Notices of vaults that were passed on.
    told: Vec<Update>,
    /// In the middle of a frame: nothing can follow.
    stuck: bool,
}

type Done = Result<(), Error>;

impl Server {
    /// Listens on a free port. Returns its URL.
    pub async fn open(self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("ws://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = self.clone();
                // How a connection ends is the keeper's business.
                tokio::spawn(async move { drop(server.converse(stream).await) });
            }
        });
        url
    }

    fn fault(&self) -> Option<Fault> {
        self.mood.lock().expect("nobody panics holding it").fault
    }

    fn does(&self) {
        self.mood.lock().expect("nobody panics holding it").done += 1;
    }

    fn draws<T>(&self, draw: impl FnOnce(&mut Random) -> T) -> T {
        draw(&mut self.mood.lock().expect("nobody panics holding it").random)
    }

    /// From the first byte of a connection to its end.
    async fn converse(&self, mut stream: TcpStream) -> Done {
        if self.fault() == Some(Fault::NoHandshake) {
            self.does();
            while stream.read(&mut [0; 512]).await? > 0 {}
            return Ok(());
        }
        let socket = accept_async(stream).await?;
        // Before a subscription is answered: nothing is lost between the two.
        let mut written = lock(&self.chain).listen();
        let mut line = Line { socket, subscribed: vec![], kept: vec![], told: vec![], stuck: false };
        loop {
            tokio::select! {
                message = line.socket.next() => match message {
                    Some(Ok(Message::Text(text))) => self.hear(&mut line, text.as_str()).await?,
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return Ok(()),
                    Some(Ok(_)) => {}
                },
                Ok(update) = written.recv(), if !line.stuck => {
                    if !self.tell(&mut line, update).await? {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Answers a request.
    async fn hear(&self, line: &mut Line, text: &str) -> Done {
        let request: Value = serde_json::from_str(text).expect("JSON");
        let (id, params) = (&request["id"], &request["params"]);
        let method = request["method"].as_str().expect("a method");
        if method.ends_with("Unsubscribe") {
            return say(line, &json!({"jsonrpc": "2.0", "result": true, "id": id})).await;
        }
        match self.fault() {
            Some(Fault::Unanswered) => {
                self.does();
                return Ok(());
            }
            Some(Fault::Refused) => {
                self.does();
                let error = json!({"code": -32_005, "message": "too many subscriptions"});
                return say(line, &json!({"jsonrpc": "2.0", "error": error, "id": id})).await;
            }
            _ => {}
        }
        let subscribed = match method {
            "programSubscribe" => Subscribed::Vaults,
            "accountSubscribe" => {
                Subscribed::To(params[0].as_str().and_then(|text| text.parse().ok()).expect("an address"))
            }
            other => panic!("nobody asks for {other}"),
        };
        let wrong = self.is_wrong(&subscribed, params);
        self.mood.lock().expect("nobody panics holding it").wrong.extend(wrong);
        line.subscribed.push(subscribed);
        say(line, &json!({"jsonrpc": "2.0", "result": line.subscribed.len(), "id": id})).await
    }

    /// What the keeper should have asked for instead.
    fn is_wrong(&self, subscribed: &Subscribed, params: &Value) -> Option<String> {
        let config = &params[1];
        let plain = config["encoding"] == "base64" && config["commitment"] == "processed";
        let vaults = match subscribed {
            Subscribed::To(_) => true,
            Subscribed::Vaults => {
                let market = lock(&self.chain).market.to_string();
                let filters = config["filters"].as_array().cloned().unwrap_or_default();
                params[0] == ID.to_string()
                    && filters.contains(&json!({"dataSize": Vault::SPACE}))
                    && filters.iter().any(|filter| filter["memcmp"]["bytes"] == market.as_str())
            }
        };
        (!plain || !vaults).then(|| format!("it subscribes with {params}"))
    }

    /// Tells of a write, or does something else. `false`: the connection is over.
    async fn tell(&self, line: &mut Line, update: Update) -> Result<bool, Error> {
        let Some(fault) = self.fault() else {
            // What was kept back while something was wrong comes before what is new.
            for kept in std::mem::take(&mut line.kept).into_iter().chain([update]) {
                pass_on(line, &kept).await?;
            }
            return Ok(true);
        };
        match fault {
            // What these do is done to the connection that comes next.
            Fault::NoHandshake | Fault::Unanswered | Fault::Refused => return Ok(line.subscribed.is_empty()),
            Fault::Cut => {
                self.does();
                return Ok(false);
            }
            Fault::Closed => {
                self.does();
                line.socket.close(None).await?;
                return Ok(false);
            }
            Fault::Silent => self.does(),
            Fault::NotJson => {
                self.does();
                let text = self.draws(|random| random.pick(&["{\"jsonrpc\":\"2.0\",\"met", "[1,2]", "busy", ""]));
                line.socket.send(Message::text(text)).await?;
            }
            Fault::BadFrame => {
                self.does();
                line.socket.get_mut().write_all(&[0x83, 0x02, 0x7b, 0x7d]).await?;
            }
            Fault::HalfFrame => {
                self.does();
                // It announces text of a thousand bytes.
                line.socket.get_mut().write_all(b"\x81\x7e\x03\xe8{\"jsonrpc\":").await?;
                line.stuck = true;
            }
            Fault::Duplicated => {
                self.does();
                for _ in 0..self.draws(|random| random.between(2, 3)) {
                    pass_on(line, &update).await?;
                }
            }
            Fault::Reordered => {
                line.kept.push(update);
                if line.kept.len() >= TOGETHER {
                    self.does();
                    for kept in std::mem::take(&mut line.kept).into_iter().rev() {
                        pass_on(line, &kept).await?;
                    }
                }
            }
            Fault::Belated => {
                let newest = line.told.len();
                let from = newest.saturating_sub(BACK);
                pass_on(line, &update).await?;
                if newest > from {
                    self.does();
                    let at = from + self.draws(|random| random.below(newest - from));
                    let old = line.told[at].clone();
                    pass_on(line, &old).await?;
                }
            }
            Fault::FarAhead | Fault::LongAgo => {
                self.does();
                let slot = if fault == Fault::FarAhead { update.slot + FAR } else { update.slot - LONG };
                pass_on(line, &Update { slot, ..update }).await?;
            }
            Fault::Rewatched => pass_on(line, &update).await?,
            _ => self.lie(fault, line, &update).await?,
        }
        Ok(true)
    }

    /// Says what is not so of an account, or leaves it out. The clock always ticks.
    async fn lie(&self, fault: Fault, line: &mut Line, update: &Update) -> Done {
        if update.address == CLOCK {
            return pass_on(line, update).await;
        }
        let vault = is_vault(update);
        let data = update.data.clone().unwrap_or_default();
        let cut = self.draws(|random| data.len() - random.below(16) - 1);
        let stranger = self.draws(|random| Pubkey::new_from_array([0xb0 + random.below(16) as u8; 32]));
        let said = match fault {
            Fault::WrongOwner | Fault::Falsified => Some(Update { owner: stranger, ..update.clone() }),
            Fault::Truncated => Some(Update { data: Some(data[..cut].to_vec()), ..update.clone() }),
            Fault::Poisoned => {
                let data = Some(vec![0; Vault::SPACE]);
                Some(Update { address: stranger, owner: ID, data, slot: update.slot })
            }
            Fault::Buried if vault => Some(Update { owner: NOBODY, data: Some(vec![]), ..update.clone() }),
            _ => None,
        };
        if let Some(said) = &said {
            self.does();
            // A stranger is heard of by those who listen to the program.
            notify(line, said, vault || fault == Fault::Poisoned, true).await?;
        }
        match fault {
            Fault::Falsified => Ok(()),
            Fault::Buried | Fault::Mute if vault => {
                self.does();
                Ok(())
            }
            Fault::Malformed if vault => {
                self.does();
                notify(line, update, true, false).await
            }
            _ => pass_on(line, update).await,
        }
    }
}

fn is_vault(update: &Update) -> bool {
    update.owner == ID && update.data.as_ref().is_some_and(|data| data.len() == Vault::SPACE)
}

/// Tells of a state as it is, and remembers it.
async fn pass_on(line: &mut Line, update: &Update) -> Done {
    if is_vault(update) {
        line.told.push(update.clone());
    }
    notify(line, update, is_vault(update), true).await
}

/// Tells everybody on the line who wants to hear of it. `vault`: whether those who listen to the program do. `whole`: whether
/// what is said can be read as an account.
async fn notify(line: &mut Line, update: &Update, vault: bool, whole: bool) -> Done {
    let wanted = |subscribed: &Subscribed| match subscribed {
        Subscribed::Vaults => vault,
        Subscribed::To(address) => *address == update.address,
    };
    if !line.subscribed.iter().any(wanted) {
        return Ok(());
    }
    let data = update.data.as_deref().unwrap_or_default();
    let account = if whole { encoded(&update.owner, data) } else { json!({"lamports": 1, "data": "..."}) };
    let context = json!({"slot": update.slot});
    let mut notices = Vec::new();
    for (number, subscribed) in (1..).zip(&line.subscribed) {
        let (method, value) = match subscribed {
            Subscribed::Vaults if vault => {
                ("programNotification", json!({"pubkey": update.address.to_string(), "account": account}))
            }
            Subscribed::To(address) if *address == update.address => ("accountNotification", account.clone()),
            _ => continue,
        };
        let result = json!({"context": context, "value": value});
        let params = json!({"result": result, "subscription": number});
        notices.push(json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }
    for notice in &notices {
        say(line, notice).await?;
    }
    Ok(())
}

async fn say(line: &mut Line, message: &Value) -> Done {
    line.socket.send(Message::text(message.to_string())).await
}
