//! `hbcourier timetable export --ics`: an authority's dates for calendar programs.
//!
//! In:  the timetables in force. Out: RFC 5545, all-day events.
//! Holds: an event has the same UID in every export, so that a calendar that imports the file again replaces it.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use icalendar::{Calendar, Component, Event, Property};
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

use super::{CliFault, unknown_authority};
use crate::domain::timetable::{ExpectedPack, Obligation, PACK_WEEKS_AFTER_TRANSFER, Timetables};
use crate::domain::{Authority, LaNumber, RelevantMonth, ReturnKind, TimetableYear};

/// Write an authority's dates for a calendar program
#[derive(Clone, Debug, clap::Args)]
pub struct ExportArgs {
    /// The authorities' LA numbers
    #[arg(long, required = true, num_args = 1.., value_name = "NUMBER")]
    pub authority: Vec<LaNumber>,
    /// Only this year, such as 2020-21
    #[arg(long, value_name = "YEAR")]
    pub year: Option<TimetableYear>,
    /// As iCalendar, into this new file; to standard output if left out or `-`
    #[arg(long, required = true, num_args = 0..=1, default_missing_value = "-", value_name = "FILE")]
    pub ics: PathBuf,
}

/// Writes the calendar.
pub fn export(args: &ExportArgs, timetables: &Timetables, now: Timestamp, out: &mut dyn Write) -> Result<(), CliFault> {
    if let Some(year) = args.year.filter(|&year| timetables.year(year).is_none()) {
        let in_force = timetables.iter().map(|timetable| timetable.year()).collect();
        return Err(CliFault::UnknownYear { year, in_force });
    }
    let mut calendar = Calendar::empty();
    for (key, value) in [
        ("VERSION", "2.0"),
        ("PRODID", "-//hbcourier//timetable of returns//EN"),
        ("CALSCALE", "GREGORIAN"),
        ("METHOD", "PUBLISH"),
    ] {
        calendar.append_property(Property::new(key, value));
    }
    for number in &args.authority {
        let authority = timetables.authority(number).ok_or_else(|| unknown_authority(number, timetables))?;
        for event in events(authority, timetables, args.year, now) {
            calendar.push(event);
        }
    }
    let text = calendar.to_string();
    if args.ics == Path::new("-") {
        return out.write_all(text.as_bytes()).map_err(CliFault::Write);
    }
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o644).open(&args.ics);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|source| CliFault::Export { path: args.ics.clone(), source })
}

fn events(authority: &Authority, timetables: &Timetables, year: Option<TimetableYear>, now: Timestamp) -> Vec<Event> {
    let Authority { number, name } = authority;
    let whose = format!("{name} ({number})");
    let within = |month: RelevantMonth| year.is_none_or(|year| year.months().any(|own| own == month));
    let mut events = Vec::new();
    for kind in ReturnKind::ALL {
        let obligations = timetables.obligations(number, kind);
        for Obligation { key, extract_from, transfer_on } in
            obligations.into_iter().filter(|owed| within(owed.key.month))
        {
            let month = key.month;
            let say = |what: &str, date, uid: &str| {
                let uid = format!("{kind}-{uid}-{number}-{month}@timetable.hbcourier");
                event(&uid, &format!("{what}, {whose}, for {month}"), date, date, now)
            };
            let what = match kind {
                ReturnKind::Shbe => "SHBE: transfer",
                ReturnKind::HbmsMi => "HBMS MI: return",
            };
            events.extend(extract_from.map(|date| say("SHBE: data may be extracted from today", date, "extract")));
            events.push(say(what, transfer_on, "transfer"));
        }
    }
    let packs = timetables.expected_packs(number, PACK_WEEKS_AFTER_TRANSFER).into_iter();
    for ExpectedPack { month, from, due_by } in packs.filter(|pack| within(pack.month)) {
        let uid = format!("hbms-pack-{number}-{month}@timetable.hbcourier");
        events.push(event(&uid, &format!("HBMS pack expected this week, {whose}, for {month}"), from, due_by, now));
    }
    events
}

/// From the beginning of the first day to the end of the last.
// RFC 5545 §3.6.1: the end of an event of whole days is the day after it.
fn event(uid: &str, summary: &str, first: Date, last: Date, now: Timestamp) -> Event {
    let day = |key: &str, date: Date| {
        let mut property = Property::new(key, date.strftime("%Y%m%d").to_string());
        property.add_parameter("VALUE", "DATE");
        property.done()
    };
    let mut event = Event::new();
    event
        .uid(uid)
        .summary(summary)
        .add_property("DTSTAMP", now.strftime("%Y%m%dT%H%M%SZ").to_string())
        .add_property("TRANSP", "TRANSPARENT")
        .append_property(day("DTSTART", first))
        .append_property(day("DTEND", last.saturating_add(1.day())));
    event.done()
}
