//! One received transmission, its parts, and where it stands.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::authority::LaNumber;
use super::digest::Digest;
use super::ids::{ConsignmentId, DeliveryId, Revision};
use super::kind::FileKind;
use super::naming::{DestinationName, SourceName};
use super::partner::Fingerprint;
use super::reason::{DeferCause, HoldReason, RejectReason};

/// One received transmission: what was collected, from where, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consignment {
    /// Derived from source, native id and content.
    pub id: ConsignmentId,
    /// Where it came from.
    pub source: SourceName,
    /// Whose it is: by the source it came through, and from Staged on by what its content tells.
    pub authority: LaNumber,
    /// When it was collected. The policy of opening is evaluated at this time, also after a crash.
    pub received_at: Timestamp,
    /// SHA-256 of the sealed bytes as collected.
    pub sealed_digest: Digest,
    /// Length of the sealed bytes.
    pub sealed_bytes: u64,
    /// How often the store's row was changed.
    pub revision: Revision,
    /// Where it stands.
    pub standing: Standing,
    /// Whose signature was accepted, once known.
    pub signer: Option<Fingerprint>,
}

/// Where a consignment stands, with the facts of that standing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "is")]
pub enum Standing {
    /// Ours and durable. Nothing has been let through yet.
    Collected {
        /// Since when.
        at: Timestamp,
    },
    /// Every part lies complete beside its final name, under a hidden one. Publishing may have begun.
    Staged {
        /// Since when.
        at: Timestamp,
        /// The kernel's boot id when it was staged: after a reboot a rename may have been undone.
        boot: String,
    },
    /// To be tried again.
    Deferred {
        /// Not before this time.
        until: Timestamp,
        /// How many attempts have failed, this one included.
        attempts: u8,
        /// Why this one failed.
        cause: DeferCause,
        /// Where to go on.
        resume: Resume,
    },
    /// A person decides.
    Held {
        /// Since when.
        since: Timestamp,
        /// Why.
        reason: HoldReason,
        /// It was held in a backup that was restored, which does not tell whether it was let go and delivered after it was
        /// made: whoever lets it go has it looked up at its destination first.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        restored: bool,
    },
    /// Every part is at its destination under its final name.
    Delivered {
        /// Since when.
        at: Timestamp,
    },
    /// Delivered or matched, and the original archived. Nothing of it is left in the spool.
    Closed {
        /// Since when.
        at: Timestamp,
    },
    /// A mail that answers a return of ours: there is nothing in it to deliver.
    Matched {
        /// Since when.
        at: Timestamp,
    },
    /// Never to be delivered.
    Rejected {
        /// Since when.
        at: Timestamp,
        /// Why.
        reason: RejectReason,
    },
}

/// Where a deferred consignment goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "at")]
pub enum Resume {
    /// From the spooled bytes.
    Opening,
    /// From the spooled bytes, of which a restored backup does not tell whether they were delivered after it was made: what is
    /// not found at its destination waits for a person.
    LookingUp,
    /// From the staged parts; `boot` as in [`Standing::Staged`].
    Publishing {
        /// The kernel's boot id when it was staged.
        boot: String,
    },
}

/// When work is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// The time.
    pub now: Timestamp,
    /// No pause is so long that it ends after this: one that does was begun by a clock that was ahead.
    pub latest: Timestamp,
}

impl Standing {
    /// Where a held one goes when a person lets it go.
    pub fn let_go(&self, at: Timestamp) -> Standing {
        match self {
            Standing::Held { restored: true, .. } => {
                Standing::Deferred { until: at, attempts: 0, cause: DeferCause::Restored, resume: Resume::LookingUp }
            }
            _ => Standing::Collected { at },
        }
    }

    /// The word that lists and filters use.
    pub fn word(&self) -> &'static str {
        match self {
            Standing::Collected { .. } => "collected",
            Standing::Staged { .. } => "staged",
            Standing::Deferred { .. } => "deferred",
            Standing::Held { .. } => "held",
            Standing::Delivered { .. } => "delivered",
            Standing::Closed { .. } => "closed",
            Standing::Matched { .. } => "matched",
            Standing::Rejected { .. } => "rejected",
        }
    }

    /// When the service should next work on it; `None` if it should not by itself.
    pub fn due_at(&self) -> Option<Timestamp> {
        match self {
            Standing::Collected { at } | Standing::Staged { at, .. } => Some(*at),
            Standing::Delivered { at } | Standing::Matched { at } => Some(*at),
            Standing::Deferred { until, .. } => Some(*until),
            Standing::Held { .. } | Standing::Closed { .. } | Standing::Rejected { .. } => None,
        }
    }

    /// Whether the service should work on it now. Only a pause is waited for: any other time is when something happened,
    /// and one that is still to come was told by a clock that has been set back since.
    pub fn is_due(&self, due: Due) -> bool {
        match self {
            Standing::Deferred { until, .. } => *until <= due.now || *until > due.latest,
            _ => self.due_at().is_some(),
        }
    }

    /// Whether its original was moved to the archive.
    pub fn is_archived(&self) -> bool {
        matches!(self, Standing::Closed { .. })
    }

    /// How many attempts have failed so far.
    pub fn attempts(&self) -> u8 {
        match self {
            Standing::Deferred { attempts, .. } => *attempts,
            _ => 0,
        }
    }
}

