//! What is asked on a terminal: the seed phrase, and the question on mainnet.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::stage::{disguised, stage};

const MAINNET: &str = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d";
/// Of Solana's cookbook, with its first key.
const PHRASE: &str = "neither lonely flavor argue grass remind eye tag avocado spot unusual intact";
const FIRST: &str = "5vftMkHL72JaJG6ExQfGAsT2uGVHpRR7oTNUPMs68Y2N";
/// What ends the input when it is typed at the beginning of a line.
const END: &str = "\u{4}";

/// A terminal: the side that is typed at and looked at, and the side that a program has.
fn terminal() -> (File, OwnedFd) {
    let (mut master, mut slave) = (-1, -1);
    let (name, termios, size) = (std::ptr::null_mut(), std::ptr::null(), std::ptr::null());
    // SAFETY: both places are ours, and null asks for the default of what is left out.
    let opened = unsafe { libc::openpty(&raw mut master, &raw mut slave, name, termios, size) };
    assert_eq!(opened, 0, "a terminal");
    // SAFETY: both were opened just now and belong to nobody else.
    unsafe { (File::from_raw_fd(master), OwnedFd::from_raw_fd(slave)) }
}

/// Whether the terminal shows what is typed.
fn echoes(screen: &File) -> bool {
    let mut state = MaybeUninit::<libc::termios>::uninit();
    // SAFETY: the place is ours, and is only read when the call has filled it.
    let state = unsafe {
        assert_eq!(libc::tcgetattr(screen.as_raw_fd(), state.as_mut_ptr()), 0, "a terminal");
        state.assume_init()
    };
    state.c_lflag & libc::ECHO != 0
}

/// What is typed after a question.
enum Answer<'a> {
    Open(&'a str),
    /// As soon as the terminal shows nothing of it, which the program asks for after it has asked the question.
    Secret(&'a str),
}

/// Runs the binary on a terminal. Each answer is typed when its question has appeared. Returns the exit code and everything that
/// could be read on the screen.
fn typed(home: &str, arguments: &[&str], exchange: &[(&str, Answer<'_>)]) -> (i32, String) {
    let (mut screen, side) = terminal();
    let copy = || Stdio::from(side.try_clone().expect("a terminal"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_ballast"));
    command.args(arguments).env_remove("BALLAST_MARKET").env("HOME", home).env("NO_COLOR", "1");
    command.stdin(copy()).stdout(copy()).stderr(copy());
    // SAFETY: between fork and exec, these are calls that may be made there; the descriptor is that of the terminal.
    unsafe {
        command.pre_exec(|| {
            // Its own session, whose terminal is standard input: seed phrases are asked for there, wherever the input comes from.
            let done = libc::setsid() >= 0 && libc::ioctl(0, libc::TIOCSCTTY, 0) >= 0;
            if done { Ok(()) } else { Err(std::io::Error::last_os_error()) }
        });
    }
    let mut child = command.spawn().expect("the binary runs");
    // Only the program has it now, so that reading ends when the program does.
    drop((command, side));
    let (mut seen, mut from, mut exchange) = (Vec::new(), 0, exchange.iter());
    let mut next = exchange.next();
    let mut bytes = [0; 1024];
    loop {
        match screen.read(&mut bytes) {
            Ok(0) => break,
            Ok(count) => seen.extend_from_slice(&bytes[..count]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // That is how a terminal says that nobody is there any more.
            Err(_) => break,
        }
        let text = String::from_utf8_lossy(&seen).into_owned();
        if let Some((question, answer)) = next
            && text[from..].contains(question)
        {
            (from, next) = (text.len(), exchange.next());
            let answer = match answer {
                Answer::Open(answer) => answer,
                Answer::Secret(answer) => {
                    while echoes(&screen) && child.try_wait().expect("a process").is_none() {
                        sleep(Duration::from_millis(1));
                    }
                    answer
                }
            };
            screen.write_all(answer.as_bytes()).expect("the answer is typed");
        }
    }
    let code = child.wait().expect("the binary ends").code().expect("the binary was not killed");
    let text = String::from_utf8_lossy(&seen).into_owned();
    assert!(next.is_none(), "{:?} was never asked: {text}", next.map(|(question, _)| question));
    (code, text)
}

#[test]
fn a_seed_phrase_is_typed_and_never_shown() {
    let stage = stage();
    let (url, market) = (stage.url(), stage.site.market.to_string());
    let signing = |key| {
        let blockhash = stage.wait(stage.network.connection.client().get_latest_blockhash()).expect("a blockhash");
        let open = ["-u", &url, "-k", key, "--market", &market, "vault", "open", "--sign-only", "--blockhash"];
        [open.map(str::to_owned).to_vec(), vec![blockhash.to_string()]].concat()
    };
    let run = |key, phrase: &str, passphrase: &str| {
        let arguments = signing(key);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let (phrase, passphrase) = (format!("{phrase}\n"), format!("{passphrase}\n"));
        let asked = |count| {
            let answers = [("Seed phrase of ", &phrase), ("Passphrase, empty for none: ", &passphrase)];
            answers
                .into_iter()
                .take(count)
                .map(|(question, answer)| (question, Answer::Secret(answer)))
                .collect::<Vec<_>>()
        };
        // Of what is no phrase, no passphrase is asked for.
        typed(&stage.path("home"), &arguments, &asked(if phrase.contains("argoe") { 1 } else { 2 }))
    };
    let (code, text) = run("prompt:?key=0/0", PHRASE, "");
    assert_eq!(code, 0, "{text}");
    assert!(text.contains(FIRST) && !text.contains("neither"), "{text}");
    // Another passphrase, another key.
    let (code, text) = run("prompt:?key=0/0", PHRASE, "very secret");
    assert_eq!(code, 0, "{text}");
    assert!(!text.contains(FIRST) && !text.contains("very secret"), "{text}");
    // As Solana's tools write it.
    let (code, text) = run("prompt://?key=0/0", PHRASE, "");
    assert_eq!((code, text.contains(FIRST)), (0, true), "{text}");
    let (code, text) = run("prompt:", &PHRASE.replace("argue", "argoe"), "");
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("word 4 is not in the list of BIP-39") && !text.contains("argoe"), "{text}");
}

#[test]
fn on_mainnet_only_a_yes_spends() {
    let stage = stage();
    let alice = stage.wallet("alice at a terminal", &[]);
    let (mainnet, market) = (disguised(&stage.url(), MAINNET), stage.site.market.to_string());
    let open = ["-u", &mainnet, "-k", alice.file(), "--market", &market, "vault", "open"];
    let answers =
        |answer| typed(&stage.path("home"), &open, &[("This is mainnet. Go on? [y/N]", Answer::Open(answer))]);
    for no in ["n\n", "\n", "yesterday\n", END] {
        let (code, text) = answers(no);
        assert_eq!(code, 2, "{no:?}: {text}");
        assert!(text.contains("Fee: 5000 lamports") && text.contains("nothing was sent"), "{no:?}: {text}");
        assert!(stage.vault(&alice.address(), 0).is_none(), "{no:?}");
    }
    let (code, text) = answers("Y\n");
    assert_eq!(code, 0, "{text}");
    assert!(stage.vault(&alice.address(), 0).is_some());
}
