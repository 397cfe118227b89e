//! Why the program would refuse something, as its own functions say it off-chain.

use anchor_lang::error::Error;

use crate::error::Class;

/// A refusal by its code, its name and what it says to people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub code: u32,
    pub name: String,
    pub message: String,
}

impl Refusal {
    /// The group of the error.
    pub const fn class(&self) -> Class {
        Class::of(self.code)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::AnchorError(error) => {
                Self { code: error.error_code_number, name: error.error_name, message: error.error_msg }
            }
            // The runtime's own, which carry no more than their text.
            Error::ProgramError(error) => {
                let message = error.to_string();
                Self { code: 0, name: "ProgramError".to_owned(), message }
            }
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({}): {}", self.name, self.code, self.message)
    }
}

impl std::error::Error for Refusal {}
