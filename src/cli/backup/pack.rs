//! Packing: first the store's moment, then what it refers to.
//!
//! In:  a state directory that the service may be working in. Out: the archive, whole and synced.
//! Order matters: what the ledger's key signed last is read before the store, so that it is never ahead of it; originals are
//! read after it, wherever they have moved to by then. What came after that moment is left out: it was never a part of it.

use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rustix::fs::{FlockOperation, flock};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::manifest::{CONFIGURATION, MANIFEST, Manifest, Member, STORE};
use crate::domain::{Consignment, Digest, Fingerprint, InstallationId, Original};
use crate::durable::{CopyError, Directory, Scratch, Stamp, copy_and_digest};
use crate::effects::ledger_key::HEAD_FILE;
use crate::effects::pgp::KeyRing;
use crate::effects::pgp::backup::BackupCertificate;
use crate::effects::privilege::as_owner_of;
use crate::store::{
    ConsignmentFilter, Keeping, Queries, QueryError, SqliteQueries, SqliteStore, StoreError, SubmissionFilter,
};

/// To whom a backup is sealed, and the keys of which one signs it.
pub(super) struct Sealing {
    pub to: BackupCertificate,
    pub keys: KeyRing,
}

/// What the ledger's key signed last is small.
const HEAD_BYTES_MAX: u64 = 1 << 20;

/// A backup that was made.
pub(super) struct Packed {
    pub manifest: Manifest,
    /// SHA-256 of the list of files: it stands for the whole.
    pub digest: Digest,
    pub bytes: u64,
    /// Where it is sealed: whose signature it has, or why none.
    pub signed: Option<Result<Fingerprint, String>>,
}

