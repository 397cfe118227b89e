//! `ballast`: markets, vaults, prices and governance from the command line.
//!
//! Noun, then verb. Results go to stdout, everything else to stderr. Exit codes: 0 done, 2 the command makes no sense, 3 the
//! node failed, 4 the transaction would fail or did, 5 it was refused by risk. See `failure`, also for failures as JSON.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand, ValueEnum};

mod amounts;
mod context;
mod doctor;
mod failure;
mod gov;
mod keeper;
mod market;
mod nonce;
mod options;
mod origin;
mod output;
mod price;
mod send;
mod signers;
mod vault;
mod wallet;

use context::Context;
use failure::Failure;
use options::Options;
use output::Format;

/// Markets, vaults, prices and governance of Ballast from the command line
#[derive(Parser)]
#[command(name = "ballast", version, max_term_width = 120)]
struct Arguments {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    noun: Noun,
}

#[derive(Subcommand)]
enum Noun {
    /// Create markets, list assets, look at them
    #[command(subcommand)]
    Market(market::Command),
    /// Apply the numbered market definitions of a directory
    Migrate(market::migrate::Migrate),
    /// Open vaults, move money in and out of them, look at them
    #[command(subcommand)]
    Vault(vault::Command),
    /// Bring prices up to date, and see whether they count
    #[command(subcommand)]
    Price(price::Command),
    /// Propose, check, execute and watch changes of a market
    #[command(subcommand)]
    Gov(gov::Command),
    /// Look at a keeper
    #[command(subcommand)]
    Keeper(keeper::Command),
    /// Check everything that a command needs, and say what to do about what is missing
    Doctor(doctor::Doctor),
    /// Print completions for a shell
    Completions { shell: clap_complete::Shell },
}

impl Noun {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Market(command) => command.run(context).await,
            Self::Migrate(migrate) => migrate.run(context).await,
            Self::Vault(command) => command.run(context).await,
            Self::Price(command) => command.run(context).await,
            Self::Gov(command) => command.run(context).await,
            Self::Keeper(command) => command.run(context).await,
            Self::Doctor(doctor) => doctor.run(context).await,
            Self::Completions { shell } => completions(shell),
        }
    }
}

fn completions(shell: clap_complete::Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "ballast", &mut script);
    output::print(String::from_utf8_lossy(&script).trim_end())
}

fn run(Arguments { options, noun }: Arguments) -> Result<(), Failure> {
    // Works without any configuration.
    if let Noun::Completions { shell } = noun {
        return completions(shell);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::usage(format!("the runtime does not start: {error}")))?;
    let context = Context::new(options)?;
    runtime.block_on(noun.run(&context))
}

/// The command line; help, versions and mistakes in it end the process.
fn parsed() -> Arguments {
    let wrong = match Arguments::try_parse() {
        Ok(arguments) => return arguments,
        Err(wrong) => wrong,
    };
    match wanted(std::env::args_os()) {
        Some(format) if wrong.use_stderr() => {
            let failure = Failure::Usage(wrong.to_string());
            output::fail(format, &failure);
            std::process::exit(failure.code().into())
        }
        _ => wrong.exit(),
    }
}

/// The format that a command line asks for which cannot be understood as a whole.
fn wanted(arguments: impl Iterator<Item = OsString>) -> Option<Format> {
    let arguments: Vec<String> = arguments.map(|argument| argument.to_string_lossy().into_owned()).collect();
    let next = arguments.iter().skip(1).map(String::as_str).chain(std::iter::once(""));
    arguments.iter().zip(next).find_map(|(argument, next)| {
        let value = if argument == "--output" { next } else { argument.strip_prefix("--output=")? };
        Format::from_str(value, false).ok()
    })
}

fn main() -> ExitCode {
    let arguments = parsed();
    let format = arguments.options.output;
    match run(arguments) {
        Ok(()) | Err(Failure::ClosedPipe) => ExitCode::SUCCESS,
        Err(failure) => {
            output::fail(format, &failure);
            ExitCode::from(failure.code())
        }
    }
}
