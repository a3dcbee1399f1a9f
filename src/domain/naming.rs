//! The names an operator gives to the things of a configuration.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The text cannot be a name in a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a usable name: 1 to 40 of a-z, 0-9 and `-`, beginning with a letter or digit")]
pub struct NotAName(pub String);

fn check(text: &str) -> Result<String, NotAName> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let good = (1..=40).contains(&text.len()) && text.bytes().all(plain) && !text.starts_with('-');
    if good { Ok(text.to_owned()) } else { Err(NotAName(text.to_owned())) }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as it was given.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NotAName;

            fn from_str(text: &str) -> Result<Self, NotAName> {
                check(text).map($name)
            }
        }

        impl TryFrom<String> for $name {
            type Error = NotAName;

            fn try_from(text: String) -> Result<Self, NotAName> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(
    /// A place files come from, such as a drop folder. Appears in logs and the ledger.
    SourceName
);
name!(
    /// A place plaintext is delivered to.
    DestinationName
);
name!(
    /// A way sealed returns leave.
    CourierName
);
name!(
    /// Somebody who keeps the ledger's checkpoints elsewhere.
    RecipientName
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain() {
        assert!("drop-12302".parse::<SourceName>().is_ok());
        for bad in ["", "-x", "Drop", "a/b", "a b", &"x".repeat(41)] {
            assert!(bad.parse::<SourceName>().is_err(), "{bad:?}");
        }
    }
}
