//! An office: a state directory with a store, an own key, a clock that tests set, and people who give orders.

use std::io::Cursor;
use std::sync::Arc;
use std::time::Duration;

use hbcourier::domain::ledger::{Entry, Event, Facts};
use hbcourier::domain::timetable::InForce;
use hbcourier::domain::{
    Actor, Consequence, Consignment, ConsignmentId, Digest, Fingerprint, PartnerName, Revision, Role, Standing,
};
use hbcourier::effects::clock::Clock;
use hbcourier::effects::pgp::{
    KeyAlgorithm, KeyRing, OpenError, OpenRequest, Opener, SealError, SealRequest, Sealer, Signers, Verdict,
};
use hbcourier::effects::spool::Spool;
use hbcourier::operator::{Done, KeyOrder, Operator, Order, People, Refused};
use hbcourier::store::{Change, Named, NewConsignment, Queries, Recorder, SqliteStore, StateChange, verify};
use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;

use crate::support::everybody::people;
use crate::support::partner::Partner;
use crate::support::virtual_clock::VirtualClock;

pub const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
/// The service's own account.
pub const SERVICE: u32 = 990;
/// Who looks after everything alone, from the service's own account.
const ALONE: u32 = 1001;
pub struct Office {
    pub state: TempDir,
    pub keys: Arc<KeyRing>,
    pub clock: Arc<VirtualClock>,
    pub store: SqliteStore,
    operator: Operator,
}

impl Office {
    /// Where one person decides.
    pub fn of_one() -> Office {
        Office::new(people(&[], ALONE))
    }

    /// Where two must agree.
    pub fn of_two() -> Office {
        Office::new(people(&[Role::Keymaster], SERVICE))
    }

