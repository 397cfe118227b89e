//! What cargo-mutants found, as the committed table.

use std::{
    collections::BTreeMap,
    fmt::Write,
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use super::accepted::Accepted;

/// One change to the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutant {
    /// Relative to the workspace, with `/`.
    pub file: String,
    pub line: usize,
    pub column: usize,
    /// For example `replace == with != in narrow`.
    pub change: String,
    /// The source from the changed place to the end of its line.
    pub at: String,
}

/// How many mutants ended how.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Counts {
    pub caught: usize,
    pub timeout: usize,
    pub missed: usize,
    /// Does not compile; says nothing about the tests.
    pub unviable: usize,
}

/// The outcomes of one run.
#[derive(Default)]
pub struct Report {
    files: BTreeMap<String, Counts>,
    survivors: Vec<Mutant>,
}

impl Mutant {
    /// `file:line:column: change`, one line of an output file of cargo-mutants. `at` is left empty.
    pub fn parse(line: &str) -> Result<Self> {
        let mut parts = line.splitn(4, ':');
        let mut part = || parts.next().with_context(|| format!("not a mutant: `{line}`"));
        let file = part()?.to_owned();
        let mut number = || part()?.parse().with_context(|| format!("not a mutant: `{line}`"));
        let (line_number, column) = (number()?, number()?);
        let change = part()?.trim().to_owned();
        Ok(Self { file, line: line_number, column, change, at: String::new() })
    }

    /// What it is called when lines come and go.
    pub fn name(&self) -> String {
        format!("{}: {}", self.file, self.change)
    }

    /// Fills in `at` from the file's contents.
    pub fn located(mut self, source: &str) -> Result<Self> {
        let line = self.line.checked_sub(1).and_then(|above| source.lines().nth(above));
        let rest = line.map(|line| line.chars().skip(self.column.saturating_sub(1)).collect::<String>());
        self.at = rest.with_context(|| format!("{} has no line {}", self.file, self.line))?.trim().to_owned();
        Ok(self)
    }
}

impl Counts {
    fn add(&mut self, other: Self) {
        self.caught += other.caught;
        self.timeout += other.timeout;
        self.missed += other.missed;
        self.unviable += other.unviable;
    }

    fn mutants(&self) -> usize {
        self.caught + self.timeout + self.missed + self.unviable
    }

    /// Noticed, in percent of those that compile. A test that does not end has noticed, too.
    pub fn score(&self) -> f64 {
        let noticed = self.caught + self.timeout;
        match noticed + self.missed {
            0 => 100.0,
            // Some thousands at most, which a float holds exactly.
            viable => 100.0 * noticed as f64 / viable as f64,
        }
    }
}

impl Report {
    /// From the folder that cargo-mutants leaves; `workspace` holds the source without a mutant.
    pub fn read(output: &Path, workspace: &Path) -> Result<Self> {
        let mut report = Self::default();
        report.count(&lines(output.join("caught.txt"))?, |counts| &mut counts.caught)?;
        report.count(&lines(output.join("timeout.txt"))?, |counts| &mut counts.timeout)?;
        report.count(&lines(output.join("unviable.txt"))?, |counts| &mut counts.unviable)?;
        for mutant in report.count(&lines(output.join("missed.txt"))?, |counts| &mut counts.missed)? {
            let path = workspace.join(&mutant.file);
            let source = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            report.survivors.push(mutant.located(&source)?);
        }
        report.survivors.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
        Ok(report)
    }

    /// Adds one to a count for each line of an output file.
    pub fn count(&mut self, lines: &str, of: impl Fn(&mut Counts) -> &mut usize) -> Result<Vec<Mutant>> {
        let mutants: Vec<Mutant> = lines.lines().map(Mutant::parse).collect::<Result<_>>()?;
        for mutant in &mutants {
            *of(self.files.entry(mutant.file.clone()).or_default()) += 1;
        }
        Ok(mutants)
    }

    /// Of all files.
    pub fn total(&self) -> Counts {
        let mut total = Counts::default();
        self.files.values().for_each(|counts| total.add(*counts));
        total
    }

    /// What is committed.
    pub fn text(&self, accepted: &Accepted) -> String {
        let mut text = String::from(HEADER);
        for (file, counts) in &self.files {
            row(&mut text, file, counts);
        }
        row(&mut text, "all", &self.total());
        if !self.survivors.is_empty() {
            text.push_str(SURVIVORS);
        }
        for mutant in &self.survivors {
            let reason = accepted.reason(mutant).unwrap_or("**none**");
            // No reader looks for a column, and a bar would end the cell.
            let (change, at) = (mutant.change.replace('|', "\\|"), mutant.at.replace('|', "\\|"));
            let _ = writeln!(text, "| {}:{} | `{change}` | `{at}` | {reason} |", mutant.file, mutant.line);
        }
        text
    }

    /// Survivors that nobody has accepted.
    pub fn without_reason(&self, accepted: &Accepted) -> Vec<String> {
        let surprising = self.survivors.iter().filter(|mutant| accepted.reason(mutant).is_none());
        surprising
            .map(|mutant| {
                format!(
                    "no test fails and no reason is given for line {}:\n[[survivor]]\nmutant = '{}'\nat = '{}'",
                    mutant.line,
                    mutant.name(),
                    mutant.at
                )
            })
            .collect()
    }

    /// Reasons that outlived their mutant. Only a run over all mutants can tell.
    pub fn reasons_for_nothing(&self, accepted: &Accepted) -> Vec<String> {
        let unused = accepted.unused(&self.survivors);
        unused.map(|entry| format!("no such survivor: {} at `{}`", entry.mutant, entry.at)).collect()
    }
}

const HEADER: &str = "\
# Mutants of `crates/risk`

Written by `cargo xtask mutants`. A mutant is one small change to the source: an operator replaced, a result made up.
It is caught when a test fails, or runs into the time limit; unviable when it does not compile. The score is
(caught + timeouts) / (caught + timeouts + missed).

| file | mutants | caught | timeouts | missed | unviable | score |
|---|---:|---:|---:|---:|---:|---:|
";

const SURVIVORS: &str = "
## Survivors

The reasons are kept in `crates/risk/mutants-survivors.toml`.

| line | change | from there on | why no test has to notice |
|---|---|---|---|
";

fn row(text: &mut String, name: &str, counts: &Counts) {
    let Counts { caught, timeout, missed, unviable } = counts;
    let (mutants, score) = (counts.mutants(), counts.score());
    // Writing to a string does not fail.
    let _ = writeln!(text, "| {name} | {mutants} | {caught} | {timeout} | {missed} | {unviable} | {score:.1} % |");
}

/// An output file; cargo-mutants leaves it out when it would be empty.
fn lines(path: PathBuf) -> Result<String> {
    match fs::read_to_string(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
        read => read.with_context(|| format!("cannot read {}", path.display())),
    }
}
