//! Attempts in flight: each on a thread of its own, so that one silent server holds up nobody else's returns.
//!
//! In:  a return that may be sent now.
//! Out: its answer on record; whoever waits for it is told when an attempt has ended.
//! Holds: one attempt at a time for a return, and so many for one way out. Once told to close, no attempt passes the
//! point of no return; once closed, none records anything: what stands at Sending then is settled by evidence.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use tracing::{error, warn};

use super::OutboundParts;
use super::critical::Critical;
use super::due::Hours;
use super::record::within;
use crate::config::settings::ReturnSettings;
use crate::domain::{CourierName, PartnerName, Submission, SubmissionKey};
use crate::effects::thread;

/// Attempts at one time, in all.
const ATTEMPTS_MAX: usize = 16;
/// Attempts at one time by one courier to one partner.
const ON_ONE_WAY_MAX: usize = 4;

/// How often who waits for an answer looks whether all are held.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Called whenever an attempt has ended.
pub type Ended = Arc<dyn Fn() + Send + Sync>;

/// By which courier to which partner.
type Way = (CourierName, PartnerName);

/// The attempts of one service.
#[derive(Default)]
pub(super) struct Attempts {
    flying: Mutex<Flying>,
    changed: Condvar,
    gate: RwLock<Gate>,
}

#[derive(Default)]
struct Flying {
    ways: BTreeMap<SubmissionKey, Way>,
    /// Those that have passed the point of no return.
    past: BTreeSet<SubmissionKey>,
    trouble: Option<Trouble>,
}

enum Trouble {
    Critical(Critical),
    Panic(Box<dyn Any + Send>),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Critical(critical) => critical.fmt(f),
            Trouble::Panic(_) => f.write_str("it panicked"),
        }
    }
}

/// What attempts may still do.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Gate {
    #[default]
    Open,
    /// Nothing passes the point of no return any more.
    Closing,
    /// Nothing is recorded any more.
    Closed,
}

/// What the thread of an attempt is called.
fn name(key: &SubmissionKey) -> String {
    format!("send-{key}")
}

impl Attempts {
    fn flying(&self) -> MutexGuard<'_, Flying> {
        self.flying.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The returns that are being sent. Take it before reading them: whatever is no longer named has its answer on record.
    pub(super) fn keys(&self) -> BTreeSet<SubmissionKey> {
        self.flying().ways.keys().cloned().collect()
    }

    /// Begins an attempt, if there is room for one. Whether it did.
    pub(super) fn start(
        self: &Arc<Self>,
        parts: &Arc<OutboundParts>,
        submission: &Submission,
        settings: &ReturnSettings,
        hours: Hours,
        ended: &Ended,
    ) -> io::Result<bool> {
        let key = submission.key.clone();
        let way = (settings.courier.clone(), settings.partner.clone());
        {
            let mut flying = self.flying();
            let on_this_way = flying.ways.values().filter(|other| **other == way).count();
            if flying.ways.len() >= ATTEMPTS_MAX || on_this_way >= ON_ONE_WAY_MAX || flying.ways.contains_key(&key) {
                return Ok(false);
            }
            flying.ways.insert(key.clone(), way);
        }
        let (attempts, parts, ended) = (self.clone(), parts.clone(), ended.clone());
        let (submission, settings) = (submission.clone(), settings.clone());
        let work = move || {
            let _within = within(&submission.key).entered();
            let sending = AssertUnwindSafe(|| parts.send(&submission, &settings, &hours, &attempts));
            let trouble = match catch_unwind(sending) {
                Ok(Ok(())) => None,
                Ok(Err(critical)) => Some(Trouble::Critical(critical)),
                Err(panic) => Some(Trouble::Panic(panic)),
            };
            if let Some(trouble) = &trouble {
                error!(submission = %submission.key, "An attempt to send {} ended: {trouble}", submission.key);
            }
            // Before anybody is told: the handles to the store go with it.
            drop(parts);
            attempts.end(&submission.key, trouble);
            ended();
        };
        thread::begin(name(&key), work).map(|()| true).inspect_err(|_| self.end(&key, None))
    }

    fn end(&self, key: &SubmissionKey, trouble: Option<Trouble>) {
        let mut flying = self.flying();
        flying.ways.remove(key);
        flying.past.remove(key);
        flying.trouble = flying.trouble.take().or(trouble);
        self.changed.notify_all();
    }

    /// Waits until one more attempt has ended; not at all if there is none. `false`: all that are left are held by folders
    /// that hang.
    pub(super) fn wait_for_one(&self) -> bool {
        let mut flying = self.flying();
        let count = flying.ways.len();
        while count > 0 && flying.ways.len() >= count {
            let held = thread::held();
            if flying.ways.keys().all(|key| held.contains(&name(key))) {
                return false;
            }
            let waited = self.changed.wait_timeout(flying, LOOK_EVERY);
            flying = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// What an attempt met that concerns the whole service. A panic goes on here.
    pub(super) fn trouble(&self) -> Result<(), Critical> {
        let trouble = self.flying().trouble.take();
        match trouble {
            None => Ok(()),
            Some(Trouble::Critical(critical)) => Err(critical),
            Some(Trouble::Panic(panic)) => resume_unwind(panic),
        }
    }

    /// Records that the point of no return is passed. `None`: it may not be passed any more.
    pub(super) fn pass<T>(&self, key: &SubmissionKey, record: impl FnOnce() -> T) -> Option<T> {
        let gate = self.gate.read().unwrap_or_else(PoisonError::into_inner);
        if *gate > Gate::Open {
            return None;
        }
        self.flying().past.insert(key.clone());
        Some(record())
    }

    /// Records what came of an attempt. `None`: nothing is recorded any more.
    pub(super) fn answer<T>(&self, key: &SubmissionKey, record: impl FnOnce() -> T) -> Option<T> {
        let gate = self.gate.read().unwrap_or_else(PoisonError::into_inner);
        if *gate == Gate::Closed {
            warn!(submission = %key, "The answer for {key} came too late to be recorded");
            return None;
        }
        let recorded = record();
        self.flying().past.remove(key);
        self.changed.notify_all();
        Some(recorded)
    }

    /// Whether an answer is awaited: a return has passed the point of no return.
    pub(super) fn is_any_past(&self) -> bool {
        !self.flying().past.is_empty()
    }

    /// Lets no attempt pass the point of no return any more. Whether, within this time, those that have are answered.
    pub(super) fn settle(&self, at_most: Duration) -> bool {
        self.shut(Gate::Closing);
        let waited = self.changed.wait_timeout_while(self.flying(), at_most, |flying| !flying.past.is_empty());
        waited.unwrap_or_else(PoisonError::into_inner).0.past.is_empty()
    }

    /// Lets no attempt pass the point of no return any more, waits at most so long for the answers to those that have,
    /// and closes. The returns whose answer did not come.
    pub(super) fn finish(&self, at_most: Duration) -> Vec<SubmissionKey> {
        self.settle(at_most);
        self.shut(Gate::Closed);
        self.flying().past.iter().cloned().collect()
    }

    fn shut(&self, to: Gate) {
        let mut gate = self.gate.write().unwrap_or_else(PoisonError::into_inner);
        *gate = to.max(*gate);
    }
}