    fn new(people: Arc<People>) -> Office {
        let state = tempfile::tempdir().unwrap();
        let keys = Arc::new(KeyRing::at(state.path()));
        let clock = Arc::new(VirtualClock::showing("2020-01-01T00:00:00"));
        clock.jump_to(Timestamp::now());
        // Older than any that a test makes: two of one second could not be told apart.
        let earlier = clock.now() - SignedDuration::from_hours(1);
        keys.generate("Council", KeyAlgorithm::Curve25519, earlier, 2 * YEAR).unwrap();
        // Ahead of the partners, whose keys are made while a test runs.
        clock.advance(Duration::from_secs(60));
        let store = SqliteStore::open(state.path()).unwrap();
        let operator = Operator {
            recorder: Arc::new(store.recorder()),
            queries: Arc::new(store.queries()),
            spool: Arc::new(Spool::open(state.path()).unwrap()),
            keys: keys.clone(),
            policy: None,
            people,
            clock: clock.clone(),
            timetables: InForce::default(),
            checkpoints: None,
        };
        Office { state, keys, clock, store, operator }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn passes(&self, days: i64) {
        self.clock.advance(Duration::from_secs(days as u64 * 86_400));
    }

    /// In so many days from now.
    pub fn day(&self, days: i64) -> Timestamp {
        self.now() + SignedDuration::from_hours(24 * days)
    }

    /// The account with this number gives an order.
    pub fn order(&self, uid: u32, order: KeyOrder) -> Result<Done, String> {
        let actor = Actor::Account { uid, name: format!("account {uid}") };
        self.operator.execute(&actor, &Order::Keys(order)).map_err(|refused| {
            let is_answered = matches!(refused, Refused::Unfit(_) | Refused::NotAllowed(_) | Refused::Unfinished(_));
            assert!(is_answered, "{refused}");
            refused.to_string()
        })
    }

    pub fn imports(&self, uid: u32, certificate: &[u8]) -> Result<Done, String> {
        let certificate = certificate.to_vec();
        self.order(uid, KeyOrder::Import { partner: dwp(), certificate, from: None })
    }

    pub fn trusts(&self, uid: u32, certificate: &[u8], from: Option<Timestamp>) -> Result<Done, String> {
        let fingerprint = hbcourier::effects::pgp::trust::fingerprint_of(certificate).unwrap();
        let certificate = Some(certificate.to_vec());
        self.order(uid, KeyOrder::Trust { partner: dwp(), certificate, fingerprint, from })
    }

    pub fn agrees(&self, uid: u32, fingerprint: &Fingerprint) -> Result<Done, String> {
        let fingerprint = fingerprint.clone();
        self.order(uid, KeyOrder::Trust { partner: dwp(), certificate: None, fingerprint, from: None })
    }

    pub fn retires(
        &self,
        partner: Option<PartnerName>,
        fingerprint: &Fingerprint,
        from: Option<Timestamp>,
        compromised_since: Option<Timestamp>,
    ) -> Result<Done, String> {
        let (fingerprint, reason) = (fingerprint.clone(), "yearly rotation".to_owned());
        self.order(1001, KeyOrder::Retire { partner, fingerprint, from, compromised_since, reason })
    }

    /// Both sides know each other.
    pub fn meets(&self, partner: &mut Partner) {
        self.trusts(1001, &partner.certificate(), None).unwrap();
        partner.trusts(&self.keys.export_own().unwrap());
    }

    pub fn opens(&self, sealed: &[u8], at: Timestamp) -> Result<Verdict, OpenError> {
        self.opens_from(&[dwp()], sealed, at)
    }

    pub fn opens_from(&self, from: &[PartnerName], sealed: &[u8], at: Timestamp) -> Result<Verdict, OpenError> {
        let request = OpenRequest { at, signers: Signers::Partners(from), plaintext_bytes_max: 1 << 20, waived: None };
        self.keys.open(&mut Cursor::new(sealed), &mut Vec::new(), &request)
    }

    pub fn holds(&self, sealed: &[u8], at: Timestamp) -> Consequence {
        self.opens(sealed, at).expect_err("it must not open").consequence()
    }

    pub fn seals(&self, at: Timestamp) -> Vec<u8> {
        self.tries_to_seal(at).unwrap()
    }

    pub fn tries_to_seal(&self, at: Timestamp) -> Result<Vec<u8>, SealError> {
        let (to, mut sealed) = ([dwp()], Vec::new());
        let request = SealRequest { to: &to, file_name: "return.txt", at, armour: false };
        self.keys.seal(&mut Cursor::new(b"return"), &mut sealed, &request)?;
        Ok(sealed)
    }

    /// A transfer that was accepted with this signature, received at this time.
    pub fn accepted(&self, n: u32, signer: &Fingerprint, at: Timestamp) -> ConsignmentId {
        let source = "drop-12302".parse().unwrap();
        let digest = Digest::of(&n.to_be_bytes());
        let id = ConsignmentId::derive(&source, &n.to_string(), &digest);
        let consignment = Consignment {
            id,
            source,
            authority: "12302".parse().unwrap(),
            received_at: at,
            sealed_digest: digest,
            sealed_bytes: 4,
            revision: Revision(0),
            standing: Standing::Collected { at },
            signer: None,
        };
        let named = Named::new(format!("secret-name-{n}"));
        let facts = Facts {
            source: Some(consignment.source.clone()),
            name: Some(named.commitment()),
            sealed: Some(digest),
            ..Facts::default()
        };
        let name = named.commitment();
        let state = StateChange::Collect(Box::new(NewConsignment { consignment, native: digest, name }));
        self.record(Event::Collected, facts, vec![named], state, at);
        let state = StateChange::Consignment {
            id,
            expect: Revision(0),
            standing: Standing::Staged { at, boot: "boot".into() },
            deliveries: Some(Vec::new()),
            authority: None,
            accepts: vec![digest],
            signer: Some(signer.clone()),
        };
        self.record(Event::Staged, Facts::default(), Vec::new(), state, at);
        id
    }

    fn record(&self, event: Event, facts: Facts, names: Vec<Named>, state: StateChange, at: Timestamp) {
        let change = Change { at, actor: Actor::Service, event, facts, names, state };
        self.store.recorder().record(change).unwrap();
    }

    pub fn ledger(&self) -> Vec<Entry> {
        let lines = self.store.queries().ledger(0, 1000).unwrap();
        lines.iter().map(|(_, line)| serde_json::from_slice(line).unwrap()).collect()
    }

    pub fn events(&self) -> Vec<String> {
        self.ledger().iter().map(|entry| entry.event.to_string()).collect()
    }

    /// The ledger and the store agree.
    pub fn is_sound(&self) {
        let verdict = verify(&self.store.queries()).unwrap();
        assert!(verdict.ok, "{}", verdict.says);
    }
}

pub fn dwp() -> PartnerName {
    "dwp".parse().unwrap()
}
