//! Who we exchange files with, and by which certificate we know them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What the operator calls a partner, such as `dwp`.
pub type PartnerName = super::naming::SourceName;

/// The full fingerprint of an OpenPGP certificate's primary key: 40 (v4) or 64 (v6) upper-case hexadecimal digits.
// RFC 9580 §5.5.4
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint(String);

/// The text is not a full fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a full fingerprint: 40 or 64 hexadecimal digits are needed (key ids are too short to trust)")]
pub struct NotAFingerprint(pub String);

impl FromStr for Fingerprint {
    type Err = NotAFingerprint;

    /// Spaces, as printed by GnuPG, are left out.
    fn from_str(text: &str) -> Result<Self, NotAFingerprint> {
        let digits: String = text.chars().filter(|c| *c != ' ').map(|c| c.to_ascii_uppercase()).collect();
        let good = matches!(digits.len(), 40 | 64) && digits.bytes().all(|b| b.is_ascii_hexdigit());
        if good { Ok(Fingerprint(digits)) } else { Err(NotAFingerprint(text.to_owned())) }
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = NotAFingerprint;

    fn try_from(text: String) -> Result<Self, NotAFingerprint> {
        text.parse()
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> String {
        fingerprint.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_fingerprints() {
        let spaced = "0123 4567 89AB CDEF 0123  4567 89ab cdef 0123 4567";
        assert_eq!(spaced.parse::<Fingerprint>().unwrap().to_string(), "0123456789ABCDEF0123456789ABCDEF01234567");
        assert!("89ABCDEF01234567".parse::<Fingerprint>().is_err());
    }
}
