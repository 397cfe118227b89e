//! The keeper as a library, so that its parts can be tested: everything but reading the command line and the exit code.
