//! When a checkpoint is due: with a new day in London, and as soon as something that matters was recorded.
//!
//! In:  the latest checkpoint, the ledger's entries since, the time. Out: whether one is due.
//! Holds: follows from the ledger alone, so that neither a restart nor a jump of the clock loses or doubles one; what is
//! recorded about checkpoints makes none due.

use jiff::Timestamp;
use serde::Deserialize;

use super::Checkpoints;
use crate::effects::clock::london;
use crate::store::{KeptCheckpoint, Queries, QueryError};

/// What must not wait for the day to end: a return left, a key or an exception changed, a held item was released, a
/// backup was restored.
const AT_ONCE: [&str; 10] = [
    "sent",
    "sent-recovered",
    "key-trusted",
    "key-generated",
    "key-imported",
    "key-retired",
    "exception-granted",
    "exception-ended",
    "released",
    "restored",
];

/// Entries read at a time.
const PAGE: usize = 1024;

/// How far the ledger has been looked through.
#[derive(Debug, Default)]
pub struct Watch {
    /// The entries before this one have been looked at.
    seen: u64,
    /// One of those that no checkpoint is over matters.
    matters: bool,
}

#[derive(Deserialize)]
struct Bare {
    event: String,
}

impl Watch {
    /// Looks through what was recorded since the last look.
    fn look(&mut self, queries: &dyn Queries, latest: Option<&KeptCheckpoint>) -> Result<(), QueryError> {
        let signed = latest.map_or(0, |latest| latest.size);
        if self.seen <= signed {
            (self.seen, self.matters) = (signed, false);
        }
        let end = queries.head()?.entries;
        while self.seen < end && !self.matters {
            let page = queries.ledger(self.seen, PAGE)?;
            let Some((last, _)) = page.last() else { break };
            self.seen = last + 1;
            self.matters = page.iter().any(|(_, line)| is_of_matter(line));
        }
        Ok(())
    }
}

fn is_of_matter(line: &[u8]) -> bool {
    serde_json::from_slice::<Bare>(line).is_ok_and(|entry| AT_ONCE.contains(&entry.event.as_str()))
}

/// Whether it is another day in London than when the latest was made.
fn is_another_day(latest: Timestamp, now: Timestamp) -> bool {
    let day = |at: Timestamp| at.to_zoned(london()).date();
    day(latest) != day(now)
}

impl Checkpoints {
    /// Whether one is due now.
    pub fn is_due(&self, watch: &mut Watch) -> Result<bool, QueryError> {
        let latest = self.queries.latest_checkpoint()?;
        watch.look(&*self.queries, latest.as_ref())?;
        Ok(watch.matters || latest.is_none_or(|latest| is_another_day(latest.at, self.clock.now())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_londons() {
        let at = |text: &str| text.parse().unwrap();
        // Summer time: London's midnight is an hour before UTC's.
        assert!(!is_another_day(at("2020-07-01T12:00:00Z"), at("2020-07-01T22:59:59Z")));
        assert!(is_another_day(at("2020-07-01T12:00:00Z"), at("2020-07-01T23:00:00Z")));
        assert!(is_another_day(at("2020-07-02T12:00:00Z"), at("2020-07-01T12:00:00Z")), "the clock was set back");
    }

    #[test]
    fn what_matters_is_told_by_its_event() {
        assert!(is_of_matter(br#"{"seq":1,"event":"sent","return":"shbe/12302/2020-04"}"#));
        assert!(is_of_matter(br#"{"seq":1,"event":"key-trusted"}"#));
        assert!(is_of_matter(br#"{"seq":1,"event":"restored","size":7}"#));
        for event in ["checkpoint-made", "checkpoint-left", "alarm-raised", "collected"] {
            assert!(!is_of_matter(format!(r#"{{"seq":1,"event":"{event}"}}"#).as_bytes()), "{event}");
        }
    }
}
