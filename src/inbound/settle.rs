//! Settling: when has a file in a drop folder finished arriving?
//!
//! In:  looks at the folder, hints that a writer closed a file, and whether a file is complete as OpenPGP.
//! Out: the sightings that may be collected. Pure: time comes in.
//! Holds: a file that is incomplete, or still changing, is never let out before its patience has run out.

use std::collections::HashMap;
use std::time::Duration;

use crate::durable::Stamp;
use crate::effects::drop_folder::Sighting;
use crate::effects::pgp::Completeness;

/// The files of one drop folder that have not been collected yet.
pub struct Settling {
    settle: Duration,
    patience: Duration,
    seen: HashMap<String, Watched>,
}

struct Watched {
    stamp: Stamp,
    /// Since when it is unchanged, by the boot clock.
    since: Duration,
    /// When it was last judged, by the boot clock.
    judged: Duration,
    /// A writer closed it, or it was moved in, since it last changed.
    closed: bool,
    completeness: Option<Completeness>,
}

impl Settling {
    /// `settle`: how long a complete file must rest where no close was seen. `patience`: how long any file must.
    pub fn new(settle: Duration, patience: Duration) -> Settling {
        Settling { settle, patience, seen: HashMap::new() }
    }

    /// Forgets the files that a whole look at the folder no longer shows.
    pub fn retain(&mut self, look: &[Sighting]) {
        let names: std::collections::HashSet<&str> = look.iter().map(|sighting| sighting.name.as_str()).collect();
        self.seen.retain(|name, _| names.contains(name.as_str()));
    }

    /// Whether this file may be collected. `closed`: a writer closed it just now. `completeness` is asked only when
    /// its answer matters and is not known yet for this state of the file.
    pub fn is_ready(
        &mut self,
        sighting: &Sighting,
        closed: bool,
        now: Duration,
        completeness: impl FnOnce() -> Option<Completeness>,
    ) -> bool {
        let fresh = || Watched { stamp: sighting.stamp, since: now, judged: now, closed: false, completeness: None };
        let watched = self.seen.entry(sighting.name.clone()).or_insert_with(fresh);
        if watched.stamp != sighting.stamp {
            *watched = fresh();
        }
        watched.judged = now;
        watched.closed |= closed;
        let rested = now.saturating_sub(watched.since);
        if !watched.closed && rested < self.settle {
            return false;
        }
        if watched.completeness.is_none() {
            watched.completeness = completeness();
        }
        match watched.completeness {
            Some(Completeness::Complete) => true,
            // It will be held; but its writer must not lose what is still to come.
            Some(Completeness::NotOpenPgp) => rested >= if watched.closed { self.settle } else { self.patience },
            Some(Completeness::Incomplete) => rested >= self.patience,
            None => false,
        }
    }

    /// As [`Self::next_in`], but only of files that had not rested for `settle` when they were judged.
    pub fn settles_in(&self, now: Duration) -> Option<Duration> {
        let young = self.seen.values().filter(|watched| watched.judged.saturating_sub(watched.since) < self.settle);
        young.map(|watched| (watched.since + self.settle).saturating_sub(now)).min()
    }

    /// How long until the next file that rests may have settled; `None` if no file waits for that. One whose patience
    /// is over and which lies there still is the sweep's.
    pub fn next_in(&self, now: Duration) -> Option<Duration> {
        let waits = self.seen.values().filter_map(|watched| {
            // By when it was judged, not by now: one that was a moment too early then is due at once.
            let rested = watched.judged.saturating_sub(watched.since);
            let pause = [self.settle, self.patience].into_iter().find(|pause| rested < *pause)?;
            Some((watched.since + pause).saturating_sub(now))
        });
        waits.min()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SETTLE: Duration = Duration::from_secs(5);
    const PATIENCE: Duration = Duration::from_secs(900);

    fn sighting(bytes: u64) -> Sighting {
        let stamp = Stamp { inode: 1, bytes, modified: i128::from(bytes), changed: 0, links: 1, regular: true };
        Sighting { name: "a.pgp".into(), stamp }
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn complete_and_closed_is_ready_at_once() {
        let mut settling = Settling::new(SETTLE, PATIENCE);
        assert!(settling.is_ready(&sighting(10), true, at(0), || Some(Completeness::Complete)));
    }

    #[test]
    fn without_a_close_a_complete_file_rests_first() {
        let mut settling = Settling::new(SETTLE, PATIENCE);
        let complete = || Some(Completeness::Complete);
        assert!(!settling.is_ready(&sighting(10), false, at(0), complete));
        assert_eq!(settling.next_in(at(1)), Some(at(4)));
        assert!(!settling.is_ready(&sighting(11), false, at(5), complete), "it changed");
        assert!(!settling.is_ready(&sighting(11), false, at(9), complete));
        assert!(settling.is_ready(&sighting(11), false, at(10), complete));
    }

    #[test]
    fn a_file_judged_a_moment_too_early_is_judged_again_at_once() {
        let mut settling = Settling::new(SETTLE, PATIENCE);
        let complete = || Some(Completeness::Complete);
        assert!(!settling.is_ready(&sighting(10), false, at(0), complete));
        assert!(!settling.is_ready(&sighting(10), false, SETTLE - Duration::from_micros(1), complete));
        assert_eq!(settling.next_in(at(5)), Some(Duration::ZERO));
    }

    #[test]
    fn an_incomplete_file_waits_for_its_patience_even_when_closed() {
        let mut settling = Settling::new(SETTLE, PATIENCE);
        let incomplete = || Some(Completeness::Incomplete);
        assert!(!settling.is_ready(&sighting(10), true, at(0), incomplete));
        assert!(!settling.is_ready(&sighting(10), false, at(899), incomplete));
        assert!(settling.is_ready(&sighting(10), false, at(900), incomplete));
    }

    #[test]
    fn a_file_that_nobody_takes_asks_for_no_more_looks() {
        let mut settling = Settling::new(SETTLE, PATIENCE);
        let mut judged = |second| {
            settling.is_ready(&sighting(10), false, at(second), || Some(Completeness::Complete));
            settling.next_in(at(second))
        };
        assert_eq!([judged(0), judged(5), judged(900)], [Some(SETTLE), Some(at(895)), None]);
    }

    proptest! {
        /// However looks and closes fall, a file that grows every few seconds and is incomplete is never taken.
        #[test]
        fn a_growing_incomplete_file_is_never_taken(looks in prop::collection::vec((0u64..600, any::<bool>()), 1..50)) {
            let mut settling = Settling::new(SETTLE, PATIENCE);
            let mut now = 0;
            for (bytes, (pause, closed)) in looks.into_iter().enumerate() {
                now += pause;
                let ready = settling.is_ready(&sighting(bytes as u64), closed, at(now), || Some(Completeness::Incomplete));
                prop_assert!(!ready);
            }
        }
    }
}
