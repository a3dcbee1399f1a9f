//! What still lies in a drop folder or Maildir although it was to be taken: remembered, so that the same is not said, read and
//! recorded again at each sweep.
//!
//! Holds: in memory only, and only what a look at the folder shows; any change of a file makes it a new one here.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::{AlarmReason, SourceName};
use crate::durable::Stamp;

/// What is remembered of the drop folders' files and the Maildirs' mails, by source and name there.
#[derive(Default)]
pub struct Left(Mutex<HashMap<(SourceName, String), Known>>);

/// Of one file, in one state.
#[derive(Clone, Copy)]
struct Known {
    stamp: Stamp,
    told: Option<AlarmReason>,
    is_collected: Option<bool>,
}

impl Left {
    /// Whether it was not yet told that the file is left for this reason; from now on it was.
    pub(super) fn is_news(&self, source: &SourceName, name: &str, stamp: &Stamp, reason: AlarmReason) -> bool {
        let mut known = self.known(source, name, stamp);
        let is_news = known.told != Some(reason);
        known.told = Some(reason);
        self.lock().insert((source.clone(), name.to_owned()), known);
        is_news
    }

    /// Whether the file was found to have the bytes that were collected; `None` if it was not read in this state.
    pub(super) fn is_collected(&self, source: &SourceName, name: &str, stamp: &Stamp) -> Option<bool> {
        self.known(source, name, stamp).is_collected
    }

    /// It was read, and has the bytes that were collected, or others.
    pub(super) fn compared(&self, source: &SourceName, name: &str, stamp: &Stamp, is_collected: bool) {
        let known = Known { is_collected: Some(is_collected), ..self.known(source, name, stamp) };
        self.lock().insert((source.clone(), name.to_owned()), known);
    }

    /// Forgets the files that a whole look at the source, which saw these names, no longer shows.
    pub fn retain(&self, source: &SourceName, seen: impl Iterator<Item = String>) {
        let mut files = self.lock();
        if files.keys().any(|(of, _)| of == source) {
            let seen: HashSet<String> = seen.collect();
            files.retain(|(of, name), _| of != source || seen.contains(name));
        }
    }

    fn known(&self, source: &SourceName, name: &str, stamp: &Stamp) -> Known {
        let known = self.lock().get(&(source.clone(), name.to_owned())).copied();
        known.filter(|known| known.stamp == *stamp).unwrap_or(Known { stamp: *stamp, told: None, is_collected: None })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(SourceName, String), Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_file_for_the_same_reason_is_news_once() {
        let (left, source) = (Left::default(), "drop-12302".parse().unwrap());
        let stamp = Stamp { inode: 1, bytes: 2, modified: 3, changed: 4, links: 1, regular: true };
        let fault = |stamp: &Stamp| left.is_news(&source, "a.pgp", stamp, AlarmReason::SourceFault);
        assert!(fault(&stamp) && !fault(&stamp));
        left.compared(&source, "a.pgp", &stamp, true);
        assert!(!fault(&stamp), "reading it changes nothing");
        assert!(left.is_news(&source, "a.pgp", &stamp, AlarmReason::SpaceLow), "another reason");
        assert!(left.is_news(&source, "b.pgp", &stamp, AlarmReason::SpaceLow), "another file");
        assert_eq!(left.is_collected(&source, "a.pgp", &stamp), Some(true));

        let changed = Stamp { changed: 5, ..stamp };
        assert_eq!(left.is_collected(&source, "a.pgp", &changed), None);
        assert!(fault(&changed), "it changed");

        left.retain(&"other".parse().unwrap(), std::iter::empty());
        assert!(!fault(&changed), "another folder's look tells nothing of this one");
        left.retain(&source, ["b.pgp".to_owned()].into_iter());
        assert!(fault(&changed), "it went away and came back");
    }
}
