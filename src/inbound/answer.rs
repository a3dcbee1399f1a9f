//! Answers: mails about a return that we sent, not to us.
//!
//! In:  a consignment at Collected whose bytes are a whole mail. Out: the same at Matched, or held for a person to read, with
//! the answer recorded. What an answer means for the return is decided by whoever sends; here it is only found and kept.
//! Holds: a mail that has something sealed in it is opened like any other, unless that is the very message we sent; a reply is
//! never put away unread.
// RFC 3461 to 3464 (reports), RFC 5322 §3.6.4 (replies)

use std::io::Read;

use super::advance::untroubled;
use super::mail::{MAIL_BYTES_MAX, alone, unfit};
use super::{Critical, Failure, Inbound};
use crate::catalogue::mail::{Doubt, Item, Unfit, mentions, report, sealed_items};
use crate::config::settings::Carries;
use crate::domain::ledger::{Event, Facts};
use crate::domain::{
    Answer, Consequence, Consignment, DeferCause, HoldReason, LaNumber, Standing, Submission, SubmissionKey,
};
use crate::durable::step;
use crate::store::{Change, StateChange};

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
        if let Some(sent) = self.sent_as(consignment, named.own.as_slice())? {
            return self.copied(consignment, sent);
        }
        match self.sent_as(consignment, &named.replies_to)? {
            Some(sent) => self.replied(consignment, sent),
            None => Ok(None),
        }
    }

    /// The first return that was sent under one of these Message-IDs, of those whose mails come by this source.
    fn sent_as(&self, consignment: &Consignment, ids: &[String]) -> Result<Option<Submission>, Failure> {
        let source = self.source(&consignment.source);
        let serves = |number: &LaNumber| {
            source.is_some_and(|source| source.authority == *number || source.also_for.contains(number))
        };
        for id in ids {
            if let Some(sent) = self.queries.sent_as(id)?.filter(|sent| serves(&sent.key.authority)) {
                return Ok(Some(sent));
            }
        }
        Ok(None)
    }

    fn reported(&self, consignment: &Consignment) -> Result<Option<Found>, Failure> {
        let _alone = alone(consignment);
        let mail = self.whole_mail(consignment)?;
        let Some(report) = report(&mail).map_err(unfit)? else { return Ok(None) };
        let Some(sent) = self.sent_as(consignment, &report.about)? else { return Ok(None) };
        // What comes with it may only be what we sent.
        let brings_nothing = match sealed_items(&mail) {
            Ok(items) => self.are_ours(&items, &sent)?,
            Err(Doubt { unfit, .. }) => unfit == Unfit::Plain,
        };
        Ok(brings_nothing.then_some(Found { key: sent.key, answer: report.answer, status: report.status }))
    }

    fn are_ours(&self, items: &[Item<'_>], sent: &Submission) -> Result<bool, Failure> {
        for item in items {
            if !self.is_ours(item, sent)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// It has our own Message-ID: is it our own message?
    fn copied(&self, consignment: &Consignment, sent: Submission) -> Result<Option<Found>, Failure> {
        let _alone = alone(consignment);
        let mail = self.whole_mail(consignment)?;
        match sealed_items(&mail).map_err(unfit)?.as_slice() {
            [item] if self.is_ours(item, &sent)? => {
                Ok(Some(Found { key: sent.key, answer: Answer::Copy, status: None }))
            }
            _ => Ok(None),
        }
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

    /// Whether it is what was sealed for this return, but for line ends: on its way a mail gets those of whoever carries it.
    fn is_ours(&self, item: &Item<'_>, sent: &Submission) -> Result<bool, Failure> {
        let Some(sealed) = &sent.sealed else { return Ok(false) };
        let unreadable = |error| Failure::of(Consequence::Defer(DeferCause::SpoolUnreadable), error);
        let mut ours = Vec::new();
        let file = self.spool.sealed(&sealed.sealed).map_err(unreadable)?;
        file.take(MAIL_BYTES_MAX).read_to_end(&mut ours).map_err(unreadable)?;
        let arrived = item.sealed().map_err(unfit)?;
        let is_text = ours.is_ascii();
        Ok(*arrived == *ours || is_text && but_line_ends(&arrived).eq(but_line_ends(&ours)))
    }

    /// Keeps the answer, and with it the mail: put away, or held where only a person can tell what it says.
    pub(super) fn record_answer(&self, consignment: &mut Consignment, found: Found) -> Result<(), Critical> {
        let Found { key, answer, status } = found;
        let (transfer, at) = (consignment.id, self.clock.now());
        let reply = (answer == Answer::Reply).then(|| HoldReason::Reply { to: key.clone() });
        let code = reply.as_ref().map(|reason| reason.notice().code.to_owned());
        let standing = match reply {
            Some(reason) => Standing::Held { since: at, reason, restored: false },
            None => Standing::Matched { at },
        };
        tracing::info!(%transfer, submission = %key, "{transfer} is about {key}: it {}", answer.says());
        untroubled(step("outcome.decided"));
        let (expect, to) = (consignment.revision, standing.clone());
        let state = StateChange::Answer { id: transfer, expect, standing, key, answer, status };
        let change = Change { at, ..self.change(Event::Answered, Facts { code, ..Facts::default() }, state) };
        consignment.revision = self.recorder.record(change)?.revision;
        consignment.standing = to;
        untroubled(step("outcome.recorded"));
        Ok(())
    }
}

fn but_line_ends(text: &[u8]) -> impl Iterator<Item = u8> {
    text.trim_ascii_end().iter().copied().filter(|&byte| byte != b'\r')
}
