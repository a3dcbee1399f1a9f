//! The role matrix: every order by everybody, with and without groups configured, on a real store.
//!
//! Holds: an order that is added does not compile here until it has a sample and a line of who may give it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

use super::*;
use crate::checkpoints::Checkpoints;
use crate::config::settings::{GroupName, Roles};
use crate::domain::ledger::{Entry, Event};
use crate::domain::timetable::InForce;
use crate::domain::{Digest, HeldSubject, LegacyAlgorithm, PartnerName, Stage};
use crate::effects::accounts::{Account, Accounts};
use crate::effects::clock::MachineClock;
use crate::effects::ledger_key::{KEY_FILE, LedgerKey};
use crate::effects::pgp::{KeyAlgorithm, KeyRing, OwnKey, SecretKeyBytes};
use crate::effects::spool::Spool;
use crate::operator::OwnKeyAlgorithm;
use crate::store::samples::{at, collect, held, id, key, open_workbook, owe, return_to, sealed, staged};
use crate::store::{
    Change, ConsignmentFilter, Keeping, Queries, Recorder, SqliteQueries, SqliteStore, SubmissionFilter, verify,
};

const APRIL: &str = "shbe/12302/2020-04";
const TIMETABLE: &str = include_str!("../../../config/timetables/2020-21.toml");
/// The service's own account.
const OWN: u32 = 900;
/// What lies in the spool of the first consignment.
const SPOOLED: [u8; 4] = 1u32.to_be_bytes();
/// In the same group as the keymaster, who is number 1004.
const KEYMASTER_TOO: u32 = 2004;

/// Who may give it, in words: written down a second time, apart from the table.
fn may_give(kind: OrderKind) -> &'static str {
    match kind {
        OrderKind::Retry | OrderKind::Reject => "operator releaser",
        OrderKind::Approve => "releaser",
        OrderKind::Confirm | OrderKind::Resend | OrderKind::Waive | OrderKind::Close => "operator",
        OrderKind::Activate => "operator admin",
        OrderKind::ImportKey | OrderKind::Trust | OrderKind::Retire | OrderKind::Except | OrderKind::Generate => {
            "keymaster"
        }
        OrderKind::ReadNames => "operator releaser auditor",
        OrderKind::PlaceHold | OrderKind::LiftHold => "auditor admin",
        OrderKind::Checkpoint => "operator auditor admin",
        OrderKind::BackedUp | OrderKind::SettleRestore => "admin",
    }
}

/// An order of this kind that fits what [`prepared`] recorded. `folder` is for what it needs besides.
fn sample(kind: OrderKind, folder: &Path) -> Order {
    let (by, reason) = (None, "as agreed".to_owned());
    let decide = |decision| Order::Return { key: key(APRIL), decision, by: None, reason: "as agreed".to_owned() };
    match kind {
        OrderKind::Retry => Order::Retry { transfer: id(1), by, reason },
        OrderKind::Reject => Order::Reject { transfer: id(1), by, reason },
        OrderKind::Approve => {
            Order::Approve { transfer: id(1), digest: Digest::of(&SPOOLED), code: "CN-105".to_owned(), by, reason }
        }
        OrderKind::Confirm => decide(ReturnOrder::Confirm),
        OrderKind::Resend => decide(ReturnOrder::Resend),
        OrderKind::Waive => decide(ReturnOrder::Waive),
        OrderKind::Close => Order::CloseWorkbook { workbook: "12302/2020-04".parse().unwrap(), by, reason },
        OrderKind::Activate => Order::ActivateTimetable { text: TIMETABLE.to_owned(), accept: Vec::new(), by, reason },
        OrderKind::ImportKey | OrderKind::Trust | OrderKind::Retire | OrderKind::Except | OrderKind::Generate => {
            Order::Keys(of_keys(kind, folder))
        }
        OrderKind::ReadNames => Order::ReadNames { transfer: id(1), by, reason },
        OrderKind::PlaceHold => Order::PlaceHold { on: HeldSubject::Transfer(id(1)), by, reason },
        OrderKind::LiftHold => Order::LiftHold { on: HeldSubject::Transfer(id(4)), by, reason },
        OrderKind::BackedUp => {
            let (manifest, root) = (Digest::of(b"list"), Digest::of(b""));
            Order::BackedUp { manifest, entries: 0, root, by, reason: Some(reason) }
        }
        OrderKind::SettleRestore => Order::SettleRestore { by, reason },
        OrderKind::Checkpoint => Order::Checkpoint { by, reason: Some(reason) },
    }
}

