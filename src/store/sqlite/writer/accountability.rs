//! Any sequence of changes in batches of any size, sensible or not: the store does what the rules say, its ledger tells
//! exactly that, and a refused change leaves no trace.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proptest::prelude::*;

use super::tests::writer;
use crate::domain::ledger::{Entry, Event};
use crate::domain::{
    Answer, DeferCause, HoldReason, RejectReason, Resume, ReturnOrder, Revision, Stage, Standing, consignment,
    submission,
};
use crate::store::samples::*;
use crate::store::{Change, ConsignmentFilter, Queries, RecordError, Recorded, SqliteStore, SubmissionFilter, verify};

#[derive(Clone, Debug)]
enum Step {
    Collect(u32),
    Move { n: u32, stale: bool, to: usize, claims: u32 },
    Owe(usize),
    MoveReturn { n: usize, stale: bool, to: usize },
    Remark,
}

const KEYS: [&str; 2] = ["shbe/12302/2020-04", "hbms-mi/12302/2020-04"];

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0..3u32).prop_map(Step::Collect),
        8 => (0..3u32, prop::bool::weighted(0.1), 0..8usize, 0..2u32)
            .prop_map(|(n, stale, to, claims)| Step::Move { n, stale, to, claims }),
        1 => (0..KEYS.len()).prop_map(Step::Owe),
        6 => (0..KEYS.len(), prop::bool::weighted(0.1), 0..14usize)
            .prop_map(|(n, stale, to)| Step::MoveReturn { n, stale, to }),
        1 => Just(Step::Remark),
    ]
}

fn standing(number: usize) -> (Event, Standing) {
    match number {
        0 => (Event::RetryOrdered, Standing::Collected { at: at(1) }),
        1 => (Event::Staged, Standing::Staged { at: at(2), boot: "boot".into() }),
        2 => {
            let (cause, resume) = (DeferCause::SpoolUnreadable, Resume::Opening);
            (Event::Deferred, Standing::Deferred { until: at(3), attempts: 2, cause, resume })
        }
        3 => (Event::Held, Standing::Held { since: at(4), reason: HoldReason::Tampered, restored: false }),
        4 => (Event::Delivered, Standing::Delivered { at: at(5) }),
        5 => (Event::Closed, Standing::Closed { at: at(6) }),
        6 => (Event::Rejected, Standing::Rejected { at: at(7), reason: RejectReason::NoIntegrity }),
        _ => (Event::Answered, Standing::Matched { at: at(3) }),
    }
}

fn stage(number: usize) -> (Event, Stage) {
    let reply = || "250 ok".to_owned();
    match number {
        0 => (Event::Scheduled, Stage::Scheduled),
        1 | 2 => (Event::Sealed, Stage::Sealed),
        3 => (Event::Sending, Stage::Sending { at: at(1), attempt: 1, boot: "boot".into(), place: None }),
        4 => (Event::Sent, Stage::Sent { at: at(2), reply: reply() }),
        5 => (Event::Uncertain, Stage::Uncertain { since: at(3), restored: false }),
        6 => (Event::SendFailed, Stage::Failed { at: at(4), reply: reply() }),
        7 => (Event::Missed, Stage::Missed { since: at(5) }),
        8 => (
            Event::SendDeferred,
            Stage::Deferred { until: at(6), attempts: 1, cause: DeferCause::CourierBusy, reply: None },
        ),
        9 => (Event::ReturnOrdered, Stage::Acknowledged { at: at(7) }),
        10 => (Event::ReturnOrdered, Stage::Sealed),
        11 => (Event::ReturnOrdered, Stage::Scheduled),
        12 => (Event::ReturnOrdered, Stage::Waived { at: at(8) }),
        _ => (Event::ResentByPolicy, Stage::Sealed),
    }
}

/// What the store should hold, by the rules alone.
#[derive(Default)]
struct Model {
    consignments: BTreeMap<u32, (i64, Standing)>,
    returns: BTreeMap<usize, (i64, Stage)>,
    /// Those that a person ordered, or the policy decided, to be sent.
    ordered: BTreeSet<usize>,
    /// Content number to consignment number.
    claims: BTreeMap<u32, u32>,
    events: Vec<Event>,
}

/// The revision, or the name of the refusal.
type Outcome = Result<i64, &'static str>;

impl Model {
    fn change(&self, step: &Step) -> Change {
        let expect = |revision: Option<i64>, stale: bool| revision.unwrap_or(0) + i64::from(stale);
        match *step {
            Step::Collect(n) => collect(n),
            Step::Owe(n) => owe(KEYS[n]),
            Step::Remark => remark(),
            Step::Move { n, stale, to, claims } => {
                let (event, standing) = standing(to);
                let expect = expect(self.consignments.get(&n).map(|row| row.0), stale);
                match to {
                    1 => staged(n, expect, claims),
                    7 => answer(n, expect, KEYS[0], Answer::Delayed),
                    _ => move_to(n, expect, event, standing),
                }
            }
            Step::MoveReturn { n, stale, to } => {
                let (event, stage) = stage(to);
                let expect = expect(self.returns.get(&n).map(|row| row.0), stale);
                let mut change = return_to(KEYS[n], expect, event, stage, (to == 1).then(sealed));
                change.facts.order = matches!(to, 10 | 11).then_some(ReturnOrder::Resend);
                change.facts.sealed = (to == 10).then(|| sealed().sealed).or(change.facts.sealed);
                change
            }
        }
    }

