//! `run --once`: everything that can be done now, then an end.
//!
//! Holds: a folder that hangs keeps the part of the run that met it, and no other. Where nothing goes on any more the run ends.

mod parts;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::build::Service;
use super::carriers::{self, Queue, carry};
use super::checkpoints;
use super::due;
use super::folders::wait_for_folders;
use super::health::Health;
use super::lookout::Lookout;
use super::looks::{left_files_alarm, lookout, maildir_readers, poll_only, postmen};
use super::mailboxes::Trouble;
use super::reach::Reach;
use super::run::RunFault;
use super::stop::Stop;
use super::unconfigured;
use parts::Parts;

use crate::domain::{Stage, Standing};
use crate::progress::{self, Workers};
use crate::store::{Alarm, ConsignmentFilter, SubmissionFilter};

/// What one pass came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pass {
    /// Transfers and returns that are held now and were not before.
    pub held_anew: usize,
    /// Transfers and returns that are to be tried again, each with why.
    pub deferred: Vec<(String, String)>,
    /// The alarms that stand.
    pub alarms: Vec<Alarm>,
    /// Folders that did not let a part of the run go, each with for how many seconds: what is there was left.
    pub hanging: BTreeMap<String, u64>,
}

/// What the thread that goes through everything is called.
const PASS: &str = "pass";
/// How long a folder may hold somebody while nobody else has anything behind them: then the rest waits for it.
const HELD_PATIENCE: Duration = Duration::from_secs(60);
/// Ends that are not taken note of yet; more than there are carriers.
const ENDS_MAX: usize = 1024;
/// How often is looked who is held.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Collects what has settled, carries it as far as it goes, and does what is due of the returns. What a folder does not let
/// go is left for the next run, and told.
pub fn once(service: &Arc<Service>) -> Result<Pass, RunFault> {
    let before = held(service).map_err(fault)?;
    let (tell, told) = sync_channel(ENDS_MAX);
    let queue = Arc::new(Queue::new(service.settings.service.in_flight_max));
    let (stop, workers, parts) = (Arc::default(), Workers::new(), Arc::default());
    let crew = Crew { service: service.clone(), queue, stop, workers, parts, tell };
    let hanging = crew.work(&told)?;
    let now = held(service).map_err(fault)?;
    let held_anew = now.iter().filter(|id| !before.contains(id)).count();
    let alarms = service.inbound.queries.alarms().map_err(|error| fault(error.to_string()))?;
    Ok(Pass { held_anew, deferred: deferred(service).map_err(fault)?, alarms, hanging })
}

fn fault(why: String) -> RunFault {
    RunFault::Worker { worker: "run --once".to_owned(), why }
}

/// Who does the work: one thread that goes through everything, and the carriers.
struct Crew {
    service: Arc<Service>,
    queue: Arc<Queue>,
    stop: Arc<Stop>,
    workers: Arc<Workers>,
    parts: Arc<Parts>,
    tell: SyncSender<End>,
}

/// How one of them ended.
enum End {
    Passed(Result<(), String>),
    Carried(Result<(), String>),
}

impl Crew {
    /// Until all is done that can be. The folders that did not answer, each with for how many seconds.
    fn work(&self, told: &Receiver<End>) -> Result<BTreeMap<String, u64>, RunFault> {
        let (mut carriers, mut carried) = (0, 0);
        let (mut passed, mut worked) = (false, Ok(()));
        self.spawn_pass()?;
        loop {
            let waiting = self.workers.waiting();
            let wanted = self.queue.stands_in(&waiting);
            while carriers < wanted && !passed {
                self.spawn_carrier(carriers)?;
                carriers += 1;
            }
            let mut long = waiting.iter().filter(|one| one.waited >= HELD_PATIENCE);
            if let Some(held) = long.next().filter(|_| !passed && self.workers.are_still(HELD_PATIENCE)) {
                let why = format!("all that comes behind {}, which does not answer", held.place.display());
                return Err(RunFault::Unfinished(why));
            }
            // Those that are held end with the process.
            let held = waiting.iter().filter(|one| carriers::is_one(&one.worker)).count();
            if passed && carriers - carried <= held && self.parts.are_done_but(&waiting) {
                worked = worked.and(self.parts.outcome());
                let hanging = waiting.into_iter().map(|one| (one.place.display().to_string(), one.waited.as_secs()));
                return worked.map(|()| hanging.collect()).map_err(fault);
            }
            match told.recv_timeout(LOOK_EVERY) {
                Ok(End::Passed(end)) => {
                    passed = true;
                    worked = worked.and(end);
                    self.queue.close();
                }
                Ok(End::Carried(end)) => {
                    carried += 1;
                    // A carrier that failed takes no more; the others must not wait for it.
                    if end.is_err() {
                        self.queue.close();
                    }
                    worked = worked.and(end);
                }
                Err(_) => {}
            }
        }
    }

