//! `hbcourier restore`: a backup becomes the state of an empty state directory, and says that it is one.
//!
//! In:  a backup, an empty folder, checkpoints that were kept elsewhere. Out: the state, with an entry that tells the gap.
//! Holds: nothing is put into a folder that holds anything; every file is held against its digest, the ledger against itself
//! and the checkpoints. What may have left since the backup is not sent or delivered by itself: see [`recover`].

mod anchors;
mod recover;
mod sealed;
mod sources;
mod unpack;
mod vouched;

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::order::give;
use super::output::{CliError, Exit, Output, Text};
use crate::config::Settings;
use crate::daemon::build::InstanceLock;
use crate::daemon::migration::note_migration;
use crate::domain::causes::with_causes;
use crate::domain::{Actor, Digest, Fingerprint};
use crate::effects::accounts::{Accounts, MachineAccounts};
use crate::effects::clock::{Clock, MachineClock};
use crate::effects::ledger_key::note_lost;
use crate::effects::privilege::as_owner_of;
use crate::operator::Order;
use crate::store::{SqliteStore, verify};

use recover::Recovered;

/// Restore a backup into an empty state directory
///
/// What the backup holds as undelivered is looked up at its destination when the service starts; what may have been sent
/// since is left to a person. Exit status 0: it is restored; 1: the backup, or the ledger in it, is not as it was made;
/// 3: it could not be done.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The backup
    #[arg(required_unless_present = "settled", conflicts_with = "settled")]
    pub file: Option<PathBuf>,
    /// Into this folder instead of the configuration's state directory; it must be empty or not there
    #[arg(long, value_name = "DIR", conflicts_with = "settled")]
    pub into: Option<PathBuf>,
    /// Checkpoints that were kept elsewhere, a file or a folder: they tell how much is lost
    #[arg(long, value_name = "PATH", conflicts_with = "settled")]
    pub anchors: Vec<PathBuf>,
    /// The service that this backup is of runs nowhere any more: a second one would remove its half-delivered files, and deliver
    /// and send what it delivers and sends
    #[arg(long, conflicts_with = "settled")]
    pub old_service_is_off: bool,
    /// The digest of its list of files, as it was printed when the backup was made: another backup is refused
    #[arg(long, value_name = "DIGEST", conflicts_with = "settled")]
    pub manifest: Option<Digest>,
    /// The fingerprint of a key or certificate in the backup that you know, where no entry, no --manifest and no --signed-by vouches for it
    #[arg(long, value_name = "FINGERPRINT", conflicts_with = "settled")]
    pub key: Vec<Fingerprint>,
    /// Where it is sealed: the file of the private key that opens it, readable by its owner alone
    #[arg(long, value_name = "FILE", conflicts_with = "settled")]
    pub secret_key: Option<PathBuf>,
    /// The file with that key's passphrase, readable by its owner alone
    #[arg(long, value_name = "FILE", requires = "secret_key", conflicts_with = "passphrase_credential")]
    pub passphrase_file: Option<PathBuf>,
    /// The systemd credential with that key's passphrase
    #[arg(long, value_name = "NAME", requires = "secret_key")]
    pub passphrase_credential: Option<String>,
    /// The certificate of the installation that was backed up: a backup that its key did not sign is refused
    #[arg(long, value_name = "CERT", conflicts_with = "settled")]
    pub signed_by: Option<PathBuf>,
    /// Somebody has compared what an earlier restore left open: end its alarm
    #[arg(long, requires = "reason")]
    pub settled: bool,
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

/// What was restored, as `--json` prints it.
#[derive(Serialize)]
struct Restored {
    says: String,
    state: PathBuf,
    made_at: jiff::Timestamp,
    /// Of its list of files.
    manifest: Digest,
    /// By what it is known to be the one that was made.
    vouched_for: Option<&'static str>,
    #[serde(flatten)]
    recovered: Recovered,
    /// Originals that were not in the backup.
    missing: Vec<String>,
    /// The configuration that was backed up.
    configuration: PathBuf,
    /// Of files that were to be checkpoints and are not believed.
    problems: Vec<String>,
    /// Where what came after the backup may still lie, or lie unnoticed.
    looks: Vec<String>,
}

