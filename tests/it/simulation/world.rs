//! The world beside the machine: a partner that leaves files, a back office and a transport that take them, a stranger, and
//! an officer with a return.
//!
//! In:  what each of them means to do. Out: done a step at a time, at any moment; and what each has seen of the product.
//! Holds: whatever a name other than a hidden one leads to where others take files is whole; nothing goes from where others
//! left it before the store has it.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use hbcourier::domain::{Digest, is_unfinished_name};

use super::ground::Inner;
use super::sealed::{Sealed, open, seal};
use super::service::PATIENCE;

/// A file on its way to the drop folder.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// Its name there.
    pub name: String,
    /// Name and content of what must be delivered.
    pub parts: Vec<(String, Digest)>,
    pub sealed: Sealed,
    pub way: Way,
    pub step: u8,
    /// It lies there, whole and to last, or did.
    pub placed: bool,
    /// Another was put in its place by its own sender.
    pub replaced: bool,
    /// Half of it lay there under its own name since then, by the boot clock.
    pub begun: Option<Half>,
}

/// The first of the two pieces of a file.
#[derive(Clone, Copy, Debug)]
pub struct Half {
    pub digest: Digest,
    pub since: u64,
}

/// How a file comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Under a hidden name first.
    Renamed,
    /// Under its own name, in two pieces.
    InPieces,
    /// As the first, but in the place of this one, once that was put there.
    Over(usize),
    /// As the first, once this one was put there.
    After(usize),
}

/// Something that others took.
#[derive(Clone, Debug)]
pub struct Taken {
    pub folder: u64,
    name: String,
    file: u64,
    pub content: Digest,
}

pub struct World {
    pub drop: u64,
    pub backoffice: u64,
    pub pick_up: u64,
    pub outgoing: u64,
    pub arrivals: Vec<Arrival>,
    /// A return, by name and content, and whether it was put there.
    pub returned: Option<(String, Vec<u8>, bool)>,
    pub strangers: BTreeMap<String, Vec<u8>>,
    /// Names that a stranger will put something under.
    pub envied: Vec<String>,
    pub taken: Vec<Taken>,
    /// What a courier handed over outside of any folder.
    pub received: Vec<(String, Digest)>,
    /// What the store has: contents and sealed bytes that were recorded as collected or sealed.
    pub recorded: HashSet<Digest>,
    /// What may be seen where others take files.
    pub whole: HashSet<Digest>,
    /// Halves that had waited long enough before a power cut: one may be in the spool since then, and recorded at any start.
    pub waited: HashSet<Digest>,
}

impl World {
    pub fn is_done(&self) -> bool {
        self.arrivals.iter().all(|arrival| arrival.placed)
            && self.returned.as_ref().is_none_or(|(_, _, placed)| *placed)
    }
}

impl Inner {
    /// Somebody does something.
    pub fn world_acts(&mut self) {
        self.officer_acts();
        match self.chance.below(9) {
            0..5 => self.partner_acts(),
            5 | 6 => self.takes(self.world.backoffice),
            7 => self.takes(self.world.outgoing),
            _ => self.stranger_acts(),
        }
    }

    fn partner_acts(&mut self) {
        let open: Vec<usize> = (0..self.world.arrivals.len())
            .filter(|at| {
                let arrival = &self.world.arrivals[*at];
                !arrival.placed
                    && match arrival.way {
                        Way::Over(first) | Way::After(first) => self.world.arrivals[first].placed,
                        Way::Renamed | Way::InPieces => true,
                    }
            })
            .collect();
        if !open.is_empty() {
            let at = *self.chance.pick(&open);
            self.arrival_goes_on(at);
        }
    }