    fn spawn_pass(&self) -> Result<(), RunFault> {
        let (service, queue, stop) = (self.service.clone(), self.queue.clone(), self.stop.clone());
        let parts = self.parts.clone();
        let work = move || pass(&service, &queue, &stop, &parts);
        self.spawn(PASS.to_owned(), End::Passed, work)
    }

    fn spawn_carrier(&self, number: usize) -> Result<(), RunFault> {
        let (inbound, queue, stop) = (self.service.inbound.clone(), self.queue.clone(), self.stop.clone());
        let left = left_files_alarm(&self.service);
        let work = move || carry(&inbound, &queue, &stop, &*left).map_err(|error| error.to_string());
        self.spawn(carriers::name(number), End::Carried, work)
    }

    fn spawn(
        &self,
        name: String,
        end: fn(Result<(), String>) -> End,
        work: impl FnOnce() -> Result<(), String> + Send + 'static,
    ) -> Result<(), RunFault> {
        let (workers, tell) = (self.workers.clone(), self.tell.clone());
        let own = name.clone();
        let spawned = std::thread::Builder::new().name(name).spawn(move || {
            let watched = workers.enter(&own);
            let ended = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(format!("{own} panicked")));
            drop(watched);
            // Nobody listens once the run is over.
            let _ = tell.send(end(ended));
        });
        spawned.map(drop).map_err(|source| RunFault::Machine { doing: "start a worker", source })
    }
}

fn deferred(service: &Service) -> Result<Vec<(String, String)>, String> {
    let queries = &service.inbound.queries;
    let filter = ConsignmentFilter { word: Some("deferred".to_owned()), ..Default::default() };
    let transfers = queries.consignments(&filter).map_err(|error| error.to_string())?;
    let filter = SubmissionFilter { open: true, ..Default::default() };
    let returns = queries.submissions(&filter).map_err(|error| error.to_string())?;
    let transfers = transfers.into_iter().filter_map(|one| match one.standing {
        Standing::Deferred { cause, .. } => Some((format!("transfer {}", one.id), cause.says().to_owned())),
        _ => None,
    });
    let returns = returns.into_iter().filter_map(|one| match one.stage {
        Stage::Deferred { cause, .. } => Some((format!("return {}", one.key), cause.says().to_owned())),
        _ => None,
    });
    Ok(transfers.chain(returns).collect())
}

fn pass(service: &Arc<Service>, queue: &Arc<Queue>, stop: &Arc<Stop>, parts: &Arc<Parts>) -> Result<(), String> {
    wait_for_folders(&service.settings);
    service.inbound.recover().map_err(|error| error.to_string())?;
    unconfigured::end_alarms(&service.inbound, &service.settings).map_err(|error| error.to_string())?;
    let health = Arc::new(Health::new(service.clock.now(), service.confinement));
    // Before the sweeps, which tell of what about the state directory these meet.
    for reader in maildir_readers(service, queue, stop, &health) {
        let name = reader.name();
        parts.go_through(name, move || reader.once().map_err(|error| error.to_string()))?;
    }
    look_into_folders(service, queue, stop, &health, parts)?;
    for postman in postmen(service, queue, stop, &health) {
        match postman.once() {
            // That it could not be read is an alarm, and the returns must not wait for it.
            Ok(()) | Err(Trouble::Mailbox(_)) => {}
            Err(Trouble::Critical(critical)) => return Err(critical.to_string()),
        }
    }
    queue.wait_empty();
    let own = service.clone();
    parts.go_through("returns".to_owned(), move || returns(&own))?;
    Reach::of(service).look().map_err(|error| error.to_string())?;
    super::retention::all(&service.retention).map_err(|error| error.to_string())?;
    service.foresight.look().map(drop).map_err(|error| error.to_string())?;
    let own = service.clone();
    parts.go_through("checkpoints".to_owned(), move || checkpoints::once(&own.checkpoints)).map(drop)
}

