//! Any sequence of orders by three people, of settings, of time: nothing is released that two of them did not approve.

use hbcourier::domain::ledger::{Event, Facts};
use hbcourier::domain::release::APPROVED_WITHIN;
use hbcourier::domain::{Actor, Consignment, ConsignmentId, Digest, HoldReason, Revision, Standing};
use hbcourier::effects::spool::Spool;
use hbcourier::operator::Order;
use hbcourier::store::{Change, Named, NewConsignment, Queries, Recorder, StateChange, verify};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::desk::Desk;

const SEALED: &[u8] = b"sealed bytes";

#[derive(Clone, Debug)]
enum Act {
    /// By this person, so spelt; of the right bytes, under the right code.
    Approve {
        person: u32,
        spelt: usize,
        bytes: bool,
        code: bool,
    },
    Retry {
        person: u32,
    },
    Reject {
        person: u32,
    },
    /// The service holds it, if it has it in hand.
    Hold {
        reason: usize,
    },
    Settings {
        version: u8,
    },
    Time {
        hours: i64,
    },
    /// Somebody changes the spooled file, or puts it back.
    File {
        right: bool,
    },
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        12 => (0..3u32, 0..3usize, prop::bool::weighted(0.9), prop::bool::weighted(0.9))
            .prop_map(|(person, spelt, bytes, code)| Act::Approve { person, spelt, bytes, code }),
        1 => (0..3u32).prop_map(|person| Act::Retry { person }),
        1 => (0..3u32).prop_map(|person| Act::Reject { person }),
        4 => (0..3usize).prop_map(|reason| Act::Hold { reason }),
        2 => (0..2u8).prop_map(|version| Act::Settings { version }),
        3 => (-80..80i64).prop_map(|hours| Act::Time { hours }),
        1 => prop::bool::weighted(0.7).prop_map(|right| Act::File { right }),
    ]
}

fn reason(number: usize) -> HoldReason {
    [HoldReason::Unsigned, HoldReason::Stranger, HoldReason::Tampered][number].clone()
}

/// What a release must rest on, by a reckoning of its own: who approved since it was held, when, under which settings.
#[derive(Default)]
struct Reckoned(Vec<(u32, Timestamp, u8)>);

struct Case {
    state: tempfile::TempDir,
    desk: Desk,
    id: ConsignmentId,
    settings: u8,
    reckoned: Reckoned,
    releases: usize,
}

impl Case {
    fn new() -> Case {
        let state = tempfile::tempdir().unwrap();
        let now: Timestamp = "2020-06-01T00:00:00Z".parse().unwrap();
        let desk = Desk::over(state.path(), now, Digest::of(&[0]));
        let (source, digest) = ("drop-12302".parse().unwrap(), Digest::of(SEALED));
        let id = ConsignmentId::derive(&source, "native", &digest);
        let spool = Spool::open(state.path()).unwrap();
        spool.keep(spool.take(&mut &SEALED[..], 1 << 20).unwrap(), &source, &id).unwrap();
        let consignment = Consignment {
            id,
            source,
            authority: "12302".parse().unwrap(),
            received_at: now,
            sealed_digest: digest,
            sealed_bytes: SEALED.len() as u64,
            revision: Revision(0),
            standing: Standing::Collected { at: now },
            signer: None,
        };
        let name = Named::new("LAID.pgp");
        let new = NewConsignment { consignment, native: digest, name: name.commitment() };
        let facts = Facts { sealed: Some(digest), ..Facts::default() };
        let state_change = StateChange::Collect(Box::new(new));
        record(&desk, Event::Collected, facts, vec![name], state_change);
        let mut case = Case { state, desk, id, settings: 0, reckoned: Reckoned::default(), releases: 0 };
        case.holds(0);
        case
    }

    fn standing(&self) -> Consignment {
        self.desk.queries().consignment(&self.id).unwrap().unwrap().0
    }

    fn holds(&mut self, number: usize) {
        let one = self.standing();
        if one.standing.word() != "collected" {
            return;
        }
        let standing = Standing::Held { since: one.received_at, reason: reason(number), restored: false };
        let state = StateChange::Consignment {
            id: self.id,
            expect: one.revision,
            standing,
            deliveries: None,
            authority: None,
            accepts: Vec::new(),
            signer: None,
        };
        record(&self.desk, Event::Held, Facts::default(), Vec::new(), state);
        self.reckoned.0.clear();
    }

    fn spooled(&self) -> std::path::PathBuf {
        let files = crate::support::council::files_below(&self.state.path().join("spool/raw"));
        files.into_iter().next().unwrap()
    }

    fn acts(&mut self, act: &Act) {
        let why = || "as agreed".to_owned();
        match act {
            Act::Approve { person, spelt, bytes, code } => self.approves(*person, *spelt, *bytes, *code),
            Act::Retry { person } => {
                let order = Order::Retry { transfer: self.id, by: None, reason: why() };
                let _ = self.desk.gives(1000 + person, "x", &order);
            }
            Act::Reject { person } => {
                let order = Order::Reject { transfer: self.id, by: None, reason: why() };
                let _ = self.desk.gives(1000 + person, "x", &order);
            }
            Act::Hold { reason } => self.holds(*reason),
            Act::Settings { version } => {
                self.settings = *version;
                self.desk.operator.policy = Some(Digest::of(&[*version]));
            }
            Act::Time { hours } => {
                let now = self.desk.operator.clock.now();
                self.desk.clock.jump_to(now + SignedDuration::from_hours(*hours));
            }
            Act::File { right } => {
                std::fs::write(self.spooled(), if *right { SEALED } else { b"other bytes" }).unwrap();
            }
        }
    }

