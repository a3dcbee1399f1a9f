//! The lookout: watches the drop folders and hands settled files to the carriers.
//!
//! Hints make it prompt; the sweep makes it right. With every hint lost, a file is found within one sweep.
//! Holds: a folder that is known to hang is not touched. The lookout that met it first is held by it, and another stands in;
//! when the folder answers, the one that was held ends.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::carriers::{Job, Queue};
use super::health::Health;
use super::stop::Stop;
use super::unheard::Unheard;
use crate::config::settings::{Carries, DropFolderSettings, Noticing as How};
use crate::domain::AlarmReason;
use crate::durable::Directory;
use crate::effects::clock::Clock;
use crate::effects::drop_folder::{DropFolder, Look, Sighting};
use crate::effects::noticing::{Hint, Noticing};
use crate::effects::pgp::{Completeness, completeness};
use crate::inbound::{Critical, Inbound, Settling, Source};
use crate::progress;

/// Files that had to be left where they are: by source and name.
pub(super) type LeftFiles = Mutex<BTreeMap<(usize, String), AlarmReason>>;

pub(super) struct Lookout {
    pub inbound: Arc<Inbound>,
    pub queue: Arc<Queue>,
    pub stop: Arc<Stop>,
    pub health: Arc<Health>,
    pub clock: Arc<dyn Clock>,
    /// Shared with those that stood in before.
    pub hints: Arc<Mutex<Receiver<Hint>>>,
    /// Set when a hint found no room.
    pub hints_lost: Arc<AtomicBool>,
    pub noticing: Option<Noticing>,
    pub left: Arc<LeftFiles>,
    pub sweep_every: Duration,
    pub watched: Vec<Watched>,
    /// The returns folders, and which directory is watched: here too, because there is one watcher.
    pub pick_ups: Vec<(PathBuf, Option<(u64, u64)>)>,
    /// Called for a hint that is about no drop folder.
    pub elsewhere: Box<dyn Fn() + Send>,
    /// Another stands in for this one.
    pub replaced: Arc<AtomicBool>,
}

/// One drop folder, as the lookout knows it.
pub(super) struct Watched {
    pub folder: DropFolderSettings,
    settling: Settling,
    /// Which directory the kernel watches for us: device and inode.
    armed: Option<(u64, u64)>,
    deaf: bool,
    unheard: Unheard,
}

impl Watched {
    pub(super) fn new(folder: DropFolderSettings) -> Watched {
        let settling = Settling::new(folder.settle, folder.patience);
        Watched { folder, settling, armed: None, deaf: false, unheard: Unheard::default() }
    }
}