fn of_keys(kind: OrderKind, folder: &Path) -> KeyOrder {
    let (made, certificate) = dwp_key(folder);
    let (partner, fingerprint): (PartnerName, _) = ("dwp".parse().unwrap(), made.fingerprint);
    let (from, reason) = (None, "as agreed".to_owned());
    match kind {
        OrderKind::ImportKey => {
            let secret = fs::read(folder.join("keys/own").join(format!("{fingerprint}.asc"))).unwrap();
            KeyOrder::ImportOwn { key: SecretKeyBytes::from(secret) }
        }
        OrderKind::Trust => KeyOrder::Trust { partner, certificate: Some(certificate), fingerprint, from },
        OrderKind::Retire => {
            KeyOrder::Retire { partner: Some(partner), fingerprint, from, compromised_since: None, reason }
        }
        OrderKind::Except => {
            let until = Timestamp::now() + SignedDuration::from_hours(24);
            KeyOrder::Except { partner, allow: LegacyAlgorithm::Sha1, from, until, reason }
        }
        _ => KeyOrder::Generate { algorithm: OwnKeyAlgorithm::Curve25519, user_id: "council".to_owned() },
    }
}

/// A key of DWP's, made once for a folder, and its certificate.
fn dwp_key(folder: &Path) -> (OwnKey, Vec<u8>) {
    let dwp = KeyRing::at(folder);
    let made = dwp.generate("dwp", KeyAlgorithm::Curve25519, at(0), Duration::from_secs(1 << 30)).unwrap();
    (made, dwp.export_own().unwrap())
}

/// What must have been done before, by somebody else, for the order to fit.
fn come_before(order: &Order, scene: &Scene, folder: &Path) {
    let dwp = || -> PartnerName { "dwp".parse().unwrap() };
    match order {
        Order::Keys(KeyOrder::Trust { certificate: Some(certificate), .. }) => {
            // Where there are no keymasters this is refused, and one person will do.
            let import = KeyOrder::Import { partner: dwp(), certificate: certificate.clone(), from: None };
            let _ = scene.operator.execute(&actor(KEYMASTER_TOO), &Order::Keys(import));
        }
        Order::Keys(KeyOrder::Retire { fingerprint, .. }) => {
            let certificate = KeyRing::at(folder).export_own().unwrap();
            scene.operator.keys.trust(&dwp(), &certificate, Some(fingerprint), Timestamp::now()).unwrap();
        }
        Order::LiftHold { on, .. } => {
            let hold = Order::PlaceHold { on: on.clone(), by: None, reason: "as agreed".to_owned() };
            scene.operator.execute(&actor(OWN), &hold).unwrap();
        }
        Order::SettleRestore { .. } => {
            let (at, event, about) = (at(60), Event::AlarmRaised, "a backup".to_owned());
            let notice = crate::domain::alarm::AlarmReason::Restored.notice(&about);
            let facts = crate::domain::ledger::Facts {
                about: Some(about.clone()),
                code: Some(notice.code.to_owned()),
                ..Default::default()
            };
            let state = crate::store::StateChange::Alarm { about, notice: Some(notice) };
            let change = Change { at, actor: Actor::Service, event, facts, names: Vec::new(), state };
            // Of an earlier run with the same scene it may still be raised.
            let _ = scene.operator.recorder.record(change);
        }
        _ => {}
    }
}

