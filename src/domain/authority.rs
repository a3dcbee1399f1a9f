//! Local authorities and the numbers DWP knows them by.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The number DWP prints beside an authority in the timetable of returns: five or six digits, kept as text.
///
/// Whether a number belongs to anyone is a question for a table, never for its structure.
// DWP A5/2020 Annex B, last column.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LaNumber(String);

/// The text is not five or six digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an LA number: five or six digits are needed, as in 12302 (Blackpool)")]
pub struct NotAnLaNumber(pub String);

impl FromStr for LaNumber {
    type Err = NotAnLaNumber;

    fn from_str(text: &str) -> Result<Self, NotAnLaNumber> {
        let digits = (5..=6).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        if !digits {
            return Err(NotAnLaNumber(text.to_owned()));
        }
        Ok(LaNumber(text.to_owned()))
    }
}

impl TryFrom<String> for LaNumber {
    type Error = NotAnLaNumber;

    fn try_from(text: String) -> Result<Self, NotAnLaNumber> {
        text.parse()
    }
}

impl From<LaNumber> for String {
    fn from(number: LaNumber) -> String {
        number.0
    }
}

impl LaNumber {
    /// The digits, as DWP prints them.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LaNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An authority as the timetable names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Authority {
    /// The number DWP knows it by.
    pub number: LaNumber,
    /// The name as DWP prints it.
    pub name: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_or_six_digits_and_nothing_else() {
        for good in ["12302", "101809"] {
            assert_eq!(good.parse::<LaNumber>().unwrap().as_str(), good);
        }
        for bad in ["", "6104", "1234567", "1230a", " 12302", "１２３０２"] {
            assert!(bad.parse::<LaNumber>().is_err(), "{bad:?}");
        }
    }
}
