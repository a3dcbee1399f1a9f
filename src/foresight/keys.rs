//! Which return a key will no longer be there for.
//!
//! In:  the keys as they are now, what is owed. Out: a warning for every holder whose keys end before the last of it.
//! Holds: a holder is covered as long as any of its certificates can do what a return needs.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;

use super::london_date;
use crate::config::Settings;
use crate::domain::kind::ReturnKind;
use crate::domain::timetable::{Obligation, Timetables};
use crate::domain::{PartnerName, RelevantMonth};
use crate::effects::clock::london;
use crate::effects::pgp::{KeyListing, KeyRing};

/// Keys that end before a return that needs them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndsBefore {
    /// Whose keys; `None` for our own.
    pub partner: Option<PartnerName>,
    /// The last day on which they can be used.
    pub until: Timestamp,
    /// In words, such as `expires 3 days before the SHBE for 2020-10`.
    pub says: String,
}

/// Everything that is still owed by the configured authorities, by transfer date.
pub fn ahead(settings: &Settings, timetables: &Timetables, today: Date) -> Vec<(Obligation, PartnerName)> {
    let mut ahead = Vec::new();
    for authority in &settings.authorities {
        for owed in &authority.returns {
            let obligations = timetables.obligations(&authority.number, owed.kind);
            let later = obligations.into_iter().filter(|obligation| obligation.transfer_on >= today);
            ahead.extend(later.map(|obligation| (obligation, owed.partner.clone())));
        }
    }
    ahead.sort_by(|(one, _), (other, _)| (one.transfer_on, &one.key).cmp(&(other.transfer_on, &other.key)));
    ahead
}

/// Every holder whose keys end before something that is owed, as far as there are any now.
pub fn ends_before(keys: &KeyRing, now: Timestamp, ahead: &[(Obligation, PartnerName)]) -> Vec<EndsBefore> {
    let mut days = Days { keys, known: BTreeMap::new() };
    let present = keys.list(now);
    // Sealing needs a signature of ours, and our own copy.
    let mut ends: Vec<EndsBefore> =
        days.first_without(None, &present, ahead.iter().map(|(owed, _)| owed)).into_iter().collect();
    let mut partners: Vec<&PartnerName> = ahead.iter().map(|(_, partner)| partner).collect();
    partners.sort();
    partners.dedup();
    for partner in partners {
        let owed = ahead.iter().filter(|(_, to)| to == partner).map(|(owed, _)| owed);
        ends.extend(days.first_without(Some(partner), &present, owed));
    }
    ends
}

/// The keys as they will be at the end of each transfer date: on the day itself the hour would decide.
struct Days<'a> {
    keys: &'a KeyRing,
    known: BTreeMap<Date, KeyListing>,
}

impl Days<'_> {
    fn at_the_end_of(&mut self, day: Date) -> &KeyListing {
        let keys = self.keys;
        self.known.entry(day).or_insert_with(|| {
            let end = day.at(23, 59, 59, 0).to_zoned(london());
            keys.list(end.map_or(Timestamp::MAX, |end| end.timestamp()))
        })
    }

    fn first_without<'o>(
        &mut self,
        partner: Option<&PartnerName>,
        present: &KeyListing,
        ahead: impl Iterator<Item = &'o Obligation>,
    ) -> Option<EndsBefore> {
        // That there is none at all is said elsewhere; one without end covers everything.
        let mut until = last(&ends_of(partner, present))?;
        for owed in ahead {
            // The one that lasts longest is there until its last day.
            if owed.transfer_on < london_date(until) {
                continue;
            }
            let then = ends_of(partner, self.at_the_end_of(owed.transfer_on));
            if then.is_empty() {
                return Some(missed(partner, until, owed));
            }
            until = last(&then)?;
        }
        None
    }
}

/// When the last usable certificate of the holder ends; `None` if one never does, or there is none.
pub fn last_end(partner: Option<&PartnerName>, keys: &KeyListing) -> Option<Timestamp> {
    last(&ends_of(partner, keys))
}

/// When each usable certificate of the holder ends; `None` for one without end.
fn ends_of(partner: Option<&PartnerName>, keys: &KeyListing) -> Vec<Option<Timestamp>> {
    match partner {
        None => {
            let ours = keys.own.iter().filter(|facts| facts.can_sign && facts.can_encrypt);
            ours.map(|facts| facts.expires).collect()
        }
        Some(partner) => {
            let theirs = keys.partners.iter().filter(|(name, facts)| name == partner && facts.can_encrypt);
            theirs.map(|(_, facts)| facts.expires).collect()
        }
    }
}

/// When the last of them ends; `None` if one never does, or there is none.
fn last(ends: &[Option<Timestamp>]) -> Option<Timestamp> {
    ends.iter().copied().collect::<Option<Vec<_>>>()?.into_iter().max()
}

fn missed(partner: Option<&PartnerName>, until: Timestamp, missed: &Obligation) -> EndsBefore {
    let days = (missed.transfer_on - london_date(until)).get_days();
    let before = match days {
        ..=0 => "on the very day of".to_owned(),
        1 => "1 day before".to_owned(),
        days => format!("{days} days before"),
    };
    let says = format!("expires {before} {}", owed_in_words(missed.key.kind, missed.key.month, missed.transfer_on));
    EndsBefore { partner: partner.cloned(), until, says }
}

fn owed_in_words(kind: ReturnKind, month: RelevantMonth, on: Date) -> String {
    let kind = match kind {
        ReturnKind::Shbe => "SHBE",
        ReturnKind::HbmsMi => "HBMS MI return",
    };
    format!("the {kind} for {month} (due {on})")
}
