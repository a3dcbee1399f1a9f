//! `hbcourier timetable show`: every date of one authority's year.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use super::table::Table;
use super::{CliFault, day_and_date, unknown_authority, unknown_year, write_json};
use crate::domain::timetable::{Group, HbmsMiDate, ShbeDate, Timetable, Timetables};
use crate::domain::{Authority, LaNumber, TimetableYear};

/// Show every date of one authority's year
#[derive(Clone, Debug, clap::Args)]
pub struct ShowArgs {
    /// The authority's LA number
    #[arg(long, value_name = "NUMBER")]
    pub authority: LaNumber,
    /// The timetable's year, such as 2020-21; the latest that has the authority if left out
    #[arg(long, value_name = "YEAR")]
    pub year: Option<TimetableYear>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Shown<'a> {
    authority: &'a Authority,
    year: TimetableYear,
    week: u8,
    weekday: &'static str,
    shbe: &'a [ShbeDate],
    hbms_mi: &'a [HbmsMiDate],
}

/// Writes one authority's dates.
pub fn show(args: &ShowArgs, timetables: &Timetables, out: &mut dyn Write) -> Result<(), CliFault> {
    let timetable = choose(args, timetables)?;
    let found = timetable.authority(&args.authority).zip(timetable.group_of(&args.authority));
    let (authority, group) = found.ok_or_else(|| not_in_year(&args.authority, timetable.year(), timetables))?;
    let shown = Shown {
        authority,
        year: timetable.year(),
        week: group.name.week,
        weekday: group.name.day(),
        shbe: &group.shbe,
        hbms_mi: &group.hbms_mi,
    };
    if args.json { write_json(&shown, out) } else { write_text(&shown, group, out).map_err(CliFault::Write) }
}

fn choose<'a>(args: &ShowArgs, timetables: &'a Timetables) -> Result<&'a Timetable, CliFault> {
    let latest = timetables.latest_with(&args.authority);
    let Some(year) = args.year else {
        return latest.ok_or_else(|| unknown_authority(&args.authority, timetables));
    };
    timetables.year(year).ok_or_else(|| unknown_year(year, timetables))
}

pub(super) fn not_in_year(number: &LaNumber, year: TimetableYear, timetables: &Timetables) -> CliFault {
    let Some(authority) = timetables.authority(number) else {
        return unknown_authority(number, timetables);
    };
    let having = timetables.iter().filter(|timetable| timetable.authority(number).is_some());
    CliFault::NotInYear {
        number: number.clone(),
        name: authority.name.clone(),
        year,
        in_force: having.map(|timetable| timetable.year()).collect(),
    }
}

fn write_text(shown: &Shown, group: &Group, out: &mut dyn Write) -> io::Result<()> {
    let Authority { number, name } = shown.authority;
    writeln!(out, "{name} ({number}), {}: {}\n", shown.year, group.name)?;
    let mut months = BTreeMap::new();
    for date in shown.shbe {
        months.entry(date.relevant_month).or_insert((None, None)).0 = Some(date);
    }
    for date in shown.hbms_mi {
        months.entry(date.relevant_month).or_insert((None, None)).1 = Some(date);
    }
    let none = || "-".to_owned();
    let mut table = Table::new(["Month", "SHBE extract from", "SHBE transfer on", "HBMS MI transfer on"]);
    for (month, (shbe, hbms_mi)) in months {
        table.row([
            month.to_string(),
            shbe.map_or_else(none, |date| day_and_date(date.extract_from)),
            shbe.map_or_else(none, |date| day_and_date(date.transfer_on)),
            hbms_mi.map_or_else(none, |date| day_and_date(date.transfer_on)),
        ]);
    }
    table.write(out)
}
