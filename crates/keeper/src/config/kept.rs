//! Secrets and URLs as the file names them. Whatever is read here is remembered, so that none of it gets into a log.

use std::cell::RefCell;

use anyhow::{Context, Result, bail, ensure};

use super::file::Url;
use crate::secret::{Environment, Place, Secret, key_in_url, parts_of_url};

/// What is kept outside the file, and what of it has been read.
pub struct Kept<'a> {
    environment: Environment<'a>,
    seen: RefCell<Vec<Secret>>,
}

impl<'a> Kept<'a> {
    pub fn new(environment: Environment<'a>) -> Self {
        Self { environment, seen: RefCell::default() }
    }

    /// # Errors
    /// As [`Place::read`].
    pub fn read(&self, place: &Place) -> Result<Secret> {
        let secret = place.read(self.environment)?;
        self.seen.borrow_mut().push(secret.clone());
        Ok(secret)
    }

    /// A URL with one of these schemes.
    ///
    /// # Errors
    /// One that stands in the file although it has a key in it, or of another scheme.
    pub fn url(&self, field: &str, url: &Url, schemes: [&str; 2]) -> Result<Secret> {
        let secret = match url {
            Url::Plain(text) => {
                if let Some(why) = key_in_url(text) {
                    bail!("{field}: {why}; keep it in {{ env = \"NAME\" }} or {{ file = \"PATH\" }}");
                }
                Secret::new(text)
            }
            Url::Kept(place) => {
                let secret = self.read(place).with_context(|| field.to_owned())?;
                self.seen.borrow_mut().extend(parts_of_url(&secret));
                secret
            }
        };
        let scheme = secret.reveal().split_once("://").map(|(scheme, _)| scheme);
        ensure!(
            scheme.is_some_and(|found| schemes.contains(&found)),
            "{field}: the URL has to begin with {}:// or {}://",
            schemes[0],
            schemes[1]
        );
        Ok(secret)
    }

    /// A URL that follows from another one, and is as secret as that.
    pub fn derived(&self, from: &Url, url: String) -> Secret {
        let secret = Secret::new(url);
        if matches!(from, Url::Kept(_)) {
            self.seen.borrow_mut().extend(parts_of_url(&secret));
        }
        secret
    }

    /// All that must not appear in logs. What stands in the file may.
    pub fn into_secrets(self) -> Vec<Secret> {
        self.seen.into_inner()
    }
}
