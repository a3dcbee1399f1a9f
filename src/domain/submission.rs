//! One return owed for one period, and what became of it.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::authority::LaNumber;
use super::digest::Digest;
use super::ids::Revision;
use super::kind::ReturnKind;
use super::period::RelevantMonth;
use super::reason::{DeferCause, ReturnHold};

/// Names one obligation: which return, whose, for which month. Written `shbe/12302/2020-04`; the MI return of a workbook that
/// came with an earlier pack `hbms-mi/12302/2020-06/2020-04`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SubmissionKey {
    /// Which return.
    pub kind: ReturnKind,
    /// Whose.
    pub authority: LaNumber,
    /// For which month.
    pub month: RelevantMonth,
    /// The month of the pack whose workbook is returned once more; `None` for the workbook that came last, and for a SHBE.
    // DWP A5/2020 paragraph 57: earlier workbooks are returned again until every case has an outcome
    pub workbook: Option<RelevantMonth>,
}

/// The text names no submission.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a return's key: write it as shbe/12302/2020-04")]
pub struct NotASubmissionKey(pub String);

impl fmt::Display for SubmissionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.kind, self.authority, self.period())
    }
}

impl TryFrom<String> for SubmissionKey {
    type Error = NotASubmissionKey;

    fn try_from(text: String) -> Result<Self, NotASubmissionKey> {
        text.parse()
    }
}

impl From<SubmissionKey> for String {
    fn from(key: SubmissionKey) -> String {
        key.to_string()
    }
}

impl FromStr for SubmissionKey {
    type Err = NotASubmissionKey;

    fn from_str(text: &str) -> Result<Self, NotASubmissionKey> {
        let bad = || NotASubmissionKey(text.to_owned());
        let mut pieces = text.split('/');
        let (Some(kind), Some(authority), Some(month), workbook, None) =
            (pieces.next(), pieces.next(), pieces.next(), pieces.next(), pieces.next())
        else {
            return Err(bad());
        };
        let key = SubmissionKey {
            kind: kind.parse().map_err(|_| bad())?,
            authority: authority.parse().map_err(|_| bad())?,
            month: month.parse().map_err(|_| bad())?,
            workbook: workbook.map(str::parse).transpose().map_err(|_| bad())?,
        };
        let fits = key.workbook.is_none_or(|workbook| key.kind == ReturnKind::HbmsMi && workbook < key.month);
        if fits { Ok(key) } else { Err(bad()) }
    }
}

impl SubmissionKey {
    /// The last part of its name: `2020-06`, or `2020-06/2020-04`.
    pub fn period(&self) -> String {
        match self.workbook {
            None => self.month.to_string(),
            Some(workbook) => format!("{}/{workbook}", self.month),
        }
    }

    /// The series it is a month of.
    pub fn series(&self) -> Series {
        Series { kind: self.kind, authority: self.authority.clone(), workbook: self.workbook }
    }
}

impl SubmissionKey {
    /// Whether `earlier` is of the same return, of whichever month: of the same series, or the usual return by which a
    /// workbook's own series began.
    pub fn goes_on_from(&self, earlier: &SubmissionKey) -> bool {
        let first =
            self.workbook.map(|workbook| SubmissionKey { month: workbook.next(), workbook: None, ..self.clone() });
        self.series() == earlier.series() || first.as_ref() == Some(earlier)
    }
}

/// A return as it is due month after month: a SHBE, the MI return of whichever workbook came last, or that of one
/// earlier workbook until it is closed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Series {
    /// Which return.
    pub kind: ReturnKind,
    /// Whose.
    pub authority: LaNumber,
    /// The month of the earlier workbook's pack.
    pub workbook: Option<RelevantMonth>,
}

/// One return owed for one period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// Which obligation.
    pub key: SubmissionKey,
    /// SHBE: the data may not be extracted before this day. The MI return has none.
    pub extract_from: Option<Date>,
    /// The day on which it must be sent, Europe/London.
    pub transfer_on: Date,
    /// How often the store's row was changed.
    pub revision: Revision,
    /// What became of it.
    pub stage: Stage,
    /// When a person last ordered, or the policy decided, that it be sent, whatever its transfer date.
    pub ordered: Option<Timestamp>,
    /// When the policy decided that it be sent once more: that happens once.
    pub resent: Option<Timestamp>,
    /// When it was last found to be sent, also if more is known of it since.
    pub sent: Option<Timestamp>,
    /// What was sealed for it, once it was.
    pub sealed: Option<Sealed>,
}