    fn make(&mut self, step: &Step) -> Outcome {
        match *step {
            Step::Remark => Ok(0),
            Step::Collect(n) if self.consignments.contains_key(&n) => Err("exists"),
            Step::Collect(n) => {
                self.consignments.insert(n, (0, consignment(n).standing));
                Ok(0)
            }
            Step::Owe(n) if self.returns.contains_key(&n) => Err("exists"),
            Step::Owe(n) => {
                self.returns.insert(n, (0, Stage::Scheduled));
                Ok(0)
            }
            Step::Move { n, stale, to, claims } => {
                let Some(row) = self.consignments.get_mut(&n).filter(|_| !stale) else { return Err("stale") };
                let standing = standing(to).1;
                if !consignment::allowed(&row.1, &standing) {
                    return Err("not allowed");
                }
                if to == 1 && *self.claims.get(&claims).unwrap_or(&n) != n {
                    return Err("accepted before");
                }
                match to {
                    1 => drop(self.claims.insert(claims, n)),
                    6 => self.claims.retain(|_, of| *of != n),
                    _ => {}
                }
                *row = (row.0 + 1, standing);
                Ok(row.0)
            }
            Step::MoveReturn { n, stale, to } => {
                let Some(row) = self.returns.get_mut(&n).filter(|_| !stale) else { return Err("stale") };
                let stage = stage(to).1;
                if !submission::allowed(&row.1, &stage) {
                    return Err("not allowed");
                }
                if matches!(to, 10 | 11 | 13) {
                    self.ordered.insert(n);
                }
                *row = (row.0 + 1, stage);
                Ok(row.0)
            }
        }
    }
}

fn outcome(answer: Result<Recorded, RecordError>) -> Outcome {
    match answer {
        Ok(recorded) => Ok(recorded.revision.0),
        Err(RecordError::Stale { .. }) => Err("stale"),
        Err(RecordError::Exists { .. }) => Err("exists"),
        Err(RecordError::AcceptedBefore { .. }) => Err("accepted before"),
        Err(RecordError::NotAllowed { .. }) => Err("not allowed"),
        Err(RecordError::Unavailable(_)) => Err("unavailable"),
    }
}

fn count(state: &Path, sql: &str) -> i64 {
    let raw = rusqlite::Connection::open(state.join(crate::store::sqlite::FILE)).unwrap();
    raw.query_row(sql, [], |row| row.get(0)).unwrap()
}

fn assert_as_in(model: &Model, state: &Path) {
    let store = SqliteStore::open(state).unwrap();
    let told = store.queries();
    let verdict = verify(&told).unwrap();
    assert!(verdict.ok, "{verdict:?}");
    let event = |line: &[u8]| serde_json::from_slice::<Entry>(line).unwrap().event;
    let events: Vec<Event> = told.ledger(0, 1000).unwrap().iter().map(|(_, line)| event(line)).collect();
    assert_eq!(events, model.events);

    let listed = told.consignments(&ConsignmentFilter::default()).unwrap();
    assert_eq!(listed.len(), model.consignments.len());
    assert_eq!(
        count(state, "SELECT count(*) FROM name WHERE clear LIKE '%.pgp'"),
        listed.len() as i64,
        "a refused collection left its name"
    );
    for (n, (revision, standing)) in &model.consignments {
        let (found, _) = told.consignment(&id(*n)).unwrap().unwrap();
        assert_eq!((found.revision, &found.standing), (Revision(*revision), standing));
    }
    for (n, (revision, stage)) in &model.returns {
        let filter = SubmissionFilter { key: Some(key(KEYS[*n])), ..SubmissionFilter::default() };
        let found = told.submissions(&filter).unwrap();
        assert_eq!((found[0].revision, &found[0].stage), (Revision(*revision), stage));
        assert_eq!(found[0].ordered.is_some(), model.ordered.contains(n));
    }
    assert_eq!(count(state, "SELECT count(*) FROM accepted"), model.claims.len() as i64);
    for (claimed, n) in &model.claims {
        let sql = format!(
            "SELECT count(*) FROM accepted WHERE content = x'{}' AND consignment = '{}'",
            content(*claimed),
            id(*n)
        );
        assert_eq!(count(state, &sql), 1);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_store_does_what_the_rules_say(batches in prop::collection::vec(prop::collection::vec(step(), 1..12), 1..12)) {
        let state = tempfile::tempdir().unwrap();
        let mut writer = writer(state.path());
        let mut model = Model::default();
        for steps in batches {
            let (mut changes, mut expected) = (Vec::new(), Vec::new());
            for step in &steps {
                let change = model.change(step);
                let outcome = model.make(step);
                if outcome.is_ok() {
                    model.events.push(change.event);
                }
                changes.push(change);
                expected.push(outcome);
            }
            let answers = writer.commit(&changes).unwrap_or_default();
            prop_assert_eq!(answers.into_iter().map(outcome).collect::<Vec<_>>(), expected, "{:?}", steps);
        }
        drop(writer);
        assert_as_in(&model, state.path());
    }
}
