//! Which state an event leaves a transfer or return in.
//!
//! Holds on both sides: the writer refuses a change whose event says something else than its state, and verification
//! counts on it.

use super::contract::{Change, RecordError, StateChange};
use super::evidence::Subject;
use crate::domain::ledger::{Event, Facts, in_service_about};
use crate::domain::release::Approved;
use crate::domain::{ConsignmentId, Digest, HeldSubject, KeyStep, Original, ReturnOrder, Stage, SubmissionKey};

/// What an event does to the row of what it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leads {
    /// Nothing.
    Nowhere,
    /// The transfer stands at one of these afterwards.
    Transfer(&'static [&'static str]),
    /// The return is at one of these afterwards.
    Return(&'static [&'static str]),
}

impl Leads {
    pub(super) fn to(event: Event) -> Leads {
        match event {
            Event::Collected | Event::CollectedRecovered => Leads::Transfer(&["collected"]),
            // In a restored state it is looked up at its destination first.
            Event::RetryOrdered | Event::Released => Leads::Transfer(&["collected", "deferred"]),
            Event::Staged => Leads::Transfer(&["staged"]),
            Event::PossibleRepublish => Leads::Transfer(&["staged", "delivered"]),
            Event::Delivered | Event::DeliveredRecovered | Event::DeliveredTaken => Leads::Transfer(&["delivered"]),
            Event::Answered => Leads::Transfer(&["matched", "held"]),
            Event::Closed => Leads::Transfer(&["closed"]),
            Event::Deferred => Leads::Transfer(&["deferred"]),
            Event::Held => Leads::Transfer(&["held"]),
            Event::Rejected => Leads::Transfer(&["rejected"]),
            Event::Scheduled | Event::HoldEnded => Leads::Return(&["scheduled"]),
            Event::ReturnHeld => Leads::Return(&["held"]),
            Event::Sealed | Event::ResentByPolicy => Leads::Return(&["sealed"]),
            Event::Sending => Leads::Return(&["sending"]),
            Event::Sent | Event::SentRecovered => Leads::Return(&["sent"]),
            Event::SendDeferred => Leads::Return(&["deferred"]),
            Event::SendFailed => Leads::Return(&["failed"]),
            Event::Uncertain => Leads::Return(&["uncertain"]),
            Event::Missed => Leads::Return(&["missed"]),
            Event::ReturnOrdered => Leads::Return(&["scheduled", "sealed", "acknowledged", "waived"]),
            Event::ServiceStarted
            | Event::TakenIntoService
            | Event::ServiceStopped
            | Event::ConfigurationReloaded
            | Event::ConfigurationRefused
            | Event::StoreMigrated
            | Event::BackedUp
            | Event::Restored
            | Event::RestoreSettled
            | Event::ExceptionProposed
            | Event::ExceptionGranted
            | Event::ExceptionEnded
            | Event::ExceptionUsed
            | Event::TrustOrdered
            | Event::SourceClearedAgain
            | Event::KeyProposed
            | Event::ReleaseApproved
            | Event::KeyTrusted
            | Event::KeyRetired
            | Event::KeyGenerated
            | Event::KeyImported
            | Event::AlarmRaised
            | Event::AlarmCleared
            | Event::WorkbookOpened
            | Event::WorkbookClosed
            | Event::TimetableActivated
            | Event::CheckpointMade
            | Event::CheckpointLeft
            | Event::NamesRead
            | Event::NamesErased
            | Event::OriginalErased
            | Event::LegalHoldPlaced
            | Event::LegalHoldLifted
            | Event::OrderRefused => Leads::Nowhere,
        }
    }

    /// Whether the event can leave a row at this word.
    pub(super) fn agrees(self, subject: &Subject, word: &str) -> bool {
        match (self, subject) {
            (Leads::Transfer(words), Subject::Transfer(_)) | (Leads::Return(words), Subject::Return(_)) => {
                words.contains(&word)
            }
            (Leads::Nowhere | Leads::Transfer(_) | Leads::Return(_), _) => false,
        }
    }
}

/// The stage that an entry's order about a return leads to.
pub(super) fn ordered_word(facts: &Facts) -> Option<&'static str> {
    Some(match (facts.order?, facts.sealed) {
        (ReturnOrder::Confirm, _) => "acknowledged",
        (ReturnOrder::Waive, _) => "waived",
        (ReturnOrder::Resend, Some(_)) => "sealed",
        (ReturnOrder::Resend, None) => "scheduled",
    })
}

/// Whether the event may also be recorded without moving anything: a remark. An order always moves what it is about.
pub(super) fn may_stand_alone(event: Event) -> bool {
    event == Event::PossibleRepublish || Leads::to(event) == Leads::Nowhere
}

/// What an entry's event moves, as its facts name it.
pub(super) fn subject_of(event: Event, facts: &Facts) -> Option<Subject> {
    match Leads::to(event) {
        Leads::Nowhere => None,
        Leads::Transfer(_) => facts.transfer.map(|id| Subject::Transfer(id.to_string())),
        Leads::Return(_) => facts.submission.clone().map(Subject::Return),
    }
}