/// Why no backup was made. Nothing of it is left.
#[derive(Debug, thiserror::Error)]
pub(super) enum PackFault {
    #[error("the store could not be copied")]
    Store(#[from] StoreError),
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error("{} could not be read or written", path.display())]
    File {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the archive could not be written")]
    Archive(#[from] zip::result::ZipError),
    #[error("the archive could not be sealed")]
    Seal(#[from] io::Error),
    #[error("another backup is being made")]
    Busy,
    #[error("keys were made, trusted or retired in the meantime: give the command again")]
    KeysChanged,
}

fn at(path: &Path) -> impl Fn(io::Error) -> PackFault + use<> {
    let path = path.to_owned();
    move |source| PackFault::File { path: path.clone(), source }
}

pub(super) fn pack(
    state: &Path,
    config: &Path,
    file: &Path,
    now: Timestamp,
    sealing: Option<&Sealing>,
) -> Result<Packed, PackFault> {
    let name = file
        .file_name()
        .and_then(|name| name.to_str())
        .ok_or_else(|| at(file)(io::Error::new(io::ErrorKind::InvalidInput, "it is no name of a file in UTF-8")))?;
    let above = file.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = Directory::open(above).map_err(at(above))?;
    if folder.stamp(name).map_err(at(file))?.is_some() {
        return Err(at(file)(io::Error::new(io::ErrorKind::AlreadyExists, "a file of that name is there")));
    }
    // One backup at a time, so that a part of this installation is nobody's.
    let scratch = scratch(state)?;
    let parts = parts_of(SqliteStore::read_only(state)?.installation()?);
    let part = format!("{parts}{name}.part");
    folder.remove(&part).map_err(at(file))?;
    remove_stale_parts(&folder, &parts).map_err(at(above))?;
    let written = begin(&folder, &part)
        .map_err(at(file))
        .and_then(|into| write(state, config, scratch.path(), into, now, sealing));
    let published = written.and_then(|packed| {
        folder.publish(&part, &folder, name).and_then(|()| folder.sync()).map_err(at(file))?;
        Ok(packed)
    });
    if published.is_err() {
        // The first error is the one to report.
        let _ = folder.remove(&part);
    }
    published
}

/// The folder for the store's copy: below the state directory, and like everything there its owner's alone.
fn scratch(state: &Path) -> Result<Scratch, PackFault> {
    let path = state.join(Scratch::OF_BACKUPS);
    let _acting = as_owner_of(state).map_err(at(state))?;
    Scratch::take(&path).map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => PackFault::Busy,
        _ => at(&path)(error),
    })
}

fn copy_store(state: &Path, scratch: &Path) -> Result<(), PackFault> {
    let _acting = as_owner_of(state).map_err(at(state))?;
    Ok(SqliteStore::snapshot(state, scratch)?)
}

/// Locked while it is written, so that the next backup knows what nobody writes any more.
fn begin(folder: &Directory, part: &str) -> io::Result<File> {
    let file = folder.create(part)?.into_machine()?;
    flock(&file, FlockOperation::NonBlockingLockExclusive)?;
    Ok(file)
}

/// How unfinished backups of this installation are called: others may keep theirs in the same folder.
fn parts_of(installation: Option<InstallationId>) -> String {
    installation.map_or_else(|| ".hbcourier-new.".to_owned(), |installation| format!(".hbcourier-{installation}."))
}

/// Removes what a backup left that was ended half-way: it may hold keys.
fn remove_stale_parts(folder: &Directory, parts: &str) -> io::Result<()> {
    // Earlier versions named no installation: `.hbcourier-<date>T<time>Z.zip.part`.
    let is_earlier = |name: &str| {
        let time = name.strip_prefix(".hbcourier-").and_then(|rest| rest.strip_suffix("Z.zip.part"));
        time.is_some_and(|time| time.as_bytes().get(8) == Some(&b'T'))
    };
    for name in folder.names()? {
        let Some(name) = name.to_str() else { continue };
        if !(name.starts_with(parts) && name.ends_with(".part") || is_earlier(name)) {
            continue;
        }
        match folder.open_file(name).and_then(|file| file.into_machine()) {
            Ok(file) if flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() => {
                if let Err(error) = folder.remove(name) {
                    tracing::warn!(part = name, %error, "An unfinished backup could not be removed: {error}");
                }
            }
            // In use, gone, or not ours.
            Ok(_) | Err(_) => {}
        }
    }
    Ok(())
}

fn write(
    state: &Path,
    config: &Path,
    scratch: &Path,
    into: File,
    now: Timestamp,
    sealing: Option<&Sealing>,
) -> Result<Packed, PackFault> {
    let ((manifest, digest), signed) = match sealing {
        None => (fill(state, config, scratch, ZipWriter::new(&into), now)?, None),
        Some(Sealing { to, keys }) => {
            let (packed, signed) = keys
                .seal_backup(&into, to, now, |into| fill(state, config, scratch, ZipWriter::new_stream(into), now))?;
            (packed, Some(signed))
        }
    };
    into.sync_all().map_err(at(scratch))?;
    let bytes = into.metadata().map_err(at(scratch))?.len();
    Ok(Packed { manifest, digest, bytes, signed })
}

fn fill<W: Write + Seek>(
    state: &Path,
    config: &Path,
    scratch: &Path,
    zip: ZipWriter<W>,
    now: Timestamp,
) -> Result<(Manifest, Digest), PackFault> {
    let head = read_small(&state.join(HEAD_FILE))?;
    let keys = key_files(state)?;
    copy_store(state, scratch)?;
    let store = SqliteStore::read_only(scratch)?;
    let mut pack = Pack { zip, files: Vec::new(), missing: Vec::new() };
    pack.add_file(STORE, &scratch.join(STORE))?;
    if let Some(head) = head {
        pack.add(HEAD_FILE, &mut &head[..])?;
    }
    for (path, _) in &keys {
        pack.add_file(path, &state.join(path))?;
    }
    for path in listed(state, "picked-up")?.into_iter().chain(loose(state)?) {
        pack.add_if_there(&path, &[state.join(&path)])?;
    }
    pack.originals(state, &store)?;
    pack.configuration(config)?;
    if key_files(state)? != keys {
        return Err(PackFault::KeysChanged);
    }
    let head = store.head()?;
    let manifest = Manifest {
        format: Manifest::FORMAT,
        made_at: now,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        store_version: SqliteStore::version(),
        entries: head.entries,
        root: head.root,
        files: std::mem::take(&mut pack.files),
        missing: std::mem::take(&mut pack.missing),
    };
    let list = serde_json::to_vec(&manifest).map_err(|error| at(state)(error.into()))?;
    pack.add(MANIFEST, &mut &list[..])?;
    pack.zip.finish()?;
    Ok((manifest, Digest::of(&list)))
}

struct Pack<W: Write + Seek> {
    zip: ZipWriter<W>,
    files: Vec<Member>,
    missing: Vec<String>,
}

impl<W: Write + Seek> Pack<W> {
    fn add(&mut self, path: &str, from: &mut dyn Read) -> Result<(), PackFault> {
        let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        self.zip.start_file(path, stored.large_file(true).unix_permissions(0o600))?;
        let copied = copy_and_digest(from, &mut self.zip, u64::MAX).map_err(|error| match error {
            CopyError::Read(error) | CopyError::Write(error) => at(Path::new(path))(error),
            CopyError::TooLarge(_) => at(Path::new(path))(io::ErrorKind::FileTooLarge.into()),
        })?;
        self.files.push(Member { path: path.to_owned(), bytes: copied.bytes, sha256: copied.digest });
        Ok(())
    }

