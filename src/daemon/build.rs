//! The composition root: from checked settings to everything that runs. Nothing is made anywhere else.

mod lock;
mod patience;
mod places;
mod shared;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

pub use lock::{InstanceLock, starting_since};
use patience::Patience;
pub(crate) use places::imap_server;
pub(crate) use places::scanner;
use places::smtp_server;
use shared::Shared;

use super::checkpoints::checkpoints_of;
use super::counted::{Counted, Counts};
use super::keys::key_ring_by;
use super::lookout::LeftFiles;
use super::migration::note_migration;
use crate::checkpoints::Checkpoints;
use crate::config::secret::SecretFault;
use crate::config::settings::{CourierWay, SmtpSettings};
use crate::config::{Settings, calendars, timetable};
use crate::domain::causes::with_causes;
use crate::domain::timetable::{InForce, Timetables};
use crate::domain::{CourierName, DestinationName};
use crate::durable::{Scratch, boot_id};
use crate::effects::clock::{Clock, MachineClock};
use crate::effects::courier::Courier;
use crate::effects::courier::folder::FolderCourier;
use crate::effects::courier::smtp::SmtpCourier;
use crate::effects::ledger_key::LedgerKeyFault;
use crate::effects::pgp::KeyRing;
use crate::effects::spool::Spool;
use crate::foresight::Foresight;
use crate::inbound::Inbound;
use crate::operator::Operator;
use crate::outbound::Outbound;
use crate::progress::Workers;
use crate::retention::Retention;
use crate::sandbox::Confinement;
use crate::store::{Queries, QueryError, RecordError, SqliteStore, StoreError};

/// Everything that runs, and the lock that makes it the only one.
pub struct Service {
    /// What it runs by.
    pub settings: Settings,
    /// The way in.
    pub inbound: Arc<Inbound>,
    /// The way out.
    pub outbound: Arc<Outbound>,
    /// Signed heads of the ledger.
    pub checkpoints: Arc<Checkpoints>,
    /// Orders.
    pub operator: Arc<Operator>,
    /// What is told before it is too late.
    pub foresight: Arc<Foresight>,
    /// What erases what was kept long enough.
    pub retention: Arc<Retention>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Since when it runs, whatever its settings.
    pub(super) since: Timestamp,
    /// How far this process is confined; whoever entered the sandbox says so.
    pub confinement: Confinement,
    /// How many of each event were recorded since the start.
    pub counts: Arc<Counts>,
    /// Who is watched for progress. A folder that hangs keeps threads whatever the settings.
    pub(super) workers: Arc<Workers>,
    /// Files that had to be left where they arrived.
    pub(super) left: Arc<LeftFiles>,
    /// What all of them work on.
    pub(super) store: SqliteStore,
    spool: Arc<Spool>,
    boot: String,
    /// Held until the process ends.
    lock: Arc<InstanceLock>,
}

impl Service {
    /// A service by other settings, on the same store and spool and under the same lock. Nothing in it works yet.
    pub(super) fn anew(&self, settings: Settings) -> Result<Service, StartFault> {
        let ground = Ground {
            store: self.store.clone(),
            spool: self.spool.clone(),
            boot: self.boot.clone(),
            lock: self.lock.clone(),
            counts: self.counts.clone(),
            workers: self.workers.clone(),
            since: self.since,
        };
        let checkpoints = Arc::new(checkpoints_of(&settings, &self.store, self.clock.clone())?);
        let anew = put_together(settings, None, self.clock.clone(), ground, checkpoints)?;
        Ok(Service { confinement: self.confinement, ..anew })
    }
}

/// What a service works on, whatever its settings.
struct Ground {
    store: SqliteStore,
    spool: Arc<Spool>,
    boot: String,
    lock: Arc<InstanceLock>,
    counts: Arc<Counts>,
    workers: Arc<Workers>,
    since: Timestamp,
}

