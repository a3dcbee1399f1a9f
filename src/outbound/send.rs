//! Sending a sealed return on its transfer date, and finding out what became of an interrupted attempt.
//!
//! In:  a submission at Sealed or Deferred within its hours; or one at Sending that nobody is sending.
//! Out: Sent, Deferred, Failed or Uncertain.
//! Holds: Sending is recorded before the point of no return; after it only an answer or evidence leads on. The bytes are
//! those that were sealed, or nothing is sent. Runs beside the rounds: see [`attempts`](super::attempts).

use std::io::{self, Seek, SeekFrom};
use std::mem::ManuallyDrop;

use tracing::{error, info, warn};

use super::OutboundParts;
use super::attempts::Attempts;
use super::critical::Critical;
use super::due::{Hours, later, pause};
use super::record::Move;
use crate::config::settings::ReturnSettings;
use crate::domain::ledger::{Event, Facts};
use crate::domain::submission::Sealed;
use crate::domain::{DeferCause, ReturnKind, Stage, Submission, SubmissionKey};
use crate::durable::{File, copy_and_digest, step};
use crate::effects::courier::{Courier, CourierError, Evidence, Interrupted, Parcel, Ready, Reply};

/// Why an attempt was not made.
enum NotTried {
    /// Something stood in the way before the return was offered: the courier's words, if it had any.
    Later(DeferCause, Option<String>),
    /// The courier was offered it, and refused it.
    Refused(String),
}

impl OutboundParts {
    /// Makes one attempt.
    pub(super) fn send(
        &self,
        submission: &Submission,
        settings: &ReturnSettings,
        hours: &Hours,
        attempts: &Attempts,
    ) -> Result<(), Critical> {
        let attempt = failed_attempts(&submission.stage).saturating_add(1);
        let Some(sealed) = &submission.sealed else {
            error!(submission = %submission.key, "Nothing is recorded as sealed for {}", submission.key);
            return Ok(());
        };
        let subject = subject(&submission.key);
        let prepared = match (self.couriers.get(&settings.courier), self.sealed_file(sealed)) {
            (None, _) => Err(NotTried::Later(DeferCause::CourierUnreachable, None)),
            (_, Err(not_tried)) => Err(not_tried),
            (Some(courier), Ok(file)) => self.prepare(courier.as_ref(), self.parcel(file, sealed, settings, &subject)),
        };
        let answer = match prepared {
            Ok(ready) if hours.are_open(self.clock.now()) => {
                return self.commit(submission, sealed, attempt, ready, attempts);
            }
            // The courier took so long that the hours are over.
            Ok(_) => return Ok(()),
            Err(NotTried::Later(cause, says)) => Answer::Later(cause, says),
            Err(NotTried::Refused(says)) => Answer::Refused(says),
        };
        let record = || self.record_answer(submission, sealed, attempt, answer);
        attempts.answer(&submission.key, record).transpose().map(drop)
    }

    fn prepare<'a>(&self, courier: &'a dyn Courier, parcel: Parcel<'_>) -> Result<Box<dyn Ready + 'a>, NotTried> {
        let ready = courier.prepare(parcel).map_err(|error| {
            warn!("An attempt to send was not made: {error}");
            match error {
                CourierError::TryLater { cause, says } => NotTried::Later(cause, Some(says)),
                CourierError::Refused { says } => NotTried::Refused(says),
            }
        })?;
        step("send.prepared").map_err(|_| NotTried::Later(DeferCause::WorkerFault, None))?;
        Ok(ready)
    }

