//! The keeper as a library, so that its parts can be tested: everything but reading the command line and the exit code.
//!
//! | room | what it does |
//! |---|---|
//! | `updates` | what every source of accounts delivers |
//! | `metrics` | what the keeper counts, for Prometheus |

pub mod metrics;
pub mod updates;
