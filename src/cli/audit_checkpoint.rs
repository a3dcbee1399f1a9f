//! `hbcourier audit checkpoint` and `audit vkey`: sign the ledger as it stands, and the key that checks such signatures.
//!
//! In:  the running service, or the store if none runs. Out: size, root, and where the checkpoint left to.

use serde::Serialize;

use super::order::give;
use super::output::{CliError, Exit, Output};
use crate::config::Settings;
use crate::domain::Digest;
use crate::domain::checkpoint::Vkey;
use crate::effects::ledger_key::{VKEY_FILE, read_vkey};
use crate::operator::Order;
use crate::store::{KeptCheckpoint, Queries, SqliteStore};

/// How to sign the ledger
#[derive(Clone, Debug, clap::Args)]
pub struct CheckpointArgs {
    /// On whose behalf; your account is recorded in any case
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
    /// Why, for the auditor; without personal data
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// How to print the key
#[derive(Clone, Debug, clap::Args)]
pub struct VkeyArgs {
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Made {
    says: String,
    size: u64,
    root: Digest,
    entry: u64,
    note: String,
    /// Those who have it now.
    left: Vec<String>,
    /// Those to whom it has not left yet.
    to_leave: Vec<String>,
}

/// Signs the ledger as it stands, and tells where that left to.
pub fn checkpoint(args: &CheckpointArgs, settings: &Settings, out: &mut Output<'_>) -> Result<Exit, CliError> {
    let done = give(settings, Order::Checkpoint { by: args.by.clone(), reason: args.reason.clone() })?;
    let store = SqliteStore::read_only(&settings.service.state);
    let store = store.map_err(|error| CliError::of(Exit::CouldNot, &error))?;
    let missing =
        || CliError::new(Exit::CouldNot, "The checkpoint is not in the store.", "Run `hbcourier audit verify`.");
    let latest = store.latest_checkpoint()?.ok_or_else(missing)?;
    let left: Vec<String> = store.left_to(latest.size)?.into_iter().map(|(name, _)| name.to_string()).collect();
    let recipients = settings.audit.recipients.iter().map(|one| one.name.to_string());
    let to_leave = recipients.filter(|name| !left.contains(name)).collect();
    let KeptCheckpoint { size, root, note, entry, .. } = latest;
    let made = Made { says: done.says, size, root, entry, note, left, to_leave };
    out.answer(args.json, &made, |text| {
        text.line(&made.says);
        text.line(format!("Size  {}", made.size));
        text.line(format!("Root  {}", made.root));
        for name in &made.left {
            text.line(format!("Left to {name}."));
        }
        for name in &made.to_leave {
            text.line(format!("Not yet left to {name}: the service takes it there by itself, and `run --once` does."));
        }
        if made.left.is_empty() && made.to_leave.is_empty() {
            text.line("It stays here: no `[[audit.recipient]]` is configured, so only what you copy out now can prove anything later:");
            text.line("");
            made.note.lines().for_each(|line| text.line(line));
        }
    })?;
    Ok(Exit::Yes)
}

#[derive(Serialize)]
struct Key {
    name: String,
    vkey: Vkey,
}

/// Prints the key with which auditors check checkpoints.
pub fn vkey(args: &VkeyArgs, settings: &Settings, out: &mut Output<'_>) -> Result<Exit, CliError> {
    let state = &settings.service.state;
    let vkey = read_vkey(state).map_err(|error| {
        let says = format!("Could not read the ledger's vkey {}: {error}.", state.join(VKEY_FILE).display());
        CliError::new(
            Exit::CouldNot,
            says,
            "Start the service once: it makes the ledger's key and writes its vkey there.",
        )
    })?;
    let key = Key { name: vkey.name().to_owned(), vkey };
    out.answer(args.json, &key, |text| text.line(key.vkey.to_string()))?;
    Ok(Exit::Yes)
}
