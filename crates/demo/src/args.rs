//! The command line. A dozen lines instead of a parser crate: nothing else in the workspace needs one.

use std::path::PathBuf;

use ballast_localnet::prices::replay::PriceFile;

/// What `--help` prints.
pub const USAGE: &str = "\
The whole protocol on a local network: a market, vaults, a crash, a keeper, and the books afterwards.

Usage: ballast-demo --program FILE.so [options]

  --program FILE  the compiled program (`cargo xtask demo` builds it and names it)
  --vaults N      borrowers' vaults, 60 to 1000 (default 64)
  --seed N        another crowd of borrowers and another bundled price path (default 7)
  --prices FILE   replay a table of real prices: `timestamp,SOL,BTC,ETH,..`, unix seconds, dollars
  --rows N        rows of the table to replay, 20 to 2000 (default 120): those around the worst fall
  --from T        leave out the rows of the table before this time, unix seconds
  --to T          leave out the rows of the table after this time, unix seconds

Exit code: 0 when every check passes, 1 when one fails or the run breaks, 2 for a bad command line or file.
";

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arguments {
    pub program: PathBuf,
    pub vaults: usize,
    pub seed: u64,
    pub prices: Option<PriceFile>,
}

/// A command line as far as it has been read.
#[derive(Default)]
struct Draft {
    program: Option<PathBuf>,
    vaults: Option<usize>,
    seed: Option<u64>,
    prices: Option<PathBuf>,
    rows: Option<usize>,
    from: Option<i64>,
    to: Option<i64>,
}

/// Reads a command line without the program's own name. `None` when help was asked for.
///
/// # Errors
/// What is wrong, in words.
pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Option<Arguments>, String> {
    let mut draft = Draft::default();
    let mut rest = arguments.into_iter();
    while let Some(option) = rest.next() {
        if option == "--help" || option == "-h" {
            return Ok(None);
        }
        let (name, joined) = match option.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (option, None),
        };
        let mut value = || joined.clone().or_else(|| rest.next()).ok_or_else(|| format!("{name} needs a value"));
        match name.as_str() {
            "--program" => once(&mut draft.program, &name, value()?.into())?,
            "--prices" => once(&mut draft.prices, &name, value()?.into())?,
            "--vaults" => once(&mut draft.vaults, &name, within(&name, &value()?, 60, 1000)?)?,
            "--rows" => once(&mut draft.rows, &name, within(&name, &value()?, 20, 2000)?)?,
            "--seed" => once(&mut draft.seed, &name, number(&name, &value()?)?)?,
            "--from" => once(&mut draft.from, &name, number(&name, &value()?)?)?,
            "--to" => once(&mut draft.to, &name, number(&name, &value()?)?)?,
            _ => return Err(format!("there is no option {name}")),
        }
    }
    draft.complete().map(Some)
}

impl Draft {
    fn complete(self) -> Result<Arguments, String> {
        let prices = match self.prices {
            Some(path) => Some(PriceFile { path, rows: self.rows.unwrap_or(120), from: self.from, to: self.to }),
            None if self.rows.is_some() || self.from.is_some() || self.to.is_some() => {
                return Err("--rows, --from and --to belong to --prices".to_owned());
            }
            None => None,
        };
        if let Some(PriceFile { from: Some(from), to: Some(to), .. }) = prices
            && from >= to
        {
            return Err(format!("--from {from} is not before --to {to}"));
        }
        Ok(Arguments {
            program: self.program.ok_or("--program is missing")?,
            vaults: self.vaults.unwrap_or(64),
            seed: self.seed.unwrap_or(7),
            prices,
        })
    }
}

fn once<T>(slot: &mut Option<T>, name: &str, value: T) -> Result<(), String> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(format!("{name} is given twice")),
    }
}

fn number<T: std::str::FromStr>(name: &str, text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{name} takes a whole number, not {text:?}"))
}

fn within(name: &str, text: &str, least: usize, most: usize) -> Result<usize, String> {
    let value = number(name, text)?;
    if (least..=most).contains(&value) { Ok(value) } else { Err(format!("{name} goes from {least} to {most}")) }
}
