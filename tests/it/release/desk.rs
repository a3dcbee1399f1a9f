//! Orders without a running service: the operator on the council's own store and spool, on a clock that tests set.

use std::path::Path;
use std::sync::Arc;

use hbcourier::domain::timetable::InForce;
use hbcourier::domain::{Actor, Digest, Role};
use hbcourier::effects::pgp::KeyRing;
use hbcourier::effects::spool::Spool;
use hbcourier::operator::{Operator, Order};
use hbcourier::store::{SqliteQueries, SqliteStore};
use jiff::Timestamp;

use crate::support::everybody::people;
use crate::support::virtual_clock::VirtualClock;

pub struct Desk {
    pub store: SqliteStore,
    pub clock: Arc<VirtualClock>,
    pub operator: Operator,
}

impl Desk {
    /// Over this state directory, at this moment, under these settings.
    pub fn over(state: &Path, now: Timestamp, policy: Digest) -> Desk {
        let store = SqliteStore::open(state).unwrap();
        let clock = Arc::new(VirtualClock::showing("2020-04-01 09:00"));
        clock.jump_to(now);
        let operator = Operator {
            recorder: Arc::new(store.recorder()),
            queries: Arc::new(store.queries()),
            spool: Arc::new(Spool::open(state).unwrap()),
            keys: Arc::new(KeyRing::at(state)),
            policy: Some(policy),
            clock: clock.clone(),
            timetables: InForce::default(),
            people: people(&[Role::Releaser, Role::Operator], 0),
            checkpoints: None,
        };
        Desk { store, clock, operator }
    }

    pub fn queries(&self) -> SqliteQueries {
        self.store.queries()
    }

    /// This account, so spelt, gives the order.
    pub fn gives(&self, uid: u32, name: &str, order: &Order) -> Result<String, String> {
        let actor = Actor::Account { uid, name: name.to_owned() };
        self.operator.execute(&actor, order).map(|done| done.says).map_err(|refused| refused.to_string())
    }
}