/// The change's facts, with what it does to the tables also where the caller left that out. Refuses a change whose event,
/// facts and state do not say the same: a fault of the program.
pub(super) fn agreed_facts(change: &Change) -> Result<Facts, RecordError> {
    let mut facts = change.facts.clone();
    let decided = match &change.state {
        StateChange::Key { step, .. } => step.event() == change.event,
        _ => facts.key.is_none(),
    };
    if alone_does(&change.state) != only_by(change.event) || !decided || !tells(&mut facts, &change.state) {
        let what = format!("a change whose facts are not those of the event `{}`", change.event);
        return Err(RecordError::NotAllowed { what, from: "any state", to: "the ledger" });
    }
    let (subject, word) = match &change.state {
        StateChange::Collect(new) => (moved_transfer(&mut facts, &new.consignment.id), new.consignment.standing.word()),
        StateChange::Consignment { id, standing, .. } => (moved_transfer(&mut facts, id), standing.word()),
        StateChange::Release { id, standing, .. } => (moved_transfer(&mut facts, id), standing.word()),
        StateChange::Answer { id, standing, .. } => (moved_transfer(&mut facts, id), standing.word()),
        StateChange::Owe { key, .. } => (moved_return(&mut facts, key), Stage::Scheduled.word()),
        StateChange::Submission { key, stage, .. } => (moved_return(&mut facts, key), stage.word()),
        StateChange::None
        | StateChange::Approve { .. }
        | StateChange::Alarm { .. }
        | StateChange::InService { .. }
        | StateChange::OpenWorkbook { .. }
        | StateChange::CloseWorkbook { .. }
        | StateChange::Checkpoint { .. }
        | StateChange::CheckpointLeft { .. }
        | StateChange::Key { .. }
        | StateChange::EraseNames { .. }
        | StateChange::EraseOriginal { .. }
        | StateChange::PlaceHold { .. }
        | StateChange::LiftHold { .. }
        | StateChange::ActivateTimetable { .. } => {
            return if may_stand_alone(change.event) { Ok(facts) } else { Err(stands_alone(change.event)) };
        }
    };
    let named = subject_of(change.event, &facts);
    let as_ordered = ordered_word(&facts).is_none_or(|ordered| ordered == word);
    if named.as_ref() == Some(&subject) && as_ordered && Leads::to(change.event).agrees(&subject, word) {
        return Ok(facts);
    }
    Err(RecordError::NotAllowed {
        what: format!("{subject} by the event `{}`", change.event),
        from: "any state",
        to: word,
    })
}

/// What verification finds by its event alone: then no other change may have that event.
fn only_by(event: Event) -> Option<Event> {
    use Event::*;
    let found = matches!(
        event,
        TimetableActivated
            | NamesErased
            | OriginalErased
            | LegalHoldPlaced
            | LegalHoldLifted
            | CheckpointMade
            | CheckpointLeft
            | ReleaseApproved
            | Released
    );
    found.then_some(event)
}

/// The one event that a change can have, if there is only one.
fn alone_does(state: &StateChange) -> Option<Event> {
    match state {
        StateChange::ActivateTimetable { .. } => Some(Event::TimetableActivated),
        StateChange::EraseNames { .. } => Some(Event::NamesErased),
        StateChange::EraseOriginal { .. } => Some(Event::OriginalErased),
        StateChange::PlaceHold { .. } => Some(Event::LegalHoldPlaced),
        StateChange::LiftHold { .. } => Some(Event::LegalHoldLifted),
        StateChange::Checkpoint { .. } => Some(Event::CheckpointMade),
        StateChange::CheckpointLeft { .. } => Some(Event::CheckpointLeft),
        StateChange::Approve { .. } => Some(Event::ReleaseApproved),
        StateChange::Release { .. } => Some(Event::Released),
        _ => None,
    }
}

