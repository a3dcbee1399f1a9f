//! A Maildir that a mail system delivers into: looked at, read, and its mails moved aside once they are recorded.
//!
//! Files come into `new` and `cur` whole, by a rename or a second name. Other programs move them from `new` to `cur`, and
//! change the flags behind the `:` of their names, at any time; what is before the `:` tells which mail it is.
//! Holds: no mail is removed or overwritten; `tmp` is never looked into; no link is followed.

use std::collections::HashSet;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::durable::directory::stamp;
use crate::durable::{Directories, Directory, File, Stamp, step};
use crate::progress::{at, hangs_within};

/// Names like its own that are tried for a mail whose name is taken in the processed folder.
const NAMES_MAX: u32 = 100;

/// What a subfolder holds, besides its parts, so that mail servers know it for one. Maildir++.
const SUBFOLDER_MARK: &str = "maildirfolder";

/// A Maildir, and the subfolder into which its mails go.
pub struct Maildir {
    path: PathBuf,
    processed: String,
    directories: Arc<Directories>,
}

/// Where in a Maildir a mail lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    New,
    Cur,
}

impl Part {
    /// In the order in which mails pass through them, so that none slips by while both are looked at.
    const ALL: [Part; 2] = [Part::New, Part::Cur];

    fn name(self) -> &'static str {
        match self {
            Part::New => "new",
            Part::Cur => "cur",
        }
    }
}

/// A mail seen there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    part: Part,
    name: String,
    /// What tells whether it has changed.
    pub stamp: Stamp,
}

impl Mail {
    /// What it is called whatever its flags are: its name before the `:`.
    pub fn unique(&self) -> &str {
        unique(&self.name)
    }

    /// Where it was seen, from the Maildir on.
    pub fn place(&self) -> String {
        format!("{}/{}", self.part.name(), self.name)
    }

    /// Whether `other` is this very file with this content, wherever it lies by now.
    fn is_still(&self, other: &Stamp) -> bool {
        is_same(&self.stamp, other)
    }
}

fn is_same(one: &Stamp, other: &Stamp) -> bool {
    let key = |stamp: &Stamp| (stamp.inode, stamp.bytes, stamp.modified, stamp.regular);
    key(one) == key(other)
}

fn unique(name: &str) -> &str {
    name.split_once(':').map_or(name, |(unique, _)| unique)
}

/// What a look at the Maildir found.
#[derive(Debug, Default)]
pub struct Look {
    /// Every mail, oldest first.
    pub mails: Vec<Mail>,
    /// How many other things lie there that will never be collected: links, devices, names that are not UTF-8.
    pub uncollectable: usize,
}

/// A mail that is being read.
pub struct OpenMail {
    file: File,
    /// Where the Maildir is.
    place: PathBuf,
    stamp: Stamp,
    has_changed: bool,
}

impl OpenMail {
    /// Whether its content changed while it was read; then reading it ended in an error.
    pub fn has_changed(&self) -> bool {
        self.has_changed
    }
}

impl Read for OpenMail {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let _at = at(&self.place);
        let got = self.file.read(buffer)?;
        if got == 0 && !is_same(&self.stamp, &stamp(&self.file)?) {
            self.has_changed = true;
            return Err(io::Error::other("it changed while it was read"));
        }
        Ok(got)
    }
}

