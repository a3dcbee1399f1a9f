//! A file system in memory with two views: what a process sees, and what a power cut leaves.
//!
//! In:  calls on names and bytes, syncs, power cuts. Out: what is there.
//! What was synced survives. Of the rest of a folder's names a beginning survives, in the order of the moves; of a
//! [`Kind::Journalled`] file system it is the same moment for all folders, and every sync makes all before it last. A move
//! from folder to folder loses no file: the old name is not gone while the new one is not there. Bytes that were not
//! synced survive wholly, in part, as zeros, or not, whatever became of their names.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::chance::Chance;

/// How names last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Every sync makes all names of all folders last, and a power cut leaves one moment of all of them.
    Journalled,
    /// Nothing lasts but what was synced itself, and each folder is left at a moment of its own.
    Loose,
}

pub struct Inode {
    pub content: Vec<u8>,
    /// What is on the platter; nothing, if it was never synced.
    stored: Option<Vec<u8>>,
    /// A sync of it failed: later ones succeed without the bytes being there.
    lost: bool,
    pub mode: u32,
    pub modified: i64,
    pub changed: i64,
    pub links: u64,
}

#[derive(Default)]
pub struct Folder {
    pub path: PathBuf,
    pub names: BTreeMap<String, u64>,
    stored: BTreeMap<String, u64>,
    pending: Vec<Pending>,
}

/// A change of a folder that need not have reached the platter.
struct Pending {
    moment: u64,
    name: String,
    inode: Option<u64>,
    /// The folder that has the file now, of one that was moved away.
    moved_to: Option<u64>,
}

pub struct FileSystem {
    kind: Kind,
    pub folders: BTreeMap<u64, Folder>,
    pub inodes: BTreeMap<u64, Inode>,
    next: u64,
    moment: u64,
}

