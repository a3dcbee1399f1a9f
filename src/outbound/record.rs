//! Recording what becomes of returns.
//!
//! Holds: every move of a submission and every alarm goes through here, with its ledger entry.

use tracing::{error, info, warn};

use super::OutboundParts;
use super::critical::Critical;
use crate::domain::ledger::{Event, Facts};
use crate::domain::submission::Sealed;
use crate::domain::{Actor, Notice, Stage, Submission, SubmissionKey};
use crate::store::{Change, RecordError, Recorded, StateChange};

/// What becomes of a submission, and what the ledger says of it.
pub(super) struct Move {
    pub(super) event: Event,
    pub(super) stage: Stage,
    /// Given when it is sealed.
    pub(super) sealed: Option<Sealed>,
    pub(super) facts: Facts,
}

/// What is told within it is told of this return.
pub(super) fn within(key: &SubmissionKey) -> tracing::Span {
    tracing::info_span!("return", "return" = %key)
}

impl OutboundParts {
    /// Records the move. `None`: it was not recorded, because somebody else moved the submission first; look again.
    pub(super) fn record_move(&self, from: &Submission, to: Move) -> Result<Option<Submission>, Critical> {
        let _within = within(&from.key).entered();
        let word = to.stage.word();
        let facts = Facts { submission: Some(from.key.to_string()), ..to.facts };
        let sealed = to.sealed.clone().or_else(|| from.sealed.clone());
        let state = StateChange::Submission {
            key: from.key.clone(),
            expect: from.revision,
            stage: to.stage.clone(),
            sealed: to.sealed,
        };
        let Some(recorded) = self.record(to.event, facts, state, || format!("{} as {word}", from.key))? else {
            return Ok(None);
        };
        info!(submission = %from.key, stage = word, "Return {} is {word}", from.key);
        Ok(Some(Submission { revision: recorded.revision, stage: to.stage, sealed, ..from.clone() }))
    }

    /// Records a change. `None`: refused, and nothing of it was recorded.
    pub(super) fn record(
        &self,
        event: Event,
        facts: Facts,
        state: StateChange,
        what: impl Fn() -> String,
    ) -> Result<Option<Recorded>, Critical> {
        let at = self.clock.now();
        let change = Change { at, actor: Actor::Service, event, facts, names: Vec::new(), state };
        match self.recorder.record(change) {
            Ok(recorded) => Ok(Some(recorded)),
            Err(RecordError::Exists { .. }) => Ok(None),
            Err(refused @ RecordError::Stale { .. }) => {
                warn!("Did not record {}: {refused}; looking again", what());
                Ok(None)
            }
            Err(refused @ (RecordError::NotAllowed { .. } | RecordError::AcceptedBefore { .. })) => {
                error!("Did not record {}: {refused}", what());
                Ok(None)
            }
            Err(source @ RecordError::Unavailable(_)) => Err(Critical::Store { what: what(), source }),
        }
    }

    /// Raises the alarm, or clears it.
    pub(super) fn record_alarm(&self, about: &str, notice: Option<&Notice>) -> Result<(), Critical> {
        let event = if notice.is_some() { Event::AlarmRaised } else { Event::AlarmCleared };
        let code = notice.map(|notice| notice.code.to_owned());
        match notice {
            Some(notice) => warn!(about, code = notice.code, "{} {}", notice.says, notice.next),
            None => info!(about, "Well again: {about}"),
        }
        let facts = Facts { about: Some(about.to_owned()), code, ..Facts::default() };
        let state = StateChange::Alarm { about: about.to_owned(), notice: notice.cloned() };
        self.record(event, facts, state, || format!("the alarm about {about}"))?;
        Ok(())
    }
}
