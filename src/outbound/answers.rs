//! What came back about returns, and what is done about one of which nobody knows whether it arrived.
//!
//! In:  the answers that were collected since the last attempt; the policy of each return.
//! Out: Uncertain ▶ Sent or Failed, by evidence; Sent ▶ Failed, by a report; Uncertain ▶ Sealed once, by policy.
//! Holds: evidence before policy; the policy sends once more, the identical bytes, and only a return that may come twice.

use std::time::Duration;

use jiff::Timestamp;

use super::critical::Critical;
use super::due::later;
use super::record::Move;
use super::round::Round;
use crate::domain::ledger::{Event, Facts};
use crate::domain::submission::Sealed;
use crate::domain::{Answer, Answered, Stage, Submission};

/// What the answers say of a return at this stage: the one that decides. A report that it did not arrive outweighs all.
fn weighed<'a>(stage: &Stage, answers: &'a [Answered]) -> Option<&'a Answered> {
    let bears = || answers.iter().filter(|one| one.answer.bears_on(stage));
    bears().find(|one| one.answer == Answer::Failed).or_else(|| bears().next())
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
            let (Some(at), Some(sealed)) = (self.resend_at(&submission), &submission.sealed) else { continue };
            if at > self.parts.clock.now() {
                self.look_again(at);
                continue;
            }
            let to = Move { event: Event::ResentByPolicy, stage: Stage::Sealed, sealed: None, facts: facts(sealed) };
            self.parts.record_move(&submission, to)?;
        }
        Ok(())
    }

    /// When the policy sends this return once more, if nothing comes back before.
    pub(super) fn resend_at(&self, submission: &Submission) -> Option<Timestamp> {
        resend_at(submission, self.settings(&submission.key)?.resend_uncertain_after)
    }
}

fn resend_at(submission: &Submission, after: Option<Duration>) -> Option<Timestamp> {
    match (&submission.stage, submission.resent, &submission.sealed) {
        (Stage::Uncertain { since }, None, Some(_)) => Some(later(*since, after?)),
        _ => None,
    }
}

fn by_evidence(answered: &Answered, sealed: &Sealed, now: Timestamp) -> Move {
    let Answered { transfer, source, answer, status, .. } = answered;
    let status = status.as_ref().map(|status| format!(" ({status})")).unwrap_or_default();
    let reply = format!("transfer {transfer} from {source} {}{status}", answer.says());
    let facts = Facts { transfer: Some(*transfer), answer: Some(*answer), reply: Some(reply.clone()), ..facts(sealed) };
    let (event, stage) = match answer {
        Answer::Failed => (Event::SendFailed, Stage::Failed { at: now, reply }),
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
            at: Timestamp::UNIX_EPOCH,
        }
    }

    fn submission(stage: Stage) -> Submission {
        let digest = Digest::of(b"sealed");
        let (file_name, message_id) = ("mi.pgp".to_owned(), "a@la.example".to_owned());
        let sealed =
            Sealed { content: digest, sealed: digest, bytes: 6, file_name, message_id, at: Timestamp::UNIX_EPOCH };
        Submission {
            key: "hbms-mi/12302/2020-04".parse().unwrap(),
            extract_from: None,
            transfer_on: jiff::civil::date(2020, 5, 11),
            revision: Revision(5),
            stage,
            ordered: None,
            resent: None,
            sealed: Some(sealed),
        }
    }

    #[test]
    fn evidence_of_failure_outweighs_the_rest_and_a_delay_weighs_nothing() {
        let at = Timestamp::UNIX_EPOCH;
        let (uncertain, sent) = (Stage::Uncertain { since: at }, Stage::Sent { at, reply: "250 ok".into() });
        let decides = |stage: &Stage, answers: &[Answer]| {
            let answers: Vec<_> = answers.iter().copied().map(answered).collect();
            weighed(stage, &answers).map(|one| one.answer)
        };
        use Answer::*;
        assert_eq!(decides(&uncertain, &[Delayed, Copy, Failed]), Some(Failed));
        assert_eq!(decides(&uncertain, &[Delayed, Reply, Copy]), Some(Reply));
        assert_eq!(decides(&uncertain, &[Delayed]), None);
        assert_eq!(decides(&sent, &[Copy, Delivered, Reply, Delayed]), None, "it is sent already");
        assert_eq!(decides(&sent, &[Delivered, Failed]), Some(Failed));
        for stage in [Stage::Sealed, Stage::Acknowledged { at }, Stage::Waived { at }] {
            assert_eq!(decides(&stage, &Answer::ALL), None, "{stage:?}");
        }
    }

    #[test]
    fn what_evidence_leads_to_is_allowed() {
        for stage in [
            Stage::Uncertain { since: Timestamp::UNIX_EPOCH },
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
        let uncertain = submission(Stage::Uncertain { since });
        assert_eq!(resend_at(&uncertain, day), Some(later(since, Duration::from_secs(86_400))));
        assert_eq!(resend_at(&uncertain, None), None, "no policy");
        let again = Submission { resent: Some(since), ..uncertain.clone() };
        assert_eq!(resend_at(&again, day), None);
        assert_eq!(resend_at(&Submission { sealed: None, ..uncertain }, day), None);
        assert_eq!(resend_at(&submission(Stage::Sealed), day), None);
    }
}
