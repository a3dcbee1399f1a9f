//! Taking a file out of a folder that others write to, so that nothing they put in its place meanwhile is lost.
//!
//! In:  a name, what was read under it, and whose removal it is. Out: the file gone; or what came in between, back.
//! The file gets a hidden name first, which nobody else uses, and is looked at there: what is removed is what was
//! looked at. A crash in between leaves the hidden name for the next start.
//! Holds: a file that is not the one that was read is never removed, and never stays hidden.

use std::fmt::Display;
use std::io;

use super::directory::{Directory, Stamp, component};
use super::{step, synced};

/// Names like the old one that are tried before giving up.
const NAMES_MAX: u32 = 100;
/// The longest name of a file.
const NAME_BYTES_MAX: usize = 255;

/// What became of a file that was to be withdrawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withdrawn {
    /// It is removed, to last.
    Removed,
    /// It is not there any more: nothing has the name, or another file.
    NotThere,
    /// Another file took its place at the last moment, and has been given back.
    GivenBack(Back),
}

/// Under which name a file was given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Back {
    /// Its own.
    OwnName,
    /// One made from it, with `.given-back-` in it: somebody had taken its own.
    LikeName,
}

/// The hidden name of a file on its way out: unfinished by our own rules, so that nobody collects it.
pub fn hidden_name(of: impl Display) -> String {
    format!(".hbcourier-{of}.withdrawn")
}

/// What a hidden name was made of; `None` if it is none of ours.
pub fn read_hidden_name(name: &str) -> Option<&str> {
    name.strip_prefix(".hbcourier-")?.strip_suffix(".withdrawn")
}

impl Directory {
    /// Removes the file `name` if `is_it` says that it is the one, judged before and after it got the name `hidden`;
    /// `passing` is the step between.
    pub fn withdraw(
        &self,
        name: &str,
        hidden: &str,
        is_it: impl Fn(&Stamp) -> bool,
        passing: &'static str,
    ) -> io::Result<Withdrawn> {
        if !self.stamp(name)?.is_some_and(|now| is_it(&now)) {
            return Ok(Withdrawn::NotThere);
        }
        match self.hide(name, hidden) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Withdrawn::NotThere),
            hid => hid?,
        }
        match step(passing).and_then(|()| self.remove_if(hidden, is_it)) {
            Ok(true) => synced("sync.withdrawn.directory", || self.sync()).map(|()| Withdrawn::Removed),
            Ok(false) => match self.give_back(hidden, name) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Withdrawn::NotThere),
                back => back.map(Withdrawn::GivenBack),
            },
            Err(error) => match self.give_back(hidden, name) {
                Ok(_) => Err(error),
                Err(back) => Err(io::Error::other(format!("{error}; and it could not get its name back: {back}"))),
            },
        }
    }

    /// Gives a hidden file its name back, or one like it. Nothing is overwritten.
    pub fn give_back(&self, hidden: &str, name: &str) -> io::Result<Back> {
        let likes = (1..=NAMES_MAX).map(|number| (Back::LikeName, like(name, number)));
        for (back, name) in std::iter::once((Back::OwnName, name.to_owned())).chain(likes) {
            match self.publish(hidden, self, &name) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                published => {
                    published?;
                    self.sync()?;
                    return Ok(back);
                }
            }
        }
        Err(io::Error::new(io::ErrorKind::AlreadyExists, "its name and all like it are taken"))
    }

    fn remove_if(&self, hidden: &str, is_it: impl Fn(&Stamp) -> bool) -> io::Result<bool> {
        let is_it = self.stamp(hidden)?.is_some_and(|now| is_it(&now));
        if is_it {
            self.remove(hidden)?;
        }
        Ok(is_it)
    }

    fn hide(&self, name: &str, hidden: &str) -> io::Result<()> {
        let (name, hidden, _at) = (component(name)?, component(hidden)?, self.during());
        if self.handle().rename_to_free(name, self.handle(), hidden)? {
            return Ok(());
        }
        // File systems without that step. Not by a second name, as when publishing: that would remove the first.
        match self.stamp(hidden)? {
            None => self.handle().rename(name, hidden),
            Some(_) => Err(io::ErrorKind::AlreadyExists.into()),
        }
    }
}

