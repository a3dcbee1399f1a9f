//! The installation that the configuration names.

use std::fs;
use std::io;

use super::Installation;
use crate::cli::output::{CliError, Exit};
use crate::config::Settings;
use crate::domain::checkpoint::Vkey;
use crate::store::{Auditable, SqliteStore};

/// Where the ledger's public key lies, below the state directory.
const VKEY: &str = "keys/ledger.vkey";

/// Reads the configuration when it is asked.
pub struct Live<'a> {
    settings: &'a dyn Fn() -> Result<Settings, CliError>,
}

impl<'a> Live<'a> {
    /// By these settings.
    pub fn by(settings: &'a dyn Fn() -> Result<Settings, CliError>) -> Live<'a> {
        Live { settings }
    }
}

impl Installation for Live<'_> {
    fn ledger(&self) -> Result<Box<dyn Auditable>, CliError> {
        let state = (self.settings)()?.service.state;
        let store = SqliteStore::read_only(&state).map_err(|error| CliError::of(Exit::CouldNot, &error))?;
        Ok(Box::new(store))
    }

    fn notes(&self) -> Result<Vec<String>, CliError> {
        Ok(Vec::new())
    }

    fn vkey(&self) -> Result<Option<Vkey>, CliError> {
        let path = (self.settings)()?.service.state.join(VKEY);
        let could_not = |why: String| {
            let says = format!("Could not read the ledger's public key {}: {why}.", path.display());
            CliError::new(Exit::CouldNot, says, "Name the key that you were given with `--vkey`.")
        };
        match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(could_not(error.to_string())),
            Ok(text) => text
                .parse()
                .map(Some)
                .map_err(|error: crate::domain::checkpoint::NotAVkey| could_not(error.to_string())),
        }
    }

    fn make_checkpoint(&self) -> Result<(), CliError> {
        let says = "This program makes no checkpoints yet.";
        Err(CliError::new(Exit::CouldNot, says, "Go by the last one there is."))
    }
}
