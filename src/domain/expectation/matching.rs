//! Which arrival meets which month.
//!
//! Nothing in a pack plainly tells its month, so the day on which it came decides. It belongs to the month whose week begins
//! within [`PACK_EARLY_DAYS_MAX`] days, or else has begun last: that is the month it goes by everywhere. If that month has been
//! met, it is what an earlier one still lacks, but only within that one's cycle, [`LATE_DAYS_MAX`]; otherwise it is a further
//! one. A risk file belongs to the month of the pack it came in.

use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::civil::Date;

use super::Week;
use super::arrival::{Arrival, Irregular, Irregularity, Whereabouts};
use crate::domain::ids::ConsignmentId;
use crate::domain::kind::FileKind;
use crate::domain::timetable::PACK_EARLY_DAYS_MAX;

/// So long after its week's beginning an earlier month may take what the next one has no need of: one cycle, and its week.
const LATE_DAYS_MAX: i64 = 35;
/// So long after a week's beginning what comes belongs to it: the longest cycle, over Christmas.
const CYCLE_DAYS_MAX: i64 = 42;

/// For each week the place of the arrival that meets it.
pub(super) struct Matched {
    pub packs: Vec<Option<usize>>,
    pub risks: Vec<Option<usize>>,
    pub irregular: Vec<Irregular>,
}

/// `arrivals` in the order in which they came.
pub(super) fn matched(weeks: &[Week], arrivals: &[Arrival]) -> Matched {
    let mut matched = Matched { packs: vec![None; weeks.len()], risks: vec![None; weeks.len()], irregular: Vec::new() };
    let mut packs: BTreeMap<ConsignmentId, usize> = BTreeMap::new();
    let of_kind = |kind| arrivals.iter().enumerate().filter(move |(_, arrival)| arrival.kind == Some(kind));
    for (at, arrival) in of_kind(FileKind::HbmsPack).filter(|(_, arrival)| arrival.may_meet()) {
        let placed = place(weeks, &matched.packs, arrival.on);
        if let Placed::Meets(week) = placed {
            matched.packs[week] = Some(at);
            packs.insert(arrival.transfer, week);
        }
        matched.note(weeks, arrival, placed);
    }
    for (at, arrival) in of_kind(FileKind::CaseloadRisk).filter(|(_, arrival)| arrival.may_meet()) {
        let placed = match packs.get(&arrival.transfer) {
            Some(&week) if matched.risks[week].is_none() => Placed::Meets(week),
            Some(&week) => Placed::Further(week),
            None => place(weeks, &matched.risks, arrival.on),
        };
        if let Placed::Meets(week) = placed {
            matched.risks[week] = Some(at);
        }
        matched.note(weeks, arrival, placed);
    }
    matched.note_others(weeks, arrivals);
    matched.irregular.sort_by_key(|one| (one.on, one.transfer, one.kind));
    matched
}

/// Where an arrival belongs.
#[derive(Clone, Copy)]
enum Placed {
    Meets(usize),
    Further(usize),
    Nowhere,
}

/// The week that a day belongs to: the one that begins soon, or has begun last; and how many have begun.
fn own(weeks: &[Week], on: Date) -> (Option<usize>, usize) {
    let begun = weeks.partition_point(|week| week.from <= on);
    let soon = weeks.get(begun).filter(|next| on >= next.from.saturating_sub(PACK_EARLY_DAYS_MAX.days()));
    let last = begun.checked_sub(1).filter(|&last| on < weeks[last].from.saturating_add(CYCLE_DAYS_MAX.days()));
    (soon.map(|_| begun).or(last), begun)
}

fn place(weeks: &[Week], met: &[Option<usize>], on: Date) -> Placed {
    let (own, begun) = own(weeks, on);
    let lately = |week: &usize| on < weeks[*week].from.saturating_add(LATE_DAYS_MAX.days());
    let earlier = (0..begun).rev().take_while(lately);
    match own.into_iter().chain(earlier).find(|&week| met[week].is_none()) {
        Some(week) => Placed::Meets(week),
        None => own.map_or(Placed::Nowhere, Placed::Further),
    }
}

impl Arrival {
    /// Whether it can be what was expected.
    fn may_meet(&self) -> bool {
        matches!(self.whereabouts, Whereabouts::Ours | Whereabouts::Held)
    }

    fn irregular(&self, what: Irregularity, week: Option<&Week>) -> Irregular {
        let month = week.map(|week| week.month);
        Irregular { transfer: self.transfer, kind: self.kind, on: self.on, month, what }
    }
}

impl Matched {
    fn note(&mut self, weeks: &[Week], arrival: &Arrival, placed: Placed) {
        let noted = match placed {
            Placed::Meets(week) if arrival.on < weeks[week].from => {
                arrival.irregular(Irregularity::Early, weeks.get(week))
            }
            Placed::Meets(week) if arrival.on > weeks[week].due_by => {
                arrival.irregular(Irregularity::Late, weeks.get(week))
            }
            Placed::Meets(_) => return,
            Placed::Further(week) => arrival.irregular(Irregularity::Duplicate, weeks.get(week)),
            Placed::Nowhere => arrival.irregular(Irregularity::Unexpected, None),
        };
        self.irregular.push(noted);
    }

    /// What cannot meet anything: repeats, another authority's, and what is held unopened while something is missing.
    fn note_others(&mut self, weeks: &[Week], arrivals: &[Arrival]) {
        for arrival in arrivals {
            let noted = match (&arrival.whereabouts, arrival.kind) {
                (Whereabouts::Foreign { found }, _) => {
                    arrival.irregular(Irregularity::Foreign { found: found.clone() }, None)
                }
                (Whereabouts::Repeat, Some(FileKind::HbmsPack | FileKind::CaseloadRisk)) => {
                    let week = own(weeks, arrival.on).0.and_then(|week| weeks.get(week));
                    arrival.irregular(Irregularity::Duplicate, week)
                }
                (Whereabouts::Held, None) => {
                    let Placed::Meets(week) = place(weeks, &self.packs, arrival.on) else { continue };
                    arrival.irregular(Irregularity::Untold, weeks.get(week))
                }
                (Whereabouts::Ours | Whereabouts::Held | Whereabouts::Repeat, _) => continue,
            };
            self.irregular.push(noted);
        }
    }
}