/// Why the service does not start. Nothing was transferred.
#[derive(Debug, thiserror::Error)]
pub enum StartFault {
    /// Another process has the state directory.
    #[error("another hbcourier works with {state} (its lock is held): stop it first, or use its commands")]
    Locked {
        /// The state directory.
        state: PathBuf,
    },
    /// The state directory cannot be used.
    #[error("the state directory {path} cannot be used: {source}")]
    State {
        /// What exactly.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store was opened, and could not be written.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The store was opened, and could not be read.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The ledger is not the one that was recorded, or not the one that its key signed.
    #[error(
        "the store below {state} does not hold: {says}. Nothing was changed. Keep a copy of the state folder as evidence, \
         run `hbcourier audit verify`, and put back a copy of store.sqlite that has every entry that was signed; if there is none, move the state folder away \
         as a whole and give `hbcourier restore` the latest backup"
    )]
    Ledger {
        /// The state directory.
        state: PathBuf,
        /// What is wrong, and where.
        says: String,
    },
    /// The ledger's key.
    #[error(transparent)]
    LedgerKey(#[from] LedgerKeyFault),
    /// The ledger's key, where it is kept.
    #[error("the ledger's key could not be had")]
    LedgerSecret(#[from] SecretFault),
    /// There are files, and nothing that tells of them.
    #[error(
        "the store is missing below {state}, but files in its spool, archive or sealed returns are there: put back store.sqlite if it was moved; otherwise move the state folder away as a whole and give `hbcourier restore` the latest backup. With a new store nobody would know what was sent"
    )]
    StoreLost {
        /// The state directory.
        state: PathBuf,
    },
    /// A timetable.
    #[error(transparent)]
    Timetable(#[from] timetable::TimetableFileError),
    /// The calendar of working days.
    #[error(transparent)]
    Calendar(#[from] calendars::CalendarFault),
    /// A group is not known to this machine.
    #[error(
        "route to `{destination}`: the group `{group}` is not known to this machine; `getent group` lists those that are"
    )]
    NoGroup {
        /// The route's destination.
        destination: DestinationName,
        /// The group's name.
        group: String,
    },
}

/// The bundled timetables and those the settings name.
pub fn timetables(files: &[PathBuf]) -> Result<Timetables, StartFault> {
    let mut timetables = timetable::bundled()?;
    for file in files {
        timetables = timetables.with(timetable::load(file)?);
    }
    Ok(timetables)
}

/// The bundled timetables, those the settings name, and before both those that people put into force.
pub fn timetables_in_force(files: &[PathBuf], queries: &dyn Queries) -> Result<Timetables, StartFault> {
    let mut in_force = timetables(files)?;
    for activated in queries.timetables()? {
        let name = format!("of {}, activated by ledger entry {}", activated.year, activated.entry);
        in_force = in_force.with(timetable::read(Path::new(&name), &activated.text)?);
    }
    Ok(in_force)
}

/// Every courier of the settings.
pub fn couriers(settings: &Settings) -> BTreeMap<CourierName, Arc<dyn Courier>> {
    let courier = |way: &CourierWay| -> Arc<dyn Courier> {
        match way {
            CourierWay::Folder { folder } => Arc::new(FolderCourier::new(folder.clone())),
            CourierWay::Smtp(server) => Arc::new(SmtpCourier::new(smtp_server(server))),
        }
    };
    settings.couriers.iter().map(|settings| (settings.name.clone(), courier(&settings.way))).collect()
}

/// The courier of this name, if it is one that mails.
pub fn smtp_courier(settings: &Settings, name: &CourierName) -> Option<SmtpCourier> {
    let courier = settings.couriers.iter().find(|courier| courier.name == *name)?;
    match &courier.way {
        CourierWay::Smtp(server) => Some(smtp_courier_by(server)),
        CourierWay::Folder { .. } => None,
    }
}

/// The courier that mails by this server.
pub fn smtp_courier_by(server: &SmtpSettings) -> SmtpCourier {
    SmtpCourier::new(smtp_server(server))
}

