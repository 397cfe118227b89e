//! Commands that pages name: in prose between backticks, and in blocks. The programs themselves read them, up to the point
//! where they would begin to do something.
//!
//! Words in capitals are what the help of the command calls them: `ballast gov execute CHANGE`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ballast_localnet::catalogue::ASSETS;

use crate::WORKSPACE;
use crate::walk::program;

/// What a named command begins with.
const PROGRAMS: [&str; 3] = ["ballast ", "ballast-keeper ", "cargo xtask "];
/// The commands of `cargo xtask`, as it describes them.
const XTASK: &str = include_str!("../../../../xtask/src/main.rs");
/// Nothing is there.
const NOTHING: &str = "/nonexistent/ballast";
/// An address.
const ADDRESS: &str = "Ba11ast111111111111111111111111111111111111";

/// What is wrong, with its page.
pub fn wrong() -> Vec<String> {
    let mut found = 0;
    let mut wrong = Vec::new();
    for page in pages() {
        let text = std::fs::read_to_string(&page).expect("a page");
        for command in commands(&text) {
            found += 1;
            let name = page.strip_prefix(WORKSPACE).unwrap_or(&page).display();
            wrong.extend(refusal(&command).map(|why| format!("{name}: `{command}`: {why}")));
        }
    }
    assert!(found > 50, "only {found} commands were found");
    wrong
}