/// What is there before: something held, a return of which nobody knows whether it arrived, a workbook.
fn prepared() -> Vec<Change> {
    let sending = Stage::Sending { at: at(1), attempt: 1, boot: "boot".into(), place: None };
    let delivered = crate::domain::Standing::Delivered { at: at(9) };
    vec![
        collect(1),
        held(1, 0),
        collect(4),
        staged(4, 0, 50),
        crate::store::samples::move_to(4, 1, Event::Delivered, delivered),
        open_workbook(4, 0, "2020-04"),
        owe(APRIL),
        return_to(APRIL, 0, Event::Sealed, Stage::Sealed, Some(sealed())),
        return_to(APRIL, 1, Event::Sending, sending, None),
        return_to(APRIL, 2, Event::Uncertain, Stage::Uncertain { since: at(9), restored: false }, None),
    ]
}

/// The accounts with numbers 1000 + n and 2000 + n are in the group with number n, and in no other.
struct OneGroupEach;

impl Accounts for OneGroupEach {
    fn account(&self, uid: u32) -> io::Result<Account> {
        let groups = uid.checked_sub(1000).map(|uid| uid % 1000).into_iter().collect();
        Ok(Account { uid, names: vec![format!("account-{uid}")], groups })
    }

    fn group(&self, name: &str) -> io::Result<Option<u32>> {
        Ok(Role::ALL.iter().position(|role| name == format!("hb-{role}")).map(|at| u32::try_from(at).unwrap()))
    }
}

/// Somebody, and the roles that they must have.
struct Somebody {
    uid: u32,
    roles: &'static str,
}

/// Which groups are configured, and who is who then.
fn everybody() -> Vec<(&'static str, Roles, Vec<Somebody>)> {
    let named = |without: Option<Role>| -> Roles {
        let group = |role: Role| -> Vec<GroupName> { vec![format!("hb-{role}").parse().unwrap()] };
        Role::ALL.into_iter().filter(|role| Some(*role) != without).map(|role| (role, group(role))).collect()
    };
    let people = |sudo: &'static str, roles: [&'static str; 6]| {
        let stranger = Somebody { uid: 1999, roles: "" };
        let sudo = [0, OWN].map(|uid| Somebody { uid, roles: sudo });
        let others = roles.into_iter().enumerate();
        let others = others.map(|(n, roles)| Somebody { uid: 1000 + u32::try_from(n).unwrap(), roles });
        others.chain(sudo).chain([stranger]).collect()
    };
    let each = ["viewer", "operator", "releaser", "auditor", "keymaster", "admin"];
    let but_keymaster = ["viewer", "operator", "releaser", "auditor", "", "admin"];
    let usual = "viewer operator auditor admin";
    let with_keys = "viewer operator auditor admin keymaster";
    vec![
        ("no groups", Roles::default(), people(with_keys, [""; 6])),
        ("every group", named(None), people(usual, each)),
        ("no group of keymasters", named(Some(Role::Keymaster)), people(with_keys, but_keymaster)),
    ]
}

/// What signs the ledger of this store; nobody keeps it elsewhere.
fn checkpoints(state: &Path, store: &SqliteStore) -> Checkpoints {
    let name = "hbcourier/12302";
    LedgerKey::make(state, name).unwrap();
    let secret = SecretString::from(fs::read_to_string(state.join(KEY_FILE)).unwrap());
    Checkpoints {
        recorder: Arc::new(store.recorder()),
        queries: Arc::new(store.queries()),
        key: LedgerKey::open(state, name, &secret).unwrap(),
        clock: Arc::new(MachineClock),
        recipients: Vec::new(),
        making: Mutex::default(),
    }
}

/// A real store in a folder of its own.
struct Scene {
    dir: tempfile::TempDir,
    store: SqliteStore,
    operator: Operator,
}