    fn arrival_goes_on(&mut self, at: usize) {
        let (drop, now) = (self.world.drop, self.now);
        let Arrival { name, sealed, way, step, .. } = self.world.arrivals[at].clone();
        let half = sealed.bytes.len() / 2;
        match (way, step) {
            (Way::InPieces, 0) => {
                self.note(|_| format!("partner: begins {name}"));
                self.fs.unlink(drop, &name, now);
                let file = self.fs.file(now);
                self.fs.write(file, &sealed.bytes[..half], 0, now);
                self.fs.link(file, drop, &name, now);
                let half = Half { digest: Digest::of(&sealed.bytes[..half]), since: self.since_boot };
                self.world.arrivals[at].begun.get_or_insert(half);
                self.world.arrivals[at].step = 1;
            }
            (Way::InPieces, _) if self.is_begun(&name, &sealed.bytes[..half]) => {
                self.note(|_| format!("partner: ends {name}"));
                let file = self.fs.at(drop, &name).unwrap();
                self.fs.write(file, &sealed.bytes[half..], half, now);
                self.fs.sync_file(file);
                self.fs.sync_folder(drop);
                self.world.arrivals[at].placed = true;
            }
            _ => {
                self.note(|_| format!("partner: puts {name}"));
                let hidden = format!("{name}.tmp");
                let file = self.fs.file(now);
                self.fs.write(file, &sealed.bytes, 0, now);
                self.fs.sync_file(file);
                self.fs.link(file, drop, &hidden, now);
                if let Some(replaced) = self.fs.at(drop, &name) {
                    let content = Digest::of(&self.fs.inodes[&replaced].content);
                    let arrivals = self.world.arrivals.iter_mut();
                    arrivals.filter(|one| one.sealed.digest == content).for_each(|one| one.replaced = true);
                }
                self.fs.rename(drop, &hidden, drop, &name, now);
                self.fs.sync_folder(drop);
                self.world.arrivals[at].placed = true;
            }
        }
    }

    fn is_begun(&self, name: &str, half: &[u8]) -> bool {
        self.fs.at(self.world.drop, name).is_some_and(|file| self.fs.inodes[&file].content == half)
    }

    /// Whoever takes files from this folder takes one.
    fn takes(&mut self, folder: u64) {
        let names = self.fs.folders[&folder].names.iter().filter(|(name, _)| !is_unfinished_name(name));
        let strangers = |name: &str| folder == self.world.backoffice && self.world.strangers.contains_key(name);
        let names: Vec<(String, u64)> =
            names.filter(|(name, _)| !strangers(name)).map(|(name, file)| (name.clone(), *file)).collect();
        if names.is_empty() {
            return;
        }
        let (name, file) = self.chance.pick(&names).clone();
        self.takes_this(folder, name, file);
    }

    fn takes_this(&mut self, folder: u64, name: String, file: u64) {
        let content = Digest::of(&self.fs.inodes[&file].content);
        self.note(|inner| format!("taken away: {}", inner.path(folder, &name)));
        self.fs.unlink(folder, &name, self.now);
        if self.chance.falls(500) {
            self.fs.sync_folder(folder);
        }
        self.world.taken.push(Taken { folder, name, file, content });
    }

    fn officer_acts(&mut self) {
        let (pick_up, now) = (self.world.pick_up, self.now);
        if self.world.returned.as_ref().is_none_or(|(_, _, placed)| *placed) || !self.chance.falls(400) {
            return;
        }
        let Some((name, content, _)) = self.world.returned.clone() else { return };
        self.note(|_| format!("officer: puts {name}"));
        let file = self.fs.file(now);
        self.fs.write(file, &content, 0, now);
        self.fs.sync_file(file);
        self.fs.link(file, pick_up, &name, now);
        self.fs.sync_folder(pick_up);
        self.world.returned = Some((name, content, true));
    }

    fn stranger_acts(&mut self) {
        let (backoffice, now) = (self.world.backoffice, self.now);
        let Some(name) = self.world.envied.pop() else { return };
        if self.fs.at(backoffice, &name).is_some() {
            return;
        }
        self.note(|_| format!("stranger: puts {name}"));
        let file = self.fs.file(now);
        let content = format!("a stranger's {name}").into_bytes();
        self.fs.write(file, &content, 0, now);
        self.fs.sync_file(file);
        self.fs.link(file, backoffice, &name, now);
        self.fs.sync_folder(backoffice);
        self.world.strangers.insert(name, content);
    }

    /// The product gave a file this name.
    pub fn appeared(&mut self, folder: u64, name: &str) {
        let others_take = [self.world.backoffice, self.world.outgoing].contains(&folder);
        if !others_take || is_unfinished_name(name) {
            return;
        }
        let content = &self.fs.inodes[&self.fs.at(folder, name).unwrap()].content;
        let is_return =
            |content: &[u8]| self.world.returned.as_ref().is_some_and(|(_, returned, _)| returned == content);
        let is_whole = if folder == self.world.outgoing {
            open(content).is_ok_and(|(_, content)| is_return(content))
        } else {
            self.world.whole.contains(&Digest::of(content))
        };
        if !is_whole {
            let path = self.path(folder, name);
            self.violated(format!("I3: {path} is visible and not whole"));
        }
        // Some take what comes at once.
        if self.bustle > 0 && self.chance.falls(if folder == self.world.outgoing { 400 } else { 150 }) {
            self.takes_this(folder, name.to_owned(), self.fs.at(folder, name).unwrap());
        }
    }