    fn approves(&mut self, person: u32, spelt: usize, bytes: bool, code: bool) {
        let before = self.standing();
        let is = match &before.standing {
            Standing::Held { reason, .. } => reason.notice().code,
            _ => "CN-105",
        };
        let order = Order::Approve {
            transfer: self.id,
            digest: if bytes { before.sealed_digest } else { Digest::of(b"something else") },
            code: if code { is.to_owned() } else { "CN-199".to_owned() },
            by: Some(["Bela", "bela", "Chris"][spelt].to_owned()),
            reason: "as agreed".to_owned(),
        };
        let name = ["anna", "Anna ", "bela"][spelt];
        let done = self.desk.gives(1000 + person, name, &order);
        let after = self.standing();
        let now = self.desk.operator.clock.now();
        if after.standing.word() == "collected" && before.standing.word() == "held" {
            self.releases += 1;
            let agreed = self.reckoned.0.iter().any(|(other, at, settings)| {
                *other != person && *settings == self.settings && at.duration_since(now).abs() <= APPROVED_WITHIN
            });
            assert!(agreed && bytes && code, "released without a second person: {done:?}");
            assert_eq!(std::fs::read(self.spooled()).unwrap(), SEALED, "released, and not what was collected");
            assert!(matches!(
                before.standing,
                Standing::Held { reason: HoldReason::Unsigned | HoldReason::Stranger, .. }
            ));
            self.reckoned.0.clear();
        } else if done.is_ok() {
            assert_eq!(after.standing, before.standing, "a first approval moves nothing");
            self.reckoned.0.push((person, now, self.settings));
        } else if after.standing != before.standing {
            assert!(matches!(after.standing, Standing::Held { reason: HoldReason::SpoolChanged, .. }), "{done:?}");
            self.reckoned.0.clear();
        }
    }
}

fn record(desk: &Desk, event: Event, facts: Facts, names: Vec<Named>, state: StateChange) {
    let at = desk.operator.clock.now();
    desk.store.recorder().record(Change { at, actor: Actor::Service, event, facts, names, state }).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_released_by_fewer_than_two_people(acts in prop::collection::vec(act(), 1..40)) {
        let mut case = Case::new();
        for act in &acts {
            case.acts(act);
        }
        let verdict = verify(&case.desk.queries()).unwrap();
        prop_assert!(verdict.ok, "{}", verdict.says);
    }
}

/// The walk above does release, where two people agree.
#[test]
fn two_people_release_and_retry_settings_time_and_the_code_end_an_approval() {
    let right = |person| Act::Approve { person, spelt: 0, bytes: true, code: true };
    let wrong_code = Act::Approve { person: 1, spelt: 0, bytes: true, code: false };
    let hold = |reason| Act::Hold { reason };
    let time = |hours| Act::Time { hours };
    let sequences: [(&str, Vec<Act>, usize); 10] = [
        ("two people", vec![right(0), right(1)], 1),
        ("one person, twice", vec![right(0), right(0), right(0)], 0),
        ("72 hours", vec![right(0), time(72), right(1)], 1),
        ("73 hours", vec![right(0), time(73), right(1)], 0),
        ("73 hours, and the first once more", vec![right(0), time(73), right(1), right(0)], 1),
        ("other settings", vec![right(0), Act::Settings { version: 1 }, right(1)], 0),
        ("tried again", vec![right(0), Act::Retry { person: 2 }, hold(0), right(1)], 0),
        ("held for something else", vec![right(0), Act::Retry { person: 2 }, hold(1), right(1), right(0)], 1),
        ("another code", vec![right(0), wrong_code], 0),
        (
            "changed",
            vec![right(0), Act::File { right: false }, right(1), Act::File { right: true }, right(1), right(0)],
            0,
        ),
    ];
    for (what, acts, releases) in sequences {
        let mut case = Case::new();
        acts.iter().for_each(|act| case.acts(act));
        assert_eq!(case.releases, releases, "{what}");
    }
}

/// At one time: whoever is recorded second meets the first, so that two people's approvals never pass each other.
#[test]
fn two_approvals_at_one_time_release_it() {
    for _ in 0..20 {
        let case = Case::new();
        let consignment = case.standing();
        let order = super::people::approval(&consignment, "as agreed");
        let start = std::sync::Barrier::new(2);
        let done: Vec<_> = std::thread::scope(|scope| {
            let give = |uid: u32| {
                start.wait();
                case.desk.gives(uid, "x", &order)
            };
            let both = [1001, 1002].map(|uid| scope.spawn(move || give(uid)));
            both.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert!(done.iter().all(Result::is_ok), "{done:?}");
        assert_eq!(case.standing().standing.word(), "collected", "{done:?}");
        let verdict = verify(&case.desk.queries()).unwrap();
        assert!(verdict.ok, "{}", verdict.says);
    }
}
