//! Leaving: the latest checkpoint to everybody who keeps them elsewhere, with the proof that it continues the one they have.
//!
//! Out: two files in a folder, `<size>-<root8>.txt` (the note) and `<size>-<root8>.proof`, or a mail with both.
//! Order matters: at the recipient first, then RECORD; a crash in between places the same files again, or mails twice.
//! Holds: an alarm (CN-547) for each recipient that has missed one for a day, until the latest leaves.

use std::io;
use std::time::Duration;

use crate::domain::checkpoint::Continuation;
use crate::domain::ledger::{Event, Facts};
use crate::domain::merkle::proof::consistency;
use crate::domain::{Actor, AlarmReason, Notice};
use crate::durable::step;
use crate::store::{Change, QueryError, RecordError, StateChange};

use super::{Checkpoints, KeptCheckpoint, Recipient, Way};

/// How long a recipient may miss a checkpoint before that is an alarm.
const MISSED_MAX: Duration = Duration::from_secs(24 * 3600);
/// What the alarm that none can be made is about.
const MAKING: &str = "checkpoint";

/// What must stop the service: it can no longer record or read what it does.
#[derive(Debug, thiserror::Error)]
pub enum Critical {
    /// The store cannot be written.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The store cannot be read.
    #[error(transparent)]
    Query(#[from] QueryError),
}

impl Checkpoints {
    /// Takes the latest checkpoint to this recipient, if they have it not. Whether they have it now.
    pub fn leave(&self, recipient: &Recipient) -> Result<bool, Critical> {
        let Some(latest) = self.queries.latest_checkpoint()? else { return Ok(true) };
        let known = self.queries.last_left(&recipient.name)?;
        if known.as_ref().is_some_and(|known| known.size >= latest.size) {
            return Ok(true);
        }
        let placed = self.place(recipient, known.as_ref(), &latest)?;
        let recorded = match placed {
            Ok(()) => self.left(recipient, &latest)?,
            Err(says) => Err(io::Error::other(says)),
        };
        match recorded {
            Ok(()) => {
                tracing::info!(recipient = %recipient.name, size = latest.size, "A checkpoint left");
                self.alarm(&about(recipient), None)?;
                Ok(true)
            }
            Err(error) => {
                tracing::warn!(recipient = %recipient.name, size = latest.size, %error, "A checkpoint could not leave: {error}");
                self.mind(recipient, known.as_ref())?;
                Ok(false)
            }
        }
    }

    /// Takes it to everybody. Whether everybody has it.
    pub fn leave_to_all(&self) -> Result<bool, Critical> {
        let mut all = true;
        for recipient in &self.recipients {
            all &= self.leave(recipient)?;
        }
        Ok(all)
    }

    /// Takes it to those whose folders are at hand. Whether each of those has it.
    pub fn leave_to_folders(&self) -> Result<bool, Critical> {
        let mut all = true;
        for recipient in self.recipients.iter().filter(|recipient| matches!(recipient.way, Way::Folder(_))) {
            all &= self.leave(recipient)?;
        }
        Ok(all)
    }

    fn place(
        &self,
        recipient: &Recipient,
        known: Option<&KeptCheckpoint>,
        latest: &KeptCheckpoint,
    ) -> Result<Result<(), String>, QueryError> {
        let from = known.map_or(0, |known| known.size);
        let hashes = consistency(&*self.queries, from, latest.size)?;
        let proof = Continuation { from, size: latest.size, hashes };
        let proof = format!("# {}\n{proof}", sentence(known, latest));
        let (note_name, proof_name) = (format!("{}.txt", latest.stem()), format!("{}.proof", latest.stem()));
        let files = [(proof_name, proof), (note_name, latest.note.clone())];
        Ok(match &recipient.way {
            // The note comes last: whoever sees it has the proof beside it.
            Way::Folder(folder) => {
                folder.place(&files).map_err(|error| format!("{}: {error}", folder.path().display()))
            }
            Way::Mail(courier, to) => {
                let subject = format!("hbcourier: checkpoint {}", latest.stem());
                let text = format!("{}\n\n{}", sentence(known, latest), latest.note);
                let sent = courier.note_with(&[to.clone()], &subject, &text, &files);
                sent.map_err(|error| error.to_string())
            }
        })
    }

    fn left(&self, recipient: &Recipient, latest: &KeptCheckpoint) -> Result<io::Result<()>, Critical> {
        let state = StateChange::CheckpointLeft { recipient: recipient.name.clone(), size: latest.size };
        let facts = Facts { content: Some(latest.root), ..Facts::default() };
        match self.record_change(Event::CheckpointLeft, facts, state) {
            Ok(()) | Err(RecordError::Exists { .. }) => Ok(step("checkpoint.left-recorded")),
            Err(error) => Err(error.into()),
        }
    }

    /// Raises the alarm if the first checkpoint that this recipient has not is a day old.
    fn mind(&self, recipient: &Recipient, known: Option<&KeptCheckpoint>) -> Result<(), Critical> {
        let missed = self.queries.checkpoints(known.map_or(0, |known| known.size), 1)?;
        let is_late =
            |first: &KeptCheckpoint| first.at.checked_add(MISSED_MAX).is_ok_and(|until| until <= self.clock.now());
        if missed.first().is_some_and(is_late) {
            let notice = AlarmReason::CheckpointStays.notice(recipient.name.as_str());
            self.alarm(&about(recipient), Some(notice))?;
        }
        Ok(())
    }

    /// Raises or ends the alarm that no checkpoint can be made.
    pub fn can_be_made(&self, can: bool) -> Result<(), Critical> {
        self.alarm(MAKING, (!can).then(|| AlarmReason::CheckpointFault.notice(MAKING)))
    }

    fn alarm(&self, about: &str, notice: Option<Notice>) -> Result<(), Critical> {
        let raised = self.queries.alarms()?.into_iter().find(|alarm| alarm.about == about).map(|alarm| alarm.code);
        if raised.as_deref() == notice.as_ref().map(|notice| notice.code) {
            return Ok(());
        }
        if let Some(notice) = &notice {
            tracing::warn!(about, code = notice.code, "{} {}", notice.says, notice.next);
        }
        let event = if notice.is_some() { Event::AlarmRaised } else { Event::AlarmCleared };
        let code = notice.as_ref().map(|notice| notice.code.to_owned()).or(raised);
        let facts = Facts { about: Some(about.to_owned()), code, ..Facts::default() };
        match self.record_change(event, facts, StateChange::Alarm { about: about.to_owned(), notice }) {
            Ok(()) | Err(RecordError::Exists { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn record_change(&self, event: Event, facts: Facts, state: StateChange) -> Result<(), RecordError> {
        let (at, actor) = (self.clock.now(), Actor::Service);
        self.recorder.record(Change { at, actor, event, facts, names: Vec::new(), state }).map(drop)
    }
}

fn about(recipient: &Recipient) -> String {
    format!("checkpoint-{}", recipient.name)
}

/// What to do with it.
fn sentence(known: Option<&KeptCheckpoint>, latest: &KeptCheckpoint) -> String {
    let stem = latest.stem();
    match known {
        None => format!(
            "Keep {stem}.txt where nobody who runs hbcourier can alter it: it is the first checkpoint that left to you. `hbcourier audit verify` holds the ledger against it."
        ),
        Some(known) => format!(
            "Keep {stem}.txt beside {}.txt where nobody who runs hbcourier can alter them: {stem}.proof shows that the ledger only grew between them, and `hbcourier audit verify` holds the ledger against both.",
            known.stem()
        ),
    }
}