impl Scene {
    fn new(roles: &Roles) -> Scene {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state");
        fs::create_dir_all(&state).unwrap();
        let store = SqliteStore::open(&state).unwrap();
        for change in prepared() {
            store.recorder().record(change).unwrap();
        }
        let spool = Spool::open(&state).unwrap();
        // As `collect(1)` says of its bytes.
        fs::write(state.join("spool/raw").join(format!("drop-12302.{}", id(1))), SPOOLED).unwrap();
        let operator = Operator {
            recorder: Arc::new(store.recorder()),
            queries: Arc::new(store.queries()),
            spool: Arc::new(spool),
            policy: Some(Digest::of(b"settings")),
            keys: Arc::new(KeyRing::at(&state)),
            clock: Arc::new(MachineClock),
            timetables: InForce::default(),
            people: Arc::new(People::new(roles.clone(), Arc::new(OneGroupEach), OWN)),
            checkpoints: Some(Arc::new(checkpoints(&state, &store))),
        };
        Scene { dir, store, operator }
    }

    fn queries(&self) -> SqliteQueries {
        self.store.queries()
    }

    fn ledger(&self) -> Vec<Entry> {
        let lines = self.queries().ledger(0, 1000).unwrap();
        lines.iter().map(|(_, line)| serde_json::from_slice(line).unwrap()).collect()
    }

    /// Everything but the ledger, in words.
    fn everything(&self) -> String {
        let queries = self.queries();
        let consignments = queries.consignments(&ConsignmentFilter::default()).unwrap();
        let submissions = queries.submissions(&SubmissionFilter::default()).unwrap();
        let others = (queries.workbooks(None).unwrap(), queries.timetables().unwrap(), queries.alarms().unwrap());
        let deliveries = consignments.iter().map(|one| queries.deliveries(&one.id).unwrap()).collect::<Vec<_>>();
        let others = (others, queries.checkpoints(0, 100).unwrap(), queries.key_steps().unwrap());
        let others = (others, queries.legal_holds().unwrap());
        format!("{consignments:?} {deliveries:?} {submissions:?} {others:?} {:?}", self.key_files())
    }

    fn key_files(&self) -> BTreeMap<std::path::PathBuf, Digest> {
        let mut files = BTreeMap::new();
        let mut folders = vec![self.dir.path().join("state/keys")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                match entry.path() {
                    path if path.is_dir() => folders.push(path),
                    path => drop(files.insert(path.clone(), Digest::of(&fs::read(path).unwrap()))),
                }
            }
        }
        files
    }
}

#[test]
fn every_order_by_everybody_succeeds_exactly_where_the_table_says() {
    let (mut granted, mut denied) = (0, 0);
    for (configured, roles, people) in everybody() {
        for kind in OrderKind::ALL {
            // What is refused leaves no trace but its entry, so one store serves for all who are refused.
            let refusing = Scene::new(&roles);
            let folder = refusing.dir.path().join("dwp");
            let order = sample(*kind, &folder);
            for Somebody { uid, roles: has } in &people {
                let case = format!("{kind:?} by {uid} ({has}) with {configured}");
                assert_eq!(order.kind(), *kind, "{case}");
                let may = has.split_whitespace().any(|role| may_give(*kind).split_whitespace().any(|may| may == role));
                if may {
                    granted += 1;
                    let scene = Scene::new(&roles);
                    come_before(&order, &scene, &folder);
                    is_carried_out(&scene, *uid, &order, &case);
                } else {
                    denied += 1;
                    is_refused(&refusing, *uid, &order, has, &case);
                }
            }
            assert!(verify(&refusing.queries()).unwrap().ok, "{kind:?} with {configured}");
        }
    }
    // Each order, 9 people, 3 ways to configure groups.
    assert_eq!(granted + denied, OrderKind::ALL.len() * 9 * 3);
    assert!(granted > 50 && denied > 100, "{granted} {denied}");
}

fn actor(uid: u32) -> Actor {
    Actor::Account { uid, name: format!("account-{uid}") }
}

