//! The installation that the configuration names.

use super::Installation;
use crate::cli::deadline::verification::{Answer, ended};
use crate::cli::for_others;
use crate::cli::order::give;
use crate::cli::output::{CliError, Exit};
use crate::config::Settings;
use crate::domain::checkpoint::Vkey;
use crate::effects::clock::{Clock, MachineClock};
use crate::effects::ledger_key::{VKEY_FILE, read_vkey};
use crate::operator::Order;
use crate::store::{Auditable, Queries, SqliteQueries, SqliteStore};

/// Checkpoints read at a time.
const PAGE: usize = 1024;

/// Reads the configuration when it is asked.
pub struct Live<'a> {
    settings: &'a dyn Fn() -> Result<Settings, CliError>,
    is_for_others: bool,
}

impl<'a> Live<'a> {
    /// By these settings. For others it only reads: an order would be the service's, and not that person's.
    pub fn by(settings: &'a dyn Fn() -> Result<Settings, CliError>, is_for_others: bool) -> Live<'a> {
        Live { settings, is_for_others }
    }

    fn store(&self) -> Result<SqliteQueries, CliError> {
        let settings = self.settings()?;
        if for_others::is_closed(&settings) {
            return Err(closed());
        }
        let store = SqliteStore::read_only(&settings.service.state);
        store.map_err(|error| CliError::of(Exit::CouldNot, &error))
    }
}

impl Installation for Live<'_> {
    fn settings(&self) -> Result<Settings, CliError> {
        (self.settings)()
    }

    fn ledger(&self) -> Result<Box<dyn Auditable>, CliError> {
        Ok(Box::new(self.store()?))
    }

    fn notes(&self) -> Result<Vec<String>, CliError> {
        let (store, mut notes, mut above) = (self.store()?, Vec::new(), 0);
        loop {
            let page = store.checkpoints(above, PAGE)?;
            let Some(last) = page.last() else { return Ok(notes) };
            above = last.size;
            notes.extend(page.into_iter().map(|kept| kept.note));
        }
    }

    fn last_note(&self) -> Result<Option<String>, CliError> {
        Ok(self.store()?.latest_checkpoint()?.map(|kept| kept.note))
    }

    fn vkey(&self) -> Result<Option<Vkey>, CliError> {
        let state = self.settings()?.service.state;
        if !state.join(VKEY_FILE).exists() {
            return Ok(None);
        }
        read_vkey(&state).map(Some).map_err(|error| {
            let says = format!("Could not read the ledger's public key {}: {error}.", state.join(VKEY_FILE).display());
            CliError::new(Exit::CouldNot, says, "Name the key that you were given with `--vkey`.")
        })
    }

    fn make_checkpoint(&self) -> Result<(), CliError> {
        if self.is_for_others {
            let says = "The last checkpoint does not cover everything about it.";
            return Err(CliError::new(Exit::No, says, "Give `hbcourier audit checkpoint`, then ask again."));
        }
        give(&self.settings()?, Order::Checkpoint { by: None, reason: None }).map(drop)
    }

    fn was_verified(&self, holds: bool) {
        let Ok(settings) = self.settings() else { return };
        let state = &settings.service.state;
        // Before the first start there is nothing to verify.
        if self.is_for_others || !SqliteStore::path(state).exists() {
            return;
        }
        let answer = if holds { Answer::Holds } else { Answer::Fails };
        if let Err(error) = ended(state, answer, MachineClock.now()) {
            tracing::warn!(%error, "What came of the verification could not be noted down for `deadline`: {error}");
        }
    }
}

/// What only prints is carried out by the service; this is about what writes files.
fn closed() -> CliError {
    CliError::new(
        Exit::CouldNot,
        "The state directory is closed to this account, and files cannot be written for it by the service.",
        "Have root or the service's own account run it (`sudo -u hbcourier hbcourier audit export DIR`), or read by \
         `hbcourier audit log` and `hbcourier audit prove`.",
    )
}
