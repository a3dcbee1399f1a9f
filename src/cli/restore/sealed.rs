//! What a backup's file is: the archive in clear, or sealed, which the private key opens.
//!
//! In:  the file, the private key's file, its passphrase, the certificate of who should have signed it. Out: the archive.
//! Holds: a sealed one is read to its end before anything is written; its content never lies on a disk but in its place.

use std::fs::File;
use std::io::{Read, Seek};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::Args;
use super::unpack::Archive;
use crate::cli::backup::read_key;
use crate::cli::output::{CliError, Exit};
use crate::config::settings::SecretReference;
use crate::domain::causes::with_causes;
use crate::effects::pgp::backup::{BackupKey, SealedBackup, SealedBackupFault};

/// How every archive in clear begins.
const ARCHIVE: &[u8] = b"PK";
/// How everything in ASCII armour begins.
const ARMOUR: &[u8] = b"-----BEGIN PGP";

/// Opens the backup.
pub(super) fn archive(path: &Path, args: &Args) -> Result<Box<dyn Archive>, CliError> {
    let unreadable = |error: std::io::Error| {
        let says = format!("The backup {} could not be read: {error}.", path.display());
        CliError::new(Exit::CouldNot, says, "Name the file that `hbcourier backup` made.")
    };
    let mut file = File::open(path).map_err(unreadable)?;
    let mut begins = Vec::new();
    (&mut file).take(ARMOUR.len() as u64).read_to_end(&mut begins).map_err(unreadable)?;
    file.rewind().map_err(unreadable)?;
    // The first octet of an OpenPGP packet has its highest bit set.
    let is_sealed = begins.first().is_some_and(|first| first & 0x80 != 0);
    if begins == ARMOUR {
        let says = format!("Nothing was restored: the backup {} is in ASCII armour.", path.display());
        return Err(CliError::new(
            Exit::Usage,
            says,
            "Take it out of it: `gpg --output BACKUP.zip.gpg --dearmor FILE`.",
        ));
    }
    if !is_sealed && !begins.starts_with(ARCHIVE) {
        let says = format!("Nothing was restored: {} is no backup, neither sealed nor in clear.", path.display());
        return Err(CliError::new(Exit::No, says, "Name the file that `hbcourier backup` made."));
    }
    match &args.secret_key {
        Some(key) if is_sealed => sealed(path, file, key, args),
        None if is_sealed => {
            let says = format!("Nothing was restored: the backup {} is sealed.", path.display());
            Err(CliError::new(Exit::Usage, says, "Add --secret-key with the file of the private key that opens it."))
        }
        None if args.signed_by.is_none() => Ok(Box::new(file)),
        Some(_) | None => {
            let says =
                format!("Nothing was restored: the backup {} is not sealed, so nobody signed it.", path.display());
            let next = "Name the sealed one, or leave --secret-key and --signed-by out and compare it by --manifest.";
            Err(CliError::new(Exit::No, says, next))
        }
    }
}

fn sealed(path: &Path, file: File, key: &Path, args: &Args) -> Result<Box<dyn Archive>, CliError> {
    let key = secret_key(key, args)?;
    let signer = args.signed_by.as_deref().map(|certificate| {
        read_key(certificate).map_err(|error| {
            let says = format!("The certificate {} could not be read: {error}.", certificate.display());
            CliError::new(
                Exit::CouldNot,
                says,
                "Name the certificates of the installation that was backed up (`keys/own-public.asc`).",
            )
        })
    });
    let signer = signer.transpose()?;
    let opened = SealedBackup::open(file, key, signer.as_ref().map(|bytes| &bytes[..]));
    let opened = opened.map_err(|fault| {
        let (exit, next) = match &fault {
            SealedBackupFault::OtherKey => {
                (Exit::No, "Name the private key of the certificate that --seal-to named when it was made.")
            }
            SealedBackupFault::Altered => (Exit::No, "Copy it anew from where it was kept, or restore another one."),
            SealedBackupFault::NotSigned => {
                (Exit::No, "Ask who put it there. Restore one that this installation signed.")
            }
            SealedBackupFault::NotACertificate => (
                Exit::CouldNot,
                "Name the certificates of the installation that was backed up (`keys/own-public.asc`).",
            ),
        };
        let says = format!("Nothing was restored from {}: {}.", path.display(), with_causes(&fault));
        CliError::new(exit, says, next)
    })?;
    Ok(Box::new(opened))
}

fn secret_key(path: &Path, args: &Args) -> Result<BackupKey, CliError> {
    let refused = |says: String, next: &str| {
        CliError::new(Exit::CouldNot, format!("The private key {} {says}.", path.display()), next)
    };
    let about = path.metadata().map_err(|error| refused(format!("could not be read: {error}"), "Check the path."))?;
    if !about.is_file() || about.mode() & 0o077 != 0 {
        let next = "Put it into a file of its own, and run chmod 600 on that.";
        return Err(refused("is open to other accounts, or is no file".to_owned(), next));
    }
    let bytes = read_key(path).map_err(|error| refused(format!("could not be read: {error}"), "Check the disk."))?;
    let reference = match (&args.passphrase_file, &args.passphrase_credential) {
        (Some(file), _) => Some(SecretReference::File(file.clone())),
        (None, Some(name)) => Some(SecretReference::Credential(name.clone())),
        (None, None) => None,
    };
    let passphrase = reference.map(|reference| reference.read()).transpose();
    let passphrase = passphrase.map_err(|fault| {
        refused(format!("needs its passphrase: {}", with_causes(&fault)), "Mend that, and give the command again.")
    })?;
    BackupKey::read(&bytes, passphrase.as_ref()).map_err(|fault| {
        refused(format!("opens nothing: {fault}"), "Name its passphrase with --passphrase-file, or the right file.")
    })
}
