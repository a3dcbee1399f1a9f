//! What the rest of the program may ask of the store.
//!
//! A change of state and its ledger entry commit together, against the revision that was read, or not at all.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::domain::checkpoint::{SignedCheckpoint, Vkey};
use crate::domain::ledger::{Commitment, Event, Facts};
use crate::domain::release::Approved;
use crate::domain::submission::Sealed;
use crate::domain::{
    Actor, Answer, Consignment, ConsignmentId, Delivery, DeliveryId, Digest, Fingerprint, HeldSubject, KeyStep,
    LaNumber, Notice, Original, RecipientName, RelevantMonth, Revision, Stage, Standing, SubmissionKey, TimetableYear,
};

/// The one write path.
pub trait Recorder: Send + Sync {
    /// Makes the change and its ledger entry durable, together. Returns only after the commit; many callers at once
    /// share one transaction.
    fn record(&self, change: Change) -> Result<Recorded, RecordError>;

    /// Overwrites what is left of erased names in the store's own files, and empties its log. Does nothing if no name was
    /// erased since. While a reader stands in the way it is [`RecordError::Unavailable`], and can be asked for again.
    fn rewrite(&self) -> Result<(), RecordError>;
}

/// One change: what is said of it in the ledger, and what it does to the state.
#[derive(Clone, Debug)]
pub struct Change {
    /// When it was decided.
    pub at: Timestamp,
    /// Who caused it.
    pub actor: Actor,
    /// What happened.
    pub event: Event,
    /// The entry's facts. The store adds sequence number and boot id, and the transfer or return that the change moves
    /// where it is left out. An event that says something else than the change does is [`RecordError::NotAllowed`].
    pub facts: Facts,
    /// Names that the facts commit to. Kept in a side table that retention can erase.
    pub names: Vec<Named>,
    /// What becomes of the state.
    pub state: StateChange,
}

/// What a change does besides its ledger entry.
#[derive(Clone, Debug)]
pub enum StateChange {
    /// Nothing: the entry stands alone.
    None,
    /// A consignment becomes ours, standing at Collected with revision 0.
    Collect(Box<NewConsignment>),
    /// A consignment moves to another standing. Rejected, it gives up its claim on accepted content, so that the
    /// partner's next sending of it is welcome; at any other standing it keeps it.
    Consignment {
        /// Which one.
        id: ConsignmentId,
        /// The revision the decision was made on.
        expect: Revision,
        /// Where it stands from now on.
        standing: Standing,
        /// Replaces the consignment's deliveries, if given (at Staged).
        deliveries: Option<Vec<Delivery>>,
        /// Whose it is from now on, once its content has told (at Staged). What was claimed for another authority by an
        /// earlier attempt is given up.
        authority: Option<LaNumber>,
        /// Claims these contents as accepted for delivery (at Staged): a second consignment of the same authority with one
        /// of them is refused.
        accepts: Vec<Digest>,
        /// Whose signature was accepted, once known.
        signer: Option<Fingerprint>,
    },
    /// A person approves the release of a held consignment; the first of two. It stays where it stands.
    Approve {
        /// Which one.
        id: ConsignmentId,
        /// The revision the decision was made on.
        expect: Revision,
        /// What is approved.
        of: Approved,
    },
    /// A second person approves the same: the consignment moves to Collected and carries the release from then on, until it
    /// is delivered, held anew or rejected.
    Release {
        /// Which one.
        id: ConsignmentId,
        /// The revision the decision was made on.
        expect: Revision,
        /// What is approved.
        of: Approved,
        /// The entry of the first person's approval.
        first: u64,
        /// Where it stands from now on.
        standing: Standing,
    },
    /// A mail is found to answer a return: the consignment moves to Matched, or is held for a person to read, and the answer is about the last attempt
    /// to send that return until a later one passes the point of no return.
    Answer {
        /// Which consignment.
        id: ConsignmentId,
        /// The revision the decision was made on.
        expect: Revision,
        /// Where it stands from now on.
        standing: Standing,
        /// Which return.
        key: SubmissionKey,
        /// What it tells.
        answer: Answer,
        /// The report's status code.
        status: Option<String>,
    },
    /// A return becomes owed: stage Scheduled, revision 0. Recorded once; a key that exists is [`RecordError::Exists`].
    Owe {
        /// Which obligation.
        key: SubmissionKey,
        /// SHBE: the earliest day of extraction.
        extract_from: Option<Date>,
        /// The day on which it must be sent.
        transfer_on: Date,
    },
    /// A submission moves to another stage. By an order, or the policy, that leads to Scheduled or Sealed it may be sent from then on,
    /// whatever its transfer date.
    Submission {
        /// Which one.
        key: SubmissionKey,
        /// The revision the decision was made on.
        expect: Revision,
        /// What becomes of it.
        stage: Stage,
        /// What was sealed for it, when it is sealed.
        sealed: Option<Sealed>,
    },
    /// Something needs attention, or (with `None`) is well again. Raising what is raised with the same code, or clearing
    /// what is not raised, is [`RecordError::Exists`].
    Alarm {
        /// What it is about: a configured name or a fixed word, such as `drop-12302` or `state`.
        about: String,
        /// What to tell a person.
        notice: Option<Notice>,
    },
    /// A delivered MI workbook is returned each month from now on. One that is open already is [`RecordError::Exists`].
    OpenWorkbook {
        /// Whose.
        authority: LaNumber,
        /// The month it goes by; taken by another one, it is [`RecordError::Exists`].
        month: RelevantMonth,
        /// The transfer it came with.
        transfer: ConsignmentId,
        /// Its delivery.
        delivery: DeliveryId,
    },
    /// An MI workbook is returned no more. One that is closed already is [`RecordError::Exists`].
    CloseWorkbook {
        /// Whose.
        authority: LaNumber,
        /// The month it goes by.
        month: RelevantMonth,
    },
    /// A timetable comes into force, in place of any other for its year. The text that is in force already is
    /// [`RecordError::Exists`].
    ActivateTimetable {
        /// The year it is for.
        year: TimetableYear,
        /// Its text, as it was read.
        text: String,
    },
    /// Something is decided about keys. What is concluded already, or an exception that this transfer has used already,
    /// is [`RecordError::Exists`].
    Key {
        /// What.
        step: KeyStep,
        /// The bytes of a certificate that is proposed.
        certificate: Option<Vec<u8>>,
    },
    /// A signed head of the ledger is kept. One over as many entries that is kept already is [`RecordError::Exists`].
    Checkpoint {
        /// The note.
        signed: SignedCheckpoint,
        /// The key that signed it.
        vkey: Vkey,
    },
    /// A checkpoint that is kept left to somebody. One that left to them already is [`RecordError::Exists`].
    CheckpointLeft {
        /// To whom.
        recipient: RecipientName,
        /// How many entries it is over.
        size: u64,
    },
    /// The names that others chose are erased of a transfer that is over; of deliveries whose path had one in it, the folder is left.
    /// Erased already, they are [`RecordError::Exists`]; under a legal hold, or as many as were counted no more,
    /// [`RecordError::Stale`].
    EraseNames {
        /// Which transfer.
        id: ConsignmentId,
        /// How many.
        names: u64,
    },
    /// An original may be removed from now on, and is missed by nobody. As [`StateChange::EraseNames`].
    EraseOriginal {
        /// Of what.
        original: Original,
    },
    /// Nothing of it is erased from now on. One that stands already is [`RecordError::Exists`].
    PlaceHold {
        /// On what.
        on: HeldSubject,
    },
    /// It may be erased again when its time has come. One that does not stand is [`RecordError::Exists`].
    LiftHold {
        /// On what.
        on: HeldSubject,
    },
    /// The day from which this authority's returns are this service's business. Recorded once and never changed.
    InService {
        /// Whose.
        authority: LaNumber,
        /// The first transfer date that counts.
        from: Date,
    },
}

