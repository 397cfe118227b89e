//! A panic that one vault causes must not end the loop that looks after all of them.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a calculation comes to. Whoever calls makes sure that nothing half done is left behind: plans are made of copies, and
/// books are written at the end.
///
/// # Errors
/// What it panicked with.
pub fn watched<T>(calculation: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(calculation)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        format!("panicked: {}", text.as_deref().unwrap_or("without a word"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_answer_with_its_reason() {
        assert_eq!(watched(|| 7), Ok(7));
        let empty: &[u8] = &[];
        let at = std::hint::black_box(3);
        let cause = watched(|| empty[at]).unwrap_err();
        assert_eq!(cause, "panicked: index out of bounds: the len is 0 but the index is 3");
    }
}