/// Whether a consignment may go from one standing to the other.
///
/// A held one goes back to the start or out of the door, and only on an operator's order; or it is found to be no longer
/// what was collected.
pub fn allowed(from: &Standing, to: &Standing) -> bool {
    use Standing::*;
    match from {
        Collected { .. } => !matches!(to, Collected { .. } | Delivered { .. } | Closed { .. }),
        Staged { .. } => matches!(to, Staged { .. } | Deferred { .. } | Held { .. } | Delivered { .. }),
        Deferred { resume: Resume::Opening | Resume::LookingUp, .. } => {
            !matches!(to, Collected { .. } | Delivered { .. } | Closed { .. })
        }
        Deferred { resume: Resume::Publishing { .. }, .. } => {
            matches!(to, Staged { .. } | Deferred { .. } | Held { .. } | Delivered { .. })
        }
        Held { .. } => {
            matches!(
                to,
                Collected { .. }
                    | Deferred { resume: Resume::LookingUp, .. }
                    | Rejected { .. }
                    | Held { reason: HoldReason::SpoolChanged, .. }
                    | Held { restored: true, .. }
            )
        }
        Delivered { .. } | Matched { .. } => matches!(to, Closed { .. }),
        Closed { .. } | Rejected { .. } => false,
    }
}

/// One part of a consignment and the place it goes to. Exists from Staged on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Derived from consignment, part and destination.
    pub id: DeliveryId,
    /// Whose part it is.
    pub consignment: ConsignmentId,
    /// Counts from 0 within the consignment.
    pub part: u32,
    /// What the part is.
    pub kind: FileKind,
    /// SHA-256 of the part's content.
    pub digest: Digest,
    /// Length of the part's content.
    pub bytes: u64,
    /// Which destination.
    pub destination: DestinationName,
    /// The final path; once the name was erased, its folder.
    pub path: PathBuf,
    /// Who chose its name.
    pub naming: Naming,
    /// Which directory it was staged in, whatever lies at that path later.
    pub place: Option<String>,
    /// It is known to have had its final name: it is never staged again, taken or not.
    pub published: bool,
}

/// Who chose the name that a file was delivered under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Naming {
    /// The route's template alone: nothing of the sender's is in it.
    Ours,
    /// What the sender called it is in it, or it is not known whether.
    Senders,
    /// It had a sender's name in it, which was erased.
    Erased,
}

impl Naming {
    /// The word under which it is recorded.
    pub fn word(self) -> &'static str {
        match self {
            Naming::Ours => "ours",
            Naming::Senders => "senders",
            Naming::Erased => "erased",
        }
    }

    /// By its word. Transfers of earlier versions have none, and the name may be a sender's.
    pub fn read(word: Option<&str>) -> Naming {
        match word {
            Some("ours") => Naming::Ours,
            Some("erased") => Naming::Erased,
            _ => Naming::Senders,
        }
    }

    /// A name as reading commands show it: a sender's may be somebody's, and is shown by order only.
    pub fn told(self, name: &str) -> &str {
        match self {
            Naming::Ours => name,
            Naming::Senders => NAME_WITHHELD,
            Naming::Erased => NAME_ERASED,
        }
    }
}

/// What stands in the place of a name that is shown by `hbcourier transfers names` only.
pub const NAME_WITHHELD: &str = "(name withheld)";
/// What stands in the place of a name that was erased.
pub const NAME_ERASED: &str = "(name erased)";

impl Delivery {
    /// The final path as reading commands show it.
    pub fn told_path(&self) -> String {
        let folder = match self.naming {
            Naming::Erased => Some(self.path.as_path()),
            Naming::Ours | Naming::Senders => self.path.parent(),
        };
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        folder.unwrap_or(&self.path).join(self.naming.told(&name)).display().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_delivered_that_was_not_staged() {
        let at = Timestamp::UNIX_EPOCH;
        let collected = Standing::Collected { at };
        let staged = Standing::Staged { at, boot: String::new() };
        let delivered = Standing::Delivered { at };
        assert!(!allowed(&collected, &delivered));
        assert!(allowed(&collected, &staged) && allowed(&staged, &delivered));
        assert!(!allowed(&staged, &collected), "a staged consignment never opens again by itself");
        let held = Standing::Held { since: at, reason: HoldReason::NoRoute, restored: false };
        assert!(!allowed(&held, &staged) && allowed(&held, &collected));
        assert_eq!(held.let_go(at), collected);
        let restored = Standing::Held { since: at, reason: HoldReason::NoRoute, restored: true };
        assert!(allowed(&held, &restored) && !allowed(&restored, &held) && allowed(&restored, &restored.let_go(at)));
        assert!(matches!(restored.let_go(at), Standing::Deferred { resume: Resume::LookingUp, .. }));
    }
}