impl Maildir {
    /// The Maildir at `path`, which need not be there yet, and the name of its subfolder for mails that are ours.
    pub fn new(path: PathBuf, processed: String, directories: Arc<Directories>) -> Maildir {
        Maildir { path, processed, directories }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it, or a part of it, is known not to answer. Then nobody need wait for it.
    pub fn hangs(&self) -> bool {
        hangs_within(&self.path)
    }

    /// The two folders in which mails arrive.
    pub fn folders(&self) -> [PathBuf; 2] {
        Part::ALL.map(|part| self.path.join(part.name()))
    }

    /// Which directories these two are now, whatever their names.
    pub fn identity(&self) -> io::Result<[(u64, u64); 2]> {
        let [new, cur] = Part::ALL.map(|part| self.part(part)?.identity());
        Ok([new?, cur?])
    }

    /// What is there now.
    pub fn look(&self) -> io::Result<Look> {
        if self.hangs() {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "it does not answer"));
        }
        // The Maildir may be a mount point, which its parts are not.
        self.directories.at(&self.path)?;
        let mut look = self.look_into(Part::New)?;
        let cur = self.look_into(Part::Cur)?;
        // What was moved in between was seen twice.
        let moved: HashSet<u64> = cur.mails.iter().map(|mail| mail.stamp.inode).collect();
        look.mails.retain(|mail| !moved.contains(&mail.stamp.inode));
        look.mails.extend(cur.mails);
        look.mails.sort_by_key(|mail| mail.stamp.modified);
        look.uncollectable += cur.uncollectable;
        Ok(look)
    }

    fn look_into(&self, part: Part) -> io::Result<Look> {
        let directory = self.part(part)?;
        let mut look = Look::default();
        for name in directory.names()? {
            let Some(name) = name.to_str() else {
                look.uncollectable += 1;
                continue;
            };
            // Such names are mail systems' own.
            if name.starts_with('.') {
                continue;
            }
            match directory.stamp(name)? {
                Some(stamp) if stamp.regular => look.mails.push(Mail { part, name: name.to_owned(), stamp }),
                Some(_) if is_directory(&directory, name) => {}
                Some(_) => look.uncollectable += 1,
                None => {}
            }
        }
        Ok(look)
    }

    /// Opens the mail for reading, wherever it lies by now; `None` if it is gone, or is another by now.
    pub fn open(&self, mail: &Mail) -> io::Result<Option<OpenMail>> {
        let Some((directory, name)) = self.find(mail)? else { return Ok(None) };
        let file = match directory.open_file(&name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let _at = directory.during();
        let is_it = mail.is_still(&stamp(&file)?);
        let place = directory.path().to_owned();
        Ok(is_it.then_some(OpenMail { file, place, stamp: mail.stamp, has_changed: false }))
    }

    /// Moves a mail that was collected to the processed folder, with the flags it has. Call only once its ledger entry
    /// has committed. `false`: it is not there any more.
    pub fn clear(&self, mail: &Mail) -> io::Result<bool> {
        let into = self.processed()?;
        let Some((from, name)) = self.find(mail)? else { return Ok(false) };
        let moved = if mail.stamp.links > 1 && has(&into, mail)? {
            from.remove(&name).map(|()| true)
        } else {
            move_aside(mail, &from, &name, &into)
        };
        match moved {
            Ok(true) => {}
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(false) | Err(_) => return Ok(false),
        }
        step("collect.withdrawn")?;
        // First the new name, then the loss of the old one: a power cut between leaves two names, never none.
        into.sync()?;
        from.sync()?;
        Ok(true)
    }

    /// Where the mail lies now, and under which name.
    fn find(&self, mail: &Mail) -> io::Result<Option<(Arc<Directory>, String)>> {
        let is_it = |directory: &Directory, name: &str| {
            Ok::<_, io::Error>(directory.stamp(name)?.is_some_and(|now| mail.is_still(&now)))
        };
        let seen = self.part(mail.part)?;
        if is_it(&seen, &mail.name)? {
            return Ok(Some((seen, mail.name.clone())));
        }
        for part in Part::ALL {
            let directory = self.part(part)?;
            for name in directory.names()? {
                let Some(name) = name.to_str().filter(|name| unique(name) == mail.unique()) else { continue };
                if is_it(&directory, name)? {
                    return Ok(Some((directory, name.to_owned())));
                }
            }
        }
        Ok(None)
    }

    fn part(&self, part: Part) -> io::Result<Arc<Directory>> {
        self.directories.at(&self.path.join(part.name()))
    }

    /// Where processed mails go; made if it is not there.
    fn processed(&self) -> io::Result<Arc<Directory>> {
        let folder = self.path.join(&self.processed);
        let cur = folder.join(Part::Cur.name());
        match self.directories.at(&folder).and_then(|_| self.directories.at(&cur)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            there => return there,
        }
        let maildir = self.directories.at(&self.path)?;
        let mode = maildir.mode()?;
        maildir.make(&self.processed, mode)?;
        let made = self.directories.at(&folder)?;
        match made.create(SUBFOLDER_MARK) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            marked => drop(marked?),
        }
        for part in ["tmp", "new", "cur"] {
            made.make(part, mode)?;
        }
        made.sync()?;
        maildir.sync()?;
        self.directories.at(&cur)
    }
}

fn is_directory(directory: &Directory, name: &str) -> bool {
    let _at = directory.during();
    directory.path().join(name).symlink_metadata().is_ok_and(|found| found.is_dir())
}

/// Whether a name in this directory is the mail's.
fn has(directory: &Directory, mail: &Mail) -> io::Result<bool> {
    for name in directory.names()? {
        let now = name.to_str().map(|name| directory.stamp(name)).transpose()?.flatten();
        if now.is_some_and(|now| mail.is_still(&now)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Gives the mail a name in `into` that nobody has. `false`: another file had taken its place, and has it again.
fn move_aside(mail: &Mail, from: &Directory, name: &str, into: &Directory) -> io::Result<bool> {
    for number in 0..NAMES_MAX {
        let aside = processed_name(name, number);
        match from.publish(name, into, &aside) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            published => published?,
        }
        let is_it = into.stamp(&aside)?.is_none_or(|now| mail.is_still(&now));
        if !is_it {
            give_back(from, name, into, &aside)?;
        }
        return Ok(is_it);
    }
    Err(io::Error::new(io::ErrorKind::AlreadyExists, "its name and all like it are taken in the processed folder"))
}

/// Gives another mail its name back that was moved in the place of the one meant, or one like it.
fn give_back(from: &Directory, name: &str, into: &Directory, aside: &str) -> io::Result<()> {
    let likes = (1..NAMES_MAX).map(|number| processed_name(name, number));
    for back in std::iter::once(name.to_owned()).chain(likes) {
        match into.publish(aside, from, &back) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            published => return published.and_then(|()| from.sync()),
        }
    }
    Err(io::Error::new(io::ErrorKind::AlreadyExists, "its name and all like it are taken again"))
}

/// The name of a mail in the processed folder's `cur`: its own, with its flags; the `number`th like it if that is taken.
fn processed_name(name: &str, number: u32) -> String {
    let (unique, flags) = name.split_once(':').unwrap_or((name, "2,"));
    match number {
        0 => format!("{unique}:{flags}"),
        number => format!("{unique}.{number}:{flags}"),
    }
}

#[cfg(test)]
mod tests;
