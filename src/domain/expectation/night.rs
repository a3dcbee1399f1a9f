//! The nights in which LAIDs arrive, and how long none has.
//!
//! A night begins at noon and is named by the day on which it begins: what the bulk transfer brings before midnight and what
//! it brings after belong together. Only nights that begin on working days are expected to bring anything.

use jiff::ToSpan;
use jiff::civil::{Date, DateTime, Time};

/// When a night begins, and the one before it ends, by London's clocks.
pub const NIGHT_BEGINS: Time = Time::constant(12, 0, 0, 0);

/// Nights that are looked back upon. A longer silence is told as one of so many.
const NIGHTS_MAX: u16 = 366;

/// How long nothing has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silence {
    /// Complete nights of working days without any.
    pub nights: u16,
    /// The first of them; `None` if there are none.
    pub since: Option<Date>,
}

/// The night to which this moment in London belongs.
pub fn night_of(moment: DateTime) -> Date {
    let day = moment.date();
    if moment.time() < NIGHT_BEGINS { day.saturating_sub(1.day()) } else { day }
}

/// The last night that is over.
pub fn last_complete_night(now: DateTime) -> Date {
    night_of(now).saturating_sub(1.day())
}

/// The complete working nights after the last that brought something.
///
/// `last` is that night; without one, nights count from `since` on.
pub fn silence(last: Option<Date>, since: Date, now: DateTime, is_working_day: impl Fn(Date) -> bool) -> Silence {
    let first = last.map_or(since, |last| last.saturating_add(1.day()).max(since));
    let end = last_complete_night(now);
    let mut nights = 0;
    let mut night = end;
    while night >= first && nights < NIGHTS_MAX {
        nights += u16::from(is_working_day(night));
        night = night.saturating_sub(1.day());
    }
    // Found from its own end, so that it stays the same however long the silence lasts.
    let since = first.series(1.day()).take_while(|night| *night <= end).find(|night| is_working_day(*night));
    Silence { nights, since: since.filter(|_| nights > 0) }
}