/// A name made from this one that keeps its beginning and its endings, by which kinds are told.
fn like(name: &str, number: u32) -> String {
    let added = format!(".given-back-{number}");
    let endings = |at: usize| at > 0 && name.len() - at < NAME_BYTES_MAX / 2;
    let (stem, endings) = name.split_at(name.find('.').filter(|at| endings(*at)).unwrap_or(name.len()));
    let mut end = stem.len().min(NAME_BYTES_MAX - added.len() - endings.len());
    while !stem.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{added}{endings}", &stem[..end])
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::path::Path;

    use super::*;

    const STEP: &str = "collect.withdrawn";

    fn write(dir: &Path, name: &str, content: &str) {
        std::fs::write(dir.join(name), content).unwrap();
    }

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Withdraws `a`; after it was looked at for the first time, and before it gets its hidden name, `meanwhile` is done.
    fn withdrawn(dir: &Path, meanwhile: impl Fn()) -> io::Result<Withdrawn> {
        let directory = Directory::open(dir).unwrap();
        let inode = directory.stamp("a").unwrap().unwrap().inode;
        let looks = Cell::new(0);
        let is_it = |now: &Stamp| {
            let is_it = now.inode == inode;
            looks.set(looks.get() + 1);
            if looks.get() == 1 {
                meanwhile();
            }
            is_it
        };
        directory.withdraw("a", &hidden_name("x"), is_it, STEP)
    }

    #[test]
    fn the_file_is_removed_and_nothing_is_left() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "a", "one");
        assert_eq!(withdrawn(dir.path(), || ()).unwrap(), Withdrawn::Removed);
        assert!(names(dir.path()).is_empty());
    }

    #[test]
    fn one_that_is_renamed_over_it_meanwhile_is_given_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path();
        write(path, "a", "one");
        write(path, "new", "two");
        let replaced = || std::fs::rename(path.join("new"), path.join("a")).unwrap();
        assert_eq!(withdrawn(path, replaced).unwrap(), Withdrawn::GivenBack(Back::OwnName));
        assert_eq!(names(path), ["a"]);
        assert_eq!(std::fs::read(path.join("a")).unwrap(), b"two");
        let gone = || std::fs::remove_file(path.join("a")).unwrap();
        assert_eq!(withdrawn(path, gone).unwrap(), Withdrawn::NotThere);
    }

    #[test]
    fn it_is_given_back_under_a_like_name_if_its_own_is_taken() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path();
        let hidden = hidden_name("x");
        for taken in ["AOBWR627_LAID_RISK.csv.pgp", "AOBWR627_LAID_RISK.given-back-1.csv.pgp"] {
            write(path, taken, "theirs");
        }
        write(path, &hidden, "one");
        let directory = Directory::open(path).unwrap();
        assert_eq!(directory.give_back(&hidden, "AOBWR627_LAID_RISK.csv.pgp").unwrap(), Back::LikeName);
        assert_eq!(std::fs::read(path.join("AOBWR627_LAID_RISK.given-back-2.csv.pgp")).unwrap(), b"one");
        assert_eq!(names(path).len(), 3);
    }

    #[test]
    fn what_a_crash_left_under_the_hidden_name_is_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "a", "one");
        write(dir.path(), &hidden_name("x"), "left");
        assert_eq!(withdrawn(dir.path(), || ()).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(names(dir.path()), [hidden_name("x").as_str(), "a"]);
    }

    #[test]
    fn like_names_are_plain_and_fit() {
        let long = "é".repeat(127);
        for name in ["a", "a.b", &long, &format!("a.{long}"), &format!("{}.pgp", "x".repeat(251)), ".a"] {
            let like = like(name, 100);
            assert!(like.len() <= NAME_BYTES_MAX && like.contains(".given-back-100"), "{like}");
            assert_eq!(like.starts_with('.'), name.starts_with('.'), "{like}");
        }
        assert_eq!(read_hidden_name(&hidden_name("x")), Some("x"));
        assert!(crate::domain::is_unfinished_name(&hidden_name("x")));
    }
}