/// Restores, or ends the alarm of an earlier restore.
pub fn run(
    args: &Args,
    settings: &dyn Fn() -> Result<Settings, CliError>,
    out: &mut Output<'_>,
) -> Result<Exit, CliError> {
    let Some(file) = &args.file else {
        let reason = args.reason.clone().unwrap_or_default();
        let done = give(&settings()?, Order::SettleRestore { by: args.by.clone(), reason })?;
        out.answer(args.json, &done, |text| text.line(&done.says))?;
        return Ok(Exit::Yes);
    };
    if !args.old_service_is_off {
        return Err(CliError::new(
            Exit::Usage,
            "Nothing was restored. Where the service still runs that this backup was made of, a second one would remove its \
             half-delivered files, and deliver and send once more what it delivers and sends.",
            "See that it is stopped, and stays so (`systemctl disable --now hbcourier` there), then add --old-service-is-off.",
        ));
    }
    let (state, anchors, looks) = match &args.into {
        // A bare machine has no configuration yet.
        Some(into) => {
            let looks = settings().map(|settings| sources::places(&settings)).unwrap_or_default();
            (into.clone(), anchors::given(&args.anchors)?, looks)
        }
        None => {
            let settings = settings()?;
            let found = anchors::all(&args.anchors, &settings)?;
            (settings.service.state.clone(), found, sources::places(&settings))
        }
    };
    let backup = sealed::archive(file, args)?;
    let restored = Restored { looks, ..restore(backup, &state, anchors, args)? };
    out.answer(args.json, &restored, |text| tell(&restored, text))?;
    Ok(Exit::Yes)
}

fn restore(
    backup: Box<dyn unpack::Archive>,
    state: &Path,
    anchors: Vec<crate::audit::notes::FoundNote>,
    args: &Args,
) -> Result<Restored, CliError> {
    let could_not = |error: &dyn std::error::Error| CliError {
        exit: Exit::CouldNot,
        says: format!("The backup was not restored: {}.", with_causes(error)),
        next: Some(format!("Mend that, empty {}, and give the command again.", state.display())),
    };
    let _acting = as_owner_of(state).map_err(|error| could_not(&error))?;
    unpack::is_empty(state)?;
    let _lock = InstanceLock::take(state).map_err(|error| could_not(&error))?;
    let trial = state.join(unpack::TRIAL);
    let (manifest, digest) = unpack::unpack(backup, state, args.manifest)?;
    let store = SqliteStore::open(&trial).map_err(|error| could_not(&error))?;
    let verdict = verify(&store.queries()).map_err(|error| could_not(&error))?;
    if !verdict.ok || (verdict.entries, verdict.root) != (manifest.entries, manifest.root) {
        let says = format!("The ledger in the backup is not as it was recorded: {}", verdict.says);
        return Err(CliError::new(
            Exit::No,
            says,
            "Keep it as evidence, empty the folder, and restore an earlier backup.",
        ));
    }
    if args.manifest.is_none() && args.signed_by.is_none() {
        let unvouched =
            vouched::unvouched(&store.queries(), &manifest, &args.key).map_err(|error| could_not(&error))?;
        if !unvouched.is_empty() {
            return Err(stranger(&unvouched));
        }
    }
    let notes = anchors::held_against(anchors, &trial, &store)?;
    note_migration(&store, &trial, &MachineClock).map_err(|error| could_not(&error))?;
    let uid = rustix::process::getuid().as_raw();
    let name = MachineAccounts.account(uid).map_err(|error| could_not(&error))?.name();
    let ordered = recover::Ordered {
        actor: Actor::Account { uid, name },
        by: args.by.clone(),
        manifest: digest,
        why: args.reason.clone(),
        now: MachineClock.now(),
    };
    let recovered =
        recover::recover(&store, &manifest, notes.covered(), &ordered).map_err(|error| could_not(&*error))?;
    if notes.covered() > 0 {
        note_lost(&trial, notes.covered()).map_err(|error| could_not(&error))?;
    }
    // The last handle: its log is written back.
    drop(store);
    unpack::place(state).map_err(|error| could_not(&error))?;
    let configuration = state.join(super::backup::CONFIGURATION);
    Ok(Restored {
        says: recovered.says(&manifest),
        state: state.to_owned(),
        made_at: manifest.made_at,
        manifest: digest,
        vouched_for: vouched_for(args),
        recovered,
        missing: manifest.missing,
        configuration,
        problems: notes.problems().to_vec(),
        looks: Vec::new(),
    })
}

