//! Sending a sealed return on its transfer date, and finding out what became of an interrupted attempt.
//!
//! In:  a submission at Sealed or Deferred within its hours; or one at Sending that nobody is sending.
//! Out: Sent, Deferred, Failed or Uncertain.
//! Holds: Sending is recorded before the point of no return; after it only an answer or evidence leads on. The bytes are
//! those that were sealed, or nothing is sent.

use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::mem::ManuallyDrop;

use tracing::{error, warn};

use super::OutboundParts;
use super::critical::Critical;
use super::due::{later, pause};
use super::record::Move;
use crate::config::settings::ReturnSettings;
use crate::domain::ledger::{Event, Facts};
use crate::domain::submission::Sealed;
use crate::domain::{DeferCause, ReturnKind, Stage, Submission, SubmissionKey};
use crate::durable::{copy_and_digest, step};
use crate::effects::courier::{Courier, CourierError, Evidence, Interrupted, Parcel, Ready, Reply};

/// What is said of a return whose sealed bytes are not what was recorded.
const DAMAGED: &str = "the sealed file in the spool is missing or damaged";

/// Why an attempt was not made.
enum NotTried {
    Later(DeferCause),
    Refused(String),
}

impl OutboundParts {
    /// Makes one attempt.
    pub(super) fn send(&self, submission: &Submission, settings: &ReturnSettings) -> Result<(), Critical> {
        let attempt = attempts(&submission.stage).saturating_add(1);
        let Some(sealed) = &submission.sealed else {
            error!(submission = %submission.key, "Nothing is recorded as sealed for {}", submission.key);
            return Ok(());
        };
        let subject = subject(&submission.key);
        let prepared = match (self.couriers.get(&settings.courier), self.sealed_file(sealed)) {
            (None, _) => Err(NotTried::Later(DeferCause::CourierUnreachable)),
            (_, Err(not_tried)) => Err(not_tried),
            (Some(courier), Ok(file)) => self.prepare(courier.as_ref(), self.parcel(file, sealed, settings, &subject)),
        };
        match prepared {
            Ok(ready) => self.commit(submission, sealed, attempt, ready),
            Err(NotTried::Later(cause)) => {
                self.record_answer(submission, sealed, attempt, Answer::Later(cause, None)).map(drop)
            }
            Err(NotTried::Refused(says)) => {
                self.record_answer(submission, sealed, attempt, Answer::Refused(says)).map(drop)
            }
        }
    }

    fn prepare<'a>(&self, courier: &'a dyn Courier, parcel: Parcel<'_>) -> Result<Box<dyn Ready + 'a>, NotTried> {
        let ready = courier.prepare(parcel).map_err(|error| {
            warn!("An attempt to send was not made: {error}");
            match error {
                CourierError::TryLater { cause, .. } => NotTried::Later(cause),
                CourierError::Refused { says } => NotTried::Refused(says),
            }
        })?;
        step("send.prepared").map_err(|_| NotTried::Later(DeferCause::WorkerFault))?;
        Ok(ready)
    }

    /// Records Sending, passes the point of no return, and records the answer.
    fn commit(
        &self,
        from: &Submission,
        sealed: &Sealed,
        attempt: u8,
        ready: Box<dyn Ready + '_>,
    ) -> Result<(), Critical> {
        let stage = Stage::Sending { at: self.clock.now(), attempt, boot: self.boot.clone(), place: ready.place() };
        let to = Move { event: Event::Sending, stage, sealed: None, facts: facts(sealed, attempt) };
        // From here on Sending may be on disk, whatever ends this: an error, or a panic. Undoing the attempt then would
        // leave evidence as if the file had been taken; left as it is, evidence says that it did not arrive.
        let ready = ManuallyDrop::new(ready);
        let Some(sending) = self.record_move(from, to)? else {
            drop(ManuallyDrop::into_inner(ready));
            return Ok(());
        };
        if step("send.recorded").is_err() {
            let answer = Answer::Later(DeferCause::WorkerFault, None);
            if self.record_answer(&sending, sealed, attempt, answer)?.is_some() {
                drop(ManuallyDrop::into_inner(ready));
            }
            return Ok(());
        }
        let reply = ManuallyDrop::into_inner(ready).commit();
        if let Err(error) = step("send.committed") {
            warn!(submission = %from.key, "After sending {}: {error}", from.key);
        }
        let answer = match reply {
            Reply::Accepted(words) => Answer::Accepted(Event::Sent, words),
            Reply::TryLater(cause, words) => Answer::Later(cause, Some(words)),
            Reply::Refused(words) => Answer::Refused(words),
            Reply::Silence(words) => Answer::Silence(words),
        };
        self.record_answer(&sending, sealed, attempt, answer)?;
        if let Err(error) = step("send.answer-recorded") {
            warn!(submission = %from.key, "After recording the answer for {}: {error}", from.key);
        }
        Ok(())
    }

