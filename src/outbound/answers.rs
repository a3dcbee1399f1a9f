//! What came back about returns, and what is done about one of which nobody knows whether it arrived.
//!
//! In:  the answers that were collected since the last attempt; the policy of each return.
//! Out: Uncertain, or what waits to be sent again ▶ Sent, by evidence; Uncertain, Sent ▶ Failed, by a report; Uncertain ▶ Sealed
//! once, by policy.
//! Holds: evidence before policy, and before an order to send again that is not carried out yet; what a person has ordered the
//! policy leaves alone; it sends once more, the identical bytes, and only a return that may come twice.

use std::time::Duration;

use jiff::Timestamp;

use super::critical::Critical;
use super::due::later;
use super::record::Move;
use super::round::Round;
use crate::domain::ledger::{Event, Facts};
use crate::domain::submission::Sealed;
use crate::domain::{AlarmReason, Answer, Answered, Notice, Stage, Submission};
use crate::effects::clock::london;

/// How long after the start every mailbox has been looked into, if it can be.
const LOOKED_INTO: Duration = Duration::from_secs(3600);

/// What the answers say of a return at this stage: the one that decides. A report that it did not arrive outweighs all, also
/// where it decides nothing any more.
fn weighed<'a>(stage: &Stage, answers: &'a [Answered]) -> Option<&'a Answered> {
    let first = answers.iter().find(|one| one.answer == Answer::Failed);
    let first = first.or_else(|| answers.iter().find(|one| one.answer.bears_on(stage)));
    first.filter(|one| one.answer.bears_on(stage))
}

impl Round<'_> {
    /// Weighs what came back.
    pub(super) fn weigh_answers(&mut self) -> Result<(), Critical> {
        let answers =
            self.parts.queries.answers_to_weigh().map_err(Critical::reading("what came back about returns"))?;
        for about_one in answers.chunk_by(|one, other| one.key == other.key) {
            let Some(submission) = self.submission(&about_one[0].key)? else { continue };
            if let (Some(answered), Some(sealed)) = (weighed(&submission.stage, about_one), &submission.sealed) {
                self.parts.record_move(&submission, by_evidence(answered, sealed, self.parts.clock.now()))?;
            }
        }
        Ok(())
    }

    /// Makes ready what is to be sent once more.
    pub(super) fn resend_by_policy(&mut self) -> Result<(), Critical> {
        for submission in self.submissions(false)? {
            let (Some(at), Some(sealed)) = (self.resend_at(&submission)?, &submission.sealed) else { continue };
            if self.is_stopped() {
                return Ok(());
            }
            if at > self.parts.clock.now() {
                self.look_again(at);
                continue;
            }
            if self.mail_may_wait_unread()? {
                self.retry();
                continue;
            }
            let to = Move { event: Event::ResentByPolicy, stage: Stage::Sealed, sealed: None, facts: facts(sealed) };
            self.parts.record_move(&submission, to)?;
        }
        Ok(())
    }

    /// What a person must be told, and what happens if nobody does anything.
    pub(super) fn with_policy(&self, submission: &Submission, notice: Notice) -> Result<Notice, Critical> {
        if !matches!(submission.stage, Stage::Uncertain { .. }) {
            return Ok(notice);
        }
        let Some(at) = self.resend_at(submission)? else {
            return Ok(Notice { says: notice.says + " It is not sent again by itself.", ..notice });
        };
        let zoned = at.to_zoned(london());
        let more =
            format!(" Unless an answer comes first, it is sent once more on {}.", zoned.strftime("%d %B %Y at %H:%M"));
        Ok(Notice { says: notice.says + &more, ..notice })
    }

    /// When the policy sends this return once more, if nothing comes back before.
    fn resend_at(&self, submission: &Submission) -> Result<Option<Timestamp>, Critical> {
        let after = self.settings(&submission.key).and_then(|settings| settings.resend_uncertain_after);
        let Some(at) = resend_at(submission, after) else { return Ok(None) };
        let answers = self.parts.queries.answers(&submission.key);
        let answers = answers.map_err(Critical::reading("what came back about a return"))?;
        // Whatever came back, a reply or a report, is for a person to weigh who has not.
        let silent = answers.iter().all(|one| one.earlier);
        let looked_into = self.memory.since.map(|since| later(since, LOOKED_INTO));
        Ok(silent.then(|| looked_into.map_or(at, |looked_into| at.max(looked_into))))
    }

    /// Whether something keeps a mailbox from being looked into, or a Maildir or drop folder: an answer may lie there.
    fn mail_may_wait_unread(&self) -> Result<bool, Critical> {
        let alarms = self.parts.queries.alarms().map_err(Critical::reading("the alarms"))?;
        let closed = [
            AlarmReason::MailboxUnreachable,
            AlarmReason::MailboxClosed,
            AlarmReason::SourceMissing,
            AlarmReason::SourceFault,
            AlarmReason::SpaceLow,
        ];
        Ok(alarms.iter().any(|alarm| closed.iter().any(|reason| reason.notice(&alarm.about).code == alarm.code)))
    }
}

fn resend_at(submission: &Submission, after: Option<Duration>) -> Option<Timestamp> {
    // Where a person has ordered something, a person goes on with it.
    let untouched = submission.resent.is_none() && submission.ordered.is_none() && submission.sealed.is_some();
    match submission.stage {
        Stage::Uncertain { since, restored: false } if untouched && submission.key.kind.may_come_twice() => {
            Some(later(since, after?))
        }
        _ => None,
    }
}

