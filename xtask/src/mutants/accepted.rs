//! The committed reasons why some mutants may survive.

use anyhow::{Context, Result, bail, ensure};

use super::report::Mutant;

/// The entries of `mutants-survivors.toml`.
pub struct Accepted(Vec<Entry>);

/// One reason, for one mutant.
#[derive(Default, PartialEq, Eq, Debug)]
pub struct Entry {
    /// File and change, as cargo-mutants prints them without line and column.
    pub mutant: String,
    /// The source from the changed place to the end of its line: what is still true when lines above come and go.
    pub at: String,
    /// Why no test can or needs to notice.
    pub reason: String,
}

impl Accepted {
    /// Reads the little of TOML that is needed: `[[survivor]]` and keys with strings on one line, without escapes.
    pub fn parse(text: &str) -> Result<Self> {
        let mut entries: Vec<Entry> = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if line == "[[survivor]]" {
                entries.push(Entry::default());
                continue;
            }
            let entry = entries.last_mut();
            set(entry, line).with_context(|| format!("line {}: `{line}`", number + 1))?;
        }
        for entry in &entries {
            let whole = !entry.mutant.is_empty() && !entry.at.is_empty() && !entry.reason.is_empty();
            ensure!(whole, "a survivor needs `mutant`, `at` and `reason`, all on one line: {entry:?}");
        }
        Ok(Self(entries))
    }

    /// The reason for a mutant.
    pub fn reason(&self, mutant: &Mutant) -> Option<&str> {
        self.0.iter().find(|entry| entry.names(mutant)).map(|entry| entry.reason.as_str())
    }

    /// Entries that name none of these mutants.
    pub fn unused<'a>(&'a self, survivors: &'a [Mutant]) -> impl Iterator<Item = &'a Entry> {
        self.0.iter().filter(|entry| !survivors.iter().any(|mutant| entry.names(mutant)))
    }
}

impl Entry {
    fn names(&self, mutant: &Mutant) -> bool {
        self.mutant == mutant.name() && self.at == mutant.at
    }
}

fn set(entry: Option<&mut Entry>, line: &str) -> Result<()> {
    let entry = entry.context("comes before the first [[survivor]]")?;
    let (key, value) = line.split_once(" = ").context("is not `key = value`")?;
    let field = match key {
        "mutant" => &mut entry.mutant,
        "at" => &mut entry.at,
        "reason" => &mut entry.reason,
        _ => bail!("has an unknown key"),
    };
    let plain = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let literal = value.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    let text = plain.filter(|text| !text.contains(['"', '\\'])).or(literal.filter(|text| !text.contains('\'')));
    *field = text.context("is not a string without escapes")?.to_owned();
    Ok(())
}
