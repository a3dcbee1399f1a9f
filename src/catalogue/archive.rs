//! Walking a ZIP that somebody else made, without trusting a word of its headers.
//!
//! In:  any seekable bytes, and the limits.
//! Out: [`Archive`], whose members have passed every check that can be made before inflating; [`Archive::extract`] makes
//!      the rest while it writes.
//! Holds: the number of members is checked before the directory is read; sizes in headers are claims, the bytes produced
//!        are counted; one bad member condemns the archive.

use std::collections::HashSet;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};

use zip::CompressionMethod;
use zip::read::{ArchiveOffset, Config, ZipArchive, ZipFileEntry};
use zip::result::ZipError;
// Outside the library's promise of stability; the one reader of it that counts before it allocates.
use zip::unstable::read::ZipIterable;

use super::Limits;
use super::allowance::Allowance;
use crate::domain::reason::{Consequence, DeferCause, HoldReason, Limit};

/// The directory and every local header together; real packs need a few kilobytes.
const DIRECTORY_BYTES_MAX: u64 = 32 << 20;
const COPY_BYTES: usize = 64 << 10;

/// A ZIP whose directory has been found safe.
#[derive(Debug)]
pub struct Archive<R> {
    zip: ZipArchive<Source<R>>,
    members: Vec<Member>,
    bytes_max: u64,
    produced: u64,
}

type Source<R> = Allowance<BufReader<R>>;

/// One file in an archive. Directories are not members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The last component of its path: what a person would call it. Safe as a file name, and no more than a claim.
    pub name: String,
    /// Its whole path in the archive.
    pub path: String,
    /// What its header claims it becomes, in bytes.
    pub size_claimed: u64,
    entry: usize,
}

/// Why an archive is not unpacked. Names of members are not repeated: they may be personal data.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// More members than allowed.
    #[error("the ZIP has {found} members, more than the {max} allowed")]
    TooManyMembers {
        /// How many its end record claims.
        found: u64,
        /// The limit.
        max: u32,
    },
    /// More content than allowed.
    #[error("the members of the ZIP become more than the {max} bytes allowed")]
    TooManyBytes {
        /// The limit.
        max: u64,
    },
    /// The ZIP does not follow its own format.
    #[error("the ZIP is damaged or contradicts itself")]
    Damaged(#[source] ZipError),
    /// A member that must not be unpacked.
    #[error("member {member} of the ZIP {fault}")]
    Unsafe {
        /// Its place in the directory, counted from 1.
        member: usize,
        /// What is wrong with it.
        fault: Fault,
    },
    /// The archive could not be read.
    #[error("could not read the ZIP")]
    Read(#[source] io::Error),
    /// A member could not be written out.
    #[error("could not write out member {member} of the ZIP")]
    Write {
        /// Its place in the directory, counted from 1.
        member: usize,
        /// What the writer said.
        #[source]
        source: io::Error,
    },
}

/// What makes a member unfit for unpacking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A path that leaves the archive, or that no honest program writes.
    #[error("has a path that must not be followed")]
    Path,
    /// Two members, one name.
    #[error("has the name of an earlier one")]
    Duplicate,
    /// A link, a device, a pipe.
    #[error("is neither a file nor a directory")]
    Special,
    /// Locked with a password.
    #[error("is locked with a password")]
    Locked,
    /// Compressed in a way that is not read.
    #[error("is compressed in an unsupported way")]
    Method,
    /// Inflating gives another size, or other bytes, than the directory says.
    #[error("is not what the directory says it is")]
    Contradiction,
    /// Asked for by an index that does not exist.
    #[error("does not exist")]
    Missing,
}

impl ArchiveError {
    /// What becomes of the consignment that holds this archive.
    pub fn consequence(&self) -> Consequence {
        let reached = |limit| Consequence::Hold(HoldReason::LimitReached { limit });
        match self {
            ArchiveError::TooManyMembers { .. } => reached(Limit::ArchiveMembers),
            ArchiveError::TooManyBytes { .. } => reached(Limit::ArchiveBytes),
            ArchiveError::Damaged(_) | ArchiveError::Unsafe { .. } => Consequence::Hold(HoldReason::ArchiveUnsafe),
            ArchiveError::Read(_) => Consequence::Defer(DeferCause::SpoolUnreadable),
            ArchiveError::Write { .. } => Consequence::Defer(DeferCause::PrivateSpace),
        }
    }

    /// What the writer said, if it was the writer that failed.
    pub fn into_write_error(self) -> Result<io::Error, ArchiveError> {
        match self {
            ArchiveError::Write { source, .. } => Ok(source),
            other => Err(other),
        }
    }

    /// What the ZIP library reports: the disk's errors carry a code of the operating system, the format's do not.
    fn from_zip(error: ZipError) -> ArchiveError {
        match error {
            ZipError::Io(source) if source.raw_os_error().is_some() => ArchiveError::Read(source),
            other => ArchiveError::Damaged(other),
        }
    }
}

/// Whether `head`, the first bytes of a file, is how a ZIP begins.
pub fn is_zip(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06")
}

/// Whether a ZIP has its end record, so that nothing of it is still on its way.
pub fn is_zip_complete<R: Read + Seek>(content: &mut R) -> io::Result<bool> {
    content.seek(SeekFrom::Start(0))?;
    let (source, _) = Allowance::new(BufReader::new(content), DIRECTORY_BYTES_MAX);
    match ZipIterable::try_new(source, from_the_start()) {
        Ok(_) => Ok(true),
        Err(ZipError::Io(error)) if error.raw_os_error().is_some() => Err(error),
        Err(_) => Ok(false),
    }
}

