//! What the rest of the program may ask the store.
//!
//! Holds: reading never waits for the writer, and changes nothing.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;

use super::keeping::Keeping;
use crate::domain::checkpoint::Checkpoint;
use crate::domain::merkle;
use crate::domain::merkle::proof::Subtrees;
use crate::domain::release::Recorded as GivenApproval;
use crate::domain::{
    Answered, Consignment, ConsignmentId, Delivery, DeliveryId, Digest, Due, FileKind, Fingerprint, InstallationId,
    KeyStep, LaNumber, RecipientName, Release, ReturnKind, SourceName, Standing, Submission, SubmissionKey,
    TimetableYear, Volume, Workbook,
};

/// The store could not be read.
#[derive(Debug, thiserror::Error)]
#[error("the store cannot be read: {0}")]
pub struct QueryError(pub String);

/// Reading. Never waits for the writer.
pub trait Queries: Keeping {
    /// The consignment, with the name it had at its source unless that was erased.
    fn consignment(&self, id: &ConsignmentId) -> Result<Option<(Consignment, Option<String>)>, QueryError>;
    /// The consignment that was collected from this sighting.
    fn collected(&self, source: &SourceName, native: &Digest) -> Result<Option<Consignment>, QueryError>;
    /// Consignments, oldest first.
    fn consignments(&self, filter: &ConsignmentFilter) -> Result<Vec<Consignment>, QueryError>;
    /// How many consignments and submissions stand where; none of them is read.
    fn tally(&self) -> Result<Tally, QueryError>;
    /// The parts of a consignment, in order. Empty before Staged.
    fn deliveries(&self, id: &ConsignmentId) -> Result<Vec<Delivery>, QueryError>;
    /// Who has approved the release of what is held, since it is held, the earliest first.
    fn approvals(&self, id: &ConsignmentId) -> Result<Vec<GivenApproval>, QueryError>;
    /// The release that a consignment carries. The table's word: the ledger must prove it.
    fn release(&self, id: &ConsignmentId) -> Result<Option<Release>, QueryError>;
    /// What was received of some kinds and staged or delivered since, oldest first. What never came that far has no kind.
    fn received(&self, filter: &ReceivedFilter) -> Result<Vec<Received>, QueryError>;
    /// Submissions, by transfer date, then key.
    fn submissions(&self, filter: &SubmissionFilter) -> Result<Vec<Submission>, QueryError>;
    /// The earliest return for which this content was sealed before, if any.
    fn sealed_before(
        &self,
        kind: ReturnKind,
        authority: &LaNumber,
        content: &Digest,
    ) -> Result<Option<SubmissionKey>, QueryError>;
    /// The return that is sent under this Message-ID (without angle brackets).
    fn sent_as(&self, message_id: &str) -> Result<Option<Submission>, QueryError>;
    /// What came back about this return, oldest first.
    fn answers(&self, key: &SubmissionKey) -> Result<Vec<Answered>, QueryError>;
    /// What this consignment tells of a return, if it is a mail about one.
    fn answered(&self, id: &ConsignmentId) -> Result<Option<Answered>, QueryError>;
    /// Every answer about the last attempt to send a return that may change what is known of it, by return, oldest first.
    fn answers_to_weigh(&self) -> Result<Vec<Answered>, QueryError>;
    /// What was last collected from this source with exactly these bytes.
    fn collected_bytes(&self, source: &SourceName, sealed: &Digest) -> Result<Option<Consignment>, QueryError>;
    /// The MI workbooks of this authority, or of all, by the month they go by.
    fn workbooks(&self, authority: Option<&LaNumber>) -> Result<Vec<Workbook>, QueryError>;
    /// MI workbooks that were delivered, visibly, and are not open yet, oldest first.
    fn delivered_workbooks(&self) -> Result<Vec<DeliveredWorkbook>, QueryError>;
    /// How much of what this authority's transfers brought, oldest first.
    fn volumes(&self, authority: &LaNumber) -> Result<Vec<Volume>, QueryError>;
    /// Since when the authority's returns are this service's business; `None` before the first start with it.
    fn in_service_from(&self, authority: &LaNumber) -> Result<Option<Date>, QueryError>;
    /// The timetables that people put into force: of each year the latest.
    fn timetables(&self) -> Result<Vec<ActivatedTimetable>, QueryError>;
    /// Every decision about keys, with its entry's number and time, in their order; the uses of exceptions apart.
    fn key_steps(&self) -> Result<Vec<(u64, Timestamp, KeyStep)>, QueryError>;
    /// The bytes of the certificate that this entry proposed.
    fn proposed_certificate(&self, entry: u64) -> Result<Option<Vec<u8>>, QueryError>;
    /// How many transfers each exception has let in, by the entry that granted it.
    fn exception_uses(&self) -> Result<Vec<(u64, u64)>, QueryError>;
    /// The alarms that are raised now.
    fn alarms(&self) -> Result<Vec<Alarm>, QueryError>;
    /// At most `limit` ledger lines from `seq` on, as the exact bytes that were hashed.
    fn ledger(&self, seq: u64, limit: usize) -> Result<Vec<(u64, Vec<u8>)>, QueryError>;
    /// Which installation the store is of; none has a ledger without an entry.
    fn installation(&self) -> Result<Option<InstallationId>, QueryError> {
        let first = self.ledger(0, 1)?;
        Ok(first.first().map(|(_, line)| InstallationId::of(&merkle::leaf(line))))
    }
    /// Size and root of the ledger's tree.
    fn head(&self) -> Result<Head, QueryError>;
    /// The root of the tree's subtree over the 2^`level` entries from `index` · 2^`level` on, if there are that many: level
    /// 0 is the hash of one entry. In logarithmic time, for proofs.
    fn subtree(&self, level: u32, index: u64) -> Result<Option<Digest>, QueryError>;
    /// The latest checkpoint.
    fn latest_checkpoint(&self) -> Result<Option<KeptCheckpoint>, QueryError>;
    /// At most `limit` checkpoints over more entries than `above`, the earliest first.
    fn checkpoints(&self, above: u64, limit: usize) -> Result<Vec<KeptCheckpoint>, QueryError>;
    /// The last checkpoint that left to this recipient.
    fn last_left(&self, recipient: &RecipientName) -> Result<Option<KeptCheckpoint>, QueryError>;
    /// To whom the checkpoint over so many entries left, and when.
    fn left_to(&self, size: u64) -> Result<Vec<(RecipientName, Timestamp)>, QueryError>;
}

