//! Files of one drop folder that the sweep took up although the kernel should have told of them.
//!
//! In:  the names that were heard of, those that lie there at each sweep, and those that the sweep took up.
//! Out: at each sweep, how many were taken up at an earlier one and not heard of by now: what is told late is not missed.
//! Holds: what lay there before the folder was watched could not be heard of, and does not count; while nothing is watched,
//! nothing is missed.

use std::collections::BTreeSet;

/// What has been heard of.
#[derive(Default)]
pub(super) struct Unheard {
    /// The directory that was watched at the last sweep: device and inode.
    watched: Option<(u64, u64)>,
    heard: BTreeSet<String>,
    taken: BTreeSet<String>,
}

impl Unheard {
    /// The kernel told of this name.
    pub(super) fn heard(&mut self, name: &str) {
        self.taken.remove(name);
        // Without a watch there is no sweep that would forget it.
        if self.watched.is_some() {
            self.heard.insert(name.to_owned());
        }
    }

    /// A sweep, with what lies there. How many were missed.
    pub(super) fn looked<'a>(
        &mut self,
        watched: Option<(u64, u64)>,
        names: impl Iterator<Item = &'a str> + Clone,
    ) -> u64 {
        if watched != self.watched || watched.is_none() {
            self.watched = watched;
            self.taken.clear();
            self.heard = names.map(str::to_owned).collect();
            return 0;
        }
        let missed = std::mem::take(&mut self.taken).len();
        let here: BTreeSet<&str> = names.collect();
        self.heard.retain(|name| here.contains(name.as_str()));
        missed as u64
    }

    /// The sweep took this one up.
    pub(super) fn taken(&mut self, name: &str) {
        if self.watched.is_some() && !self.heard.contains(name) {
            self.taken.insert(name.to_owned());
            // Once is enough, however long it lies there.
            self.heard.insert(name.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOLDER: Option<(u64, u64)> = Some((1, 2));

    #[test]
    fn what_nobody_told_of_is_missed_once() {
        let mut unheard = Unheard::default();
        assert_eq!(unheard.looked(FOLDER, ["old"].into_iter()), 0);
        unheard.taken("old");
        unheard.heard("told");
        assert_eq!(unheard.looked(FOLDER, ["old", "told", "silent"].into_iter()), 0);
        unheard.taken("told");
        unheard.taken("silent");
        assert_eq!(unheard.looked(FOLDER, ["silent"].into_iter()), 1);
        unheard.taken("silent");
        assert_eq!(unheard.looked(FOLDER, ["silent"].into_iter()), 0, "it is the same one still");
    }

    #[test]
    fn what_is_told_late_is_not_missed() {
        let mut unheard = Unheard::default();
        assert_eq!(unheard.looked(FOLDER, [].into_iter()), 0);
        unheard.looked(FOLDER, ["late"].into_iter());
        unheard.taken("late");
        unheard.heard("late");
        assert_eq!(unheard.looked(FOLDER, [].into_iter()), 0);
    }

    #[test]
    fn what_cannot_be_watched_cannot_be_missed() {
        let mut unheard = Unheard::default();
        for _ in 0..2 {
            assert_eq!(unheard.looked(None, ["one"].into_iter()), 0);
            unheard.taken("one");
        }
        assert_eq!(unheard.looked(FOLDER, ["one"].into_iter()), 0, "it lay there before");
        unheard.taken("one");
        assert_eq!(unheard.looked(Some((1, 3)), ["two"].into_iter()), 0, "another folder");
        unheard.taken("two");
        assert_eq!(unheard.looked(Some((1, 3)), [].into_iter()), 0);
    }
}
