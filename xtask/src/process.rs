//! Starting other programs with a known environment.
//!
//! `cargo xtask` runs inside `cargo run`, which runs inside rustup's proxy. Both leave variables
//! behind that make a second cargo pick another compiler, other flags or another package's
//! metadata, so nothing is started with the inherited environment as it is.

use std::{
    ffi::OsStr,
    process::{Command, ExitCode, ExitStatus, Stdio},
};

use anyhow::{Context, Result, bail};

/// Cargo settings of the user or the machine (mirrors, proxies, offline mode, colours): kept.
const USER_SETTINGS: [&str; 7] = [
    "CARGO_HOME",
    "CARGO_BUILD_JOBS",
    "CARGO_HTTP_",
    "CARGO_NET_",
    "CARGO_REGISTRIES_",
    "CARGO_REGISTRY_",
    "CARGO_TERM_",
];

/// A program that uses rustup's toolchain, the one that `rust-toolchain.toml` names.
pub fn host(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text == "CARGO" || (text.starts_with("CARGO_") && !is_user_setting(&text)) {
            command.env_remove(&name);
        }
    }
    command
}

/// A program that must not notice rustup, nor flags that are meant for host builds.
pub fn outside_rustup(program: impl AsRef<OsStr>) -> Command {
    let mut command = host(program);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        // cargo puts the host toolchain's libraries on LD_LIBRARY_PATH; another rustc would load them.
        let foreign = text.starts_with("RUSTC")
            || text == "RUSTFLAGS"
            || text == "RUSTUP_TOOLCHAIN"
            || text == "RUST_RECURSION_COUNT"
            || text == "LD_LIBRARY_PATH"
            || text == "DYLD_FALLBACK_LIBRARY_PATH";
        if foreign {
            command.env_remove(&name);
        }
    }
    command
}

/// Runs to the end with the output on the terminal; an error names the command.
pub fn run(command: &mut Command) -> Result<()> {
    let status = status(command)?;
    if !status.success() {
        bail!("`{}` failed: {status}", shown(command));
    }
    Ok(())
}

/// Like [`run`], for callers that pass the exit code on.
pub fn status(command: &mut Command) -> Result<ExitStatus> {
    command.stdin(Stdio::null()).status().with_context(|| format!("cannot start `{}`", shown(command)))
}

/// The same exit code for us; a signal has none and counts as a plain failure.
pub fn exit_code(status: ExitStatus) -> ExitCode {
    match status.code().map(u8::try_from) {
        Some(Ok(code)) => ExitCode::from(code),
        _ => ExitCode::FAILURE,
    }
}

/// What a program prints, without the line end; its error output goes to the terminal.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start `{}`", shown(command)))?;
    if !output.status.success() {
        bail!("`{}` failed: {}", shown(command), output.status);
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}

/// Whether the program exists and `arguments` (such as `--version`) succeed, silently.
pub fn works(program: &str, arguments: &[&str]) -> bool {
    outside_rustup(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Tells what is going on; on stderr, because stdout belongs to the programs we start.
pub fn say(message: impl AsRef<str>) {
    eprintln!("xtask: {}", message.as_ref());
}

fn is_user_setting(name: &str) -> bool {
    USER_SETTINGS.iter().any(|known| name == *known || (known.ends_with('_') && name.starts_with(known)))
}

/// The program and its first few arguments: enough to recognise it in an error.
fn shown(command: &Command) -> String {
    let mut text = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args().take(6) {
        text.push(' ');
        text.push_str(&argument.to_string_lossy());
    }
    if command.get_args().len() > 6 {
        text.push_str(" …");
    }
    text
}
