//! `hbcourier backup`: the state of one moment in one file, also while the service runs.
//!
//! In:  the state directory, the configuration. Out: a ZIP of mode 0600, sealed where that is asked, and an entry that says
//! that it was made.
//! Holds: what the store in it refers to is in it; it has its name only when it is whole; nothing is overwritten.

mod manifest;
mod pack;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::Serialize;
use zeroize::Zeroizing;

use super::order::give;
use super::output::{CliError, Exit, Output};
use crate::config::Settings;
use crate::daemon::keys::key_ring_by;
use crate::domain::causes::with_causes;
use crate::domain::{Digest, Fingerprint};
use crate::effects::clock::{Clock, MachineClock};
use crate::effects::pgp::TrustError;
use crate::effects::pgp::backup::{BackupCertificate, BackupCertificateFault};
use crate::operator::Order;
use crate::store::SqliteStore;

pub use manifest::{CONFIGURATION, MANIFEST, Manifest, Member, STORE};

/// No key or certificate is larger.
const KEY_BYTES_MAX: u64 = 256 * 1024;

/// Back up the state into one file
///
/// The store as it stands at one moment, every original and sealed return that it refers to, the keys and the configuration.
/// The service may run. The file holds secret keys: seal it with --seal-to, or keep it where nobody else reads. Exit status
/// 0: it is made and recorded; 1: so it is, and originals that it should hold are not there; 3: it is not.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The file to make, or a folder for it
    pub file: PathBuf,
    /// Seal it to this OpenPGP certificate alone, and sign it with our own key: only whoever has the certificate's private
    /// key can read it
    #[arg(long, value_name = "CERT")]
    pub seal_to: Option<PathBuf>,
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

#[derive(Serialize)]
struct Made<'a> {
    says: String,
    file: &'a Path,
    bytes: u64,
    manifest: Digest,
    entries: u64,
    root: Digest,
    files: usize,
    /// The certificate that it is sealed to.
    sealed_to: Option<Fingerprint>,
    /// The own key that signed it, if it is sealed and we have one.
    signed_by: Option<Fingerprint>,
    /// Originals that are not there, though no entry says that they were erased.
    missing: &'a [String],
}

/// Makes it, and has it recorded.
pub fn run(args: &Args, config: &Path, settings: &Settings, out: &mut Output<'_>) -> Result<Exit, CliError> {
    let now = MachineClock.now();
    let file = if args.file.is_dir() {
        let ending = if args.seal_to.is_some() { "zip.gpg" } else { "zip" };
        args.file.join(format!("hbcourier-{}.{ending}", now.strftime("%Y%m%dT%H%M%SZ")))
    } else {
        args.file.clone()
    };
    let sealing = args.seal_to.as_deref().map(|certificate| sealing(certificate, settings, now)).transpose()?;
    let packed =
        pack::pack(&settings.service.state, config, &file, now, sealing.as_ref()).map_err(|fault| CliError {
            exit: Exit::CouldNot,
            says: format!("No backup was made: {}.", with_causes(&fault)),
            next: Some(format!(
                "See that {} can be written and has room, then give the command again.",
                file.display()
            )),
        })?;
    let Manifest { entries, root, files, missing, .. } = &packed.manifest;
    let (by, reason) = (args.by.clone(), args.reason.clone());
    let order = Order::BackedUp { manifest: packed.digest, entries: *entries, root: *root, by, reason };
    let done = give(settings, order).map_err(|error| CliError {
        says: format!(
            "The backup {} is whole, and it is not recorded that it was made: {}",
            file.display(),
            error.says
        ),
        ..error
    })?;
    let (files, says, manifest) = (files.len(), done.says, packed.digest);
    let (signed_by, unsigned) = match &packed.signed {
        Some(Ok(key)) => (Some(key.clone()), None),
        Some(Err(why)) => (None, Some(why)),
        None => (None, None),
    };
    let sealed_to = sealing.map(|sealing| sealing.to.fingerprint);
    let (bytes, entries, root, file) = (packed.bytes, *entries, *root, &*file);
    let made = Made { says, file, bytes, manifest, entries, root, files, sealed_to, signed_by, missing };
    out.answer(args.json, &made, |text| {
        text.line(&made.says);
        text.facts([
            ("File", Some(file.display().to_string())),
            ("Bytes", Some(made.bytes.to_string())),
            ("Files in it", Some(files.to_string())),
            ("Its list of files", Some(manifest.to_string())),
            ("Sealed to", made.sealed_to.as_ref().map(ToString::to_string)),
            ("Signed by", made.signed_by.as_ref().map(ToString::to_string)),
        ]);
        text.line(
            "Write that digest down apart from the file: `hbcourier restore FILE` takes it as --manifest, and tells by it that \
             nobody altered it.",
        );
        if !missing.is_empty() {
            let many = missing.len();
            text.line(format!("Originals that the store names and that are not there, and no entry says why: {many}:"));
            missing.iter().for_each(|path| text.line(format!("  {path}")));
            text.line("See what removed them. Earlier backups may have them; keep those.");
        }
        if let Some(why) = unsigned {
            text.line(format!("It is not signed, so only that digest tells that nobody exchanged it: {why}."));
        }
        text.line(match made.sealed_to {
            Some(_) => "Only the private key of that certificate opens it: keep that key apart from this machine, and try it.",
            None => "It holds secret keys and is not encrypted: keep it where nobody else reads.",
        });
    })?;
    Ok(if missing.is_empty() { Exit::Yes } else { Exit::No })
}

fn sealing(certificate: &Path, settings: &Settings, now: jiff::Timestamp) -> Result<pack::Sealing, CliError> {
    let could_not = |why: String, next: &str| {
        let says = format!("No backup was made, for it cannot be sealed to {}: {why}.", certificate.display());
        CliError::new(Exit::CouldNot, says, next)
    };
    let look = "See that it is there and that the store can be read, then give the command again.";
    let bytes = read_key(certificate).map_err(|error| could_not(error.to_string(), look))?;
    let to = BackupCertificate::read(&bytes, now).map_err(|fault| {
        let (why, next) = unfit(&fault);
        could_not(why, next)
    })?;
    let queries = SqliteStore::read_only(&settings.service.state).map_err(|e| could_not(with_causes(&e), look))?;
    let keys = key_ring_by(settings, &queries).map_err(|error| could_not(with_causes(&error), look))?;
    Ok(pack::Sealing { to, keys })
}

/// Why a backup cannot be sealed to what was named, and what to name. The words of a partner's certificate would mislead.
fn unfit(fault: &BackupCertificateFault) -> (String, &'static str) {
    const NAME: &str =
        "Name the one certificate of whoever keeps the private key for backups, as `gpg --armor --export` writes it.";
    match fault {
        BackupCertificateFault::NotOne(TrustError::SecretKey) => (
            "it holds a private key, which opens every backup".to_owned(),
            "Keep that key apart from this machine, and name its certificate alone, as `gpg --armor --export` writes it.",
        ),
        BackupCertificateFault::NotOne(TrustError::SeveralCertificates) => {
            ("it holds several certificates".to_owned(), NAME)
        }
        BackupCertificateFault::NotOne(_) => ("it is not an OpenPGP certificate".to_owned(), NAME),
        BackupCertificateFault::Unusable(..) => (fault.to_string(), NAME),
    }
}

/// The bytes of a key or certificate, which are few; wiped when they are dropped.
pub fn read_key(file: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    File::open(file)?.take(KEY_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}