/// Proofs are made from what is kept of the tree.
impl Subtrees for dyn Queries + '_ {
    type Error = QueryError;

    fn subtree(&self, level: u32, index: u64) -> Result<Digest, QueryError> {
        let missing = || QueryError(format!("the ledger's tree has no subtree {index} at level {level}"));
        Queries::subtree(self, level, index)?.ok_or_else(missing)
    }
}

/// A signed head of the ledger, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptCheckpoint {
    /// How many entries it is over.
    pub size: u64,
    /// The root over them.
    pub root: Digest,
    /// The signed note.
    pub note: String,
    /// When it was made.
    pub at: Timestamp,
    /// The entry that tells of it.
    pub entry: u64,
}

impl KeptCheckpoint {
    /// The checkpoint's name as a file: `<size>-<the root's first eight digits>`.
    pub fn stem(&self) -> String {
        format!("{}-{}", self.size, &self.root.to_string()[..8])
    }

    /// Whether the note says what the columns say.
    pub fn agrees(&self) -> bool {
        Checkpoint::claimed(&self.note).is_ok_and(|claimed| claimed.size == self.size && claimed.root == self.root)
    }
}

/// Which consignments.
#[derive(Clone, Debug, Default)]
pub struct ConsignmentFilter {
    /// Only those the service should work on now.
    pub due: Option<Due>,
    /// Only those at a standing of this word.
    pub word: Option<String>,
    /// Only this authority's.
    pub authority: Option<LaNumber>,
    /// Only received at or after this time.
    pub since: Option<Timestamp>,
    /// Only received before this time.
    pub until: Option<Timestamp>,
    /// Only those of which this certificate's signature was accepted.
    pub signer: Option<Fingerprint>,
    /// Only behind the one that was received at this time and has this id.
    pub after: Option<(Timestamp, ConsignmentId)>,
    /// At most this many; all, if `None`.
    pub limit: Option<usize>,
}

/// What was received.
#[derive(Clone, Debug)]
pub struct ReceivedFilter {
    /// For this authority.
    pub authority: LaNumber,
    /// Of these kinds.
    pub kinds: Vec<FileKind>,
    /// At or after this time.
    pub since: Timestamp,
    /// Before this time.
    pub until: Timestamp,
}

/// The parts of one kind of one consignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// Which consignment.
    pub id: ConsignmentId,
    /// When it was collected.
    pub at: Timestamp,
    /// Where it stands.
    pub standing: Standing,
    /// The kind.
    pub kind: FileKind,
    /// How many parts of it are of this kind.
    pub parts: u64,
}

/// How many stand where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Consignments, by the word of their standing.
    pub transfers: BTreeMap<String, u64>,
    /// Submissions, by kind and the word of their stage.
    pub returns: BTreeMap<(ReturnKind, String), u64>,
}

/// Which submissions.
#[derive(Clone, Debug, Default)]
pub struct SubmissionFilter {
    /// Only this one.
    pub key: Option<SubmissionKey>,
    /// Only this authority's.
    pub authority: Option<LaNumber>,
    /// Only those the service itself may still move ([`Stage::is_open`](crate::domain::Stage::is_open)).
    pub open: bool,
}

/// An MI workbook that was delivered and is not open yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveredWorkbook {
    /// Whose.
    pub authority: LaNumber,
    /// The transfer it came with.
    pub transfer: ConsignmentId,
    /// Its delivery.
    pub delivery: DeliveryId,
    /// When the transfer was received.
    pub received_at: Timestamp,
}

/// A timetable that a person put into force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivatedTimetable {
    /// The year it is for.
    pub year: TimetableYear,
    /// SHA-256 of its text.
    pub digest: Digest,
    /// Its text.
    pub text: String,
    /// The entry that put it into force.
    pub entry: u64,
}

/// Something that needs attention.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Alarm {
    /// What it is about.
    pub about: String,
    /// Its code.
    pub code: String,
    /// What happened.
    pub says: String,
    /// What to do.
    pub next: String,
    /// Since when.
    pub since: Timestamp,
}

/// The ledger's tree as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Number of entries.
    pub entries: u64,
    /// The root over all of them.
    pub root: Digest,
}
