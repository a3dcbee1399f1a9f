//! The spool: sealed bytes that are ours, below the state directory.
//!
//! `spool/tmp` being copied · `spool/raw/<source>.<id>` collected · `spool/private` nameless plaintext ·
//! `archive/<id>.pgp` delivered originals · `sealed/<sha256>.pgp` returns as they are sent.
//! Holds: a name in `raw` or `sealed` is complete and synced; nothing here is ever plaintext under a name.

use std::ffi::OsString;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::domain::{ConsignmentId, Digest, SourceName};
use crate::durable::{
    Copied, CopyError, Directory, File, PrivateContent, Stamp, copy_and_digest, private_directory, private_file, step,
    synced,
};

/// The spool of one state directory.
pub struct Spool {
    tmp: Directory,
    raw: Directory,
    archive: Directory,
    sealed: Directory,
    private: PathBuf,
    counter: AtomicU64,
}

/// Bytes on their way into the spool. Dropped without [`Spool::keep`], they are removed.
pub struct Incoming<'a> {
    tmp: &'a Directory,
    name: String,
    /// What was taken.
    pub copied: Copied,
    kept: bool,
}

impl Drop for Incoming<'_> {
    fn drop(&mut self) {
        if !self.kept {
            let _ = self.tmp.remove(&self.name);
        }
    }
}

impl Spool {
    /// Opens the spool below `state`, making what is missing, and clears what an earlier process left unfinished.
    pub fn open(state: &Path) -> io::Result<Spool> {
        let directory = |name: &str| private_directory(&state.join(name));
        let spool = Spool {
            tmp: directory("spool/tmp")?,
            raw: directory("spool/raw")?,
            private: state.join("spool/private"),
            archive: directory("archive")?,
            sealed: directory("sealed")?,
            counter: AtomicU64::new(0),
        };
        for directory in [&spool.tmp, &directory("spool/private")?] {
            for name in directory.names()? {
                if let Some(name) = name.to_str() {
                    directory.remove(name)?;
                }
            }
        }
        // The folders' own names must outlast a power cut before anything is kept in them.
        for path in [state.join("spool"), state.to_owned()] {
            let folder = Directory::open(&path)?;
            synced("sync.spool.folders", || folder.sync())?;
        }
        Ok(spool)
    }

    /// Whether nothing was ever collected or sealed here.
    pub fn is_unused(&self) -> io::Result<bool> {
        Ok([&self.raw, &self.archive, &self.sealed]
            .into_iter()
            .map(Directory::names)
            .collect::<io::Result<Vec<_>>>()?
            .iter()
            .all(Vec::is_empty))
    }