/// By what a backup is known to be the one that was made; a ledger that fits itself anybody can make.
fn vouched_for(args: &Args) -> Option<&'static str> {
    match (args.manifest, &args.signed_by) {
        (Some(_), _) => Some("manifest"),
        (None, Some(_)) => Some("signature"),
        (None, None) => None,
    }
}

fn stranger(unvouched: &[String]) -> CliError {
    let says = format!(
        "The backup has keys of which its ledger has no entry, so somebody may have put them there: {}.",
        unvouched.join("; ")
    );
    let next = "Empty the folder. Then add --manifest with the digest that was printed when the backup was made, or, of a sealed \
                one, --signed-by with this installation's certificate; or, if nobody has either, compare each fingerprint with \
                whoever's key it is and add --key FINGERPRINT for those that are right.";
    CliError::new(Exit::No, says, next)
}

fn tell(restored: &Restored, text: &mut Text) {
    let Restored { says, state, vouched_for, recovered, missing, configuration, problems, looks, .. } = restored;
    text.line(says);
    if vouched_for.is_none() {
        text.line(
            "Nobody vouches for this backup: neither --manifest nor --signed-by was given, and whoever could write to it could have \
             made all of it, its ledger and its keys too. Before you start the service, compare the ledger with checkpoints that \
             left (`hbcourier audit verify --anchors FOLDER`), and the keys with whoever's they are (`hbcourier keys list`).",
        );
    }
    text.facts([
        ("State", Some(state.display().to_string())),
        ("Entries in the backup", Some(recovered.entries.to_string())),
        ("Latest checkpoint known", recovered.known.map(|known| format!("over {known} entries"))),
        ("To be looked up at their destinations", Some(recovered.looked_up.to_string())),
        ("Held, and looked up when let go", Some(recovered.held.to_string())),
        ("Returns left to a person", Some(recovered.uncertain.len().to_string())),
        ("Originals not in the backup", Some(missing.len().to_string())),
    ]);
    problems.iter().for_each(|problem| text.line(problem));
    text.line(format!("Next: compare the configuration with the one that was backed up, {}.", configuration.display()));
    text.line("Then: hbcourier check, and start the service. It looks up at their destinations what was under way.");
    text.line("Then: hbcourier held list; hbcourier returns list --open; tell the auditors of the gap.");
    text.line(
        "Compare what was decided after the backup, which is forgotten here: keys trusted or retired (one that was retired since \
         counts again), exceptions, legal holds, waived returns, timetables. Nothing is erased until this is settled.",
    );
    if looks.is_empty() {
        text.line(
            "Where files arrive, the configuration that was backed up tells: what still lies there and was delivered is delivered \
             once more.",
        );
    } else {
        text.line(
            "What was delivered after the backup and still lies in one of these is delivered once more; look before the service \
             starts, and move it away. What lies in a folder of processed mails and was not delivered is lost to the service; \
             compare that with the back office:",
        );
        looks.iter().for_each(|place| text.line(format!("  {place}")));
    }
    text.line("Then: hbcourier restore --settled --reason TEXT");
}