impl Lookout {
    /// Works until told to stop.
    pub(super) fn run(mut self) -> Result<(), Critical> {
        let mut swept = self.sweep()?;
        while !self.is_to_end() {
            let now = self.clock.since_boot();
            let next_sweep = (swept + self.sweep_every).saturating_sub(now);
            let next_settled = self.watched.iter().filter_map(|watched| watched.settling.next_in(now)).min();
            // A breath between looks, so that a file that cannot settle costs nothing.
            let pause = next_settled.unwrap_or(next_sweep).max(Duration::from_millis(20)).min(next_sweep);
            if self.hints_lost.swap(false, Ordering::SeqCst) {
                self.disarm();
                swept = self.sweep()?;
            }
            match self.next_hint(pause) {
                Ok(hint) => {
                    // However many hints come: no sweep is late for them.
                    if self.take_hints(hint)? || next_sweep.is_zero() {
                        swept = self.sweep()?;
                    }
                }
                Err(RecvTimeoutError::Timeout) if self.is_to_end() => break,
                Err(RecvTimeoutError::Timeout) => swept = self.sweep()?,
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        Ok(())
    }

    pub(super) fn is_to_end(&self) -> bool {
        self.stop.is_requested() || self.replaced.load(Ordering::SeqCst)
    }

    /// The next hint within this time. What is told is for the one that nobody stands in for.
    fn next_hint(&self, pause: Duration) -> Result<Hint, RecvTimeoutError> {
        // One that waits here while another stands in for it lets go within a sweep's time.
        let _quiet = progress::quiet(pause.saturating_add(self.sweep_every));
        let hints = self.hints.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_to_end() {
            return Err(RecvTimeoutError::Timeout);
        }
        let told = hints.recv_timeout(pause);
        if told.is_ok() && self.replaced.load(Ordering::SeqCst) {
            self.hints_lost.store(true, Ordering::SeqCst);
        }
        told
    }

    /// Acts on this hint and all that wait. Whether everything must be looked at.
    fn take_hints(&mut self, first: Hint) -> Result<bool, Critical> {
        let mut next = Some(first);
        let mut lost = false;
        while let Some(hint) = next {
            match hint {
                Hint::Closed(path) => self.closed(&path),
                Hint::Stirred(path) => lost |= self.stirred(&path),
                Hint::Lost => {
                    self.disarm();
                    lost = true;
                }
            }
            next = self.next_hint(Duration::ZERO).ok();
        }
        Ok(lost)
    }

    /// Whether this was about a folder itself. What is there now may be another folder, even under the same inode
    /// number, so it is watched anew.
    fn stirred(&mut self, path: &Path) -> bool {
        let mut is_folder = false;
        for watched in self.watched.iter_mut().filter(|watched| watched.folder.path == *path) {
            watched.armed = None;
            is_folder = true;
        }
        for (_, armed) in self.pick_ups.iter_mut().filter(|(folder, _)| folder == path) {
            *armed = None;
            is_folder = true;
        }
        is_folder
    }

    /// That a folder went away may be among the hints that were lost, so each is watched anew.
    fn disarm(&mut self) {
        self.watched.iter_mut().for_each(|watched| watched.armed = None);
        self.pick_ups.iter_mut().for_each(|(_, armed)| *armed = None);
    }

    fn closed(&mut self, path: &Path) {
        let index = self.watched.iter().position(|watched| path.parent() == Some(&watched.folder.path));
        let Some(index) = index else { return (self.elsewhere)() };
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return };
        self.watched[index].unheard.heard(name);
        let (Some(source), Some(watched)) = (self.inbound.sources.get(index), self.watched.get_mut(index)) else {
            return;
        };
        if source.folder().is_ok_and(DropFolder::hangs) {
            return;
        }
        // What cannot be looked at now is found by the sweep.
        if let Ok(Some(sighting)) = source.folder().and_then(|folder| folder.sight(name)) {
            let whole = || look_inside(source, &sighting).unwrap_or_default();
            if watched.settling.is_ready(&sighting, true, self.clock.since_boot(), whole) {
                self.queue.offer(Job::Collect(index, sighting));
            }
        }
    }

    /// Looks at every folder. Returns when, by the boot clock.
    pub(super) fn sweep(&mut self) -> Result<Duration, Critical> {
        let now = self.clock.since_boot();
        for index in 0..self.watched.len() {
            fail::fail_point!("lookout.look");
            let Some(source) = self.inbound.sources.get(index) else { continue };
            let hangs = source.folder().is_ok_and(DropFolder::hangs);
            if !hangs {
                // First the ear, then the eye: what comes between the two is heard.
                self.arm(index);
            }
            let Some(source) = self.inbound.sources.get(index) else { continue };
            let look = source.folder().and_then(|folder| folder.look());
            // Another looks there now.
            if self.replaced.load(Ordering::SeqCst) {
                return Ok(now);
            }
            let hangs = hangs || source.folder().is_ok_and(DropFolder::hangs);
            if look.is_err() {
                // What cannot be looked at does not settle, and nobody waits for it.
                self.watched[index].settling.retain(&[]);
            }
            let found = match &look {
                // Whoever watches all folders tells of that.
                Err(_) if hangs => None,
                Ok(look) => {
                    let stays = self.inbound.settle_withdrawn(source, look)?;
                    self.inbound.left.retain(&source.name, look.names().map(str::to_owned));
                    self.consider(index, look, now);
                    self.attention(index, look).or(stays)
                }
                Err(_) => Some(AlarmReason::SourceMissing),
            };
            let source = &self.inbound.sources[index];
            let waiting = look.as_ref().map_or(0, |look| look.sightings.len());
            self.health.looked(&source.name, self.clock.now(), look.is_ok(), waiting);
            if look.is_ok() || !hangs {
                self.inbound.alarm(source.name.as_str(), found)?;
            }
        }
        self.arm_pick_ups();
        self.inbound.alarm("state", self.attention_below_state())?;
        Ok(now)
    }

    /// How long until a file that rests has settled; `None` if there is none.
    pub(super) fn settles_in(&self) -> Option<Duration> {
        let now = self.clock.since_boot();
        self.watched.iter().filter_map(|watched| watched.settling.settles_in(now)).min()
    }

    fn consider(&mut self, index: usize, look: &Look, now: Duration) {
        let (Some(source), Some(watched)) = (self.inbound.sources.get(index), self.watched.get_mut(index)) else {
            return;
        };
        watched.settling.retain(&look.sightings);
        let names = look.sightings.iter().map(|sighting| sighting.name.as_str());
        self.health.missed(&source.name, watched.unheard.looked(watched.armed, names));
        for sighting in &look.sightings {
            progress::made();
            let mut closed_to_us = false;
            let whole = || {
                look_inside(source, sighting).unwrap_or_else(|_| {
                    closed_to_us = true;
                    None
                })
            };
            if watched.settling.is_ready(sighting, false, now, whole) {
                watched.unheard.taken(&sighting.name);
                self.queue.offer(Job::Collect(index, sighting.clone()));
            } else if closed_to_us {
                let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
                left.insert((index, sighting.name.clone()), AlarmReason::SourceFault);
            }
        }
    }

    /// What about this folder needs attention.
    fn attention(&self, index: usize, look: &Look) -> Option<AlarmReason> {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.retain(|(source, name), _| *source != index || look.sightings.iter().any(|file| file.name == *name));
        let of_this = left.iter().filter(|((source, _), reason)| *source == index && !is_of_state(**reason));
        let of_file = of_this.map(|(_, reason)| *reason).next();
        let of_folder = (look.uncollectable > 0).then_some(AlarmReason::Uncollectable);
        let deaf = self.watched[index].deaf.then_some(AlarmReason::NotificationsOff);
        of_file.or(of_folder).or(deaf)
    }

    /// What about the state directory needs attention: a file that found no place in the spool tells too.
    fn attention_below_state(&self) -> Option<AlarmReason> {
        let low = self.inbound.space_is_low(0).then_some(AlarmReason::SpaceLow);
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        low.or_else(|| left.values().copied().find(|reason| is_of_state(*reason)))
    }

    /// The returns folders too. One that is missing is the returns' own alarm; the next sweep asks again.
    fn arm_pick_ups(&mut self) {
        let Some(noticing) = &mut self.noticing else { return };
        for (folder, armed) in &mut self.pick_ups {
            if progress::hangs(folder) {
                continue;
            }
            let _at = progress::at(folder);
            let identity = Directory::open(folder).and_then(|directory| directory.identity()).ok();
            if identity != *armed {
                *armed = identity.filter(|_| noticing.watch(folder).is_ok());
            }
        }
    }

    /// Has the kernel watch the directory that is there now.
    fn arm(&mut self, index: usize) {
        let directory = self.inbound.sources[index].folder().and_then(|folder| folder.directory());
        let identity = match directory.and_then(|directory| directory.identity()) {
            Ok(identity) => identity,
            Err(_) => return self.watched[index].armed = None,
        };
        let watched = &mut self.watched[index];
        if watched.folder.noticing == How::Poll || watched.armed == Some(identity) {
            return;
        }
        let armed = self.noticing.as_mut().map(|noticing| {
            let _at = progress::at(&watched.folder.path);
            noticing.watch(&watched.folder.path)
        });
        watched.deaf = !matches!(armed, Some(Ok(())));
        // Asked for again at each sweep while it is refused.
        watched.armed = (!watched.deaf).then_some(identity);
        if let Some(Err(error)) = armed {
            tracing::warn!(source = %watched.folder.name, %error, "{error}");
        }
    }
}

/// Whether the trouble is the state directory's, whichever source met it.
pub(super) fn is_of_state(reason: AlarmReason) -> bool {
    matches!(reason, AlarmReason::SpaceLow | AlarmReason::SpoolFault)
}

/// Whether the file is whole, if it can be told now.
fn look_inside(source: &Source, sighting: &Sighting) -> std::io::Result<Option<Completeness>> {
    let folder = source.folder()?;
    let file = folder.open(sighting)?;
    let _at = progress::at(folder.path());
    match file {
        // A mail has no end that tells. Whoever delivers mails into a folder renames them into it.
        Some(_) if source.carries == Carries::Mail => Ok(Some(Completeness::Complete)),
        Some(file) => completeness(&file).map(Some),
        None => Ok(None),
    }
}