    /// Copies `from` into the spool, synced, not yet under a lasting name.
    pub fn take(&self, from: &mut dyn Read, bytes_max: u64) -> Result<Incoming<'_>, CopyError> {
        let name = format!("{}", self.counter.fetch_add(1, Ordering::Relaxed));
        let mut file = self.tmp.create(&name).map_err(CopyError::Write)?;
        let empty = Copied { digest: Digest::of(b""), bytes: 0 };
        let mut incoming = Incoming { tmp: &self.tmp, name, copied: empty, kept: false };
        incoming.copied = copy_and_digest(from, &mut file, bytes_max)?;
        step("collect.copied").map_err(CopyError::Write)?;
        synced("sync.collect.file", || file.sync_all()).map_err(CopyError::Write)?;
        step("collect.synced").map_err(CopyError::Write)?;
        Ok(incoming)
    }

    /// As [`Spool::take`], but by a second name for the file itself instead of a copy: for large files on the
    /// spool's own file system. `digest` reads all of it.
    pub fn adopt(
        &self,
        from: &Directory,
        name: &str,
        digest: impl FnOnce(&File) -> Result<Copied, CopyError>,
    ) -> Result<Incoming<'_>, CopyError> {
        let own = format!("{}", self.counter.fetch_add(1, Ordering::Relaxed));
        self.tmp.link_from(from, name, &own).map_err(CopyError::Write)?;
        let empty = Copied { digest: Digest::of(b""), bytes: 0 };
        let mut incoming = Incoming { tmp: &self.tmp, name: own, copied: empty, kept: false };
        let file = self.tmp.open_file(&incoming.name).map_err(CopyError::Read)?;
        incoming.copied = digest(&file)?;
        step("collect.copied").map_err(CopyError::Write)?;
        synced("sync.collect.file", || file.sync_all()).map_err(CopyError::Write)?;
        step("collect.synced").map_err(CopyError::Write)?;
        Ok(incoming)
    }

    /// Whether files of this directory can be adopted.
    pub fn shares_file_system(&self, directory: &Directory) -> bool {
        self.tmp.device() == directory.device()
    }

    /// Puts what was taken under the consignment's name, to last. One that is there already (from before a crash)
    /// is adopted if it is the same.
    pub fn keep(&self, mut incoming: Incoming<'_>, source: &SourceName, id: &ConsignmentId) -> io::Result<()> {
        let name = raw_name(source, id);
        match self.tmp.publish(&incoming.name, &self.raw, &name) {
            Ok(()) => incoming.kept = true,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let there = digest_of(&mut self.raw.open_file(&name)?)?;
                if there != incoming.copied {
                    return Err(io::Error::other("the spool holds other bytes under this transfer's id"));
                }
            }
            Err(error) => return Err(error),
        }
        step("collect.named")?;
        synced("sync.collect.directory", || self.raw.sync())?;
        step("collect.directory-synced")
    }

    /// The collected bytes.
    pub fn raw(&self, source: &SourceName, id: &ConsignmentId) -> io::Result<File> {
        self.raw.open_file(&raw_name(source, id))
    }

    /// Whether a collected file is this very file under a second name ([`Spool::adopt`], before a crash).
    pub fn holds(&self, stamp: &Stamp) -> io::Result<bool> {
        for name in self.raw.names()? {
            let ours = name.to_str().map(|name| self.raw.stamp(name)).transpose()?.flatten();
            if stamp.links == 2 && ours.is_some_and(|ours| ours.inode == stamp.inode) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Moves the collected bytes to the archive, to last. Done before: no error.
    pub fn archive(&self, source: &SourceName, id: &ConsignmentId) -> io::Result<()> {
        let archived = format!("{id}.pgp");
        let raw = raw_name(source, id);
        match self.raw.publish(&raw, &self.archive, &archived) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.archive.stamp(&archived)?.is_some() => {}
            // Where a move is two steps, a crash may have come between them.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let there = digest_of(&mut self.archive.open_file(&archived)?)?;
                if there != digest_of(&mut self.raw.open_file(&raw)?)? {
                    return Err(io::Error::other("the archive holds other bytes under this transfer's id"));
                }
                self.raw.remove(&raw)?;
            }
            moved => moved?,
        }
        // First the new name, then the loss of the old one: a power cut between leaves two names, never none.
        synced("sync.archive.new-name", || self.archive.sync())?;
        synced("sync.archive.old-name", || self.raw.sync())
    }

    /// What lies in `raw`: complete, but perhaps never recorded.
    pub fn collected(&self) -> io::Result<Vec<(SourceName, ConsignmentId)>> {
        let names = self.raw.names()?;
        Ok(names.iter().filter_map(|name| read_raw_name(name.to_str()?)).collect())
    }

    /// Digest and length of collected bytes.
    pub fn collected_digest(&self, source: &SourceName, id: &ConsignmentId) -> io::Result<Copied> {
        digest_of(&mut self.raw(source, id)?)
    }

    /// A nameless file for plaintext; gone when it is dropped or the process ends.
    pub fn private(&self) -> io::Result<File> {
        private_file(&self.private)
    }

    /// A private place for plaintext: in memory, or in a nameless file once it is large.
    pub fn private_content(&self) -> PrivateContent {
        PrivateContent::at(&self.private)
    }

    /// Keeps sealed bytes under their digest, to last. `sealed` is a nameless file from [`Spool::private`].
    pub fn keep_sealed(&self, sealed: &File, digest: &Digest) -> io::Result<()> {
        synced("sync.seal.file", || sealed.sync_all())?;
        step("seal.written")?;
        let name = sealed_name(digest);
        if self.sealed.stamp(&name)?.is_none() {
            match self.sealed.link(sealed, &name) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                linked => linked?,
            }
        }
        step("seal.named")?;
        // How many names it has is the file's own, and a folder's sync need not cover that.
        synced("sync.seal.link", || sealed.sync_all())?;
        synced("sync.seal.directory", || self.sealed.sync())
    }

    /// Sealed bytes by their digest.
    pub fn sealed(&self, digest: &Digest) -> io::Result<File> {
        self.sealed.open_file(&sealed_name(digest))
    }

    /// Removes sealed bytes that no submission names: sealed, but never recorded.
    pub fn forget_sealed(&self, is_recorded: impl Fn(&Digest) -> bool) -> io::Result<()> {
        for name in self.sealed.names()? {
            let Some(name) = name.to_str() else { continue };
            let digest = name.strip_suffix(".pgp").and_then(|digits| digits.parse().ok());
            if !digest.is_some_and(|digest| is_recorded(&digest)) {
                self.sealed.remove(name)?;
            }
        }
        self.sealed.sync()
    }

    /// What lies in the archive.
    pub fn archived(&self) -> io::Result<Vec<ConsignmentId>> {
        let read = |name: &OsString| name.to_str()?.strip_suffix(".pgp")?.parse().ok();
        Ok(self.archive.names()?.iter().filter_map(read).collect())
    }

    /// What lies in `sealed`.
    pub fn all_sealed(&self) -> io::Result<Vec<Digest>> {
        let read = |name: &OsString| name.to_str()?.strip_suffix(".pgp")?.parse().ok();
        Ok(self.sealed.names()?.iter().filter_map(read).collect())
    }

    /// Removes an archived original. One that is not there is no error; nor in the next two.
    pub fn remove_archived(&self, id: &ConsignmentId) -> io::Result<()> {
        self.archive.remove(&format!("{id}.pgp"))
    }

    /// Removes a collected original that was never archived.
    pub fn remove_collected(&self, source: &SourceName, id: &ConsignmentId) -> io::Result<()> {
        self.raw.remove(&raw_name(source, id))
    }

    /// Removes the sealed bytes of a return.
    pub fn remove_sealed(&self, digest: &Digest) -> io::Result<()> {
        self.sealed.remove(&sealed_name(digest))
    }

    /// Makes every removal so far last.
    pub fn sync_removals(&self) -> io::Result<()> {
        [&self.archive, &self.raw, &self.sealed].into_iter().try_for_each(Directory::sync)
    }

    /// Free bytes where the spool is.
    pub fn free_bytes(&self) -> io::Result<u64> {
        self.tmp.free_bytes()
    }
}

