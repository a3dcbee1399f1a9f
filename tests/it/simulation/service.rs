//! One process: the product's own steps, put together on a simulated machine, and walked one after the other as the service
//! walks them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::Duration;

use hbcourier::catalogue::Limits;
use hbcourier::config::settings::{AuthoritySettings, Carries, ExpectSettings, ReturnSettings, Window};
use hbcourier::config::template::{RETURN_NAME, TemplateUse};
use hbcourier::config::{FileNameTemplate, timetable};
use hbcourier::domain::ledger::{Event, Facts};
use hbcourier::domain::timetable::Timetables;
use hbcourier::domain::{Actor, FileKind, LaNumber, PartnerName, ReturnKind, ShbePolicy};
use hbcourier::durable::Directories;
use hbcourier::effects::clock::Clock;
use hbcourier::effects::courier::Courier;
use hbcourier::effects::courier::folder::FolderCourier;
use hbcourier::effects::destination::{Access, Destinations};
use hbcourier::effects::drop_folder::DropFolder;
use hbcourier::effects::pgp::completeness;
use hbcourier::effects::spool::Spool;
use hbcourier::inbound::{Claims, Inbound, Late, Left, Origin, Route, Settling, Source, Terms};
use hbcourier::outbound::{Outbound, OutboundParts};
use hbcourier::store::{Change, ConsignmentFilter, Recorder, StateChange};
use jiff::civil::time;

use super::ground::Ground;
use super::mail::{ByFolder, Mail};
use super::mutations::Mutation;
use super::sealed::Keyless;
use super::store::{Store, Writer};

pub const NUMBER: &str = "12302";
pub const SETTLE: Duration = Duration::from_secs(5);
pub const PATIENCE: Duration = Duration::from_secs(900);
const LARGEST: u64 = 1 << 20;
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(600);
pub const ATTEMPTS_MAX: u8 = 6;
const LIMITS: Limits = Limits { members_max: 10, bytes_max: LARGEST };

/// What a history has.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// There is a return; it goes by mail, or by folder.
    pub returns: Option<bool>,
}

/// It ends: it can no longer record or read what it does, or not start.
pub struct Ends;

pub struct Service {
    ground: Arc<Ground>,
    pub inbound: Inbound,
    outbound: Option<Outbound>,
    settling: Settling,
}

fn number() -> LaNumber {
    NUMBER.parse().unwrap()
}

fn partner() -> PartnerName {
    "dwp".parse().unwrap()
}

impl Service {
    /// Starts with what is on the disk and in the store.
    pub fn start(
        ground: &Arc<Ground>,
        root: &Path,
        store: &Store,
        layout: Layout,
        boot: &str,
    ) -> Result<Service, Ends> {
        let mutation = ground.lock().mutation;
        let recorder: Arc<dyn Recorder> = Arc::new(Writer::new(store, ground.clone()));
        let clock: Arc<dyn Clock> = ground.clone();
        let actor = Actor::Service;
        let started = Change {
            at: clock.now(),
            actor,
            event: Event::ServiceStarted,
            facts: Facts::default(),
            names: Vec::new(),
            state: StateChange::None,
        };
        let spool = Arc::new(Spool::open(&root.join("state")).map_err(|_| Ends)?);
        recorder.record(started).map_err(|_| Ends)?;
        let directories: Arc<Directories> = Arc::default();
        let inbound = Inbound {
            recorder: recorder.clone(),
            queries: Arc::new(store.queries.clone()),
            spool: spool.clone(),
            destinations: Destinations::new(directories.clone()),
            opener: Arc::new(Keyless),
            scanner: None,
            clock: clock.clone(),
            boot: boot.to_owned(),
            sources: vec![Source {
                name: "drop".parse().unwrap(),
                authority: number(),
                also_for: Vec::new(),
                partners: vec![partner()],
                carries: Carries::Files,
                origin: Origin::Folder(DropFolder::new(root.join("drop"), directories.clone())),
            }],
            routes: BTreeMap::from([(number(), vec![route(root)])]),
            terms: terms(),
            claims: Claims::default(),
            left: Left::default(),
            late: Late::default(),
            installation: OnceLock::new(),
        };
        let outbound = layout.returns.map(|by_mail| {
            let courier: Arc<dyn Courier> = match by_mail {
                true => Arc::new(Mail(ground.clone())),
                false => Arc::new(ByFolder(FolderCourier::new(root.join("outgoing")), ground.clone())),
            };
            outbound(root, &inbound, directories, courier)
        });
        let settling = match mutation {
            Mutation::NotSettled => Settling::new(Duration::ZERO, Duration::ZERO),
            _ => Settling::new(SETTLE, PATIENCE),
        };
        let service = Service { ground: ground.clone(), inbound, outbound, settling };
        if mutation != Mutation::NoRecovery {
            service.inbound.recover().map_err(|_| Ends)?;
        }
        Ok(service)
    }