/// What was sealed for a submission: the only bytes that are ever sent for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// SHA-256 of the file that was picked up.
    pub content: Digest,
    /// SHA-256 of the sealed bytes; also their name in the spool.
    pub sealed: Digest,
    /// Length of the sealed bytes.
    pub bytes: u64,
    /// The name the sealed file is sent under.
    pub file_name: String,
    /// The deterministic Message-ID, without angle brackets.
    pub message_id: String,
    /// When it was sealed; also the message's Date.
    pub at: Timestamp,
    /// The D records of an extract, with which the next month's are compared. None before they were counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live_claims: Option<u64>,
}

/// The D records of the last extract before this one that was sealed and counted.
pub fn live_claims_before(all: &[Submission], key: &SubmissionKey) -> Option<u64> {
    let earlier =
        |one: &&Submission| one.key.kind == key.kind && one.key.authority == key.authority && one.key.month < key.month;
    let counted = |one: &Submission| Some((one.key.month, one.sealed.as_ref()?.live_claims?));
    all.iter().filter(earlier).filter_map(counted).max_by_key(|(month, _)| *month).map(|(_, claims)| claims)
}

/// What became of a submission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "is")]
pub enum Stage {
    /// Owed; nothing acceptable has been picked up yet.
    Scheduled,
    /// What was picked up cannot be sealed; a corrected file replaces it.
    Held {
        /// Since when.
        since: Timestamp,
        /// Why.
        reason: ReturnHold,
        /// The digest of the file that was found wanting, so that the same file is not judged again.
        content: Option<Digest>,
    },
    /// Sealed, waiting for the transfer date.
    Sealed,
    /// An attempt has passed the point after which only evidence tells whether it arrived.
    Sending {
        /// Since when.
        at: Timestamp,
        /// Counts from 1.
        attempt: u8,
        /// The kernel's boot id at that moment.
        boot: String,
        /// Where the courier placed it, if that is a place that can be another one later. Opaque.
        #[serde(default)]
        place: Option<String>,
    },
    /// The attempt certainly did not arrive, and will be made again.
    Deferred {
        /// Not before this time.
        until: Timestamp,
        /// How many attempts have failed.
        attempts: u8,
        /// Why.
        cause: DeferCause,
        /// The courier's own words, or what was found, without personal data.
        #[serde(default)]
        reply: Option<String>,
    },
    /// The courier took responsibility.
    Sent {
        /// When.
        at: Timestamp,
        /// The courier's own words.
        reply: String,
    },
    /// DWP confirmed it.
    Acknowledged {
        /// When.
        at: Timestamp,
    },
    /// It may or may not have arrived. Evidence, then a person, decides.
    Uncertain {
        /// Since when.
        since: Timestamp,
        /// Because a backup was restored that tells nothing of what was sent after it. No policy sends such a one again.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        restored: bool,
    },
    /// The courier was offered it and refused it for good, or a report says that it did not reach its recipient; a person
    /// decides.
    Failed {
        /// When.
        at: Timestamp,
        /// The courier's own words.
        reply: String,
    },
    /// The transfer date passed without it. Sent late only by order.
    Missed {
        /// Since when.
        since: Timestamp,
    },
    /// A person decided that it is not owed.
    Waived {
        /// When.
        at: Timestamp,
    },
}

impl Stage {
    /// The word that lists and filters use.
    pub fn word(&self) -> &'static str {
        match self {
            Stage::Scheduled => "scheduled",
            Stage::Held { .. } => "held",
            Stage::Sealed => "sealed",
            Stage::Sending { .. } => "sending",
            Stage::Deferred { .. } => "deferred",
            Stage::Sent { .. } => "sent",
            Stage::Acknowledged { .. } => "acknowledged",
            Stage::Uncertain { .. } => "uncertain",
            Stage::Failed { .. } => "failed",
            Stage::Missed { .. } => "missed",
            Stage::Waived { .. } => "waived",
        }
    }

    /// Whether the service itself may still move it.
    pub fn is_open(&self) -> bool {
        match self {
            Stage::Scheduled | Stage::Held { .. } | Stage::Sealed | Stage::Sending { .. } | Stage::Deferred { .. } => {
                true
            }
            Stage::Sent { .. }
            | Stage::Acknowledged { .. }
            | Stage::Uncertain { .. }
            | Stage::Failed { .. }
            | Stage::Missed { .. }
            | Stage::Waived { .. } => false,
        }
    }
}