/// The book and what stands beside it.
fn pages() -> Vec<PathBuf> {
    let workspace = Path::new(WORKSPACE);
    let mut pages: Vec<PathBuf> =
        ["README.md", "ARCHITECTURE.md", "SECURITY.md", "migrations/README.md"].map(|page| workspace.join(page)).into();
    for folder in ["docs/src", "docs/src/decisions"] {
        let entries = std::fs::read_dir(workspace.join(folder)).expect("the book");
        let paths = entries.map(|entry| entry.expect("a page").path());
        pages.extend(paths.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    }
    pages
}

/// The commands of a page: lines of blocks, and what stands between backticks.
fn commands(page: &str) -> Vec<String> {
    let (mut commands, mut prose, mut inside) = (Vec::new(), String::new(), false);
    for line in page.lines() {
        if line.starts_with("```") {
            inside = !inside;
        } else if inside || line.starts_with("    ") {
            let line = line.trim_start().trim_start_matches("$ ");
            commands.push(line.split(" # ").next().unwrap_or(line).trim_end_matches(" &").to_owned());
        } else {
            prose.push_str(line);
            prose.push('\n');
        }
    }
    // Between backticks is every second part.
    let spans = prose.split('`').skip(1).step_by(2);
    commands.extend(spans.map(|span| span.split_whitespace().collect::<Vec<_>>().join(" ")));
    commands.retain(|command| PROGRAMS.iter().any(|program| command.starts_with(program)));
    commands
}

/// Why a program does not take a command.
fn refusal(command: &str) -> Option<String> {
    let words: Vec<&str> = command.split_whitespace().collect();
    match words[..] {
        ["ballast", ref arguments @ ..] => ballast(arguments),
        ["ballast-keeper", ref arguments @ ..] => read_by("ballast-keeper", &[], arguments),
        ["cargo", "xtask", "localnet", ref arguments @ ..] => {
            read_by("ballast-localnet", &["--program", NOTHING], arguments)
        }
        ["cargo", "xtask", "demo", ref arguments @ ..] => read_by("ballast-demo", &["--program", NOTHING], arguments),
        ["cargo", "xtask", "migrate", ref arguments @ ..] => ballast(&[&["migrate", "migrations"], arguments].concat()),
        ["cargo", "xtask", ref arguments @ ..] => xtask(arguments),
        _ => Some("no program".to_owned()),
    }
}

/// With a configuration that is not there nothing of it is carried out.
fn ballast(arguments: &[&str]) -> Option<String> {
    let mut arguments = arguments.to_vec();
    match arguments.iter().position(|word| *word == "-C") {
        Some(at) if at + 1 < arguments.len() => arguments[at + 1] = NOTHING,
        _ => arguments.extend(["-C", NOTHING]),
    }
    read_by("ballast", &[], &arguments)
}

/// Lets a program read arguments.
fn read_by(name: &str, first: &[&str], arguments: &[&str]) -> Option<String> {
    // Up to the first option, or the first word that is no command, it is the command whose help counts.
    let help = help(name, arguments);
    let mut words = Vec::new();
    for word in arguments {
        match stand_in(word, &help) {
            Ok(word) => words.push(word),
            Err(why) => return Some(why),
        }
    }
    let ran = run(name, &first.iter().map(|word| (*word).to_owned()).chain(words).collect::<Vec<_>>());
    // A noun without its verb stands for all of them.
    let refused = ran.contains("For more information, try '--help'") && !ran.contains("requires a subcommand");
    refused.then_some(ran)
}

fn run(name: &str, arguments: &[String]) -> String {
    let mut command = Command::new(program(name));
    command.args(arguments).env("NO_COLOR", "1").env("HOME", NOTHING).stdin(Stdio::null());
    let output = command.output().unwrap_or_else(|error| panic!("{name}: {error}"));
    String::from_utf8_lossy(&if output.stderr.is_empty() { output.stdout } else { output.stderr }).into_owned()
}

/// The help of the command that arguments begin with.
fn help(name: &str, arguments: &[&str]) -> String {
    let plain = |word: &&&str| word.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-');
    let mut at: Vec<String> = Vec::new();
    let mut rest = arguments.iter();
    while let Some(word) = rest.next() {
        match *word {
            "-C" | "-k" | "-u" | "--market" => drop(rest.next()),
            word if plain(&&word) && !word.starts_with('-') => at.push(word.to_owned()),
            _ => break,
        }
    }
    // Arguments may look like commands: `gov pause borrow`.
    loop {
        let help = run(name, &[&at[..], &["--help".to_owned()]].concat());
        if at.is_empty() || help.contains("Usage: ") && !help.starts_with("error") {
            return help;
        }
        at.pop();
    }
}

/// A value in place of a word in capitals, which has to stand in the help.
fn stand_in(word: &str, help: &str) -> Result<String, String> {
    let capitals =
        |part: &str| part.len() > 2 && part.chars().all(|letter| letter.is_ascii_uppercase() || letter == '_');
    let (name, ending) = word.split_once('.').unwrap_or((word, ""));
    if ASSETS.iter().any(|entry| entry.name == name) || !name.split('=').all(capitals) {
        return Ok(word.to_owned());
    }
    let known = help.match_indices(name).any(|(at, _)| help[..at].ends_with(['<', '[', '|', ' ']));
    if !known {
        return Err(format!("its help knows no {name}"));
    }
    Ok(match name {
        "URL" => "http://127.0.0.1:1".to_owned(),
        "FILE" if ending.is_empty() => NOTHING.to_owned(),
        "FILE" => format!("{NOTHING}.{ending}"),
        "ASSET=AMOUNT" => "SOL=1".to_owned(),
        // Most are addresses, and what is not takes any text.
        _ => ADDRESS.to_owned(),
    })
}

/// Whether `cargo xtask` describes commands and their options.
fn xtask(arguments: &[&str]) -> Option<String> {
    let lines = || XTASK.lines().filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' ')));
    let line = |name: &str| lines().find(|line| line.split(' ').next() == Some(name));
    // A list of names, or one with its options.
    let names = arguments.iter().take_while(|word| word.ends_with(',')).count();
    if names > 0 {
        let missing = arguments.iter().find(|name| line(name.trim_end_matches(',')).is_none());
        return missing.map(|name| format!("there is no {name}"));
    }
    let (name, options) = arguments.split_first()?;
    let Some(line) = line(name) else { return Some(format!("there is no {name}")) };
    let unknown = options.iter().find(|option| option.starts_with('-') && !line.contains(**option));
    unknown.map(|option| format!("{name} has no {option}"))
}
