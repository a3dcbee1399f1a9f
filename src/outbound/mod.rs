//! Outbound: what an authority owes, from the timetable to the courier.
//!
//! In:  timetables, the folders in which authorities leave returns, the time.
//! Out: every obligation recorded once, sealed once, sent once on its transfer date, or missed and said so.
//! What came back about what was sent is weighed in [`answers`].
//! Steps: [`owed`] ▶ [`hand_in`] ([`pick_up`] ▶ [`further`] ▶ [`month`] ▶ [`check`] ▶ [`pre_flight`] ▶ [`seal`]) ▶ [`send`], walked by [`round`]; decided by [`due`].
//! Holds: the store is the only memory; a tick can be killed anywhere and done again. One tick at a time; what is being
//! sent goes on beside it, in [`attempts`].

mod alarm;
mod answers;
mod attempts;
mod check;
mod critical;
pub mod due;
mod further;
mod hand_in;
mod leftover;
mod message_id;
mod month;
mod owed;
mod pick_up;
mod pre_flight;
mod record;
mod round;
mod seal;
mod send;
mod settling;
mod taken;
mod workbooks;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::catalogue::Limits;
use crate::config::settings::AuthoritySettings;
use crate::domain::timetable::InForce;
use crate::domain::{CourierName, PartnerName, ShbePolicy, SubmissionKey};
use crate::durable::Directories;
use crate::effects::clock::Clock;
use crate::effects::courier::Courier;
use crate::effects::pgp::{Opener, Sealer};
use crate::effects::spool::Spool;
use crate::store::{Queries, Recorder};

pub use alarm::{about_folder, about_return, told_of};
use attempts::Attempts;
pub use attempts::Ended;
pub use critical::Critical;
use round::{Answers, Memory, Round};

/// Everything outbound work stands on.
pub struct OutboundParts {
    /// The one write path.
    pub recorder: Arc<dyn Recorder>,
    /// Reading the store.
    pub queries: Arc<dyn Queries>,
    /// Sealed returns, and the private place for plaintext.
    pub spool: Arc<Spool>,
    /// Open directories, shared with whoever else uses them.
    pub directories: Arc<Directories>,
    /// Signs and encrypts.
    pub sealer: Arc<dyn Sealer>,
    /// Opens what was sealed, to see that it can be opened.
    pub opener: Arc<dyn Opener>,
    /// The ways out.
    pub couriers: BTreeMap<CourierName, Arc<dyn Courier>>,
    /// The domain of Message-IDs, by courier: the host part of its sender's address. [`NO_DOMAIN`] where there is none.
    pub message_domains: BTreeMap<CourierName, String>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// What is owed when.
    pub timetables: InForce,
    /// Whose returns, and how.
    pub authorities: Vec<AuthoritySettings>,
    /// The partners' addresses.
    pub addresses: BTreeMap<PartnerName, Vec<String>>,
    /// The state directory: the key of Message-IDs, and the notes of what was picked up.
    pub state: PathBuf,
    /// Failed attempts after which a person is told, if fewer than three. Attempts go on until the hours are over.
    pub attempts_max: u8,
    /// The pause after the first failed attempt; doubles each time.
    pub retry_after: Duration,
    /// The longest such pause.
    pub retry_after_max: Duration,
    /// Largest file that is sealed.
    pub plaintext_bytes_max: u64,
    /// How far a workbook, which is an archive, is looked into.
    pub archive_limits: Limits,
    /// How much each rule weighs by which an extract is judged.
    pub shbe: ShbePolicy,
    /// The kernel's id of the present boot.
    pub boot: String,
}

/// The domain of Message-IDs where a courier has no sender's address.
pub const NO_DOMAIN: &str = "hbcourier.invalid";

/// Keeps what is owed, seals what is left for it, and sends it on its day.
pub struct Outbound {
    parts: Arc<OutboundParts>,
    memory: Mutex<Memory>,
    attempts: Arc<Attempts>,
}

impl Outbound {
    /// With these parts. Nothing is done before the first [`Outbound::tick`].
    pub fn new(parts: OutboundParts) -> Outbound {
        Outbound { parts: Arc::new(parts), memory: Mutex::default(), attempts: Arc::default() }
    }

    /// Does everything that can be done now, until `stop`, and waits for the answers to what it sends. Doing it once more
    /// changes nothing, also after it was killed. Returns when it next has something to do by the clock.
    pub fn tick(&self, stop: &dyn Fn() -> bool) -> Result<Option<Timestamp>, Critical> {
        self.walk(stop, Answers::Awaited)
    }

    /// As [`Outbound::tick`], but does not wait for answers: `ended` is called when one has come, and another round is
    /// then worth while. Called at start, on every nudge and regularly.
    pub fn round(&self, stop: &dyn Fn() -> bool, ended: &Ended) -> Result<Option<Timestamp>, Critical> {
        self.walk(stop, Answers::Told(ended))
    }

    /// Whether any return is being sent now.
    pub fn is_sending(&self) -> bool {
        !self.attempts.keys().is_empty()
    }

    /// Whether the answer to a return that was offered is still awaited.
    pub fn awaits_answer(&self) -> bool {
        self.attempts.is_any_past()
    }

    /// Begins to end sending: what has not passed the point of no return is let be. Whether, within this time, everything
    /// that has is answered.
    pub fn settle(&self, at_most: Duration) -> bool {
        self.attempts.settle(at_most)
    }

    /// Ends sending: what has not passed the point of no return is let be, answers to the rest are awaited at most so
    /// long. The returns whose answer did not come; they stand at Sending, and the next start asks for evidence.
    pub fn finish(&self, at_most: Duration) -> Vec<SubmissionKey> {
        self.attempts.finish(at_most)
    }

    fn walk(&self, stop: &dyn Fn() -> bool, answers: Answers<'_>) -> Result<Option<Timestamp>, Critical> {
        // What a tick that panicked had in memory is only what spares a second look.
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        Round::new(&self.parts, &mut memory, stop, &self.attempts, answers).walk()
    }
}

impl Drop for Outbound {
    fn drop(&mut self) {
        // Whoever comes next has the store for itself.
        self.attempts.finish(Duration::ZERO);
    }
}
