//! `hbcourier migrate`: the store of an earlier release becomes one of this release, with a copy of what it was.
//!
//! In:  a state directory that no service works in. Out: the store, brought up to date; a copy beside it; an entry.

use std::path::PathBuf;

use serde::Serialize;

use super::output::{CliError, Exit, Output};
use super::run::not_started;
use crate::config::Settings;
use crate::daemon::build::{InstanceLock, StartFault, open_store};
use crate::daemon::migration::note_migration;
use crate::effects::clock::MachineClock;
use crate::effects::privilege::as_owner_of;
use crate::store::{Migrated, SqliteStore};

/// Bring the store up to date after an upgrade
///
/// The service does the same by itself when it starts. A copy of the store as it was is left beside it for 30 days. Exit
/// status 0: it is up to date; 3: it is not, as while the service runs or if a later release wrote it.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Done {
    says: String,
    from: usize,
    to: usize,
    copy: Option<PathBuf>,
}

/// Brings it up to date, and says so.
pub fn run(args: &Args, settings: &Settings, out: &mut Output<'_>) -> Result<Exit, CliError> {
    let state = &settings.service.state;
    let fault = |error: StartFault| not_started(&error);
    if !SqliteStore::exists(state) {
        let says = format!("There is no store below {} that could be brought up to date.", state.display());
        return Err(CliError::new(Exit::CouldNot, says, "The service makes one when it starts."));
    }
    let _acting = as_owner_of(state).map_err(|source| fault(StartFault::State { path: state.clone(), source }))?;
    let _lock = InstanceLock::take(state).map_err(fault)?;
    let (store, _) = open_store(state).map_err(fault)?;
    note_migration(&store, state, &MachineClock).map_err(|error| fault(error.into()))?;
    let done = match store.migrated() {
        None => {
            let to = SqliteStore::version();
            Done { says: format!("The store is up to date: version {to}."), from: to, to, copy: None }
        }
        Some(Migrated { from, to, copy }) => {
            let says = format!("The store was brought from version {from} to version {to}.");
            Done { says, from: *from, to: *to, copy: Some(copy.clone()) }
        }
    };
    out.answer(args.json, &done, |text| {
        text.line(&done.says);
        text.facts([("What it was before", done.copy.as_ref().map(|copy| copy.display().to_string()))]);
    })?;
    Ok(Exit::Yes)
}