    /// Everything that can be done now.
    pub fn round(&mut self) -> Result<(), Ends> {
        self.sweep()?;
        let due = Some(self.inbound.due(self.inbound.clock.now()));
        for folder in self.inbound.late_folders() {
            self.inbound.catch_up(&folder).map_err(|_| Ends)?;
        }
        let filter = ConsignmentFilter { due, ..ConsignmentFilter::default() };
        for consignment in self.inbound.queries.consignments(&filter).map_err(|_| Ends)? {
            self.inbound.advance(&consignment.id).map_err(|_| Ends)?;
        }
        if let Some(outbound) = &self.outbound {
            outbound.tick(&|| false).map_err(|_| Ends)?;
        }
        Ok(())
    }

    /// As the lookout does it.
    fn sweep(&mut self) -> Result<(), Ends> {
        let (inbound, now) = (&self.inbound, self.ground.since_boot());
        let source = &inbound.sources[0];
        let folder = source.folder().map_err(|_| Ends)?;
        let Ok(look) = folder.look() else { return Ok(()) };
        inbound.settle_withdrawn(source, &look).map_err(|_| Ends)?;
        inbound.left.retain(&source.name, look.names().map(str::to_owned));
        self.settling.retain(&look.sightings);
        for sighting in &look.sightings {
            let whole = || folder.open(sighting).ok().flatten().and_then(|file| completeness(&file).ok());
            if self.settling.is_ready(sighting, false, now, whole) {
                inbound.carry(source, sighting).map_err(|_| Ends)?;
            }
        }
        Ok(())
    }
}

fn route(root: &Path) -> Route {
    Route {
        kinds: FileKind::ALL.to_vec(),
        destination: "backoffice".parse().unwrap(),
        xml_roots: Vec::new(),
        folder: root.join("backoffice"),
        file_name: FileNameTemplate::parse("{name}", TemplateUse::Delivery).unwrap(),
        access: Access { mode: 0o640, group: None },
        layout: None,
    }
}

fn terms() -> Terms {
    Terms {
        ciphertext_bytes_max: LARGEST,
        plaintext_bytes_max: LARGEST,
        archive: LIMITS,
        risk: None,
        free_bytes_min: 0,
        attempts_max: ATTEMPTS_MAX,
        retry_after: Duration::from_secs(60),
        retry_after_max: RETRY_AFTER_MAX,
    }
}

fn outbound(root: &Path, inbound: &Inbound, directories: Arc<Directories>, courier: Arc<dyn Courier>) -> Outbound {
    static TIMETABLES: LazyLock<Timetables> = LazyLock::new(|| timetable::bundled().unwrap());
    let name: hbcourier::domain::CourierName = "outgoing".parse().unwrap();
    let settings = ReturnSettings {
        kind: ReturnKind::Shbe,
        pick_up: root.join("returns"),
        partner: partner(),
        courier: name.clone(),
        window: Window { from: time(8, 0, 0, 0), until: time(18, 0, 0, 0) },
        settle: SETTLE,
        file_name: FileNameTemplate::parse(RETURN_NAME, TemplateUse::Return).unwrap(),
        resend_uncertain_after: None,
    };
    let authority = AuthoritySettings {
        number: number(),
        name: "Council".into(),
        in_service_from: Some(super::history::TRANSFER_DAY),
        drop_folders: Vec::new(),
        maildirs: Vec::new(),
        mailboxes: Vec::new(),
        routes: Vec::new(),
        returns: vec![settings],
        expect: ExpectSettings::default(),
    };
    Outbound::new(OutboundParts {
        recorder: inbound.recorder.clone(),
        queries: inbound.queries.clone(),
        spool: inbound.spool.clone(),
        directories,
        sealer: Arc::new(Keyless),
        opener: Arc::new(Keyless),
        couriers: BTreeMap::from([(name.clone(), courier)]),
        message_domains: BTreeMap::from([(name, "la.example".into())]),
        clock: inbound.clock.clone(),
        timetables: TIMETABLES.clone().into(),
        authorities: vec![authority],
        addresses: BTreeMap::from([(partner(), vec!["hbms@dwp.example".to_owned()])]),
        state: root.join("state"),
        attempts_max: ATTEMPTS_MAX,
        retry_after: Duration::from_secs(60),
        retry_after_max: RETRY_AFTER_MAX,
        plaintext_bytes_max: LARGEST,
        archive_limits: LIMITS,
        shbe: ShbePolicy::default(),
        boot: inbound.boot.clone(),
    })
}
