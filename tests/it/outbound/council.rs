//! A council and DWP in a temporary folder: everything real but the time.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hbcourier::catalogue::Limits;
use hbcourier::cli::demo::samples;
use hbcourier::config::settings::{AuthoritySettings, ExpectSettings, ReturnSettings, Roles, Window};
use hbcourier::config::template::{RETURN_NAME, TemplateUse};
use hbcourier::config::{FileNameTemplate, timetable};
use hbcourier::domain::ledger::{Entry, Event};
use hbcourier::domain::timetable::InForce;
use hbcourier::domain::{
    Actor, LaNumber, PartnerName, ReturnKind, ReturnOrder, ShbePolicy, Stage, Submission, SubmissionKey,
};
use hbcourier::durable::Directories;
use hbcourier::effects::accounts::MachineAccounts;
use hbcourier::effects::clock::Clock;
use hbcourier::effects::courier::Courier;
use hbcourier::effects::courier::folder::FolderCourier;
use hbcourier::effects::pgp::{KeyAlgorithm, KeyRing, OpenRequest, Opener, Signers};
use hbcourier::effects::spool::Spool;
use hbcourier::operator::{Operator, Order, People};
use hbcourier::outbound::{Outbound, OutboundParts};
use hbcourier::store::{Alarm, Queries, Recorder, SqliteStore, SubmissionFilter, verify};
use jiff::Timestamp;
use jiff::civil::{Time, time};

use super::scripted::ScriptedCourier;
use crate::support::shbe::Extract;
use crate::support::virtual_clock::{VirtualClock, in_london};

pub const SETTLE: Duration = Duration::from_secs(10);
pub const LARGEST: u64 = 64 * 1024;
/// Whoever gives orders: the service's own account.
const OFFICER: u32 = 1000;

/// How returns leave.
pub enum Way {
    /// By the real folder courier, one folder an authority.
    Folders,
    /// By a courier that does as it is told.
    Scripted(Arc<ScriptedCourier>),
    /// By this one.
    By(Arc<dyn Courier>),
    /// As `Scripted`, each authority by its own.
    Each(Vec<Arc<ScriptedCourier>>),
}

/// A council with one or more LA numbers, and DWP's key.
pub struct Council {
    pub dir: tempfile::TempDir,
    pub clock: Arc<VirtualClock>,
    pub window: Window,
    /// After how long what is Uncertain and may come twice is sent once more. A restart takes it up.
    pub resend_after: Option<Duration>,
    /// How extracts are judged. A restart takes it up.
    pub shbe: ShbePolicy,
    numbers: Vec<LaNumber>,
    way: Way,
    boot: u32,
    opener: Option<Arc<dyn Opener>>,
    service: Option<Service>,
}

struct Service {
    outbound: Outbound,
    store: SqliteStore,
}

impl Council {
    /// A council whose service has not run yet; London's clocks show `civil`.
    pub fn new(numbers: &[&str], civil: &str, way: Way) -> Council {
        let council = Council::without_partner_key(numbers, civil, way);
        council.trust_dwp();
        council
    }

    pub fn without_partner_key(numbers: &[&str], civil: &str, way: Way) -> Council {
        let dir = tempfile::tempdir().unwrap();
        let numbers: Vec<LaNumber> = numbers.iter().map(|number| number.parse().unwrap()).collect();
        for number in &numbers {
            std::fs::create_dir_all(dir.path().join(format!("outgoing/{number}"))).unwrap();
            for kind in ReturnKind::ALL {
                std::fs::create_dir_all(dir.path().join(format!("returns/{number}/{kind}"))).unwrap();
            }
        }
        for side in ["state", "dwp"] {
            std::fs::create_dir(dir.path().join(side)).unwrap();
            let ring = KeyRing::at(&dir.path().join(side));
            ring.generate(side, KeyAlgorithm::Curve25519, keys_made(), Duration::from_secs(10 * 365 * 86400)).unwrap();
        }
        let clock = Arc::new(VirtualClock::showing(civil));
        let window = Window { from: time(8, 0, 0, 0), until: time(18, 0, 0, 0) };
        let mut council = Council {
            dir,
            clock,
            window,
            resend_after: None,
            shbe: ShbePolicy::default(),
            numbers,
            way,
            boot: 0,
            opener: None,
            service: None,
        };
        let (ours, dwp) = (council.ring("state"), council.ring("dwp"));
        dwp.trust(&partner("council"), &ours.export_own().unwrap(), None, keys_made()).unwrap();
        council.start();
        council
    }

    pub fn trust_dwp(&self) {
        let cert = self.ring("dwp").export_own().unwrap();
        self.ring("state").trust(&partner("dwp"), &cert, None, keys_made()).unwrap();
    }

    fn ring(&self, side: &str) -> KeyRing {
        KeyRing::at(&self.dir.path().join(side))
    }

