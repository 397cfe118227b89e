//! Secrets: from the environment or from a file that only its owner can read, and never printed.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde::Deserialize;
use solana_keypair::Keypair;

/// Shorter ones are not replaced in logs: they would blank out ordinary words.
const LEAST_LENGTH: usize = 6;
/// A larger file is no secret but a mistake.
const MOST_BYTES: u64 = 64 * 1024;

/// A text that is not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for whoever needs it to do his work.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// What looks up a variable of the environment.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Where a secret is kept: `{ env = "NAME" }` or `{ file = "PATH" }`.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(untagged, expecting = "give { env = \"NAME\" } or { file = \"PATH\" }; a secret does not belong in this file")]
pub enum Place {
    Environment(InEnvironment),
    File(InFile),
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct InEnvironment {
    env: String,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct InFile {
    file: PathBuf,
}

impl Place {
    /// # Errors
    /// What is missing, empty or open to others, and what to do about it.
    pub fn read(&self, environment: Environment<'_>) -> Result<Secret> {
        match self {
            Self::Environment(InEnvironment { env }) => {
                let text = environment(env).filter(|text| !text.trim().is_empty());
                let text = text.ok_or_else(|| anyhow!("the environment variable {env} is not set; export it"))?;
                Ok(Secret::new(text.trim()))
            }
            Self::File(InFile { file }) => read_private(file),
        }
    }
}

/// The content of a file that nobody but its owner can read, without white space around it.
///
/// # Errors
/// What is wrong with the file, with the command that mends its mode.
pub fn read_private(path: &Path) -> Result<Secret> {
    let shown = path.display();
    let mut file = File::open(path).with_context(|| format!("{shown} cannot be opened"))?;
    // Of the open file, so that nobody can exchange it in between.
    let metadata = file.metadata().with_context(|| format!("{shown} cannot be looked at"))?;
    ensure!(metadata.is_file(), "{shown} is not a file");
    let mode = metadata.permissions().mode() & 0o777;
    ensure!(mode & 0o077 == 0, "{shown} is open to others (mode {mode:04o}); run: chmod 600 {shown}");
    ensure!(metadata.len() <= MOST_BYTES, "{shown} has {} bytes, which is too much for a secret", metadata.len());
    let mut text = String::new();
    file.read_to_string(&mut text).with_context(|| format!("{shown} cannot be read"))?;
    ensure!(!text.trim().is_empty(), "{shown} is empty");
    Ok(Secret::new(text.trim()))
}

/// A key pair from its text: the JSON array of `solana-keygen`, or base58.
///
/// # Errors
/// Without the text itself.
pub fn keypair(secret: &Secret) -> Result<Keypair> {
    let text = secret.reveal();
    if !text.starts_with('[') {
        let error = || anyhow!("the key pair is neither a JSON array of 64 numbers nor base58 of 64 bytes");
        return Keypair::try_from_base58_string(text).map_err(|_| error());
    }
    // The parser's message quotes what it read.
    let Ok(bytes) = serde_json::from_str::<Vec<u8>>(text) else { bail!("the key pair is not a JSON array of bytes") };
    let count = bytes.len();
    Keypair::try_from(bytes.as_slice())
        .map_err(|_| anyhow!("the key pair has {count} bytes and should have 64 valid ones"))
}

/// Takes secrets out of texts before they are written anywhere.
#[derive(Clone, Debug, Default)]
pub struct Redaction {
    secrets: Vec<Secret>,
}

impl Redaction {
    pub fn new(secrets: impl IntoIterator<Item = Secret>) -> Self {
        let mut secrets: Vec<Secret> = secrets.into_iter().filter(|secret| secret.0.len() >= LEAST_LENGTH).collect();
        // One may be a part of another.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.0.len()));
        Self { secrets }
    }

    /// The text without secrets, and without user names, passwords and queries in URLs.
    pub fn apply(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.secrets {
            if text.contains(&secret.0) {
                text = text.replace(&secret.0, "[redacted]");
            }
        }
        redact_urls(&text)
    }
}

/// What ends a URL inside a sentence.
fn ends_url(letter: char) -> bool {
    letter.is_whitespace() || matches!(letter, '"' | '\'' | '`' | '<' | '>' | ')' | '(' | '\\')
}

/// Replaces what may hold a key in every URL of a text: what stands before `@`, and what follows `?`.
fn redact_urls(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (head, tail) = rest.split_at(at.saturating_add(3));
        out.push_str(head);
        let end = tail.find(ends_url).unwrap_or(tail.len());
        let (url, after) = tail.split_at(end);
        out.push_str(&redact_url(url));
        rest = after;
    }
    out.push_str(rest);
    out
}

/// The part of a URL after its scheme.
fn redact_url(url: &str) -> String {
    let (path, query) = url.split_once('?').map_or((url, ""), |(path, _)| (path, "?[redacted]"));
    let (authority, rest) = path.split_at(path.find('/').unwrap_or(path.len()));
    let authority = match authority.rsplit_once('@') {
        Some((_, host)) => format!("[redacted]@{host}"),
        None => authority.to_owned(),
    };
    format!("{authority}{rest}{query}")
}

/// The authority, the path and the query of a URL.
fn split(url: &str) -> (&str, &str, &str) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (rest, _) = rest.split_once('#').unwrap_or((rest, ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    (authority, path, query)
}

/// Whether a part of a path may be a key: a long one, or a shorter one of letters and figures. Names have words in them.
fn is_key(part: &str) -> bool {
    let figures = part.chars().any(|letter| letter.is_ascii_digit());
    let letters = part.chars().any(|letter| letter.is_ascii_alphabetic());
    part.len() >= 20 || part.len() >= 12 && figures && letters
}

/// Why a URL must not stand in a file that others may read; `None` for one without a key.
pub fn key_in_url(url: &str) -> Option<&'static str> {
    let (authority, path, query) = split(url);
    if authority.contains('@') {
        return Some("it has a password");
    }
    if !query.is_empty() || url.contains('#') {
        return Some("it has a query, which is where keys stand");
    }
    path.split('/').any(is_key).then_some("its path looks like a key")
}

/// A secret URL and all its parts, any of which a node or a library may quote: with or without its scheme, the host, the path
/// and what it is made of, the user, the password, the query and the values in it.
pub fn parts_of_url(url: &Secret) -> Vec<Secret> {
    let (authority, path, query) = split(url.reveal());
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    // The name of this machine is in everybody's log.
    let local = ["127.0.0.1", "localhost", "[::1]"].contains(&name);
    let names = [authority, host, name].into_iter().filter(|_| !local);
    let whole = [url.reveal(), url.reveal().trim_end_matches('/'), path, user, query];
    let values = query.split('&').filter_map(|pair| pair.split_once('=')).map(|(_, value)| value);
    let parts = whole.into_iter().chain(names).chain(path.split('/')).chain(user.split(':')).chain(values);
    parts.map(Secret::new).collect()
}
