//! What is known of every timetable so far, held against one: the day of the week, the interval, the extraction date, bank
//! holidays, known numbers.
//!
//! In:  a group's dates; a whole timetable. Out: findings.
//! Holds: a date that is odd and that a second list prints alike is taken as it is, and said; an odd one that nothing confirms
//! is an error.
// DWP A5/2020: 28 days between transfers, the weeks without transfers added; extraction seven days before; a Monday that is a
// bank holiday moves to the Tuesday.

use std::collections::BTreeSet;

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

use super::Terms;
use super::finding::{Findings, TimetableFinding};
use super::name::folded;
use super::pairing::first_day;
use crate::catalogue::Severity;
use crate::domain::timetable::{GroupName, Timetable};
use crate::domain::working_days::Division;
use crate::domain::{Authority, RelevantMonth};

/// Days from one transfer to the next, where no week without transfers lies between them.
const INTERVAL_DAYS: i32 = 28;
/// Days from the earliest extraction to the transfer.
const EXTRACTION_DAYS: i32 = 7;

/// One month's dates of a group.
pub struct DateRow {
    /// The month.
    pub month: RelevantMonth,
    /// SHBE: the earliest day of extraction.
    pub extract_from: Option<Date>,
    /// The day of transfer.
    pub transfer_on: Date,
    /// The line it stands in.
    pub line: Option<usize>,
    /// Whether a second list prints the same transfer.
    pub confirmed: bool,
}

/// Whose dates are looked at.
pub(super) struct Place<'a> {
    pub(super) file: &'a str,
    pub(super) annex: Option<&'a str>,
    pub(super) group: GroupName,
}

/// Holds a whole timetable against the rules, as one that no second list confirms.
///
/// `line` tells where the row of a group's month stands, if it can be told.
pub fn lint(
    timetable: &Timetable,
    file: &str,
    terms: &Terms<'_>,
    line: &dyn Fn(GroupName, RelevantMonth) -> Option<usize>,
) -> Vec<TimetableFinding> {
    let mut findings = Findings::default();
    for group in timetable.groups() {
        let place = Place { file, annex: None, group: group.name };
        let divisions = divisions(&group.authorities, terms);
        let shbe: Vec<_> =
            group.shbe.iter().map(|date| (date.relevant_month, Some(date.extract_from), date.transfer_on)).collect();
        let mi: Vec<_> = group.hbms_mi.iter().map(|date| (date.relevant_month, None, date.transfer_on)).collect();
        let same_days = shbe.iter().map(|row| (row.0, row.2)).eq(mi.iter().map(|row| (row.0, row.2)));
        for list in if same_days { vec![shbe] } else { vec![shbe, mi] } {
            let row = |(month, extract_from, transfer_on)| DateRow {
                month,
                extract_from,
                transfer_on,
                line: line(group.name, month),
                confirmed: false,
            };
            let rows: Vec<DateRow> = list.into_iter().map(row).collect();
            let missing = terms.year.months().filter(|month| !rows.iter().any(|row| row.month == *month));
            for month in missing {
                let says = format!("{}: {month} is missing.", group.name);
                place.put(findings.error("month-missing", says), None);
            }
            of_dates(&place, &rows, timetable.breaks(), &divisions, terms, &mut findings);
        }
    }
    of_members(timetable, terms, &mut findings);
    for finding in findings.all() {
        finding.file(file);
    }
    findings.into_sorted()
}

/// The parts of the country that the group's authorities are in.
pub(super) fn divisions(authorities: &[Authority], terms: &Terms<'_>) -> BTreeSet<Division> {
    let day = first_day(terms);
    authorities.iter().filter_map(|authority| Some(terms.authorities.on(day, &authority.number)?.division)).collect()
}

/// Holds one list of a group's dates against the rules.
pub(super) fn of_dates(
    place: &Place<'_>,
    rows: &[DateRow],
    breaks: &[Date],
    divisions: &BTreeSet<Division>,
    terms: &Terms<'_>,
    findings: &mut Findings,
) {
    for row in rows {
        weekday(place, row, terms, findings);
        extraction(place, row, findings);
        bank_holidays(place, row, divisions, terms, findings);
    }
    for pair in rows.windows(2) {
        interval(place, &pair[0], &pair[1], breaks, findings);
    }
}

impl Place<'_> {
    fn put(&self, finding: &mut TimetableFinding, line: Option<usize>) {
        finding.file(self.file).group(self.group);
        if let Some(annex) = self.annex {
            finding.annex(annex);
        }
        if let Some(line) = line {
            finding.line(line);
        }
    }
}

fn judged(confirmed: bool) -> Severity {
    if confirmed { Severity::Warning } else { Severity::Error }
}

/// The day on which the group would transfer in the week of this date.
fn nominal(group: GroupName, date: Date) -> Date {
    let offset = |weekday: Weekday| i32::from(weekday.to_monday_zero_offset());
    date.saturating_add((offset(group.weekday) - offset(date.weekday())).days())
}

