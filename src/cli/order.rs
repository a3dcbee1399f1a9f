//! Orders: handed to the running service, or carried out here if none runs.
//!
//! Holds: whoever carries an order out holds the instance lock, so there is one writer.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::output::{CliError, Exit};
use crate::config::Settings;
use crate::daemon::build::{InstanceLock, open_store, timetables, timetables_in_force};
use crate::daemon::checkpoints::checkpoints_of;
use crate::daemon::control::{Answer, PATIENCE, Request, ask_at};
use crate::daemon::health::ServiceStatus;
use crate::daemon::keys::key_ring;
use crate::daemon::migration::note_migration;
use crate::daemon::people::people;
use crate::domain::timetable::{InForce, Timetables};
use crate::effects::clock::MachineClock;
use crate::effects::pgp::KeyRing;
use crate::effects::privilege::as_owner_of;
use crate::operator::{Done, Operator, Order, key_rules};
use crate::store::SqliteStore;

/// Gives the order, and waits until it is carried out.
pub fn give(settings: &Settings, order: Order) -> Result<Done, CliError> {
    let state = &settings.service.state;
    let request = Request::Order { order };
    match ask_at(&settings.service.control_socket, &request) {
        Ok(Some(Answer::Done { done })) => Ok(done),
        Ok(Some(Answer::Refused { says, recorded })) => Err(refused(&says, recorded)),
        Ok(Some(Answer::Busy)) => Err(busy()),
        Ok(Some(Answer::Status { .. } | Answer::Read { .. })) => Err(unanswered("it answered something else")),
        Ok(None) => {
            let Request::Order { order } = request else { return Err(unanswered("nothing was ordered")) };
            // Only this order asks what is in force; a `[[timetable]]` that cannot be read stands in no other's way.
            let timetables = match &order {
                Order::ActivateTimetable { .. } => in_force(settings)?,
                _ => Timetables::default(),
            };
            let terms = Terms { keys: key_ring(settings), timetables, settings: Some(settings) };
            carry_out(state, terms, &order)
        }
        Err(error) if error.kind() == io::ErrorKind::TimedOut => Err(still_at_it()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Err(out_of_reach(&settings.service.control_socket))
        }
        Err(error) => Err(unanswered(&error.to_string())),
    }
}

/// Under what an order is carried out.
pub struct Terms<'a> {
    /// Own keys and partners' certificates.
    pub keys: KeyRing,
    /// The timetables in force.
    pub timetables: Timetables,
    /// The settings; `None` while a first set-up is laid out.
    pub settings: Option<&'a Settings>,
}

/// Carries the order out in this process, under the instance lock, if the account that runs it may give it.
pub fn carry_out(state: &Path, terms: Terms<'_>, order: &Order) -> Result<Done, CliError> {
    let could_not = |error: &dyn std::fmt::Display| {
        let next = "Stop the other process, or mend the state directory; `hbcourier check` probes it.";
        CliError::new(Exit::CouldNot, format!("The order was not carried out: {error}."), next)
    };
    // What root wrote here the service could not read.
    let _acting = as_owner_of(state).map_err(|error| could_not(&error))?;
    let _lock = InstanceLock::take(state).map_err(|error| could_not(&error))?;
    let Terms { keys, timetables, settings } = terms;
    let (store, spool) = open_store(state).map_err(|error| could_not(&error))?;
    note_migration(&store, state, &MachineClock).map_err(|error| could_not(&error))?;
    let rules = key_rules(&store.queries()).map_err(|error| could_not(&error))?;
    keys.judge_by(rules);
    let people = Arc::new(people(&settings.map(|settings| settings.roles.clone()).unwrap_or_default(), state));
    let uid = rustix::process::getuid().as_raw();
    let person = people.who(uid).map_err(|unknown| could_not(&unknown))?;
    let signing = settings.filter(|_| matches!(order, Order::Checkpoint { .. }));
    let checkpoints = signing.map(|settings| checkpoints_of(settings, &store, Arc::new(MachineClock)).map(Arc::new));
    let checkpoints = checkpoints.transpose();
    let operator = Operator {
        recorder: Arc::new(store.recorder()),
        queries: Arc::new(store.queries()),
        spool: Arc::new(spool),
        keys: Arc::new(keys),
        policy: settings.map(|settings| settings.digest),
        clock: Arc::new(MachineClock),
        timetables: InForce::new(timetables),
        people,
        checkpoints: checkpoints.map_err(|error| could_not(&error))?,
    };
    let done = operator.execute(&person.actor(), order);
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

/// What the service that listens there says of itself; `None` if none does, or it does not answer.
pub fn service_status(socket: &Path) -> Option<ServiceStatus> {
    match ask_at(socket, &Request::Status) {
        Ok(Some(Answer::Status { status })) => Some(status),
        _ => None,
    }
}

fn refused(says: &str, recorded: bool) -> CliError {
    if recorded {
        let next = "It was not carried out, and the refusal is recorded: `hbcourier audit log` ends with it.";
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

pub(super) fn busy() -> CliError {
    let says = "The running service answers as many commands as it can at the moment.";
    CliError::new(
        Exit::CouldNot,
        says,
        "Give it again in a minute; `hbcourier status` says whether the service is well.",
    )
}

/// The socket is in a folder that this account may not enter.
pub(super) fn out_of_reach(socket: &Path) -> CliError {
    let says = format!("This account may not reach the service's control socket {}.", socket.display());
    let next = "Have `service.control_socket` set to a path that everybody can reach, such as \
                /run/hbcourier/control.sock, or run this as the service's own account.";
    CliError::new(Exit::CouldNot, says, next)
}

fn unanswered(why: &str) -> CliError {
    let next = "Look at the service's log, then run `hbcourier status`.";
    CliError::new(Exit::CouldNot, format!("The running service did not answer the order: {why}."), next)
}
