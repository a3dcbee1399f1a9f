//! What a person may order about a return, and where that leads.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::submission::{Stage, Submission};

/// How long a return that was ordered is picked up and tried, before it is missed again.
pub const SENT_WITHIN: Duration = Duration::from_secs(24 * 3600);

/// A person's decision about a return.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReturnOrder {
    /// There is evidence that it arrived.
    Confirm,
    /// Send it (again), also after its transfer date.
    Resend,
    /// It is not owed, or not by this way.
    Waive,
}

impl ReturnOrder {
    /// The word that commands and the ledger use.
    pub fn word(self) -> &'static str {
        match self {
            ReturnOrder::Confirm => "confirm",
            ReturnOrder::Resend => "resend",
            ReturnOrder::Waive => "waive",
        }
    }

    /// Where the order leads from there; `None` if it makes no sense of a return at that stage.
    ///
    /// What was sealed is never sealed again: it is sent as it is. What was sent, or is being sent, is never ordered again.
    pub fn leads(self, submission: &Submission, at: Timestamp) -> Option<Stage> {
        use Stage::*;
        match (self, &submission.stage) {
            (ReturnOrder::Confirm, Sent { .. } | Uncertain { .. }) => Some(Acknowledged { at }),
            // An earlier attempt arrived after all.
            (ReturnOrder::Confirm, Failed { .. } | Missed { .. }) if submission.sealed.is_some() => {
                Some(Acknowledged { at })
            }
            (ReturnOrder::Confirm, Sealed | Deferred { .. }) if submission.ordered.is_some() => {
                Some(Acknowledged { at })
            }
            (ReturnOrder::Resend, Uncertain { .. } | Failed { .. } | Missed { .. }) if submission.sealed.is_some() => {
                Some(Sealed)
            }
            (ReturnOrder::Resend, Missed { .. } | Uncertain { .. }) => Some(Scheduled),
            (
                ReturnOrder::Waive,
                Scheduled | Held { .. } | Sealed | Deferred { .. } | Uncertain { .. } | Failed { .. } | Missed { .. },
            ) => Some(Waived { at }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::submission::{Sealed, allowed};
    use crate::domain::{Digest, Revision};

    fn at(stage: Stage, sealed: Option<Sealed>) -> Submission {
        let day = jiff::civil::date(2020, 4, 14);
        let key = "shbe/12302/2020-04".parse().unwrap();
        let (extract_from, ordered, resent) = (None, None, None);
        Submission {
            key,
            extract_from,
            transfer_on: day,
            revision: Revision(0),
            stage,
            ordered,
            resent,
            sent: None,
            sealed,
        }
    }

    fn sealed() -> Sealed {
        let digest = Digest::of(b"sealed");
        let (file_name, message_id) = ("shbe.pgp".to_owned(), "a@hbcourier.invalid".to_owned());
        Sealed {
            content: digest,
            sealed: digest,
            bytes: 6,
            file_name,
            message_id,
            at: Timestamp::UNIX_EPOCH,
            live_claims: None,
        }
    }

    #[test]
    fn every_order_leads_only_where_a_return_may_go() {
        let now = Timestamp::UNIX_EPOCH;
        let (reply, cause) = (String::new, crate::domain::DeferCause::CourierBusy);
        for stage in [
            Stage::Scheduled,
            Stage::Held { since: now, reason: crate::domain::ReturnHold::Empty, content: None },
            Stage::Sealed,
            Stage::Sending { at: now, attempt: 1, boot: reply(), place: None },
            Stage::Deferred { until: now, attempts: 1, cause, reply: None },
            Stage::Sent { at: now, reply: reply() },
            Stage::Acknowledged { at: now },
            Stage::Uncertain { since: now, restored: false },
            Stage::Failed { at: now, reply: reply() },
            Stage::Missed { since: now },
            Stage::Waived { at: now },
        ] {
            for sealed in [None, Some(sealed())] {
                let leads = [ReturnOrder::Confirm, ReturnOrder::Resend, ReturnOrder::Waive]
                    .map(|order| order.leads(&at(stage.clone(), sealed.clone()), now));
                assert!(leads.iter().flatten().all(|to| allowed(&stage, to)), "{stage:?} {leads:?}");
                let ends = leads.iter().flatten().next().is_some();
                let is_over =
                    matches!(stage, Stage::Sending { .. } | Stage::Acknowledged { .. } | Stage::Waived { .. });
                assert_eq!(ends, !is_over, "each state that waits for a person has an order that ends it: {stage:?}");
            }
        }
    }
}