    fn start(&mut self) {
        let state = self.dir.path().join("state");
        let store = SqliteStore::open(&state).unwrap();
        let ring = Arc::new(KeyRing::at(&state));
        let courier_of = |number: &LaNumber| format!("outgoing-{number}").parse().unwrap();
        let courier = |number: &LaNumber| -> Arc<dyn Courier> {
            match &self.way {
                Way::Each(couriers) => couriers[self.numbers.iter().position(|one| one == number).unwrap()].clone(),
                Way::Folders => Arc::new(FolderCourier::new(self.dir.path().join(format!("outgoing/{number}")))),
                Way::Scripted(courier) => courier.clone(),
                Way::By(courier) => courier.clone(),
            }
        };
        let parts = OutboundParts {
            recorder: Arc::new(store.recorder()),
            queries: Arc::new(store.queries()),
            spool: Arc::new(Spool::open(&state).unwrap()),
            directories: Arc::new(Directories::default()),
            sealer: ring.clone(),
            opener: self.opener.clone().unwrap_or(ring),
            couriers: self.numbers.iter().map(|number| (courier_of(number), courier(number))).collect(),
            message_domains: self.numbers.iter().map(|number| (courier_of(number), "la.example".into())).collect(),
            clock: self.clock.clone(),
            timetables: timetable::bundled().unwrap().into(),
            authorities: self.numbers.iter().map(|number| self.authority(number)).collect(),
            addresses: BTreeMap::from([(partner("dwp"), vec!["hbms@dwp.example".to_owned()])]),
            state,
            attempts_max: 12,
            retry_after: Duration::from_secs(60),
            retry_after_max: Duration::from_secs(3600),
            plaintext_bytes_max: LARGEST,
            archive_limits: Limits { members_max: 100, bytes_max: LARGEST },
            shbe: self.shbe.clone(),
            boot: format!("boot-{}", self.boot),
        };
        self.service = Some(Service { outbound: Outbound::new(parts), store });
    }

    fn authority(&self, number: &LaNumber) -> AuthoritySettings {
        let returns = ReturnKind::ALL.map(|kind| ReturnSettings {
            kind,
            pick_up: self.folder(number.as_str(), kind),
            partner: partner("dwp"),
            courier: format!("outgoing-{number}").parse().unwrap(),
            window: self.window,
            settle: SETTLE,
            file_name: FileNameTemplate::parse(RETURN_NAME, TemplateUse::Return).unwrap(),
            resend_uncertain_after: self.resend_after.filter(|_| kind.may_come_twice()),
        });
        AuthoritySettings {
            number: number.clone(),
            name: "Council".into(),
            in_service_from: None,
            drop_folders: Vec::new(),
            maildirs: Vec::new(),
            mailboxes: Vec::new(),
            routes: Vec::new(),
            returns: returns.into(),
            expect: ExpectSettings::default(),
        }
    }

    /// The service ends and starts again, with nothing but what is on disk.
    pub fn restart(&mut self) {
        self.service = None;
        self.start();
    }

    /// As a restart, and the machine with it.
    pub fn reboot(&mut self) {
        self.boot += 1;
        self.restart();
    }

    /// Restarts with another way of opening what was sealed.
    pub fn restart_opening_by(&mut self, opener: impl Opener + 'static) {
        self.opener = Some(Arc::new(opener));
        self.restart();
    }

    fn service(&self) -> &Service {
        self.service.as_ref().unwrap()
    }

    /// One tick.
    pub fn tick(&self) -> Option<Timestamp> {
        self.service().outbound.tick(&|| false).unwrap()
    }

    /// A round that does not wait for answers: something is sent on the channel when one has come.
    pub fn round(&self) -> std::sync::mpsc::Receiver<()> {
        let (ended, told) = std::sync::mpsc::channel();
        let ended: hbcourier::outbound::Ended = Arc::new(move || {
            let _ = ended.send(());
        });
        self.service().outbound.round(&|| false, &ended).unwrap();
        told
    }

    /// Ends sending; the returns whose answer did not come.
    pub fn finish(&self, at_most: Duration) -> Vec<String> {
        self.service().outbound.finish(at_most).iter().map(ToString::to_string).collect()
    }

    /// A tick that is told to stop once it has asked so often.
    pub fn tick_stopping_after(&self, asked: u32) {
        let count = std::cell::Cell::new(0);
        let stop = || {
            count.set(count.get() + 1);
            count.get() > asked
        };
        self.service().outbound.tick(&stop).unwrap();
    }

    /// A tick that ends with the process. Whether it did.
    pub fn tick_dies(&self) -> bool {
        let outbound = std::panic::AssertUnwindSafe(&self.service().outbound);
        std::panic::catch_unwind(|| outbound.tick(&|| false).unwrap()).is_err()
    }

    /// Ticks until what lies in the folders has settled and was dealt with.
    pub fn look(&self) {
        self.tick();
        self.clock.advance(SETTLE);
        self.tick();
    }

    /// A person orders something about a return; what is said of it.
    pub fn order(&self, key: &str, decision: ReturnOrder) -> Result<String, String> {
        let (key, by, reason) = (key.parse().unwrap(), None, "as DWP asked by telephone".to_owned());
        self.give(&Order::Return { key, decision, by, reason })
    }

