//! What was mailed, and when: a small file of the command's own in the state directory.
//!
//! Holds: what cannot be read counts as nothing told, which mails once more. However a matter comes and goes, at most
//! [`TELLINGS_MAX`] mails a day tell that it is there and one that it is over; a mail that the server does not take is tried
//! [`TRIES_AT_ONCE`] times, and then once an hour.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::kept;
use super::matters::Matter;

const FILE: &str = "deadline.json";
/// Mails a day that tell of one matter.
const TELLINGS_MAX: u32 = 3;
/// Runs after each other that try a mail.
const TRIES_AT_ONCE: u32 = 4;
const TRIED_AGAIN_AFTER: SignedDuration = SignedDuration::from_hours(1);

/// By what they are about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Memory(BTreeMap<String, Kept>);

/// What people were told of one matter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    /// The code that stands in what they were told last; nothing if that was that it is over, or nothing at all.
    stands: Option<String>,
    /// The day in London that is counted.
    day: Date,
    /// Mails that told of it on that day.
    tellings: u32,
    /// Mails that were tried since one was taken.
    tries: u32,
    /// When one was tried last.
    tried: Timestamp,
    /// The day on which a mail told that it is over.
    over_on: Option<Date>,
}

impl Memory {
    pub(super) fn read(state: &Path) -> Memory {
        kept::read(state, FILE).unwrap_or_default()
    }

    pub(super) fn keep(&self, state: &Path) -> io::Result<()> {
        kept::write(state, FILE, self)
    }

    /// Whether this is to be told now.
    pub(super) fn is_news(&self, matter: &Matter, today: Date, now: Timestamp) -> bool {
        self.0.get(&matter.about).is_none_or(|kept| {
            let is_told = kept.stands.as_deref() == Some(&matter.code) && kept.tellings > 0;
            kept.day != today || (!is_told && kept.tellings < TELLINGS_MAX && kept.may_be_tried(now))
        })
    }

    /// What people take to be the matter still, and is to be told that it is not.
    pub(super) fn over<'a>(&'a self, matters: &'a [Matter], today: Date, now: Timestamp) -> Vec<&'a str> {
        let is_over = |(about, kept): &(&'a String, &Kept)| {
            let is_there = matters.iter().any(|matter| matter.about == **about);
            let may_be_tried = kept.day != today || kept.may_be_tried(now);
            !is_there && kept.stands.is_some() && kept.over_on != Some(today) && may_be_tried
        };
        self.0.iter().filter(is_over).map(|(about, _)| about.as_str()).collect()
    }

    /// As it is once a mail about these is tried. What is over and told is forgotten on the next day.
    pub(super) fn tried<'a>(&self, about: impl Iterator<Item = &'a str>, today: Date, now: Timestamp) -> Memory {
        let mut all = self.0.clone();
        all.retain(|_, kept| kept.stands.is_some() || kept.day == today);
        for about in about {
            let none = Kept { stands: None, day: today, tellings: 0, tries: 0, tried: now, over_on: None };
            let kept = all.entry(about.to_owned()).or_insert(none);
            if kept.day != today {
                (kept.day, kept.tellings, kept.tries) = (today, 0, 0);
            }
            (kept.tries, kept.tried) = (kept.tries.saturating_add(1), now);
        }
        Memory(all)
    }

    /// As it is once that mail was taken.
    pub(super) fn taken<'a>(
        &self,
        new: impl Iterator<Item = &'a Matter>,
        over: impl Iterator<Item = &'a str>,
        today: Date,
    ) -> Memory {
        let mut all = self.0.clone();
        for matter in new {
            if let Some(kept) = all.get_mut(&matter.about) {
                (kept.stands, kept.tries) = (Some(matter.code.clone()), 0);
                kept.tellings = kept.tellings.saturating_add(1);
            }
        }
        for about in over {
            if let Some(kept) = all.get_mut(about) {
                (kept.stands, kept.tries, kept.over_on) = (None, 0, Some(today));
            }
        }
        Memory(all)
    }
}

impl Kept {
    fn may_be_tried(&self, now: Timestamp) -> bool {
        // A clock that was set back keeps nobody waiting.
        self.tries < TRIES_AT_ONCE || now < self.tried || now.duration_since(self.tried) >= TRIED_AGAIN_AFTER
    }
}

#[cfg(test)]
mod tests;