/// A consignment to be recorded for the first time.
#[derive(Clone, Debug)]
pub struct NewConsignment {
    /// As it shall stand.
    pub consignment: Consignment,
    /// Digest of the source's native id: finds the consignment of a sighting again after a crash.
    pub native: Digest,
    /// The name at the source. Must also be among the change's names.
    pub name: Commitment,
}

/// A name that somebody else chose, with the salt of its commitment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    salt: [u8; 16],
    clear: String,
}

impl Named {
    /// The name under a fresh random salt.
    pub fn new(clear: impl Into<String>) -> Named {
        Named { salt: rand::random(), clear: clear.into() }
    }

    /// What the ledger says instead of the name.
    pub fn commitment(&self) -> Commitment {
        Commitment::to(&self.salt, &self.clear)
    }

    /// The salt.
    pub fn salt(&self) -> &[u8; 16] {
        &self.salt
    }

    /// The name.
    pub fn clear(&self) -> &str {
        &self.clear
    }
}

/// Where in the ledger a change was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The entry's sequence number.
    pub seq: u64,
    /// The changed row's revision from now on; 0 where no row was changed.
    pub revision: Revision,
}

/// Why a change was not recorded. Nothing of it was.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Somebody else changed it since it was read. Read again and decide anew.
    #[error("{what} was changed by somebody else in the meantime")]
    Stale {
        /// The row.
        what: String,
    },
    /// It is recorded already.
    #[error("{what} is recorded already")]
    Exists {
        /// The row.
        what: String,
    },
    /// The same content was accepted before, for the same authority.
    #[error("the same content was accepted as transfer {first}")]
    AcceptedBefore {
        /// As which consignment.
        first: ConsignmentId,
        /// Its SHA-256.
        content: Digest,
    },
    /// The rules do not allow this move: a fault of the program.
    #[error("{what} may not go from {from} to {to}")]
    NotAllowed {
        /// The row.
        what: String,
        /// The word of the present state.
        from: &'static str,
        /// The word of the wanted state.
        to: &'static str,
    },
    /// The store cannot be written. Nothing may be transferred until it can.
    #[error("the store cannot be written: {0}")]
    Unavailable(String),
}