fn raw_name(source: &SourceName, id: &ConsignmentId) -> String {
    format!("{source}.{id}")
}

fn read_raw_name(name: &str) -> Option<(SourceName, ConsignmentId)> {
    let (source, id) = name.rsplit_once('.')?;
    Some((source.parse().ok()?, id.parse().ok()?))
}

fn sealed_name(digest: &Digest) -> String {
    format!("{digest}.pgp")
}

fn digest_of(file: &mut File) -> io::Result<Copied> {
    file.seek(SeekFrom::Start(0))?;
    copy_and_digest(file, &mut io::sink(), u64::MAX).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_bytes_are_found_and_archived_once_and_again() {
        let state = tempfile::tempdir().unwrap();
        let spool = Spool::open(state.path()).unwrap();
        let source: SourceName = "drop-12302".parse().unwrap();
        let incoming = spool.take(&mut &b"sealed"[..], 100).unwrap();
        let id = ConsignmentId::derive(&source, "native", &incoming.copied.digest);
        spool.keep(incoming, &source, &id).unwrap();
        let again = spool.take(&mut &b"sealed"[..], 100).unwrap();
        spool.keep(again, &source, &id).expect("the same bytes are adopted");
        let other = spool.take(&mut &b"others"[..], 100).unwrap();
        assert!(spool.keep(other, &source, &id).is_err());
        assert_eq!(spool.collected().unwrap(), vec![(source.clone(), id)]);
        spool.archive(&source, &id).unwrap();
        spool.archive(&source, &id).expect("archiving again is no error");
        assert!(spool.collected().unwrap().is_empty());
        assert!(spool.tmp.names().unwrap().is_empty(), "nothing is left behind");
        // As after a crash between the two steps of a move.
        let name = raw_name(&source, &id);
        std::fs::copy(state.path().join(format!("archive/{id}.pgp")), state.path().join("spool/raw").join(&name))
            .unwrap();
        spool.archive(&source, &id).unwrap();
        assert!(spool.collected().unwrap().is_empty());
        std::fs::write(state.path().join("spool/raw").join(&name), "others").unwrap();
        assert!(spool.archive(&source, &id).is_err(), "what differs is not thrown away");
        assert_eq!(spool.collected().unwrap(), vec![(source, id)]);
    }

    #[test]
    fn sealed_bytes_nobody_recorded_are_removed() {
        let state = tempfile::tempdir().unwrap();
        let spool = Spool::open(state.path()).unwrap();
        for content in [&b"one"[..], b"two"] {
            let mut file = spool.private().unwrap();
            io::Write::write_all(&mut file, content).unwrap();
            spool.keep_sealed(&file, &Digest::of(content)).unwrap();
        }
        spool.forget_sealed(|digest| *digest == Digest::of(b"one")).unwrap();
        assert!(spool.sealed(&Digest::of(b"one")).is_ok());
        assert!(spool.sealed(&Digest::of(b"two")).is_err());
    }
}