fn is_carried_out(scene: &Scene, uid: u32, order: &Order, case: &str) {
    let (before, entries) = (scene.everything(), scene.ledger().len());
    let done = scene.operator.execute(&actor(uid), order);
    let done = done.unwrap_or_else(|refused| panic!("{case}: {refused}"));
    // Names are only shown, and of a backup there is nothing but the entry.
    let is_told = done.names.is_some() || matches!(order, Order::BackedUp { .. });
    let came_of_it = is_told || scene.everything() != before;
    assert!(came_of_it, "{case}: nothing came of it");
    let told = scene.ledger().split_off(entries);
    assert!(!told.is_empty() && told.iter().all(|entry| entry.actor == actor(uid)), "{case}: {told:?}");
    assert!(told.iter().all(|entry| entry.event != Event::OrderRefused), "{case}: {told:?}");
}

fn is_refused(scene: &Scene, uid: u32, order: &Order, has: &str, case: &str) {
    let (before, entries) = (scene.everything(), scene.ledger().len());
    let Err(refused) = scene.operator.execute(&actor(uid), order) else { panic!("{case}: it was carried out") };
    assert!(refused.is_recorded() && matches!(refused, Refused::NotAllowed(_)), "{case}: {refused}");
    assert_eq!(scene.everything(), before, "{case}: something came of it");
    let told = scene.ledger().split_off(entries);
    let [entry] = told.as_slice() else { panic!("{case}: {told:?}") };
    let code = if has.is_empty() { NO_ROLE } else { NOT_ALLOWED };
    assert_eq!((&entry.actor, entry.event), (&actor(uid), Event::OrderRefused), "{case}");
    assert_eq!((entry.facts.code.as_deref(), entry.facts.about.as_deref()), (Some(code), Some(order.word())), "{case}");
    let says = refused.to_string();
    assert!(
        says.starts_with(code) && says.contains(order.kind().command()) && says.contains(&format!("({uid})")),
        "{case}: {says}"
    );
}

#[test]
fn a_denial_says_what_it_takes_what_one_has_and_whom_to_ask() {
    let roles: Roles = [(Role::Viewer, "hb-viewer"), (Role::Operator, "hb-operator"), (Role::Releaser, "hb-releaser")]
        .into_iter()
        .map(|(role, group)| (role, vec![group.parse().unwrap()]))
        .collect();
    let scene = Scene::new(&roles);
    let says = |uid, kind| {
        let order = sample(kind, &scene.dir.path().join("dwp"));
        scene.operator.execute(&actor(uid), &order).unwrap_err().to_string()
    };
    assert_eq!(
        says(1000, OrderKind::Retry),
        "CN-558: `hbcourier held retry` takes the role operator or releaser, and the account account-1000 (1000) has \
         the role viewer; ask somebody in the group `hb-operator` or `hb-releaser`"
    );
    assert!(says(1000, OrderKind::Trust).ends_with("no group has that role: name one in `[roles]`"));
    assert!(says(1999, OrderKind::Waive).starts_with("CN-559: `hbcourier returns waive` takes the role operator, and"));
}

#[test]
fn whoever_may_do_anything_may_look_and_the_ledger_takes_more() {
    let may_look = |role: Role, look: Look| may(&BTreeSet::from([role]), look.needs());
    for role in Role::ALL {
        assert!(may_look(role, Look::Work), "{role}");
        let ledger = matches!(role, Role::Operator | Role::Auditor | Role::Admin);
        assert_eq!(may_look(role, Look::Ledger), ledger, "{role}");
    }
    assert!(Look::ALL.iter().all(|look| !may(&BTreeSet::new(), look.needs())));
}

#[test]
fn words_are_joined_as_people_write_them() {
    assert_eq!(["", "a", "a or b", "a, b or c", "a, b, c or d"].map(str::to_owned), {
        let upto = |n: usize| either(["a", "b", "c", "d"].into_iter().take(n));
        [upto(0), upto(1), upto(2), upto(3), upto(4)]
    });
}