/// Bytes before the first member would make the file two things at once.
fn from_the_start() -> Config {
    Config { archive_offset: ArchiveOffset::Known(0) }
}

impl<R: Read + Seek> Archive<R> {
    /// Reads the directory and checks everything in it.
    pub fn open(reader: R, limits: &Limits) -> Result<Archive<R>, ArchiveError> {
        let (mut source, grant) = Allowance::new(BufReader::new(reader), DIRECTORY_BYTES_MAX);
        let (members, listed) = list(&mut source, limits)?;
        let mut zip = ZipArchive::with_config(from_the_start(), source).map_err(ArchiveError::from_zip)?;
        if zip.len() != listed {
            return Err(ArchiveError::Damaged(ZipError::InvalidArchive("two readings of the directory differ".into())));
        }
        // Local headers that differ from the directory, entries that share bytes, entries the directory leaves out.
        zip.validate_header_consistency().map_err(ArchiveError::from_zip)?;
        grant.set(u64::MAX);
        Ok(Archive { zip, members, bytes_max: limits.bytes_max, produced: 0 })
    }

    /// The files in it, in the directory's order.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// Writes out the member at `index` of [`members`](Self::members) and says how many bytes that was.
    ///
    /// The bytes of all calls count against the limit. After an error what was written is not to be used.
    pub fn extract(&mut self, index: usize, into: &mut dyn Write) -> Result<u64, ArchiveError> {
        let place = index + 1;
        let unsafe_member = |fault| ArchiveError::Unsafe { member: place, fault };
        let member = self.members.get(index).ok_or(unsafe_member(Fault::Missing))?;
        let mut file = self.zip.by_index(member.entry).map_err(ArchiveError::from_zip)?;
        let mut buffer = vec![0; COPY_BYTES];
        let mut written = 0;
        loop {
            let read = match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.raw_os_error().is_some() => return Err(ArchiveError::Read(error)),
                Err(_) => return Err(unsafe_member(Fault::Contradiction)),
            };
            written += read as u64;
            self.produced = self.produced.saturating_add(read as u64);
            if self.produced > self.bytes_max {
                return Err(ArchiveError::TooManyBytes { max: self.bytes_max });
            }
            into.write_all(&buffer[..read]).map_err(|source| ArchiveError::Write { member: place, source })?;
        }
        if written == member.size_claimed { Ok(written) } else { Err(unsafe_member(Fault::Contradiction)) }
    }
}

/// The members, and how many entries the directory has in all.
fn list<R: Read + Seek>(source: &mut Source<R>, limits: &Limits) -> Result<(Vec<Member>, usize), ArchiveError> {
    let mut entries = ZipIterable::try_new(source, from_the_start()).map_err(ArchiveError::from_zip)?;
    let listed = entries.len();
    if listed as u64 > u64::from(limits.members_max) {
        return Err(ArchiveError::TooManyMembers { found: listed as u64, max: limits.members_max });
    }
    let mut members = Vec::new();
    let mut seen = HashSet::new();
    let mut claimed = 0u64;
    for (at, entry) in entries.files().map_err(ArchiveError::from_zip)?.enumerate() {
        let entry = entry.map_err(ArchiveError::from_zip)?;
        let path = inspect(&entry, &mut seen).map_err(|fault| ArchiveError::Unsafe { member: at + 1, fault })?;
        claimed = claimed.saturating_add(entry.size());
        if let Some(name) = path.rsplit('/').next().filter(|name| !name.is_empty()) {
            members.push(Member { name: name.to_owned(), size_claimed: entry.size(), entry: at, path });
        }
    }
    // A claim over the limit is believed, so that nothing is inflated in vain; one below it proves nothing.
    if claimed > limits.bytes_max {
        return Err(ArchiveError::TooManyBytes { max: limits.bytes_max });
    }
    Ok((members, listed))
}

/// Everything that is wrong with an entry by its header alone; its path if nothing is.
fn inspect(entry: &ZipFileEntry<'_>, seen: &mut HashSet<String>) -> Result<String, Fault> {
    let path = entry.name().map_err(|_| Fault::Path)?.into_owned();
    let directory = path.ends_with('/');
    if !is_plain_path(path.strip_suffix('/').unwrap_or(&path)) {
        return Err(Fault::Path);
    }
    // Back offices often sit on file systems that do not tell case apart.
    if !seen.insert(path.strip_suffix('/').unwrap_or(&path).to_lowercase()) {
        return Err(Fault::Duplicate);
    }
    let type_bits = entry.unix_mode().unwrap_or_default() & 0o170_000;
    let expected = if directory { 0o040_000 } else { 0o100_000 };
    if (type_bits != 0 && type_bits != expected) || (directory && entry.size() > 0) {
        return Err(Fault::Special);
    }
    if entry.encrypted() {
        return Err(Fault::Locked);
    }
    match entry.compression() {
        CompressionMethod::Stored | CompressionMethod::Deflated => Ok(path),
        _ => Err(Fault::Method),
    }
}

/// Relative, downward, and made of names that are the same everywhere.
fn is_plain_path(path: &str) -> bool {
    let plain = |part: &str| !part.is_empty() && part != "." && part != ".." && part.len() <= 255;
    let odd = |c: char| c.is_control() || matches!(c, '\\' | ':');
    !path.contains(odd) && path.split('/').all(plain)
}

#[cfg(test)]
mod tests;
