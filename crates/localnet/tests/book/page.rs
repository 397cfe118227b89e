//! A page, carried out block by block.
//!
//! * A `console` block has commands (`$ ..`) and what they print. `[...]` stands for the rest of it. A command that fails shows
//!   its message and its exit code.
//! * Another block after a line that ends with the name of a file below the folder of the local network is what the file holds.
//!
//! Numbers and addresses are not compared: some of them depend on how fast the machine is.

use std::collections::BTreeSet;
use std::iter::Peekable;
use std::str::Lines;

use crate::accepts;
use crate::walk::{FOLDER, Ran, Walk};

/// What `ballast price` says of a price that is new to the market, or is not.
const CHANCE: [&str; 2] = ["accepted", "unchanged"];
/// And what it adds to the latter.
const BEFORE: &str = ": it was accepted before";
/// The rest of what was printed.
const REST: &str = "[...]";

/// The lines without everything that holds a digit. Lines of a log come in any order, and are left out. Whether a price is new
/// to the market is chance where a keeper runs beside.
fn words(text: &str) -> BTreeSet<String> {
    let words = |line: &str| {
        let chance = |word: &str| word.contains(|letter: char| letter.is_ascii_digit()) || CHANCE.contains(&word);
        let line = line.replace(BEFORE, "");
        let plain = line.split_whitespace().filter(|word| !chance(word));
        plain.collect::<Vec<_>>().join(" ")
    };
    text.lines()
        .filter(|line| !line.contains(" INFO ") && !line.contains(" WARN ") && *line != REST)
        .map(words)
        .filter(|line| !line.is_empty())
        .collect()
}

/// The page with what its commands print.
pub fn carried_out(page: &str) -> String {
    let mut walk = Walk::begin();
    let mut lines = page.lines().peekable();
    let (mut out, mut said) = (String::new(), "");
    while let Some(line) = lines.next() {
        out.push_str(line);
        out.push('\n');
        if line.starts_with("```") {
            if line == "```console" {
                out.push_str(&block(&mut walk, &mut lines));
            } else {
                let held = held(&mut lines);
                out.push_str(&held);
                if let Some(name) = named_file(said) {
                    walk.write(name, &held);
                }
            }
            out.extend(lines.next().map(|end| format!("{end}\n")));
        }
        if !line.is_empty() {
            said = line;
        }
    }
    out
}

/// The name of the file below the folder that a line ends with.
fn named_file(line: &str) -> Option<&str> {
    let (_, path) = line.strip_suffix("`:")?.rsplit_once('`')?;
    path.strip_prefix(FOLDER)?.strip_prefix('/')
}

/// The lines up to the end of the block.
fn held(lines: &mut Peekable<Lines<'_>>) -> String {
    let mut held = String::new();
    while let Some(line) = lines.next_if(|line| *line != "```") {
        held.push_str(line);
        held.push('\n');
    }
    held
}

/// A console block, carried out.
fn block(walk: &mut Walk, lines: &mut Peekable<Lines<'_>>) -> String {
    let mut out = String::new();
    while let Some(command) = lines.next_if(|line| *line != "```") {
        let wanted = command.strip_prefix("$ ").unwrap_or_else(|| panic!("{command:?} is no command"));
        let mut shown = String::new();
        while let Some(line) = lines.next_if(|line| *line != "```" && !line.starts_with("$ ")) {
            shown.push_str(line);
            shown.push('\n');
        }
        let Ran { code, printed } = walk.carry_out(wanted);
        let ending = if code == 0 { String::new() } else { format!("[exit code {code}]\n") };
        out.push_str(&format!("$ {wanted}\n"));
        if accepts() {
            out.push_str(&(beginning(&printed, &shown) + &ending));
            continue;
        }
        let missing: Vec<_> = words(&shown).difference(&words(&(printed.clone() + &ending))).cloned().collect();
        assert!(missing.is_empty(), "`{wanted}` does not print {missing:?} but:\n{printed}");
        let shows = shown.lines().filter(|line| line.starts_with("[exit code ")).map(|line| format!("{line}\n"));
        assert_eq!(shows.collect::<String>(), ending, "`{wanted}` prints:\n{printed}");
        out.push_str(&shown);
    }
    out
}

/// As much of what was printed as the page shows, where it does not show everything.
fn beginning(printed: &str, shown: &str) -> String {
    let wanted = shown.lines().position(|line| line == REST);
    match wanted.filter(|count| *count < printed.lines().count()) {
        Some(count) => printed.lines().take(count).chain([REST]).map(|line| format!("{line}\n")).collect(),
        None => printed.to_owned(),
    }
}
