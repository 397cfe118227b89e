//! `idl/ballast.json` is committed, because clients are generated from it without a Rust build.
//! This test makes sure that it describes the program beside it.

use std::path::Path;

#[test]
fn the_committed_idl_describes_this_program() -> anyhow::Result<()> {
    let generator = Path::new(env!("CARGO_BIN_EXE_print-idl"));
    xtask::idl::check(generator)
}
