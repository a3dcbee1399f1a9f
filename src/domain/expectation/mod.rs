//! What DWP owes an authority each month, and what has come of it.
//!
//! In:  the timetables, what has arrived, today. Out: an [`Outlook`]: for each month one pack and one risk file, each with its
//! [`State`], and what is irregular about what came.
//! Holds: there is one expectation for each month and kind, whatever arrives; an arrival meets one expectation at most, and
//! one that meets none is an [`Irregular`] or, under another name, still on its way to be opened.

mod arrival;
mod matching;
mod night;
#[cfg(test)]
mod tests;

use jiff::ToSpan;
use jiff::civil::Date;
use serde::Serialize;

use super::authority::LaNumber;
use super::ids::ConsignmentId;
use super::kind::FileKind;
use super::period::RelevantMonth;
use super::timetable::{ExpectedPack, PACK_WEEKS_AFTER_TRANSFER, Timetables};

pub use arrival::{Arrival, Irregular, Irregularity, Whereabouts};
pub use night::{NIGHT_BEGINS, Silence, last_complete_night, night_of, silence};

/// How an authority expects its packs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// In which week after that of the transfer.
    pub weeks_after: u8,
    /// Days after the week's Monday from which it is amber if it is not there.
    pub amber_days: u8,
    /// Days after the week's Friday beyond which it is red.
    pub red_days: u8,
}

impl Default for Terms {
    fn default() -> Terms {
        Terms { weeks_after: PACK_WEEKS_AFTER_TRANSFER, amber_days: 0, red_days: 0 }
    }
}

/// One file that DWP owes an authority for one month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// A pack, or the risk file in it.
    pub kind: FileKind,
    /// To whom.
    pub authority: LaNumber,
    /// The relevant month of the SHBE that it follows.
    pub month: RelevantMonth,
    /// The Monday from which it is no longer early.
    pub from: Date,
    /// The last day on which it is in time: a Friday, and never one of a break week.
    pub due_by: Date,
    /// How it stands.
    pub state: State,
}

/// How an expectation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Not due yet.
    Awaited,
    /// Its week has begun, and it is not there.
    Amber,
    /// Its week is over, and it is not there.
    Red,
    /// It came, and is held for a person.
    Held(Met),
    /// It came in its week.
    Met(Met),
    /// It came before its week.
    Early(Met),
    /// It came after its week.
    Late(Met),
}

/// What met an expectation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Met {
    /// Which transfer.
    pub transfer: ConsignmentId,
    /// The day it arrived, in London.
    pub on: Date,
}

/// What is expected of DWP by one authority, and what came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outlook {
    /// By month; the pack before the risk file.
    pub expectations: Vec<Expectation>,
    /// In the order of arrival.
    pub irregular: Vec<Irregular>,
}

impl State {
    /// The word that lists and scripts use.
    pub fn word(self) -> &'static str {
        match self {
            State::Awaited => "awaited",
            State::Amber => "amber",
            State::Red => "red",
            State::Held(_) => "held",
            State::Met(_) => "met",
            State::Early(_) => "early",
            State::Late(_) => "late",
        }
    }

    /// What came, if anything did.
    pub fn met(self) -> Option<Met> {
        match self {
            State::Awaited | State::Amber | State::Red => None,
            State::Held(met) | State::Met(met) | State::Early(met) | State::Late(met) => Some(met),
        }
    }
}

impl Expectation {
    /// Whether it should be here and is not.
    pub fn is_overdue(&self) -> bool {
        self.state == State::Red
    }
}

/// Everything that DWP owes this authority by the timetables, as of `today`, and what is irregular about what came.
///
/// `arrivals` are this authority's, in any order. Those of LAIDs are counted by night and do not belong here. Months whose
/// cycle was over on the day `since` are left out: nobody saw what came for them, so nothing that comes now is theirs.
pub fn outlook(
    timetables: &Timetables,
    authority: &LaNumber,
    arrivals: &[Arrival],
    today: Date,
    terms: &Terms,
    since: Option<Date>,
) -> Outlook {
    let packs = timetables.packs_since(authority, terms.weeks_after, since);
    let weeks: Vec<Week> = packs.iter().map(|pack| Week::of(pack, timetables)).collect();
    let mut arrivals = arrivals.to_vec();
    arrivals.sort_by_key(|arrival| (arrival.at, arrival.transfer));
    let matched = matching::matched(&weeks, &arrivals);
    let mut expectations = Vec::with_capacity(weeks.len() * 2);
    for (at, week) in weeks.iter().enumerate() {
        let by_kind = [(FileKind::HbmsPack, matched.packs[at]), (FileKind::CaseloadRisk, matched.risks[at])];
        for (kind, by) in by_kind {
            let state = week.state(by.map(|by| &arrivals[by]), today, terms);
            let Week { month, from, due_by } = *week;
            expectations.push(Expectation { kind, authority: authority.clone(), month, from, due_by, state });
        }
    }
    Outlook { expectations, irregular: matched.irregular }
}

/// The week in which one month's pack is expected.
#[derive(Clone, Copy, Debug)]
struct Week {
    month: RelevantMonth,
    from: Date,
    due_by: Date,
}

impl Week {
    /// In a break nothing is owed: what comes in it is in time, and it is due by the end of the first week after it.
    // DWP A5/2020, paragraphs 24 and 25: a week-4 pack did come in the break of w/c 30 March 2020.
    fn of(pack: &ExpectedPack, timetables: &Timetables) -> Week {
        let mut due_by = pack.due_by;
        while timetables.is_break(due_by) {
            due_by = due_by.saturating_add(1.week());
        }
        Week { month: pack.month, from: pack.from, due_by }
    }

    fn state(&self, by: Option<&Arrival>, today: Date, terms: &Terms) -> State {
        if let Some(arrival) = by {
            let met = Met { transfer: arrival.transfer, on: arrival.on };
            return match arrival.whereabouts {
                Whereabouts::Held => State::Held(met),
                _ if arrival.on < self.from => State::Early(met),
                _ if arrival.on > self.due_by => State::Late(met),
                _ => State::Met(met),
            };
        }
        // Its Monday, or that of the first week after the break.
        let monday = self.due_by.saturating_sub(4.days());
        if today > self.due_by.saturating_add(i64::from(terms.red_days).days()) {
            State::Red
        } else if today >= monday.saturating_add(i64::from(terms.amber_days).days()) {
            State::Amber
        } else {
            State::Awaited
        }
    }
}
