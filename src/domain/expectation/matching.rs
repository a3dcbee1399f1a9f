//! Which arrival meets which month.
//!
//! Nothing in a pack plainly tells its month, so the day on which it came decides. In this order: the latest month whose week
//! has begun and that nothing has met, if it began no more than [`LATE_WEEKS_MAX`] weeks ago; the month whose week
//! begins within [`EARLY_DAYS_MAX`] days; otherwise it is a further one for the month before it. A risk file belongs to the
//! month of the pack it came in.

use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::civil::Date;

use super::Week;
use super::arrival::{Arrival, Irregular, Irregularity, Whereabouts};
use crate::domain::ids::ConsignmentId;
use crate::domain::kind::FileKind;

/// So much later it is not taken for what was missing: three cycles.
const LATE_WEEKS_MAX: i64 = 12;
/// So much earlier it still belongs to the month ahead.
const EARLY_DAYS_MAX: i64 = 7;
/// So long after a week's beginning, a further one still belongs to it: the longest cycle, over Christmas.
const FURTHER_DAYS_MAX: i64 = 42;

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

fn place(weeks: &[Week], met: &[Option<usize>], on: Date) -> Placed {
    let begun = weeks.partition_point(|week| week.from <= on);
    let recent = |week: &usize| on <= weeks[*week].from.saturating_add(LATE_WEEKS_MAX.weeks());
    if let Some(week) = (0..begun).rev().take_while(recent).find(|&week| met[week].is_none()) {
        return Placed::Meets(week);
    }
    if let Some(next) = weeks.get(begun).filter(|next| on >= next.from.saturating_sub(EARLY_DAYS_MAX.days())) {
        debug_assert!(next.from > on);
        return if met[begun].is_none() { Placed::Meets(begun) } else { Placed::Further(begun) };
    }
    match begun.checked_sub(1) {
        Some(last) if on < weeks[last].from.saturating_add(FURTHER_DAYS_MAX.days()) => Placed::Further(last),
        _ => Placed::Nowhere,
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
            let begun = weeks.partition_point(|week| week.from <= arrival.on);
            let noted = match (&arrival.whereabouts, arrival.kind) {
                (Whereabouts::Foreign { found }, _) => {
                    arrival.irregular(Irregularity::Foreign { found: found.clone() }, None)
                }
                (Whereabouts::Repeat, Some(FileKind::HbmsPack | FileKind::CaseloadRisk)) => {
                    let last = begun.checked_sub(1).and_then(|last| weeks.get(last));
                    arrival.irregular(Irregularity::Duplicate, last)
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