    /// A person gives an order; what is said of it.
    pub fn give(&self, order: &Order) -> Result<String, String> {
        let store = &self.service().store;
        let operator = Operator {
            recorder: Arc::new(store.recorder()),
            queries: Arc::new(store.queries()),
            keys: Arc::new(self.ring("state")),
            spool: Arc::new(Spool::open(&self.dir.path().join("state")).unwrap()),
            policy: None,
            clock: self.clock.clone(),
            timetables: InForce::default(),
            people: Arc::new(People::new(Roles::default(), Arc::new(MachineAccounts), OFFICER)),
            checkpoints: None,
        };
        let actor = Actor::Account { uid: OFFICER, name: "officer".to_owned() };
        let done = operator.execute(&actor, order);
        done.map(|done| done.says).map_err(|refused| refused.to_string())
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Writes to the store.
    pub fn recorder(&self) -> impl Recorder + use<> {
        self.service().store.recorder()
    }

    /// The time in London against this.
    pub fn clock_shows(&self, civil: &str) -> std::cmp::Ordering {
        self.clock.now().cmp(&in_london(civil))
    }

    pub fn folder(&self, number: &str, kind: ReturnKind) -> PathBuf {
        self.dir.path().join(format!("returns/{number}/{kind}"))
    }

    /// The authority leaves a file.
    pub fn put(&self, number: &str, kind: ReturnKind, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.folder(number, kind).join(name), content).unwrap();
    }

    pub fn left_in(&self, number: &str, kind: ReturnKind) -> usize {
        std::fs::read_dir(self.folder(number, kind)).unwrap().count()
    }

    /// The files in an authority's outgoing folder.
    pub fn outgoing(&self, number: &str) -> BTreeMap<String, Vec<u8>> {
        let files = std::fs::read_dir(self.dir.path().join(format!("outgoing/{number}"))).unwrap();
        files
            .map(|file| file.unwrap())
            .map(|file| (file.file_name().into_string().unwrap(), std::fs::read(file.path()).unwrap()))
            .collect()
    }

    /// What DWP finds inside now.
    pub fn opened_by_dwp(&self, sealed: &[u8]) -> Vec<u8> {
        self.opened_by_dwp_at(self.clock.now(), sealed)
    }

    /// What DWP found inside then.
    pub fn opened_by_dwp_at(&self, at: Timestamp, sealed: &[u8]) -> Vec<u8> {
        let mut content = Vec::new();
        let signers = [partner("council")];
        let request =
            OpenRequest { at, signers: Signers::Partners(&signers), plaintext_bytes_max: 1 << 30, waived: None };
        self.ring("dwp").open(&mut &sealed[..], &mut content, &request).unwrap();
        content
    }

    pub fn queries(&self) -> impl Queries + use<> {
        self.service().store.queries()
    }

    pub fn submission(&self, key: &str) -> Submission {
        let key: SubmissionKey = key.parse().unwrap();
        let filter = SubmissionFilter { key: Some(key), ..SubmissionFilter::default() };
        self.queries().submissions(&filter).unwrap().remove(0)
    }

    pub fn stage(&self, key: &str) -> Stage {
        self.submission(key).stage
    }

    pub fn submissions(&self) -> Vec<Submission> {
        self.queries().submissions(&SubmissionFilter::default()).unwrap()
    }

    /// The whole ledger, after verifying it.
    pub fn ledger(&self) -> Vec<Entry> {
        let verdict = verify(&self.service().store.queries()).unwrap();
        assert!(verdict.ok, "{}", verdict.says);
        let lines = self.queries().ledger(0, usize::MAX >> 1).unwrap();
        lines.iter().map(|(_, line)| serde_json::from_slice(line).unwrap()).collect()
    }

    /// How often this happened to a return.
    pub fn count(&self, event: Event, key: &str) -> usize {
        let of = |entry: &&Entry| entry.event == event && entry.facts.submission.as_deref() == Some(key);
        self.ledger().iter().filter(of).count()
    }

    /// What alarms are about, with their codes.
    pub fn alarms(&self) -> BTreeMap<String, String> {
        self.raised().into_iter().map(|alarm| (alarm.about, alarm.code)).collect()
    }

    pub fn raised(&self) -> Vec<Alarm> {
        self.queries().alarms().unwrap()
    }

    pub fn state_file(&self, name: &str) -> PathBuf {
        self.dir.path().join("state").join(name)
    }
}

pub fn partner(name: &str) -> PartnerName {
    name.parse().unwrap()
}

fn keys_made() -> Timestamp {
    "2020-01-01T00:00:00Z".parse().unwrap()
}

/// An extract of that day; `salt` makes it differ from others of the day.
pub fn extract(number: &str, day: &str, salt: &str) -> String {
    String::from_utf8(Extract::new(number, day).mark(salt).bytes().0).unwrap()
}

/// A workbook; `salt` makes it differ from others.
pub fn workbook(salt: &str) -> Vec<u8> {
    samples::mi_workbook(salt).unwrap()
}

/// Midnight to midnight.
pub fn whole_day() -> Window {
    Window { from: Time::midnight(), until: Time::midnight() }
}
