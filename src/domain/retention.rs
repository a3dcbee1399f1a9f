//! How long what came and went is kept, what is erased then, and what nobody may erase.
//!
//! Pure: dates come from the caller. A legal hold is a person's order that nothing of a transfer, a return or an authority
//! be erased, however old it is.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::authority::LaNumber;
use super::ids::ConsignmentId;
use super::submission::SubmissionKey;

/// How long something is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Keep {
    /// So long after it was over.
    For(Duration),
    /// Until somebody changes the settings.
    Forever,
}

impl Keep {
    /// From when on it may be erased, if it was over then; `None`: never.
    pub fn until(self, over: Timestamp) -> Option<Timestamp> {
        match self {
            Keep::For(time) => over.checked_add(time).ok(),
            Keep::Forever => None,
        }
    }
}

/// Sealed bytes that are kept: of what came as they came, of what went as they went.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Original {
    /// What was collected.
    Transfer(ConsignmentId),
    /// What was sealed.
    Return(SubmissionKey),
}

impl fmt::Display for Original {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Original::Transfer(id) => id.fmt(f),
            Original::Return(key) => key.fmt(f),
        }
    }
}

/// What a legal hold is on. Written as a transfer's id, a return's key or an LA number, which no two of them look like.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum HeldSubject {
    /// One transfer.
    Transfer(ConsignmentId),
    /// One return.
    Return(SubmissionKey),
    /// Every transfer and return of an authority, also those to come.
    Authority(LaNumber),
}

/// The text names nothing that a legal hold can be on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither a transfer's id, nor a return's key, nor an LA number")]
pub struct NotASubject(pub String);

impl fmt::Display for HeldSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HeldSubject::Transfer(id) => id.fmt(f),
            HeldSubject::Return(key) => key.fmt(f),
            HeldSubject::Authority(number) => number.fmt(f),
        }
    }
}

impl FromStr for HeldSubject {
    type Err = NotASubject;

    fn from_str(text: &str) -> Result<Self, NotASubject> {
        let transfer = || text.parse().ok().map(HeldSubject::Transfer);
        let submission = || text.parse().ok().map(HeldSubject::Return);
        let authority = || text.parse().ok().map(HeldSubject::Authority);
        transfer().or_else(submission).or_else(authority).ok_or_else(|| NotASubject(text.to_owned()))
    }
}

impl TryFrom<String> for HeldSubject {
    type Error = NotASubject;

    fn try_from(text: String) -> Result<Self, NotASubject> {
        text.parse()
    }
}

impl From<HeldSubject> for String {
    fn from(subject: HeldSubject) -> String {
        subject.to_string()
    }
}

/// A legal hold that stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LegalHold {
    /// What it is on.
    pub on: HeldSubject,
    /// Since when.
    pub since: Timestamp,
    /// The ledger entry that placed it, which has who and why.
    pub entry: u64,
}

impl LegalHold {
    /// Whether it keeps this original, and the names with it, of that authority.
    pub fn covers(&self, original: &Original, authority: &LaNumber) -> bool {
        match (&self.on, original) {
            (HeldSubject::Authority(number), _) => number == authority,
            (HeldSubject::Transfer(held), Original::Transfer(id)) => held == id,
            (HeldSubject::Return(held), Original::Return(key)) => held == key,
            (HeldSubject::Transfer(_), Original::Return(_)) | (HeldSubject::Return(_), Original::Transfer(_)) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_hold_is_on_reads_back() {
        for text in
            ["0123456789abcdef0123456789abcdef", "shbe/12302/2020-04", "hbms-mi/12302/2020-06/2020-04", "101809"]
        {
            let subject: HeldSubject = text.parse().unwrap();
            assert_eq!(subject.to_string(), text);
        }
        assert!(matches!("12302".parse(), Ok(HeldSubject::Authority(_))));
        for bad in ["", "0123", "blackpool", "shbe/12302"] {
            assert!(bad.parse::<HeldSubject>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_hold_covers_what_it_is_on_and_no_more() {
        let hold = |on: &str| LegalHold { on: on.parse().unwrap(), since: Timestamp::UNIX_EPOCH, entry: 0 };
        let (one, other) = ("0123456789abcdef0123456789abcdef", "1123456789abcdef0123456789abcdef");
        let transfer = |id: &str| Original::Transfer(id.parse().unwrap());
        let shbe = Original::Return("shbe/12302/2020-04".parse().unwrap());
        let (ours, theirs): (LaNumber, LaNumber) = ("12302".parse().unwrap(), "101809".parse().unwrap());
        assert!(hold(one).covers(&transfer(one), &ours) && !hold(one).covers(&transfer(other), &ours));
        assert!(!hold(one).covers(&shbe, &ours) && hold("shbe/12302/2020-04").covers(&shbe, &ours));
        assert!(hold("12302").covers(&transfer(one), &ours) && hold("12302").covers(&shbe, &ours));
        assert!(!hold("12302").covers(&transfer(one), &theirs));
    }

    #[test]
    fn forever_is_longer_than_anything_and_never_ends() {
        let day = Keep::For(Duration::from_secs(86_400));
        assert!(Keep::Forever > day && day > Keep::For(Duration::ZERO));
        assert_eq!(Keep::Forever.until(Timestamp::UNIX_EPOCH), None);
        assert_eq!(day.until(Timestamp::UNIX_EPOCH), Timestamp::from_second(86_400).ok());
    }
}