fn weekday(place: &Place<'_>, row: &DateRow, terms: &Terms<'_>, findings: &mut Findings) {
    let (group, transfer_on) = (place.group, row.transfer_on);
    if transfer_on.weekday() == group.weekday {
        return;
    }
    let usual = nominal(group, transfer_on);
    // Moved to the next day, because the day itself is a bank holiday of a part of the country.
    let holiday = Division::ALL.into_iter().find_map(|division| terms.bank_holidays.name(division, usual));
    let moved = holiday.filter(|_| usual.tomorrow().is_ok_and(|next| next == transfer_on));
    let (severity, why) = match moved {
        Some(holiday) => (Severity::Warning, format!("{usual} is a bank holiday ({holiday})")),
        None => (judged(row.confirmed), format!("{usual} is no bank holiday that would explain it")),
    };
    let says = format!("{group}, {}: the transfer is on {}; {why}.", row.month, day_and_date(transfer_on));
    place.put(findings.add("weekday-shifted", severity, says), row.line);
}

fn interval(place: &Place<'_>, before: &DateRow, row: &DateRow, breaks: &[Date], findings: &mut Findings) {
    // Counted from the days on which they would be if nothing had been moved.
    let (from, to) = (nominal(place.group, before.transfer_on), nominal(place.group, row.transfer_on));
    let free = breaks.iter().filter(|&&week| from < week && week < to).count();
    let expected = INTERVAL_DAYS + 7 * i32::try_from(free).unwrap_or(0);
    let days = days(from, to);
    if days == expected {
        return;
    }
    let says = format!(
        "{}, {}: the transfer on {} is {days} days after the one of {} ({}), not {expected}.",
        place.group, row.month, row.transfer_on, before.month, before.transfer_on
    );
    let severity = judged(row.confirmed && before.confirmed);
    // The one that nothing confirms is the likelier culprit.
    let line = if row.confirmed && !before.confirmed { before.line } else { row.line };
    place.put(findings.add("interval", severity, says), line);
}

fn extraction(place: &Place<'_>, row: &DateRow, findings: &mut Findings) {
    let Some(extract_from) = row.extract_from else { return };
    let days = days(extract_from, row.transfer_on);
    if days != EXTRACTION_DAYS {
        let says = format!(
            "{}, {}: data may be extracted from {extract_from}, {days} days before the transfer on {}, not {EXTRACTION_DAYS}.",
            place.group, row.month, row.transfer_on
        );
        place.put(findings.error("extraction-rule", says), row.line);
    }
}

fn bank_holidays(
    place: &Place<'_>,
    row: &DateRow,
    divisions: &BTreeSet<Division>,
    terms: &Terms<'_>,
    findings: &mut Findings,
) {
    let of_row = [
        ("transfer-on-bank-holiday", "the transfer is", Some(row.transfer_on)),
        ("extraction-on-bank-holiday", "the earliest extraction is", row.extract_from),
    ];
    for (code, what, date) in of_row {
        let Some(date) = date else { continue };
        for &division in divisions {
            if let Some(holiday) = terms.bank_holidays.name(division, date) {
                let says = format!(
                    "{}, {}: {what} on {date}, a bank holiday in {division} ({holiday}).",
                    place.group, row.month
                );
                place.put(findings.warning(code, says), row.line);
            }
        }
    }
}

/// Holds the timetable's authorities against the table of LA numbers, and its year against the bank holidays.
pub(super) fn of_members(timetable: &Timetable, terms: &Terms<'_>, findings: &mut Findings) {
    let day = first_day(terms);
    for group in timetable.groups() {
        for Authority { number, name } in &group.authorities {
            match terms.authorities.on(day, number) {
                None => {
                    let says = format!("{name} ({number}) is not in the table of authorities on {day}.");
                    findings.warning("number-unknown", says).group(group.name).authority(number);
                }
                Some(known) if folded(&known.name) != folded(name) => {
                    let says = format!("{number} is `{name}` here and `{}` in the table of authorities.", known.name);
                    findings.warning("name-differs", says).group(group.name).authority(number);
                }
                Some(_) => {}
            }
        }
    }
    for known in terms.authorities.all_on(day).filter(|known| timetable.authority(&known.number).is_none()) {
        let says =
            format!("{} ({}) is in the table of authorities and not in this timetable.", known.name, known.number);
        findings.warning("authority-absent", says).authority(&known.number);
    }
    let last = terms.year.months().last().map_or(day, RelevantMonth::first_day);
    for division in Division::ALL {
        for day in [day, last].into_iter().filter(|&day| !terms.bank_holidays.covers(division, day)) {
            let says = format!(
                "The bank holidays of {division} in {} are not known here, so no date was held against them.",
                day.year()
            );
            findings.warning("bank-holidays-unknown", says);
        }
    }
}

fn days(from: Date, to: Date) -> i32 {
    from.until(to).map_or(0, |span| span.get_days())
}

fn day_and_date(date: Date) -> String {
    date.strftime("%A, %Y-%m-%d").to_string()
}
