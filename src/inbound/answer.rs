//! Answers: mails about a return that we sent, not to us.
//!
//! In:  a consignment at Collected whose bytes are a whole mail. Out: the same at Matched, with the answer recorded.
//! What an answer means for the return is decided by whoever sends; here it is only found and kept.
//! Holds: a mail that has something sealed in it is opened like any other, unless that is the very message we sent.
// RFC 3461 to 3464 (reports), RFC 5322 §3.6.4 (replies)

use std::io::Read;

use super::advance::untroubled;
use super::mail::{MAIL_BYTES_MAX, alone, unfit};
use super::{Critical, Failure, Inbound};
use crate::catalogue::mail::{Doubt, Item, Unfit, mentions, report, sealed_items};
use crate::config::settings::Carries;
use crate::domain::ledger::{Event, Facts};
use crate::domain::{Answer, Consequence, Consignment, DeferCause, Standing, Submission, SubmissionKey};
use crate::durable::step;
use crate::store::StateChange;

/// The header of a mail is looked for in so many bytes.
const HEAD_BYTES: u64 = 64 * 1024;

/// An answer, and what it is about.
pub(super) struct Found {
    key: SubmissionKey,
    answer: Answer,
    status: Option<String>,
}

impl Inbound {
    /// What this mail tells of a return that was sent; `None` if it tells nothing.
    pub(super) fn answer_in(&self, consignment: &Consignment) -> Result<Option<Found>, Failure> {
        let is_mail = self.source(&consignment.source).is_some_and(|source| source.carries == Carries::Mail);
        if !is_mail || consignment.sealed_bytes > MAIL_BYTES_MAX {
            return Ok(None);
        }
        let named = mentions(&self.beginning(consignment, HEAD_BYTES)?);
        if named.is_report {
            return self.reported(consignment);
        }
        if let Some(sent) = self.sent_as(named.own.as_slice())? {
            return self.copied(consignment, sent);
        }
        match self.sent_as(&named.replies_to)? {
            Some(sent) => self.replied(consignment, sent),
            None => Ok(None),
        }
    }

    /// The first return that was sent under one of these Message-IDs.
    fn sent_as(&self, ids: &[String]) -> Result<Option<Submission>, Failure> {
        for id in ids {
            if let Some(sent) = self.queries.sent_as(id)? {
                return Ok(Some(sent));
            }
        }
        Ok(None)
    }

    fn reported(&self, consignment: &Consignment) -> Result<Option<Found>, Failure> {
        let _alone = alone(consignment);
        let Some(report) = report(&self.whole_mail(consignment)?).map_err(unfit)? else { return Ok(None) };
        let about = self.sent_as(&report.about)?;
        Ok(about.map(|sent| Found { key: sent.key, answer: report.answer, status: report.status }))
    }

    /// It has our own Message-ID: is it our own message?
    fn copied(&self, consignment: &Consignment, sent: Submission) -> Result<Option<Found>, Failure> {
        let Some(sealed) = &sent.sealed else { return Ok(None) };
        let unreadable = |error| Failure::of(Consequence::Defer(DeferCause::SpoolUnreadable), error);
        let _alone = alone(consignment);
        let mail = self.whole_mail(consignment)?;
        let items = sealed_items(&mail).map_err(unfit)?;
        let [item] = items.as_slice() else { return Ok(None) };
        let mut ours = Vec::new();
        let file = self.spool.sealed(&sealed.sealed).map_err(unreadable)?;
        file.take(MAIL_BYTES_MAX).read_to_end(&mut ours).map_err(unreadable)?;
        let is_copy = is_same(item, &ours)?;
        Ok(is_copy.then_some(Found { key: sent.key, answer: Answer::Copy, status: None }))
    }

    fn replied(&self, consignment: &Consignment, sent: Submission) -> Result<Option<Found>, Failure> {
        let _alone = alone(consignment);
        match sealed_items(&self.whole_mail(consignment)?) {
            Err(Doubt { unfit: Unfit::Plain | Unfit::SignedOnly | Unfit::SMime, .. }) => {
                Ok(Some(Found { key: sent.key, answer: Answer::Reply, status: None }))
            }
            // Something came with it, or it is doubtful: that is dealt with as in any other mail.
            Ok(_) | Err(_) => Ok(None),
        }
    }

    /// Keeps the answer, and with it the mail.
    pub(super) fn record_answer(&self, consignment: &mut Consignment, found: Found) -> Result<(), Critical> {
        let Found { key, answer, status } = found;
        let (transfer, about) = (consignment.id, key.clone());
        let state = StateChange::Answer { id: transfer, expect: consignment.revision, key, answer, status };
        let at = self.clock.now();
        untroubled(step("outcome.decided"));
        let change = crate::store::Change { at, ..self.change(Event::Answered, Facts::default(), state) };
        let recorded = self.recorder.record(change)?;
        tracing::info!(%transfer, submission = %about, "{transfer} is about {about}: it {}", answer.says());
        consignment.revision = recorded.revision;
        consignment.standing = Standing::Matched { at };
        untroubled(step("outcome.recorded"));
        Ok(())
    }
}

/// Whether it is what was sealed, but for line ends: on its way a mail gets those of whoever carries it.
fn is_same(item: &Item<'_>, sealed: &[u8]) -> Result<bool, Failure> {
    let arrived = item.sealed().map_err(unfit)?;
    let plain =
        |bytes: &[u8]| -> Vec<u8> { bytes.trim_ascii_end().iter().copied().filter(|&byte| byte != b'\r').collect() };
    Ok(*arrived == *sealed || plain(&arrived) == plain(sealed))
}