/// Opens store and spool for writing. A store is made only where there was never anything: the caller holds the
/// instance lock.
pub fn open_store(state: &Path) -> Result<(SqliteStore, Spool), StartFault> {
    let at_state = |source| StartFault::State { path: state.to_owned(), source };
    let spool = Spool::open(state).map_err(at_state)?;
    if !SqliteStore::exists(state) && !spool.is_unused().map_err(at_state)? {
        return Err(StartFault::StoreLost { state: state.to_owned() });
    }
    Ok((SqliteStore::open(state)?, spool))
}

/// Puts the whole service together, on the machine's clocks.
pub fn build(settings: Settings) -> Result<Service, StartFault> {
    build_with(settings, Arc::new(MachineClock))
}

/// As [`build`], on other clocks.
pub fn build_with(settings: Settings, clock: Arc<dyn Clock>) -> Result<Service, StartFault> {
    assemble(settings, None, clock)
}

/// As [`build_with`], by these timetables instead of those in force.
pub fn build_by(settings: Settings, timetables: Timetables, clock: Arc<dyn Clock>) -> Result<Service, StartFault> {
    assemble(settings, Some(timetables), clock)
}

fn assemble(settings: Settings, given: Option<Timetables>, clock: Arc<dyn Clock>) -> Result<Service, StartFault> {
    let state = settings.service.state.clone();
    let lock = Arc::new(InstanceLock::take(&state)?);
    lock.begins();
    let _patience = Patience::begin();
    let at_state = |source| StartFault::State { path: state.clone(), source };
    let boot = boot_id().map_err(at_state)?;
    // A copy of the store that a backup left, ended half-way.
    if let Err(error) = Scratch::clear_stale(&state.join(Scratch::OF_BACKUPS)) {
        tracing::warn!(%error, "What a backup left below the state directory could not be removed: {error}");
    }
    if let Err(error) = KeyRing::at(&state).discard_parts() {
        tracing::warn!("{}", with_causes(&error));
    }
    let (store, spool) = open_store(&state)?;
    let checkpoints = Arc::new(checkpoints_of(&settings, &store, clock.clone())?);
    if let Err(says) = checkpoints.hold(&store.queries())? {
        return Err(StartFault::Ledger { state, says });
    }
    note_migration(&store, &state, &*clock)?;
    let since = clock.now();
    let (counts, workers) = (Arc::default(), Workers::new());
    let ground = Ground { store, spool: Arc::new(spool), boot, lock: lock.clone(), counts, workers, since };
    let service = put_together(settings, given, clock, ground, checkpoints)?;
    lock.has_begun();
    Ok(service)
}

fn put_together(
    settings: Settings,
    given: Option<Timetables>,
    clock: Arc<dyn Clock>,
    ground: Ground,
    checkpoints: Arc<Checkpoints>,
) -> Result<Service, StartFault> {
    let Ground { store, spool, boot, lock, counts, workers, since } = ground;
    let by_record = || timetables_in_force(&settings.timetables, &store.queries());
    let shared = Shared {
        timetables: InForce::new(given.map_or_else(by_record, Ok)?),
        keys: Arc::new(key_ring_by(&settings, &store.queries())?),
        directories: Arc::default(),
        recorder: Arc::new(Counted { recorder: store.recorder(), counts: counts.clone() }),
        queries: Arc::new(store.queries()),
        spool: spool.clone(),
        clock: clock.clone(),
        boot: boot.clone(),
        settings: &settings,
    };
    let inbound = Arc::new(shared.inbound()?);
    let outbound = Arc::new(shared.outbound());
    let operator = Arc::new(shared.operator(checkpoints.clone()));
    let foresight = Arc::new(shared.foresight()?);
    let retention = Arc::new(shared.retention());
    Ok(Service {
        settings,
        inbound,
        outbound,
        checkpoints,
        operator,
        foresight,
        retention,
        clock,
        since,
        confinement: Confinement::default(),
        counts,
        workers,
        left: Arc::default(),
        store,
        spool,
        boot,
        lock,
    })
}