impl FileSystem {
    pub fn new(kind: Kind) -> FileSystem {
        FileSystem { kind, folders: BTreeMap::new(), inodes: BTreeMap::new(), next: 1, moment: 0 }
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// The folder with this path, which is made if it is not there. Folders last.
    pub fn folder(&mut self, path: PathBuf) -> u64 {
        if let Some((number, _)) = self.folders.iter().find(|(_, folder)| folder.path == path) {
            return *number;
        }
        let number = self.number();
        self.folders.insert(number, Folder { path, ..Folder::default() });
        number
    }

    /// A file without a name.
    pub fn file(&mut self, now: i64) -> u64 {
        let number = self.number();
        let content = Vec::new();
        let inode = Inode { content, stored: None, lost: false, mode: 0o600, modified: now, changed: now, links: 0 };
        self.inodes.insert(number, inode);
        number
    }

    pub fn at(&self, folder: u64, name: &str) -> Option<u64> {
        self.folders[&folder].names.get(name).copied()
    }

    /// One more name.
    pub fn link(&mut self, file: u64, folder: u64, name: &str, now: i64) {
        self.moment += 1;
        self.enter(folder, name, Some(file), None);
        self.count(file, 1, now);
    }

    /// One name less.
    pub fn unlink(&mut self, folder: u64, name: &str, now: i64) -> Option<u64> {
        let file = self.at(folder, name)?;
        self.moment += 1;
        self.enter(folder, name, None, None);
        self.count(file, -1, now);
        Some(file)
    }

    /// Another name in place of this one; whatever has it loses it, in the same moment.
    pub fn rename(&mut self, from: u64, name: &str, folder: u64, to: &str, now: i64) {
        let Some(file) = self.at(from, name) else { return };
        self.moment += 1;
        if let Some(replaced) = self.at(folder, to) {
            self.count(replaced, -1, now);
        }
        self.enter(folder, to, Some(file), None);
        self.enter(from, name, None, (from != folder).then_some(folder));
        self.count(file, 0, now);
    }

    fn count(&mut self, file: u64, by: i64, now: i64) {
        let inode = self.inodes.get_mut(&file).unwrap();
        inode.links = inode.links.saturating_add_signed(by);
        inode.changed = now;
    }

    fn enter(&mut self, folder: u64, name: &str, inode: Option<u64>, moved_to: Option<u64>) {
        let folder = self.folders.get_mut(&folder).unwrap();
        match inode {
            Some(inode) => folder.names.insert(name.to_owned(), inode),
            None => folder.names.remove(name),
        };
        folder.pending.push(Pending { moment: self.moment, name: name.to_owned(), inode, moved_to });
    }

    pub fn write(&mut self, file: u64, bytes: &[u8], offset: usize, now: i64) {
        let inode = self.inodes.get_mut(&file).unwrap();
        let end = offset + bytes.len();
        inode.content.resize(inode.content.len().max(end), 0);
        inode.content[offset..end].copy_from_slice(bytes);
        (inode.modified, inode.changed) = (now, now);
    }

    /// Makes the bytes last.
    pub fn sync_file(&mut self, file: u64) {
        let inode = self.inodes.get_mut(&file).unwrap();
        if !inode.lost {
            inode.stored = Some(inode.content.clone());
        }
        if self.kind == Kind::Journalled {
            self.sync_all_names();
        }
    }

    /// A sync that failed: what was to be written counts as written from then on.
    pub fn lose(&mut self, file: u64) {
        self.inodes.get_mut(&file).unwrap().lost = true;
    }

    /// Makes the names last.
    pub fn sync_folder(&mut self, folder: u64) {
        match self.kind {
            Kind::Journalled => self.sync_all_names(),
            Kind::Loose => self.store(folder, u64::MAX),
        }
    }

    fn sync_all_names(&mut self) {
        for folder in self.folders.keys().copied().collect::<Vec<_>>() {
            self.store(folder, u64::MAX);
        }
    }

    /// What became of the folder up to this moment is on the platter, and with each move away the one there.
    fn store(&mut self, folder: u64, until: u64) {
        let Folder { stored, pending, .. } = self.folders.get_mut(&folder).unwrap();
        let done = pending.iter().take_while(|pending| pending.moment <= until).count();
        let mut moves = Vec::new();
        for Pending { moment, name, inode, moved_to } in pending.drain(..done) {
            match inode {
                Some(inode) => stored.insert(name, inode),
                None => stored.remove(&name),
            };
            moves.extend(moved_to.map(|to| (to, moment)));
        }
        for (to, moment) in moves {
            self.store(to, moment);
        }
    }

    /// The power fails: the platter's view is all there is.
    pub fn cut(&mut self, chance: &mut Chance) {
        let moment = |chance: &mut Chance, folder: &Folder| match chance.below(3) {
            0 => 0,
            1 => u64::MAX,
            _ => folder
                .pending
                .get(chance.below(folder.pending.len().max(1) as u64) as usize)
                .map_or(0, |one| one.moment),
        };
        let folders: Vec<u64> = self.folders.keys().copied().collect();
        let all = chance.below(self.moment + 2);
        for folder in &folders {
            let until = match self.kind {
                Kind::Journalled => all,
                Kind::Loose => moment(chance, &self.folders[folder]),
            };
            self.store(*folder, until);
        }
        for folder in self.folders.values_mut() {
            folder.pending.clear();
            folder.names = folder.stored.clone();
        }
        for (number, inode) in &mut self.inodes {
            let names = self.folders.values().flat_map(|folder| folder.names.values());
            inode.links = names.filter(|named| *named == number).count() as u64;
            if inode.links > 0 && (inode.lost || inode.stored.as_ref() != Some(&inode.content)) {
                inode.content = torn(&inode.content, inode.stored.take().unwrap_or_default(), inode.lost, chance);
            }
            (inode.stored, inode.lost) = (Some(inode.content.clone()), false);
        }
        self.inodes.retain(|_, inode| inode.links > 0);
    }
}

/// What is left of bytes that were not synced.
fn torn(written: &[u8], stored: Vec<u8>, lost: bool, chance: &mut Chance) -> Vec<u8> {
    let some = |chance: &mut Chance| usize::try_from(chance.below(written.len() as u64 + 1)).unwrap();
    match chance.below(5) {
        0 => stored,
        1 if !lost => written.to_vec(),
        1 | 2 => written[..some(chance)].to_vec(),
        3 => vec![0; written.len()],
        _ => {
            let whole = some(chance);
            let mut torn = written[..whole].to_vec();
            torn.resize(written.len(), 0);
            torn
        }
    }
}
