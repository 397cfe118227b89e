//! Numbers that are the same in every run, and how many cases are played with them.

pub use ballast_tests::random::Random;

/// Ten times as many cases, or whatever, when somebody asks for more.
pub fn more(cases: usize, deep: usize) -> usize {
    if std::env::var("BALLAST_DEEP").is_ok_and(|value| value == "1") { deep } else { cases }
}
