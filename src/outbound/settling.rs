//! Which files have stopped changing. Pure: looks and boot time come in.
//!
//! Holds: a file is settled once its stamp has been the same for the whole settling time.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::durable::Stamp;

/// What was seen at a folder, and since when it has not changed.
#[derive(Debug, Default)]
pub(super) struct Settling {
    seen: BTreeMap<String, (Stamp, Duration)>,
}

/// What one look at a folder makes of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// Nothing lies there.
    Nothing,
    /// Something is still arriving; look again after so long.
    Arriving(Duration),
    /// Everything there has settled.
    Settled(Vec<(String, Stamp)>),
}

impl Settling {
    /// Takes in what lies there at the boot time `now`.
    pub(super) fn look(&mut self, files: &[(String, Stamp)], quiet: Duration, now: Duration) -> Look {
        self.seen.retain(|name, _| files.iter().any(|(present, _)| present == name));
        let mut wait = None;
        for (name, stamp) in files {
            let (known, since) = self.seen.entry(name.clone()).or_insert((*stamp, now));
            if known != stamp {
                (*known, *since) = (*stamp, now);
            }
            let left = quiet.saturating_sub(now.saturating_sub(*since));
            if !left.is_zero() {
                wait = wait.max(Some(left));
            }
        }
        match wait {
            Some(left) => Look::Arriving(left),
            None if files.is_empty() => Look::Nothing,
            None => Look::Settled(files.to_vec()),
        }
    }

    /// The file changed after all: it settles anew.
    pub(super) fn disturbed(&mut self, name: &str) {
        self.seen.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(bytes: u64) -> Stamp {
        Stamp { inode: 1, bytes, modified: 0, changed: 0, links: 1, regular: true }
    }

    #[test]
    fn a_growing_file_settles_only_when_it_stops() {
        let (mut settling, quiet) = (Settling::default(), Duration::from_secs(10));
        let at = Duration::from_secs;
        let file = |bytes| vec![("shbe.txt".to_owned(), stamp(bytes))];
        assert_eq!(settling.look(&file(1), quiet, at(0)), Look::Arriving(quiet));
        assert_eq!(settling.look(&file(2), quiet, at(9)), Look::Arriving(quiet));
        assert_eq!(settling.look(&file(2), quiet, at(18)), Look::Arriving(at(1)));
        assert_eq!(settling.look(&file(2), quiet, at(19)), Look::Settled(file(2)));
        settling.disturbed("shbe.txt");
        assert_eq!(settling.look(&file(2), quiet, at(20)), Look::Arriving(quiet));
    }

    #[test]
    fn while_one_is_arriving_none_is_taken() {
        let (mut settling, quiet) = (Settling::default(), Duration::from_secs(10));
        let old = ("a.txt".to_owned(), stamp(1));
        let new = ("b.txt".to_owned(), stamp(1));
        settling.look(std::slice::from_ref(&old), quiet, Duration::ZERO);
        let both = [old.clone(), new];
        assert!(matches!(settling.look(&both, quiet, Duration::from_secs(60)), Look::Arriving(_)));
        assert_eq!(settling.look(std::slice::from_ref(&old), quiet, Duration::from_secs(60)), Look::Settled(vec![old]));
        assert_eq!(settling.look(&[], quiet, Duration::from_secs(60)), Look::Nothing);
    }
}