    fn add_file(&mut self, path: &str, file: &Path) -> Result<(), PackFault> {
        let mut opened = File::open(file).map_err(at(file))?;
        self.add(path, &mut opened)
    }

    /// From the first of these places at which it is; whether it was at any.
    fn add_if_there(&mut self, path: &str, places: &[PathBuf]) -> Result<bool, PackFault> {
        for place in places {
            match File::open(place) {
                Ok(mut file) => return self.add(path, &mut file).map(|()| true),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(at(place)(error)),
            }
        }
        Ok(false)
    }

    /// What was collected and what was sealed, as far as the store names it and does not say that it was erased.
    fn originals(&mut self, state: &Path, store: &SqliteQueries) -> Result<(), PackFault> {
        for consignment in store.consignments(&ConsignmentFilter::default())? {
            let Consignment { id, source, .. } = &consignment;
            let (raw, archive) = (format!("spool/raw/{source}.{id}"), format!("archive/{id}.pgp"));
            // It may be moved to the archive between two looks, and never back.
            let path = if consignment.standing.is_archived() { &archive } else { &raw };
            let there = self.add_if_there(path, &[state.join(&raw), state.join(&archive)])?;
            if !there && !is_erased(state, store, &Original::Transfer(*id))? {
                self.missing.push(path.clone());
            }
        }
        let mut sealed = Vec::new();
        for submission in store.submissions(&SubmissionFilter::default())? {
            let Some(digest) = submission.sealed.map(|sealed| sealed.sealed) else { continue };
            let path = format!("sealed/{digest}.pgp");
            if sealed.contains(&digest) {
                continue;
            }
            sealed.push(digest);
            let there = self.add_if_there(&path, &[state.join(&path)])?;
            if !there && !is_erased(state, store, &Original::Return(submission.key))? {
                self.missing.push(path);
            }
        }
        Ok(())
    }

    fn configuration(&mut self, config: &Path) -> Result<(), PackFault> {
        self.add_file(&format!("{CONFIGURATION}/hbcourier.toml"), config)?;
        let more = config.parent().unwrap_or(Path::new("")).join("conf.d");
        for path in listed(&more, "")?.into_iter().filter(|path| path.ends_with(".toml")) {
            self.add_file(&format!("{CONFIGURATION}/conf.d/{path}"), &more.join(&path))?;
        }
        Ok(())
    }
}

/// Whether an entry says so: in the copy, or made since.
fn is_erased(state: &Path, copy: &SqliteQueries, original: &Original) -> Result<bool, PackFault> {
    let erased = copy.original_erased(original)?.is_some();
    Ok(erased || SqliteStore::read_only(state)?.original_erased(original)?.is_some())
}

/// Every key file but what the ledger's key signed last, with what tells whether it was changed.
fn key_files(state: &Path) -> Result<Vec<(String, Stamp)>, PackFault> {
    let mut files = Vec::new();
    for path in listed(state, "keys")? {
        if path == HEAD_FILE {
            continue;
        }
        let whole = state.join(&path);
        let file = File::open(&whole).map_err(at(&whole))?;
        files.push((path, crate::durable::directory::stamp(&file.into()).map_err(at(&whole))?));
    }
    Ok(files)
}

/// The regular files below a folder of `top`, as paths from `top`; none, if the folder is not there. Hidden ones are not
/// finished.
fn listed(top: &Path, below: &str) -> Result<Vec<String>, PackFault> {
    let (folder, mut found) = (top.join(below), Vec::new());
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        entries => entries.map_err(at(&folder))?,
    };
    for entry in entries {
        let entry = entry.map_err(at(&folder))?;
        let Some(name) = entry.file_name().to_str().filter(|name| !name.starts_with('.')).map(str::to_owned) else {
            continue;
        };
        let path = if below.is_empty() { name } else { format!("{below}/{name}") };
        let kind = entry.file_type().map_err(at(&folder))?;
        if kind.is_dir() {
            found.extend(listed(top, &path)?);
        } else if kind.is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Files that lie in the state directory itself: the key of Message-IDs.
fn loose(state: &Path) -> Result<Vec<String>, PackFault> {
    let mut found = Vec::new();
    for entry in fs::read_dir(state).map_err(at(state))? {
        let entry = entry.map_err(at(state))?;
        if let Some(name) = entry.file_name().to_str().filter(|name| name.ends_with(".key"))
            && entry.file_type().map_err(at(state))?.is_file()
        {
            found.push(name.to_owned());
        }
    }
    Ok(found)
}

fn read_small(path: &Path) -> Result<Option<Vec<u8>>, PackFault> {
    let mut bytes = Vec::new();
    match File::open(path).and_then(|file| file.take(HEAD_BYTES_MAX).read_to_end(&mut bytes)) {
        Ok(_) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(at(path)(error)),
    }
}
