//! Orders: handed to the running service, or carried out here if none runs.
//!
//! Holds: whoever carries an order out holds the instance lock, so there is one writer.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::output::{CliError, Exit};
use crate::config::Settings;
use crate::daemon::build::{InstanceLock, key_ring, open_store, timetables, timetables_in_force};
use crate::daemon::control::{Answer, PATIENCE, Request, account, ask};
use crate::daemon::health::ServiceStatus;
use crate::domain::Digest;
use crate::domain::timetable::{InForce, Timetables};
use crate::effects::clock::MachineClock;
use crate::effects::pgp::KeyRing;
use crate::operator::{Done, Operator, Order};
use crate::store::SqliteStore;

/// Gives the order, and waits until it is carried out.
pub fn give(settings: &Settings, order: Order) -> Result<Done, CliError> {
    let state = &settings.service.state;
    let request = Request::Order { order };
    match ask(state, &request) {
        Ok(Some(Answer::Done { done })) => Ok(done),
        Ok(Some(Answer::Refused { says, recorded })) => Err(refused(&says, recorded)),
        Ok(Some(Answer::Status { .. })) => Err(unanswered("it answered something else")),
        Ok(None) => {
            let Request::Order { order } = request else { return Err(unanswered("nothing was ordered")) };
            // Only this order asks what is in force; a `[[timetable]]` that cannot be read stands in no other's way.
            let timetables = match &order {
                Order::ActivateTimetable { .. } => in_force(settings)?,
                _ => Timetables::default(),
            };
            let terms = Terms { keys: key_ring(settings), policy: Some(settings.digest), timetables };
            carry_out(state, terms, &order)
        }
        Err(error) if error.kind() == io::ErrorKind::TimedOut => Err(still_at_it()),
        Err(error) => Err(unanswered(&error.to_string())),
    }
}

/// Under what an order is carried out.
pub struct Terms {
    /// Own keys and partners' certificates.
    pub keys: KeyRing,
    /// SHA-256 of the settings; `None` while a first set-up is laid out.
    pub policy: Option<Digest>,
    /// The timetables in force.
    pub timetables: Timetables,
}

/// Carries the order out in this process, under the instance lock.
pub fn carry_out(state: &Path, terms: Terms, order: &Order) -> Result<Done, CliError> {
    let could_not = |error: &dyn std::fmt::Display| {
        let next = "Stop the other process, or mend the state directory; `hbcourier check` probes it.";
        CliError::new(Exit::CouldNot, format!("The order was not carried out: {error}."), next)
    };
    let _lock = InstanceLock::take(state).map_err(|error| could_not(&error))?;
    let Terms { keys, policy, timetables } = terms;
    let (store, spool) = open_store(state).map_err(|error| could_not(&error))?;
    let operator = Operator {
        recorder: Arc::new(store.recorder()),
        queries: Arc::new(store.queries()),
        spool: Arc::new(spool),
        keys: Arc::new(keys),
        policy,
        clock: Arc::new(MachineClock),
        timetables: InForce::new(timetables),
    };
    let done = operator.execute(&account(rustix::process::getuid().as_raw()), order);
    done.map_err(|error| refused(&error.to_string(), error.is_recorded()))
}

/// The timetables in force; the built-in ones and those of the settings, as long as there is no store.
fn in_force(settings: &Settings) -> Result<Timetables, CliError> {
    let known = match SqliteStore::read_only(&settings.service.state) {
        Ok(store) => timetables_in_force(&settings.timetables, &store),
        Err(_) => timetables(&settings.timetables),
    };
    known.map_err(|fault| CliError::of(Exit::CouldNot, &fault))
}

/// What the running service says of itself; `None` if none runs, or it does not answer.
pub fn service_status(state: &Path) -> Option<ServiceStatus> {
    match ask(state, &Request::Status) {
        Ok(Some(Answer::Status { status })) => Some(status),
        _ => None,
    }
}

fn refused(says: &str, recorded: bool) -> CliError {
    if recorded {
        let next = "Nothing was changed; the refusal is recorded.";
        return CliError::new(Exit::No, format!("The order was refused: {says}."), next);
    }
    let next = "Look at what it was about, and at the end of `hbcourier audit log`, before you give it again.";
    CliError::new(Exit::CouldNot, format!("The order was not carried out, or not to its end: {says}."), next)
}

fn still_at_it() -> CliError {
    let says = format!(
        "The running service has the order and has not answered within {} s. It carries it out all the same, unless it \
         is stopped first.",
        PATIENCE.as_secs()
    );
    let next = "Do not give it again before you have looked: `hbcourier audit log` ends with what came of it.";
    CliError::new(Exit::CouldNot, says, next)
}

fn unanswered(why: &str) -> CliError {
    let next = "Look at the service's log, then run `hbcourier status`.";
    CliError::new(Exit::CouldNot, format!("The running service did not answer the order: {why}."), next)
}