    /// Records Sending, passes the point of no return, and records the answer.
    fn commit(
        &self,
        from: &Submission,
        sealed: &Sealed,
        attempt: u8,
        ready: Box<dyn Ready + '_>,
        attempts: &Attempts,
    ) -> Result<(), Critical> {
        let stage = Stage::Sending { at: self.clock.now(), attempt, boot: self.boot.clone(), place: ready.place() };
        let to = Move { event: Event::Sending, stage, sealed: None, facts: facts(sealed, attempt) };
        // From here on Sending may be on disk, whatever ends this: an error, or a panic. Undoing the attempt then would
        // leave evidence as if the file had been taken; left as it is, evidence says that it did not arrive.
        let ready = ManuallyDrop::new(ready);
        let Some(sending) = attempts.pass(&from.key, || self.record_move(from, to)).transpose()?.flatten() else {
            drop(ManuallyDrop::into_inner(ready));
            return Ok(());
        };
        let record = |answer| {
            let record = || self.record_answer(&sending, sealed, attempt, answer);
            attempts.answer(&from.key, record).transpose().map(Option::flatten)
        };
        if step("send.recorded").is_err() {
            if record(Answer::Later(DeferCause::WorkerFault, None))?.is_some() {
                drop(ManuallyDrop::into_inner(ready));
            }
            return Ok(());
        }
        let reply = ManuallyDrop::into_inner(ready).commit();
        info!(submission = %from.key, "The courier answered for {}: {reply}", from.key);
        if let Err(error) = step("send.committed") {
            warn!(submission = %from.key, "After sending {}: {error}", from.key);
        }
        let answer = match reply {
            Reply::Accepted(words) => Answer::Accepted(Event::Sent, words),
            Reply::TryLater(cause, words) => Answer::Later(cause, Some(words)),
            Reply::Refused(words) => Answer::Refused(words),
            Reply::Silence(words) => Answer::Silence(words),
        };
        record(answer)?;
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
        let courier = settings.and_then(|settings| self.couriers.get(&settings.courier));
        if courier.is_some_and(|courier| !courier.answers()) {
            // What cannot be looked at now is no evidence of anything.
            return Ok(());
        }
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
            NotTried::Later(DeferCause::SpoolUnreadable, None)
        };
        let mut file = match self.spool.sealed(&sealed.sealed) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(NotTried::Later(DeferCause::SealedDamaged, None));
            }
            Err(error) => return Err(unreadable(error)),
        };
        let copied =
            copy_and_digest(&mut file, &mut io::sink(), u64::MAX).map_err(|e| unreadable(io::Error::other(e)))?;
        if copied.digest != sealed.sealed || copied.bytes != sealed.bytes {
            return Err(NotTried::Later(DeferCause::SealedDamaged, None));
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
            // Nothing was tried, and it is as soon as the courier answers.
            Answer::Later(cause @ DeferCause::DestinationHangs, reply) => {
                let (code, attempts) = (cause.notice().code, attempt.saturating_sub(1));
                let stage = Stage::Deferred { until: now, attempts, cause, reply: reply.clone() };
                (Event::SendDeferred, stage, reply, Some(code))
            }
            Answer::Later(cause, reply) => {
                let until = later(now, pause(attempt, self.retry_after, self.retry_after_max));
                let code = cause.notice().code;
                let stage = Stage::Deferred { until, attempts: attempt, cause, reply: reply.clone() };
                (Event::SendDeferred, stage, reply, Some(code))
            }
            Answer::NotArrived => {
                let cause = DeferCause::WorkerFault;
                (Event::SendDeferred, Stage::Deferred { until: now, attempts: attempt, cause, reply: None }, None, None)
            }
            Answer::Refused(reply) => {
                (Event::SendFailed, Stage::Failed { at: now, reply: reply.clone() }, Some(reply), None)
            }
            Answer::Silence(reply) => {
                (Event::Uncertain, Stage::Uncertain { since: now, restored: false }, Some(reply), None)
            }
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

fn failed_attempts(stage: &Stage) -> u8 {
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
    let of = key.workbook.map(|workbook| format!(", workbook of {workbook}")).unwrap_or_default();
    format!("{kind} {} {}{of}", key.authority, key.month)
}
