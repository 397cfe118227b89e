//! The keeper as a process beside the network: its configuration, its start, its end.

use std::fmt::Write;
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use crate::catalogue::ASSETS;
use crate::folder::Folder;
use crate::stage::Stage;

/// How long the keeper may take to be ready.
const START: Duration = Duration::from_secs(60);
/// How long it may take to end when asked to. Its own limit is in the configuration below.
const END: Duration = Duration::from_secs(20);

/// Names in the folder.
const LOG: &str = "keeper.log";
const JOURNAL: &str = "keeper.journal";
const CONFIGURATION: &str = "keeper.toml";

/// Where the keeper finds the network.
pub struct Surroundings<'a> {
    pub rpc_url: &'a str,
    pub ws_url: &'a str,
    /// Where it serves metrics and its health.
    pub address: SocketAddr,
    /// A file of prices to compare the stored ones with, see `written`.
    pub prices: Option<&'a Path>,
}

/// Writes the keeper's key and configuration into the folder; returns the path of the latter.
///
/// # Errors
/// A file that cannot be written.
pub fn configure(folder: &Folder, stage: &Stage, around: &Surroundings<'_>) -> Result<PathBuf> {
    let key = folder.write_key("keeper", &stage.keeper)?;
    // Another network's journal speaks of transactions that this one has never seen.
    let journal = folder.forget(JOURNAL)?;
    folder.write(CONFIGURATION, &configuration(stage, around, &key, &journal))
}

/// A running keeper. It is killed when dropped; [`Self::end`] lets it finish.
pub struct Keeper {
    child: Child,
    address: SocketAddr,
    pub log: PathBuf,
    pub configuration: PathBuf,
}

impl Keeper {
    /// Starts the program with a configuration that [`configure`] wrote. On Linux the keeper dies with the thread that calls
    /// this, however that ends: it has to be one that lasts as long as the keeper shall.
    ///
    /// # Errors
    /// A program that cannot be started.
    pub fn start(program: &Path, folder: &Folder, configuration: PathBuf, address: SocketAddr) -> Result<Self> {
        let log = folder.write(LOG, "")?;
        let output = File::options().append(true).open(&log).with_context(|| log.display().to_string())?;
        let mut command = Command::new(program);
        #[cfg(target_os = "linux")]
        die_with_us(&mut command);
        let child = command
            .arg("--config")
            .arg(&configuration)
            .stdin(Stdio::null())
            .stdout(output.try_clone().context("the log")?)
            .stderr(output)
            // Ctrl-C reaches everybody in the terminal's process group; the keeper is to end when we say so, and once.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} cannot be started", program.display()))?;
        Ok(Self { child, address, log, configuration })
    }

    /// Waits until the keeper says that it is ready.
    ///
    /// # Errors
    /// A keeper that ends, or is not ready in time.
    pub async fn ready(&mut self) -> Result<()> {
        let deadline = Instant::now() + START;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().context("the keeper")? {
                bail!("the keeper ended ({status}); {} says why", self.log.display());
            }
            if get(self.address, "/readyz").await.is_ok_and(|answer| answer.starts_with("HTTP/1.1 200")) {
                return Ok(());
            }
            sleep(Duration::from_millis(50)).await;
        }
        bail!("the keeper is not ready after {START:?}; {} says why", self.log.display())
    }

    /// Its metrics, in Prometheus' text format.
    ///
    /// # Errors
    /// A keeper that does not answer.
    pub async fn metrics(&self) -> Result<String> {
        let answer = get(self.address, "/metrics").await?;
        let (head, body) = answer.split_once("\r\n\r\n").context("an answer without a body")?;
        if !head.starts_with("HTTP/1.1 200") {
            bail!("the keeper does not give its metrics: {}", head.lines().next().unwrap_or_default());
        }
        Ok(body.to_owned())
    }

    /// Returns when the keeper has ended by itself.
    ///
    /// # Errors
    /// A process that cannot be waited for.
    pub async fn ended(&mut self) -> Result<ExitStatus> {
        self.child.wait().await.context("the keeper")
    }

    /// Asks the keeper to finish what is in flight and to end.
    ///
    /// # Errors
    /// A keeper that does not end in time; it is killed then.
    pub async fn end(mut self) -> Result<ExitStatus> {
        if let Some(id) = self.child.id() {
            let id = i32::try_from(id).context("a process id")?;
            // SAFETY: kill(2) has no memory effects here, and the child has not been waited for, so the id is still its.
            unsafe { libc::kill(id, libc::SIGTERM) };
        }
        match timeout(END, self.child.wait()).await {
            Ok(status) => status.context("the keeper"),
            Err(_) => {
                self.child.kill().await.context("the keeper")?;
                bail!("the keeper did not end within {END:?} and was killed; {} says more", self.log.display())
            }
        }
    }
}

/// Has the kernel kill the program when this thread is gone: nobody is left to end it when we are killed ourselves, and without
/// its network it has nothing to finish.
#[cfg(target_os = "linux")]
fn die_with_us(command: &mut Command) {
    let us = std::process::id();
    let tie = move || {
        // SAFETY: prctl(2) and getppid(2) may be called between fork and exec, and touch no memory of ours.
        let (tied, parent) = unsafe { (libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL), libc::getppid()) };
        if tied != 0 {
            return Err(std::io::Error::last_os_error());
        }
        // We were gone before the kernel knew.
        if u32::try_from(parent) == Ok(us) { Ok(()) } else { Err(std::io::ErrorKind::NotConnected.into()) }
    };
    // SAFETY: it allocates nothing and takes no lock.
    unsafe { command.pre_exec(tie) };
}

/// The keeper's configuration for a network of one node.
fn configuration(stage: &Stage, around: &Surroundings<'_>, key: &Path, journal: &Path) -> String {
    let mut text = format!(
        "# Written by the local network.\n\
         market = \"{market}\"\n\
         keypair = {{ file = {key:?} }}\n\
         journal = {journal:?}\n\n\
         [[endpoint]]\n\
         name = \"local\"\n\
         url = \"{rpc}\"\n\
         websocket = \"{ws}\"\n\n\
         [rpc]\n\
         # There is only one node here. On a public cluster the keeper wants two that agree.\n\
         one_node = true\n\n\
         [server]\n\
         address = \"{address}\"\n\
         shutdown_seconds = 15\n\n\
         [prices]\n\
         check_milliseconds = 100\n\
         refresh_bps = 1\n\
         batch = {assets}\n\n",
        market = stage.site.market,
        rpc = around.rpc_url,
        ws = around.ws_url,
        address = around.address,
        assets = ASSETS.len().min(10),
    );
    // Writing to memory does not fail.
    if let Some(prices) = around.prices {
        let _ = write!(text, "[prices.file]\npath = {prices:?}\ninterval_milliseconds = 1000\n\n");
    }
    text.push_str("[prices.accounts]\n");
    for (entry, account) in ASSETS.iter().zip(&stage.site.feeds.accounts) {
        let _ = writeln!(text, "{} = \"{account}\"", entry.name);
    }
    text
}

/// One request in plain HTTP/1.1: the keeper listens on this machine only.
async fn get(address: SocketAddr, path: &str) -> Result<String> {
    let ask = async {
        let mut stream = TcpStream::connect(address).await?;
        let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    };
    timeout(Duration::from_secs(5), ask).await.context("the keeper does not answer")?
}