/// Puts into the facts what the change does to the tables, so that verification can hold them against it. `false` if the
/// facts say something else.
fn tells(facts: &mut Facts, state: &StateChange) -> bool {
    match state {
        StateChange::Owe { extract_from, transfer_on, .. } => {
            agree(&mut facts.extract_from, *extract_from) && agree(&mut facts.transfer_on, Some(*transfer_on))
        }
        StateChange::Collect(new) => agree(&mut facts.authority, Some(new.consignment.authority.clone())),
        StateChange::Consignment { authority, accepts, signer, .. } => {
            let (one, several) = match accepts.as_slice() {
                [one] => (Some(*one), Vec::new()),
                several => (None, several.to_vec()),
            };
            agree(&mut facts.authority, authority.clone())
                && agree(&mut facts.content, one)
                && agree_all(&mut facts.contents, several)
                && agree(&mut facts.fingerprint, signer.clone())
        }
        StateChange::Approve { id, of, .. } => agree(&mut facts.transfer, Some(*id)) && approved(facts, of),
        StateChange::Release { id, of, first, .. } => {
            agree(&mut facts.transfer, Some(*id)) && approved(facts, of) && agree(&mut facts.approved, Some(*first))
        }
        StateChange::Answer { key, answer, status, .. } => {
            agree(&mut facts.submission, Some(key.to_string()))
                && agree(&mut facts.answer, Some(*answer))
                && agree(&mut facts.status, status.clone())
        }
        StateChange::Submission { sealed: Some(sealed), .. } => {
            agree(&mut facts.sealed, Some(sealed.sealed))
                && agree(&mut facts.content, Some(sealed.content))
                && agree(&mut facts.bytes, Some(sealed.bytes))
                && agree(&mut facts.message_id, Some(sealed.message_id.clone()))
                && agree(&mut facts.live_claims, sealed.live_claims)
        }
        StateChange::Alarm { about, notice } => {
            let code = notice.as_ref().map(|notice| notice.code.to_owned());
            agree(&mut facts.about, Some(about.clone())) && agree(&mut facts.code, code)
        }
        StateChange::ActivateTimetable { year, text } => {
            agree(&mut facts.year, Some(*year))
                && agree(&mut facts.content, Some(Digest::of(text.as_bytes())))
                && agree(&mut facts.bytes, Some(text.len() as u64))
        }
        StateChange::Checkpoint { signed, vkey } => {
            agree(&mut facts.size, Some(signed.checkpoint().size))
                && agree(&mut facts.vkey, Some(vkey.clone()))
                && agree(&mut facts.content, Some(signed.checkpoint().root))
        }
        StateChange::CheckpointLeft { recipient, size } => {
            agree(&mut facts.size, Some(*size)) && agree(&mut facts.about, Some(recipient.to_string()))
        }
        StateChange::EraseNames { id, names } => {
            agree(&mut facts.transfer, Some(*id)) && agree(&mut facts.names, Some(*names))
        }
        StateChange::EraseOriginal { original: Original::Transfer(id) } => agree(&mut facts.transfer, Some(*id)),
        StateChange::EraseOriginal { original: Original::Return(key) } => {
            agree(&mut facts.submission, Some(key.to_string()))
        }
        StateChange::PlaceHold { on } | StateChange::LiftHold { on } => match on {
            HeldSubject::Transfer(id) => agree(&mut facts.transfer, Some(*id)),
            HeldSubject::Return(key) => agree(&mut facts.submission, Some(key.to_string())),
            HeldSubject::Authority(number) => agree(&mut facts.authority, Some(number.clone())),
        },
        StateChange::InService { authority, from } => agree(&mut facts.about, Some(in_service_about(authority, *from))),
        StateChange::OpenWorkbook { authority, month, transfer, delivery } => {
            agree(&mut facts.authority, Some(authority.clone()))
                && agree(&mut facts.workbook, Some(*month))
                && agree(&mut facts.transfer, Some(*transfer))
                && agree(&mut facts.delivery, Some(*delivery))
        }
        StateChange::CloseWorkbook { authority, month } => {
            agree(&mut facts.authority, Some(authority.clone())) && agree(&mut facts.workbook, Some(*month))
        }
        StateChange::Key { step, certificate } => tells_of_key(facts, step, certificate.as_deref()),
        StateChange::None | StateChange::Submission { sealed: None, .. } => true,
    }
}

/// Filters and people look for the partner, the certificate and the transfer where other entries have them too.
fn tells_of_key(facts: &mut Facts, step: &KeyStep, certificate: Option<&[u8]>) -> bool {
    let transfer = match step {
        KeyStep::ExceptionUsed { transfer, .. } => Some(*transfer),
        _ => None,
    };
    let kept = match step {
        KeyStep::Proposed { certificate: digest, .. } => certificate.map(Digest::of) == Some(*digest),
        _ => certificate.is_none(),
    };
    kept && agree(&mut facts.key, Some(step.clone()))
        && agree(&mut facts.about, step.partner().map(ToString::to_string))
        && agree(&mut facts.fingerprint, step.fingerprint().cloned())
        && agree(&mut facts.transfer, transfer)
}

fn approved(facts: &mut Facts, of: &Approved) -> bool {
    agree(&mut facts.sealed, Some(of.sealed))
        && agree(&mut facts.waives, Some(of.waives.clone()))
        && agree(&mut facts.config, Some(of.policy))
}

fn agree<T: PartialEq>(told: &mut Option<T>, done: Option<T>) -> bool {
    if told.is_none() {
        *told = done;
        return true;
    }
    done.is_none() || *told == done
}

fn agree_all<T: PartialEq>(told: &mut Vec<T>, done: Vec<T>) -> bool {
    if told.is_empty() {
        *told = done;
        return true;
    }
    done.is_empty() || *told == done
}

fn moved_transfer(facts: &mut Facts, id: &ConsignmentId) -> Subject {
    facts.transfer.get_or_insert(*id);
    Subject::Transfer(id.to_string())
}

fn moved_return(facts: &mut Facts, key: &SubmissionKey) -> Subject {
    let key = key.to_string();
    facts.submission.get_or_insert_with(|| key.clone());
    Subject::Return(key)
}

fn stands_alone(event: Event) -> RecordError {
    RecordError::NotAllowed {
        what: format!("the event `{event}`"),
        from: "a change of state",
        to: "an entry of its own",
    }
}
