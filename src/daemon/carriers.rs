//! Carriers: the threads that take files and consignments as far as they go, several at once.
//!
//! Holds: no file and no consignment is worked on by two carriers; what is queued here is nowhere else, and losing it
//! costs nothing but time, because the sweep finds it again. So many work at a time, beside those that a folder that hangs
//! does not let go: for each of these another one stands in, up to a bound.

use std::collections::{HashSet, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use super::stop::Stop;
use crate::domain::{AlarmReason, ConsignmentId};
use crate::effects::drop_folder::{DropFolder, Sighting};
use crate::inbound::{Collecting, Critical, Inbound};
use crate::progress::{self, Waiting};

/// Something to carry.
#[derive(Clone, Debug)]
pub(super) enum Job {
    /// A settled file of the source with this index.
    Collect(usize, Sighting),
    /// A consignment that is ours.
    Advance(ConsignmentId),
    /// A folder that did not answer at the start.
    CatchUp(PathBuf),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    File(usize, String),
    Consignment(ConsignmentId),
    Folder(PathBuf),
}

/// What the threads that carry are called, with a number.
const NAME: &str = "carrier-";
/// Carriers that stand in for others, at most: a folder keeps no more carriers than work at a time, since it is given nothing
/// more once it is known to hang.
const STAND_INS_MAX: usize = 192;

/// The queue the carriers work from.
pub(super) struct Queue {
    /// How many may be carried at a time, beside those that hang.
    at_once: usize,
    inner: Mutex<Inner>,
    changed: Condvar,
}

#[derive(Default)]
struct Inner {
    waiting: VecDeque<Job>,
    taken: HashSet<Key>,
    /// Carriers that carry something.
    busy: usize,
    /// How many of these a folder does not let go.
    hung: usize,
    closed: bool,
}

impl Job {
    fn key(&self) -> Key {
        match self {
            Job::Collect(source, sighting) => Key::File(*source, sighting.name.clone()),
            Job::Advance(id) => Key::Consignment(*id),
            Job::CatchUp(folder) => Key::Folder(folder.clone()),
        }
    }
}

impl Queue {
    pub(super) fn new(at_once: usize) -> Queue {
        Queue { at_once, inner: Mutex::default(), changed: Condvar::new() }
    }

    /// Takes note of the carriers that a folder does not let go. How many carriers there must be.
    pub(super) fn stands_in(&self, waiting: &[Waiting]) -> usize {
        let hung = waiting.iter().filter(|one| is_one(&one.worker)).count();
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::replace(&mut inner.hung, hung) != hung {
            self.changed.notify_all();
        }
        self.carriers_with(hung)
    }

    /// How many carriers there are when so many are held.
    fn carriers_with(&self, hung: usize) -> usize {
        self.at_once + hung.min(STAND_INS_MAX)
    }

    /// Queues the job unless the same file or consignment is queued or carried already.
    pub(super) fn offer(&self, job: Job) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if !inner.closed && inner.taken.insert(job.key()) {
            inner.waiting.push_back(job);
            self.changed.notify_one();
        }
    }

    /// No more jobs: those waiting are dropped, those being carried are finished.
    pub(super) fn close(&self) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.closed = true;
        inner.waiting.clear();
        self.changed.notify_all();
    }

    /// How many jobs wait, and how many are carried.
    pub(super) fn depths(&self) -> (usize, usize) {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        (inner.waiting.len(), inner.taken.len().saturating_sub(inner.waiting.len()))
    }

    /// Waits until nothing is queued or carried, but what a folder does not let go.
    pub(super) fn wait_empty(&self) {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        drop(
            self.changed
                .wait_while(inner, |inner| inner.taken.len() > inner.hung && !inner.closed && self.works(inner)),
        );
    }

    /// Whether any carrier is let go.
    fn works(&self, inner: &Inner) -> bool {
        inner.hung < self.carriers_with(inner.hung)
    }

    fn next(&self) -> Option<Job> {
        let _rest = progress::rest();
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let rests = |inner: &mut Inner| inner.waiting.is_empty() || inner.busy >= self.carriers_with(inner.hung);
        let waited = self.changed.wait_while(inner, |inner| !inner.closed && rests(inner));
        let mut inner = waited.unwrap_or_else(PoisonError::into_inner);
        let job = inner.waiting.pop_front()?;
        inner.busy += 1;
        Some(job)
    }

    fn done(&self, key: &Key) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.taken.remove(key);
        inner.busy = inner.busy.saturating_sub(1);
        if inner.taken.len() <= inner.hung {
            self.changed.notify_all();
        }
    }
}

/// What the carrier with this number is called.
pub(super) fn name(number: usize) -> String {
    format!("{NAME}{number}")
}

/// Whether a carrier is called so.
pub(super) fn is_one(worker: &str) -> bool {
    worker.starts_with(NAME)
}

/// What the carriers tell of files they could not take: by source and name.
pub(super) type Left = dyn Fn(usize, &str, Option<AlarmReason>) + Send + Sync;

/// One carrier: works until the queue is closed.
pub(super) fn carry(inbound: &Arc<Inbound>, queue: &Queue, stop: &Stop, left: &Left) -> Result<(), Critical> {
    while let Some(job) = queue.next() {
        progress::made();
        let key = job.key();
        let worked = match stop.begin(label(inbound, &job)) {
            Some(_busy) => work(inbound, job, left),
            None => Ok(()),
        };
        queue.done(&key);
        worked?;
    }
    Ok(())
}

fn label(inbound: &Inbound, job: &Job) -> String {
    match job {
        Job::Collect(source, _) => match inbound.sources.get(*source) {
            Some(source) => format!("collecting a file from {}", source.name),
            None => "collecting a file".to_owned(),
        },
        Job::Advance(id) => format!("transfer {id}"),
        Job::CatchUp(_) => "looking for what a crash left in a folder".to_owned(),
    }
}

fn work(inbound: &Arc<Inbound>, job: Job, left: &Left) -> Result<(), Critical> {
    match job {
        Job::Advance(id) => inbound.advance(&id).map(drop),
        Job::CatchUp(folder) => inbound.catch_up(&folder),
        Job::Collect(index, sighting) => {
            let Some(source) = inbound.sources.get(index) else { return Ok(()) };
            if source.folder().is_ok_and(DropFolder::hangs) {
                // It stays where it is, and is found there once the folder answers.
                return Ok(());
            }
            match inbound.carry(source, &sighting)? {
                Collecting::Ours => left(index, &sighting.name, None),
                Collecting::Changed => {}
                Collecting::Left(reason) => left(index, &sighting.name, Some(reason)),
            }
            Ok(())
        }
    }
}