/// Looks into every drop folder. A lookout that one of them does not let go is stood in for by another, which does not touch
/// that folder.
fn look_into_folders(
    service: &Arc<Service>,
    queue: &Arc<Queue>,
    stop: &Arc<Stop>,
    health: &Arc<Health>,
    parts: &Arc<Parts>,
) -> Result<(), String> {
    for number in 0..=service.inbound.sources.len() {
        let (_hints, told) = sync_channel(1);
        let mut lookout = lookout(service, queue, stop, health, Arc::new(Mutex::new(told)));
        poll_only(&mut lookout);
        let replaced = Arc::<AtomicBool>::default();
        lookout.replaced = replaced.clone();
        let (service, queue) = (service.clone(), queue.clone());
        if parts.go_through(format!("lookout-{number}"), move || sweep(lookout, &service, &queue))? {
            break;
        }
        replaced.store(true, Ordering::SeqCst);
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "nothing tells when a file has rested; for this there is only time")]
fn rest(pause: Duration) {
    let _quiet = progress::quiet(pause);
    std::thread::sleep(pause);
}

/// Until everything has been carried that comes to rest.
fn sweep(mut lookout: Lookout, service: &Service, queue: &Queue) -> Result<(), String> {
    // A file that never comes to rest is left for the next run; the returns must not wait for it.
    let folders = service.settings.authorities.iter().flat_map(|authority| &authority.drop_folders);
    let longest = folders.map(|folder| folder.settle).max().unwrap_or_default();
    let mut patience = longest.saturating_mul(2).saturating_add(Duration::from_secs(1));
    loop {
        lookout.sweep().map_err(|error| error.to_string())?;
        if lookout.is_to_end() {
            return Ok(());
        }
        due::offer(&service.inbound, queue, usize::MAX).map_err(|error| error.to_string())?;
        queue.wait_empty();
        match lookout.settles_in().filter(|_| !patience.is_zero()) {
            Some(pause) => {
                let pause = pause.min(patience);
                rest(pause);
                patience -= pause;
            }
            None => return Ok(()),
        }
    }
}

/// Does what is due of the returns; what the returns folders hold settles in its own time.
fn returns(service: &Service) -> Result<(), String> {
    let patience = service.settings.authorities.iter().flat_map(|authority| &authority.returns);
    let mut patience = patience.map(|settings| settings.settle).max().unwrap_or_default() + Duration::from_secs(1);
    loop {
        let next = service.outbound.tick(&|| false).map_err(|error| error.to_string())?;
        let pause = next.map(|next| Duration::try_from(next - service.clock.now()).unwrap_or_default());
        match pause.filter(|pause| *pause <= patience) {
            Some(pause) => {
                let pause = pause.max(Duration::from_millis(50));
                rest(pause);
                patience = patience.saturating_sub(pause);
            }
            None => return Ok(()),
        }
    }
}

/// What is held, by transfer or by return and since when: a return that was held and is held anew counts as new.
fn held(service: &Service) -> Result<Vec<String>, String> {
    let queries = &service.inbound.queries;
    let filter = ConsignmentFilter { word: Some("held".to_owned()), ..Default::default() };
    let transfers = queries.consignments(&filter).map_err(|error| error.to_string())?;
    let filter = SubmissionFilter { open: true, ..Default::default() };
    let returns = queries.submissions(&filter).map_err(|error| error.to_string())?;
    let transfers = transfers.into_iter().map(|consignment| consignment.id.to_string());
    let returns = returns.into_iter().filter_map(|one| match one.stage {
        Stage::Held { since, .. } => Some(format!("{} {since}", one.key)),
        _ => None,
    });
    Ok(transfers.chain(returns).collect())
}
