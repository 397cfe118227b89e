//! Keys in the forms that Solana's tools take: a file, a seed phrase, standard input, a hardware wallet, or only a public
//! key for somebody who signs elsewhere.

use std::rc::Rc;

use ballast_client::Pubkey;
use bip39::{Language, Mnemonic};
use solana_derivation_path::DerivationPath;
use solana_keypair::seed_derivable::keypair_from_seed_and_derivation_path;
use solana_keypair::{Keypair, read_keypair, read_keypair_file};
use solana_signer::null_signer::NullSigner;
use solana_signer::{Signer, SignerError};
use solana_transaction::Signature;

use crate::failure::Failure;
use crate::options::Signed;

/// Loads a key. `what` it is for appears in prompts and errors; `signed` are the signatures made elsewhere.
///
/// # Errors
/// [`Failure::Usage`].
pub fn load(source: &str, what: &str, signed: &[Signed]) -> Result<Rc<dyn Signer>, Failure> {
    let wrong = |why: &dyn std::fmt::Display| Failure::usage(format!("{what}: {why}"));
    if let Ok(key) = source.parse::<Pubkey>() {
        let found = signed.iter().find(|signed| signed.by == key);
        return Ok(match found {
            Some(signed) => Rc::new(SignedElsewhere(*signed)),
            None => Rc::new(NullSigner::new(&key)),
        });
    }
    if source == "-" || source == "stdin:" {
        let keypair = read_keypair(&mut std::io::stdin().lock()).map_err(|error| wrong(&error))?;
        return Ok(Rc::new(keypair));
    }
    if let Some(rest) = source.strip_prefix("prompt:") {
        // Solana's tools write it as a URL, with two strokes.
        let query = rest.strip_prefix("//").unwrap_or(rest);
        return Ok(Rc::new(from_phrase(what, path_of(query).map_err(|error| wrong(&error))?)?));
    }
    if source.starts_with("usb:") {
        return hardware(source, what);
    }
    let path = source.strip_prefix("file:").unwrap_or(source);
    let path = if let Some(rest) = path.strip_prefix("~/") {
        let home = std::env::var("HOME").map_err(|_| wrong(&"HOME is not set"))?;
        format!("{home}/{rest}")
    } else {
        path.to_owned()
    };
    let keypair = read_keypair_file(&path)
        .map_err(|error| wrong(&format!("{path}: {error}; make one with solana-keygen, or name a key with -k")))?;
    Ok(Rc::new(keypair))
}

/// The derivation path of `?key=ACCOUNT/CHANGE` or `?full-path=m/..`; without one, Solana's first.
fn path_of(query: &str) -> Result<DerivationPath, String> {
    let parsed = match query.strip_prefix('?').map(|query| query.split_once('=')) {
        None if query.is_empty() => return Ok(DerivationPath::default()),
        Some(Some(("key", path))) => DerivationPath::from_key_str(path),
        Some(Some(("full-path", path))) => DerivationPath::from_absolute_path_str(path),
        _ => return Err(format!("{query} is not understood: say ?key=ACCOUNT or ?key=ACCOUNT/CHANGE")),
    };
    parsed.map_err(|error| error.to_string())
}

fn from_phrase(what: &str, path: DerivationPath) -> Result<Keypair, Failure> {
    let ask = |question: String| {
        rpassword::prompt_password(question).map_err(|error| Failure::usage(format!("{what}: {error}")))
    };
    let wrong = |why: String| Failure::usage(format!("{what}: {why}"));
    let mnemonic = mnemonic(&ask(format!("Seed phrase of {what}: "))?).map_err(wrong)?;
    let passphrase = ask("Passphrase, empty for none: ".to_owned())?;
    derived(&mnemonic, &passphrase, path).map_err(wrong)
}

/// The phrase, if it is one in some language: every phrase gives a key, so a slip of the pen would give a key of nobody.
fn mnemonic(phrase: &str) -> Result<Mnemonic, String> {
    let words = phrase.split_whitespace().count();
    if ![12, 15, 18, 21, 24].contains(&words) {
        return Err(format!("a seed phrase has 12, 15, 18, 21 or 24 words, this has {words}"));
    }
    // The same words may be a phrase in two languages. The seed is made of the words alone, so either will do.
    let mut farthest = 0;
    for language in Language::ALL {
        match Mnemonic::parse_in(*language, phrase) {
            Ok(mnemonic) => return Ok(mnemonic),
            Err(bip39::Error::UnknownWord(at)) => farthest = farthest.max(at),
            Err(_) => farthest = words,
        }
    }
    Err(if farthest < words {
        format!("word {} is not in the list of BIP-39", farthest.saturating_add(1))
    } else {
        "the checksum of the seed phrase is wrong: a word is another one, or two have changed places".to_owned()
    })
}

fn derived(mnemonic: &Mnemonic, passphrase: &str, path: DerivationPath) -> Result<Keypair, String> {
    let seed = mnemonic.to_seed(passphrase);
    keypair_from_seed_and_derivation_path(&seed, Some(path)).map_err(|error| error.to_string())
}