fn by_evidence(answered: &Answered, sealed: &Sealed, now: Timestamp) -> Move {
    let Answered { transfer, source, answer, status, .. } = answered;
    let status = status.as_ref().map(|status| format!(" ({status})")).unwrap_or_default();
    let reply = format!("transfer {transfer} from {source} {}{status}", answer.says());
    let facts = Facts { transfer: Some(*transfer), answer: Some(*answer), reply: Some(reply.clone()), ..facts(sealed) };
    let (event, stage) = match answer {
        Answer::Failed => {
            let reply = reply + ". Nothing proves whose report it is: ask DWP before you send it again";
            (Event::SendFailed, Stage::Failed { at: now, reply })
        }
        _ => (Event::SentRecovered, Stage::Sent { at: now, reply }),
    };
    Move { event, stage, sealed: None, facts }
}

fn facts(sealed: &Sealed) -> Facts {
    Facts {
        sealed: Some(sealed.sealed),
        content: Some(sealed.content),
        bytes: Some(sealed.bytes),
        message_id: Some(sealed.message_id.clone()),
        ..Facts::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ConsignmentId, Digest, Revision};

    fn answered(answer: Answer) -> Answered {
        let source = "inbox-12302".parse().unwrap();
        Answered {
            key: "hbms-mi/12302/2020-04".parse().unwrap(),
            transfer: ConsignmentId::derive(&source, "1", &Digest::of(b"mail")),
            source,
            answer,
            status: None,
            earlier: false,
            at: Timestamp::UNIX_EPOCH,
        }
    }

    fn submission(stage: Stage) -> Submission {
        let digest = Digest::of(b"sealed");
        let (file_name, message_id) = ("mi.pgp".to_owned(), "a@la.example".to_owned());
        let sealed = Sealed {
            content: digest,
            sealed: digest,
            bytes: 6,
            file_name,
            message_id,
            at: Timestamp::UNIX_EPOCH,
            live_claims: None,
        };
        Submission {
            key: "hbms-mi/12302/2020-04".parse().unwrap(),
            extract_from: None,
            transfer_on: jiff::civil::date(2020, 5, 11),
            revision: Revision(5),
            stage,
            ordered: None,
            resent: None,
            sent: None,
            sealed: Some(sealed),
        }
    }

    #[test]
    fn evidence_of_failure_outweighs_the_rest_and_a_reply_weighs_nothing() {
        let at = Timestamp::UNIX_EPOCH;
        let (uncertain, sent) =
            (Stage::Uncertain { since: at, restored: false }, Stage::Sent { at, reply: "250 ok".into() });
        let decides = |stage: &Stage, answers: &[Answer]| {
            let answers: Vec<_> = answers.iter().copied().map(answered).collect();
            weighed(stage, &answers).map(|one| one.answer)
        };
        use Answer::*;
        assert_eq!(decides(&uncertain, &[Delayed, Copy, Failed]), Some(Failed));
        assert_eq!(decides(&uncertain, &[Reply, Delayed, Copy]), Some(Delayed), "a mail system has it");
        assert_eq!(decides(&uncertain, &[Reply]), None, "only a person can tell what it says");
        assert_eq!(decides(&sent, &[Copy, Delivered, Reply, Delayed]), None, "it is sent already");
        assert_eq!(decides(&sent, &[Delivered, Failed]), Some(Failed));
        assert_eq!(decides(&Stage::Sealed, &[Copy]), Some(Copy), "it need not be sent again");
        assert_eq!(decides(&Stage::Missed { since: at }, &[Reply, Delivered]), Some(Delivered));
        assert_eq!(decides(&Stage::Sealed, &[Copy, Failed]), None, "ordered to be sent again because of the report");
        for stage in [Stage::Scheduled, Stage::Acknowledged { at }, Stage::Waived { at }] {
            assert_eq!(decides(&stage, &Answer::ALL), None, "{stage:?}");
        }
    }

    #[test]
    fn what_evidence_leads_to_is_allowed() {
        for stage in [
            Stage::Uncertain { since: Timestamp::UNIX_EPOCH, restored: false },
            Stage::Sent { at: Timestamp::UNIX_EPOCH, reply: String::new() },
        ] {
            let submission = submission(stage);
            for answer in Answer::ALL.into_iter().filter(|answer| answer.bears_on(&submission.stage)) {
                let to = by_evidence(&answered(answer), submission.sealed.as_ref().unwrap(), Timestamp::UNIX_EPOCH);
                assert!(crate::domain::submission::allowed(&submission.stage, &to.stage), "{answer:?}");
            }
        }
    }

    #[test]
    fn the_policy_sends_once_more_and_no_further() {
        let since = Timestamp::from_second(1_589_200_000).unwrap();
        let day = Some(Duration::from_secs(86_400));
        let uncertain = submission(Stage::Uncertain { since, restored: false });
        assert_eq!(resend_at(&uncertain, day), Some(later(since, Duration::from_secs(86_400))));
        assert_eq!(resend_at(&uncertain, None), None, "no policy");
        let again = Submission { resent: Some(since), ..uncertain.clone() };
        assert_eq!(resend_at(&again, day), None);
        let ordered = Submission { ordered: Some(since), ..uncertain.clone() };
        assert_eq!(resend_at(&ordered, day), None, "a person has it in hand");
        let shbe = Submission { key: "shbe/12302/2020-04".parse().unwrap(), ..uncertain.clone() };
        assert_eq!(resend_at(&shbe, day), None);
        assert_eq!(resend_at(&Submission { sealed: None, ..uncertain }, day), None);
        assert_eq!(resend_at(&submission(Stage::Sealed), day), None);
    }
}
