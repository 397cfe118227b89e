//! The command line of `ballast-localnet`.

use std::path::PathBuf;
use std::time::Duration;

use ballast_localnet::catalogue::ASSETS;
use ballast_localnet::feed::Pace;
use ballast_localnet::prices::file::BadFile;
use ballast_localnet::prices::replay::PriceFile;
use ballast_localnet::prices::{Path, generated, replay};
use clap::Parser;

/// A local network with the program, a market, vaults, a price feed that moves, and the keeper.
#[derive(Parser, Debug)]
#[command(name = "ballast-localnet", version)]
#[command(after_help = "Exit code: 0 after Ctrl-C, 1 when something fails, 2 for a bad command line or file.")]
pub struct Arguments {
    /// The compiled program; `cargo xtask localnet` builds it and names it
    #[arg(long, value_name = "FILE")]
    pub program: PathBuf,
    /// The keeper's program; by default the one beside this program
    #[arg(long, value_name = "FILE", conflicts_with = "no_keeper")]
    pub keeper: Option<PathBuf>,
    /// Run without the keeper: liquidations and price refreshes are left to you
    #[arg(long)]
    pub no_keeper: bool,
    /// Borrowers' vaults
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub vaults: u32,
    /// Another crowd of borrowers, other keys and another bundled price path
    #[arg(long, value_name = "N", default_value_t = 7)]
    pub seed: u64,
    /// Replay a table of prices: `timestamp,SOL,BTC,ETH,..`, unix seconds, dollars
    #[arg(long, value_name = "FILE")]
    pub prices: Option<PathBuf>,
    /// Rows of the table to replay: those around the worst fall
    #[arg(long, value_name = "N", default_value_t = 120, requires = "prices",
          value_parser = clap::value_parser!(u32).range(2..=100_000))]
    pub rows: u32,
    /// Leave out the rows of the table before this time, unix seconds
    #[arg(long, value_name = "T", requires = "prices")]
    pub from: Option<i64>,
    /// Leave out the rows of the table after this time, unix seconds
    #[arg(long, value_name = "T", requires = "prices")]
    pub to: Option<i64>,
    /// Seconds of the price path in one second; the bundled path has a price an hour and falls after a day
    #[arg(long, value_name = "FACTOR", default_value_t = 1_800.0, value_parser = speed)]
    pub speed: f64,
    /// Start the price path over at its end; otherwise the last prices stay
    #[arg(long)]
    pub repeat: bool,
    /// Assets whose publishers say nothing after the first price: an outage. Any number, with commas between them
    #[arg(long, value_name = "ASSET", value_delimiter = ',', value_parser = asset)]
    pub silent: Vec<usize>,
    /// Milliseconds between two blocks
    #[arg(long, value_name = "MS", default_value_t = 400, value_parser = clap::value_parser!(u64).range(50..=10_000))]
    pub block: u64,
    /// Port of the RPC, websockets at the next one, as with a validator; 0 takes any two
    #[arg(long, value_name = "PORT", default_value_t = 8_899, value_parser = clap::value_parser!(u16).range(..=65_534))]
    pub rpc_port: u16,
    /// Port of the keeper's metrics and health; 0 takes any
    #[arg(long, value_name = "PORT", default_value_t = 9_184)]
    pub metrics_port: u16,
    /// Keep keypairs, configurations, journal and logs in this folder; by default they are gone afterwards
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

impl Arguments {
    pub fn pace(&self) -> Pace {
        let silent = std::array::from_fn(|asset| self.silent.contains(&asset));
        Pace { speed: self.speed, repeat: self.repeat, silent }
    }

    pub const fn block(&self) -> Duration {
        Duration::from_millis(self.block)
    }

    /// The prices to play.
    ///
    /// # Errors
    /// What is wrong with the file, and where.
    pub fn path(&self) -> Result<Path, BadFile> {
        match &self.prices {
            Some(path) => {
                replay::load(&PriceFile { path: path.clone(), rows: self.rows as usize, from: self.from, to: self.to })
            }
            None => Ok(generated::path(self.seed)),
        }
    }
}

fn asset(name: &str) -> Result<usize, String> {
    let found = ASSETS.iter().position(|entry| entry.name.eq_ignore_ascii_case(name));
    found.ok_or_else(|| format!("the assets are {}", ASSETS.map(|entry| entry.name).join(", ")))
}

fn speed(text: &str) -> Result<f64, String> {
    let speed: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if speed.is_finite() && (0.01..=1e6).contains(&speed) {
        Ok(speed)
    } else {
        Err("give 0.01 to 1000000 seconds of the path in a second".to_owned())
    }
}