    /// The product removes a name of this file.
    pub fn is_to_go(&mut self, folder: u64, file: u64) {
        if folder != self.world.drop && folder != self.world.pick_up {
            return;
        }
        let content = Digest::of(&self.fs.inodes[&file].content);
        if !self.world.recorded.contains(&content) {
            let path = self.path(folder, "");
            self.violated(format!("I2: a file goes from {path} that the store does not have"));
        }
    }

    /// The product has recorded that this was collected.
    pub fn collected(&mut self, content: Digest) {
        let mut halves = self.world.arrivals.iter().filter_map(|arrival| arrival.begun.as_ref());
        let is_too_soon = halves.any(|half| half.digest == content && !has_waited(half, self.since_boot));
        if is_too_soon && !self.world.waited.contains(&content) {
            self.violated("I10: a file was taken while its sender was writing it".to_owned());
        }
        self.world.recorded.insert(content);
    }

    /// As a product would do it that clears first.
    pub fn clears_too_early(&mut self) {
        let drop = self.world.drop;
        for (name, file) in self.fs.folders[&drop].names.clone() {
            if !is_unfinished_name(&name) {
                self.is_to_go(drop, file);
                self.fs.unlink(drop, &name, self.now);
            }
        }
    }

    /// What the world sees after a power cut, `before` being the boot clock's time at that moment. What it had taken and is back, it takes once more.
    pub fn look_after_cut(&mut self, before: u64) {
        let fs = &self.fs;
        self.world.taken.retain(|taken| fs.at(taken.folder, &taken.name) != Some(taken.file));
        for folder in [self.world.backoffice, self.world.outgoing] {
            for name in self.fs.folders[&folder].names.keys().cloned().collect::<Vec<_>>() {
                if folder != self.world.backoffice || !self.world.strangers.contains_key(&name) {
                    self.appeared(folder, &name);
                }
            }
        }
        for arrival in &mut self.world.arrivals {
            if let Some(half) = &mut arrival.begun {
                if has_waited(half, before) {
                    self.world.waited.insert(half.digest);
                }
                half.since = self.since_boot;
            }
            if !arrival.placed {
                arrival.step = 0;
            }
        }
    }
}

/// Whether it has lain there so long that it may be taken as it is.
fn has_waited(half: &Half, since_boot: u64) -> bool {
    u128::from(since_boot.saturating_sub(half.since)) >= PATIENCE.as_micros()
}

/// What a partner sends under this number.
pub fn arrival(number: usize, mark: u64, pack: bool, way: Way) -> Arrival {
    use hbcourier::cli::demo::samples;
    let referrals =
        |rule: &str| (format!("{rule}_{number}.csv"), format!("REFERRAL,RULE\r\n{mark},{rule}\r\n").into_bytes());
    let (name, content, parts) = if pack {
        let members = [referrals("HBSA001"), referrals("HBSA002")];
        let whole: Vec<(&str, &[u8])> = members.iter().map(|(name, content)| (name.as_str(), &content[..])).collect();
        (format!("HBMS_pack_{number}.zip"), samples::archive(&whole).unwrap(), members.to_vec())
    } else {
        let name = format!("LAID_{number}.xml");
        let content = format!("<?xml version=\"1.0\"?>\n<LAID><Claim reference=\"{mark:08}\"/></LAID>\n").into_bytes();
        (name.clone(), content.clone(), vec![(name, content)])
    };
    let parts = parts.into_iter().map(|(name, content)| (name, Digest::of(&content))).collect();
    let sealed = seal(&name, &content);
    Arrival { name: format!("{name}.pgp"), parts, sealed, way, step: 0, placed: false, replaced: false, begun: None }
}

/// Where the folders are.
pub const FOLDERS: [&str; 6] = ["", "drop", "backoffice", "returns", "outgoing", "state"];

pub fn folder(name: &str) -> PathBuf {
    PathBuf::from(name)
}