/// Whether a submission may go from one stage to the other.
///
/// Once Sending, only a definite answer leads back to an attempt; once Sent, never. What waits to be sent, or was missed,
/// is Sent without an attempt only by evidence about an earlier one.
pub fn allowed(from: &Stage, to: &Stage) -> bool {
    use Stage::*;
    match from {
        // Where a backup was restored, whatever is not over may have been sent since the backup.
        Scheduled | Held { .. } | Sealed | Deferred { .. } | Missed { .. } | Failed { .. } | Uncertain { .. }
            if matches!(to, Uncertain { restored: true, .. }) =>
        {
            true
        }
        Scheduled => matches!(to, Held { .. } | Sealed | Missed { .. } | Waived { .. }),
        Held { .. } => matches!(to, Scheduled | Held { .. } | Sealed | Missed { .. } | Waived { .. }),
        Sealed | Deferred { .. } => matches!(
            to,
            Sending { .. }
                | Sent { .. }
                | Deferred { .. }
                | Failed { .. }
                | Missed { .. }
                | Waived { .. }
                | Acknowledged { .. }
        ),
        Sending { .. } => matches!(to, Sent { .. } | Deferred { .. } | Failed { .. } | Uncertain { .. }),
        // A report may still come that it did not reach its recipient.
        Sent { .. } => matches!(to, Failed { .. } | Acknowledged { .. }),
        Uncertain { .. } => matches!(
            to,
            Sent { .. }
                | Failed { .. }
                // Nothing was sealed for it before the backup that was restored.
                | Scheduled
                | Sealed
                | Waived { .. }
                | Acknowledged { .. }
        ),
        Failed { .. } => matches!(to, Sealed | Waived { .. } | Acknowledged { .. }),
        Missed { .. } => matches!(to, Scheduled | Sealed | Sent { .. } | Waived { .. } | Acknowledged { .. }),
        Acknowledged { .. } | Waived { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back() {
        let key: SubmissionKey = "hbms-mi/101809/2021-03".parse().unwrap();
        assert_eq!(key.to_string(), "hbms-mi/101809/2021-03");
        let again: SubmissionKey = "hbms-mi/101809/2021-03/2020-12".parse().unwrap();
        assert_eq!(again.to_string(), "hbms-mi/101809/2021-03/2020-12");
        let before: SubmissionKey = "hbms-mi/101809/2021-02".parse().unwrap();
        assert!(key.series() == before.series() && key.series() != again.series());
        let first: SubmissionKey = "hbms-mi/101809/2021-01".parse().unwrap();
        assert!(again.goes_on_from(&first) && !again.goes_on_from(&before) && key.goes_on_from(&before));
        for bad in [
            "shbe/12302",
            "shbe/12302/2020-06/2020-04",
            "hbms-mi/12302/2020-04/2020-04",
            "hbms-mi/12302/2020-06/2020-04/",
        ] {
            assert!(bad.parse::<SubmissionKey>().is_err(), "{bad}");
        }
    }

    #[test]
    fn what_was_sent_is_never_sent_again() {
        let at = Timestamp::UNIX_EPOCH;
        let sent = Stage::Sent { at, reply: String::new() };
        let sending = Stage::Sending { at, attempt: 1, boot: String::new(), place: None };
        assert!(!allowed(&sent, &sending) && !allowed(&sent, &Stage::Sealed));
        assert!(!allowed(&sending, &Stage::Sealed), "only evidence leads out of Sending");
        let uncertain = |restored| Stage::Uncertain { since: at, restored };
        assert!(allowed(&Stage::Scheduled, &uncertain(true)), "a backup tells nothing of what came after it");
        assert!(!allowed(&Stage::Scheduled, &uncertain(false)) && !allowed(&sent, &uncertain(true)));
    }
}
