//! What can be wrong with a timetable.

use jiff::civil::Date;

use super::group::GroupName;
use crate::domain::authority::LaNumber;
use crate::domain::kind::ReturnKind;
use crate::domain::period::{RelevantMonth, TimetableYear};

/// One thing that is wrong with a timetable, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimetableFault {
    /// There is nothing in it.
    #[error("the timetable has no groups")]
    NoGroups,
    /// The cycle has four weeks.
    #[error("{group}: the cycle has weeks 1 to 4")]
    WeekUnknown {
        /// The group that names another.
        group: GroupName,
    },
    /// Two groups have one name.
    #[error("{group} appears more than once")]
    GroupTwice {
        /// Their name.
        group: GroupName,
    },
    /// Nobody keeps its dates.
    #[error("{group} has no authorities")]
    NoAuthorities {
        /// The group.
        group: GroupName,
    },
    /// A return without a single date.
    #[error("{group} has no dates for {kind}")]
    NoDates {
        /// The group.
        group: GroupName,
        /// Which return.
        kind: ReturnKind,
    },
    /// An authority with two sets of dates.
    #[error("LA number {number} is in {first} and again in {second}: an authority belongs to one group")]
    AuthorityTwice {
        /// The number.
        number: LaNumber,
        /// Where it was seen first.
        first: GroupName,
        /// Where it was seen again.
        second: GroupName,
    },
    /// An authority without a name.
    #[error("LA number {number} in {group} has no name")]
    AuthorityUnnamed {
        /// The number.
        number: LaNumber,
        /// Its group.
        group: GroupName,
    },
    /// A month of another year.
    #[error("{group}, {kind}: {month} is not a month of {year}, April to March")]
    MonthOutsideYear {
        /// The group.
        group: GroupName,
        /// Which return.
        kind: ReturnKind,
        /// The month.
        month: RelevantMonth,
        /// The timetable's year.
        year: TimetableYear,
    },
    /// A month repeated, or before the one above it.
    #[error("{group}, {kind}: {month} comes after {before}; months must ascend, each once")]
    MonthOutOfOrder {
        /// The group.
        group: GroupName,
        /// Which return.
        kind: ReturnKind,
        /// The month that is out of order.
        month: RelevantMonth,
        /// The one above it.
        before: RelevantMonth,
    },
    /// A month missing between two others: an obligation that nobody would be reminded of.
    #[error("{group}, {kind}: {month} is missing")]
    MonthSkipped {
        /// The group.
        group: GroupName,
        /// Which return.
        kind: ReturnKind,
        /// The missing month.
        month: RelevantMonth,
    },
    /// A month that is to be sent no later than the one above it.
    #[error("{group}, {kind}, {month}: the transfer date {transfer_on} is not after {before}, the one above it")]
    TransferOutOfOrder {
        /// The group.
        group: GroupName,
        /// Which return.
        kind: ReturnKind,
        /// The month.
        month: RelevantMonth,
        /// Its transfer date.
        transfer_on: Date,
        /// The transfer date above it.
        before: Date,
    },
    /// Data that would have to be sent before they may be extracted.
    #[error("{group}, shbe, {month}: data may be extracted from {extract_from}, after the transfer date {transfer_on}")]
    ExtractAfterTransfer {
        /// The group.
        group: GroupName,
        /// The month.
        month: RelevantMonth,
        /// The earliest data extraction date.
        extract_from: Date,
        /// The transfer date.
        transfer_on: Date,
    },
    /// A transfer in a week without transfers.
    #[error("{group}, {kind}, {month}: the transfer date {transfer_on} is in the break of the week commencing {week}")]
    TransferInBreak {
        /// The group.
        group: GroupName,
        /// Which return.
        kind: ReturnKind,
        /// The month.
        month: RelevantMonth,
        /// Its transfer date.
        transfer_on: Date,
        /// The break's Monday.
        week: Date,
    },
    /// A week that does not commence on a Monday.
    #[error("break {date}: a break is named by the Monday of its week")]
    BreakNotMonday {
        /// The date given.
        date: Date,
    },
    /// Two timetables for one year.
    #[error("there are two timetables for {year}")]
    YearTwice {
        /// The year.
        year: TimetableYear,
    },
}
