//! When an HBMS referral pack is to be expected.
//!
//! DWP prints no timetable for packs. They follow the SHBE: data transferred in one week come back as referrals in the next,
//! also where that next week is one of the breaks.
// DWP A5/2020, paragraphs 24 and 25: packs from w/c 9 March 2020 (week 1) to w/c 30 March 2020 (week 4, a break of Annex B).

use jiff::ToSpan;
use jiff::civil::Date;

use super::Obligation;
use crate::domain::period::RelevantMonth;

/// How many weeks after the transfer week a pack is expected, unless the configuration says otherwise.
pub const PACK_WEEKS_AFTER_TRANSFER: u8 = 1;

/// So many days before its week a pack belongs to the month ahead already.
pub const PACK_EARLY_DAYS_MAX: i64 = 7;

/// A referral pack that DWP owes an authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedPack {
    /// The relevant month of the SHBE it follows.
    pub month: RelevantMonth,
    /// The Monday of the week in which it is expected.
    pub from: Date,
    /// The Friday of that week: not there by the end of it means overdue.
    pub due_by: Date,
}

impl ExpectedPack {
    /// The pack that follows this SHBE by `weeks` weeks.
    pub(super) fn following(shbe: &Obligation, weeks: u8) -> ExpectedPack {
        let into_week = i64::from(shbe.transfer_on.weekday().to_monday_zero_offset());
        let from = shbe.transfer_on.saturating_sub(into_week.days()).saturating_add(i64::from(weeks).weeks());
        ExpectedPack { month: shbe.key.month, from, due_by: from.saturating_add(4.days()) }
    }

    /// The first day on which what comes belongs to this month.
    pub fn takes_from(&self) -> Date {
        self.from.saturating_sub(PACK_EARLY_DAYS_MAX.days())
    }
}