    /// Settles a submission that was being sent when an earlier run ended.
    pub(super) fn recover(&self, submission: &Submission, settings: Option<&ReturnSettings>) -> Result<(), Critical> {
        let (Stage::Sending { attempt, boot, place, .. }, Some(sealed)) = (&submission.stage, &submission.sealed)
        else {
            return Ok(());
        };
        let interrupted = Interrupted { rebooted: *boot != self.boot, place: place.as_deref() };
        let answer = match self.evidence(submission, sealed, settings, &interrupted) {
            Evidence::Arrived(words) => Answer::Accepted(Event::SentRecovered, words),
            Evidence::NotArrived => Answer::NotArrived,
            Evidence::Unknown => {
                Answer::Silence("an attempt was interrupted, and nothing tells how it ended".to_owned())
            }
        };
        self.record_answer(submission, sealed, *attempt, answer).map(drop)
    }

    fn evidence(
        &self,
        submission: &Submission,
        sealed: &Sealed,
        settings: Option<&ReturnSettings>,
        interrupted: &Interrupted<'_>,
    ) -> Evidence {
        let Some((settings, courier)) =
            settings.and_then(|settings| Some((settings, self.couriers.get(&settings.courier)?)))
        else {
            return Evidence::Unknown;
        };
        let Ok(file) = self.sealed_file(sealed) else { return Evidence::Unknown };
        let subject = subject(&submission.key);
        courier.evidence(&self.parcel(file, sealed, settings, &subject), interrupted)
    }

    fn parcel<'a>(&'a self, file: File, sealed: &'a Sealed, settings: &ReturnSettings, subject: &'a str) -> Parcel<'a> {
        Parcel {
            sealed: file,
            bytes: sealed.bytes,
            digest: sealed.sealed,
            file_name: &sealed.file_name,
            message_id: &sealed.message_id,
            date: sealed.at,
            subject,
            to: self.addresses.get(&settings.partner).map(Vec::as_slice).unwrap_or_default(),
        }
    }

    /// The sealed bytes at their start, found to be what was recorded.
    fn sealed_file(&self, sealed: &Sealed) -> Result<File, NotTried> {
        let unreadable = |error: io::Error| {
            warn!("A sealed return could not be read: {error}");
            NotTried::Later(DeferCause::SpoolUnreadable)
        };
        let mut file = match self.spool.sealed(&sealed.sealed) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(NotTried::Refused(DAMAGED.to_owned())),
            Err(error) => return Err(unreadable(error)),
        };
        let copied =
            copy_and_digest(&mut file, &mut io::sink(), u64::MAX).map_err(|e| unreadable(io::Error::other(e)))?;
        if copied.digest != sealed.sealed || copied.bytes != sealed.bytes {
            return Err(NotTried::Refused(DAMAGED.to_owned()));
        }
        file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
        Ok(file)
    }

    fn record_answer(
        &self,
        from: &Submission,
        sealed: &Sealed,
        attempt: u8,
        answer: Answer,
    ) -> Result<Option<Submission>, Critical> {
        let now = self.clock.now();
        let (event, stage, reply, code) = match answer {
            Answer::Accepted(event, reply) => (event, Stage::Sent { at: now, reply: reply.clone() }, Some(reply), None),
            Answer::Later(cause, reply) => {
                let until = later(now, pause(attempt, self.retry_after, self.retry_after_max));
                let code = cause.notice().code;
                (Event::SendDeferred, Stage::Deferred { until, attempts: attempt, cause }, reply, Some(code))
            }
            Answer::NotArrived => {
                let cause = DeferCause::WorkerFault;
                (Event::SendDeferred, Stage::Deferred { until: now, attempts: attempt, cause }, None, None)
            }
            Answer::Refused(reply) => {
                (Event::SendFailed, Stage::Failed { at: now, reply: reply.clone() }, Some(reply), None)
            }
            Answer::Silence(reply) => (Event::Uncertain, Stage::Uncertain { since: now }, Some(reply), None),
        };
        let facts = Facts { reply, code: code.map(str::to_owned), ..facts(sealed, attempt) };
        self.record_move(from, Move { event, stage, sealed: None, facts })
    }
}

/// What is known of an attempt.
enum Answer {
    Accepted(Event, String),
    Later(DeferCause, Option<String>),
    NotArrived,
    Refused(String),
    Silence(String),
}

fn facts(sealed: &Sealed, attempt: u8) -> Facts {
    Facts {
        sealed: Some(sealed.sealed),
        content: Some(sealed.content),
        bytes: Some(sealed.bytes),
        message_id: Some(sealed.message_id.clone()),
        attempt: Some(attempt),
        ..Facts::default()
    }
}

fn attempts(stage: &Stage) -> u8 {
    match stage {
        Stage::Deferred { attempts, .. } => *attempts,
        _ => 0,
    }
}

/// The message's Subject: whose return of which month, and nothing else.
fn subject(key: &SubmissionKey) -> String {
    let kind = match key.kind {
        ReturnKind::Shbe => "SHBE",
        ReturnKind::HbmsMi => "HBMS MI",
    };
    format!("{kind} {} {}", key.authority, key.month)
}
