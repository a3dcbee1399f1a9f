//! `hbcourier audit prove`: that the ledger says this of a transfer or return, for somebody who sees nothing else of it.

use std::io::Write;
use std::path::PathBuf;

use super::{Installation, ended, last_checkpoint, write_new};
use crate::audit::proof::{Proof, Wanted, prove};
use crate::audit::{AuditFault, Stored, Topic};
use crate::cli::output::{CliError, Exit};
use crate::cli::transfers::find::{Found, find};
use crate::domain::checkpoint::{SignedCheckpoint, Vkey};
use crate::store::{Auditable, Queries};

/// Prove what the ledger says about one transfer or return, and show nothing of any other
///
/// Prints one JSON document: the entries' exact lines, each with its proof, and the signed checkpoint. `audit check-proof`
/// checks it, without this machine.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A transfer's id, or a return's key
    #[arg(value_name = "ID", required_unless_present = "entry")]
    id: Option<String>,
    /// Only this entry, whatever it is about
    #[arg(long, value_name = "SEQ", conflicts_with = "id")]
    entry: Option<u64>,
    /// Where to write it, instead of printing it; it must not be there yet
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The answer is JSON in any case
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Whether it is printed, and not written to a file.
    pub(super) fn is_printed(&self) -> bool {
        self.out.is_none()
    }
}

pub(super) fn run(args: &Args, installation: &dyn Installation, out: &mut dyn Write) -> Result<Exit, CliError> {
    let ledger = installation.ledger()?;
    let topic = match (args.entry, &args.id) {
        (Some(seq), _) => Topic::Entry(seq),
        (None, id) => topic_of(id.as_deref().unwrap_or_default(), &*ledger)?,
    };
    let (proof, _) = proof_of(&topic, false, installation, &*ledger)?;
    let json = proof.to_json()?;
    if let Some(file) = &args.out {
        write_new(file, &json)?;
        return Ok(Exit::Yes);
    }
    ended(out.write_all(&json).map(|()| Exit::Yes).map_err(AuditFault::Answer))
}

/// What a person means: by the whole of its name, or by what finds it in the store.
pub(super) fn topic_of(text: &str, ledger: &dyn Auditable) -> Result<Topic, CliError> {
    if let Ok(topic @ (Topic::Transfer(_) | Topic::Return(_))) = text.parse() {
        return Ok(topic);
    }
    Ok(match find(text, ledger)? {
        Found::In(consignment, _) => Topic::Transfer(consignment.id),
        Found::Out(submission) => Topic::Return(submission.key),
    })
}

/// Proves it by the last checkpoint, or where that does not cover everything about it, by a new one.
pub(super) fn proof_of(
    topic: &Topic,
    with_context: bool,
    installation: &dyn Installation,
    ledger: &dyn Auditable,
) -> Result<(Proof, SignedCheckpoint), CliError> {
    let by = |(vkey, note): &(Vkey, SignedCheckpoint)| {
        let (stored, tree): (_, &dyn Queries) = (Stored::now(ledger)?, ledger);
        prove(Wanted { topic, with_context }, &stored, tree, vkey, note)
    };
    if let Some(last) = last_checkpoint(installation)? {
        match by(&last) {
            Ok(made) if !made.later => return Ok((made.proof, last.1)),
            Ok(_) | Err(AuditFault::Nothing(_)) => {}
            Err(fault) => return Err(fault.into()),
        }
    }
    let fresh = installation.make_checkpoint();
    // Where none can be made, the last there is proves what it covers.
    let last = match (last_checkpoint(installation)?, fresh) {
        (Some(last), _) => last,
        (None, Err(why)) => return Err(why),
        (None, Ok(())) => return Err(AuditFault::NoCheckpoint.into()),
    };
    Ok((by(&last)?.proof, last.1))
}