#[cfg(feature = "usb")]
fn hardware(source: &str, what: &str) -> Result<Rc<dyn Signer>, Failure> {
    use solana_remote_wallet::locator::Locator;
    use solana_remote_wallet::remote_keypair::generate_remote_keypair;
    use solana_remote_wallet::remote_wallet::maybe_wallet_manager;

    let wrong = |why: &dyn std::fmt::Display| Failure::usage(format!("{what}: {why}"));
    let (place, query) = match source.find('?') {
        Some(at) => source.split_at(at),
        None => (source, ""),
    };
    let locator = Locator::new_from_path(place).map_err(|error| wrong(&error))?;
    let path = path_of(query).map_err(|error| wrong(&error))?;
    let manager = maybe_wallet_manager().map_err(|error| wrong(&error))?;
    let manager = manager.ok_or_else(|| wrong(&"no hardware wallet is connected"))?;
    let key = generate_remote_keypair(locator, path, &manager, false, what).map_err(|error| wrong(&error))?;
    Ok(Rc::new(key))
}

#[cfg(not(feature = "usb"))]
fn hardware(source: &str, what: &str) -> Result<Rc<dyn Signer>, Failure> {
    let message = "this ballast was built without hardware wallets; build it with --features usb (needs libudev)";
    Err(Failure::usage(format!("{what}: {source}: {message}")))
}

/// Somebody whose signature was made elsewhere.
struct SignedElsewhere(Signed);

impl Signer for SignedElsewhere {
    fn try_pubkey(&self) -> Result<Pubkey, SignerError> {
        Ok(self.0.by)
    }

    fn try_sign_message(&self, message: &[u8]) -> Result<Signature, SignerError> {
        let Signed { by, signature } = self.0;
        if signature.verify(by.as_ref(), message) {
            return Ok(signature);
        }
        let why = "is of another message: all signers need the same command, blockhash and state of the market";
        Err(SignerError::Custom(format!("the signature of {by} {why}")))
    }

    fn is_interactive(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of Solana's own cookbook, as are the keys below.
    const PHRASE: &str = "neither lonely flavor argue grass remind eye tag avocado spot unusual intact";

    /// The seeds of the first vectors that BIP-39 names, all with this passphrase.
    #[test]
    fn a_phrase_gives_the_seed_of_the_standard() {
        let abandon = format!("{}about", "abandon ".repeat(11));
        for (phrase, begins) in [
            (abandon.as_str(), [0xc5, 0x52, 0x57, 0xc3, 0x60, 0xc0, 0x7c, 0x72]),
            (
                "legal winner thank year wave sausage worth useful legal winner thank yellow",
                [0x2e, 0x89, 0x05, 0x81, 0x9b, 0x87, 0x23, 0xfe],
            ),
        ] {
            assert_eq!(mnemonic(phrase).expect("a phrase").to_seed("TREZOR")[..8], begins, "{phrase}");
        }
    }

    #[test]
    fn a_slip_of_the_pen_is_no_phrase() {
        let refused = |phrase: &str| mnemonic(phrase).expect_err("it is refused");
        assert_eq!(refused(&PHRASE.replace("argue", "argoe")), "word 4 is not in the list of BIP-39");
        assert!(refused(&PHRASE.replace("eye tag", "tag eye")).starts_with("the checksum"));
        assert!(refused(&PHRASE.replace("spot", "tag")).starts_with("the checksum"));
        assert!(refused(&PHRASE.replace(" intact", "")).ends_with("this has 11"));
        // More blanks than are needed change nothing, and other languages have phrases too.
        assert_eq!(mnemonic(&format!(" {}  ", PHRASE.replace(' ', "  "))), mnemonic(PHRASE));
        let japanese = format!("{}あおぞら", "あいこくしん ".repeat(11));
        assert_eq!(mnemonic(&japanese).expect("a phrase").language(), Language::Japanese);
    }

    #[test]
    fn a_seed_phrase_gives_the_keys_that_every_wallet_derives() {
        let phrase = mnemonic(PHRASE).expect("a phrase");
        for (query, expected) in [
            ("?key=0/0", "5vftMkHL72JaJG6ExQfGAsT2uGVHpRR7oTNUPMs68Y2N"),
            ("?key=1'/0'", "GcXbfQ5yY3uxCyBNDPBbR5FjumHf89E7YHXuULfGDBBv"),
            ("?full-path=m/44'/501'/2'/0'", "7QPgyQwNLqnoSwHEuK8wKy2Y3Ani6EHoZRihTuWkwxbc"),
        ] {
            let path = path_of(query).expect("a path");
            assert_eq!(derived(&phrase, "", path).expect("a key").pubkey().to_string(), expected, "{query}");
        }
        assert!(path_of("?key=0/0/0").is_err() && path_of("?account=0").is_err());
    }
}
