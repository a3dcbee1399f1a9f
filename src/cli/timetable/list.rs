//! `hbcourier timetable list`: the timetables in force and the authorities in them.

use std::io::{self, Write};

use serde::Serialize;

use super::table::Table;
use super::{CliFault, unknown_year, write_json};
use crate::domain::timetable::{GroupName, Timetable, Timetables};
use crate::domain::{Authority, TimetableYear};

/// List the timetables in force and the authorities in them
#[derive(Clone, Debug, clap::Args)]
pub struct ListArgs {
    /// Only this year, such as 2020-21
    #[arg(long, value_name = "YEAR")]
    pub year: Option<TimetableYear>,
    /// Only authorities whose name contains this, in whatever case
    #[arg(long, value_name = "TEXT")]
    pub name: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Document<'a> {
    timetables: Vec<Listed<'a>>,
}

#[derive(Serialize)]
struct Listed<'a> {
    year: TimetableYear,
    groups: usize,
    authorities: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    #[serde(flatten)]
    authority: &'a Authority,
    week: u8,
    weekday: &'static str,
    #[serde(skip)]
    group: GroupName,
}

/// Writes the timetables and who is in them.
pub fn list(args: &ListArgs, timetables: &Timetables, out: &mut dyn Write) -> Result<(), CliFault> {
    if let Some(year) = args.year.filter(|&year| timetables.year(year).is_none()) {
        return Err(unknown_year(year, timetables));
    }
    let chosen = timetables.iter().filter(|timetable| args.year.is_none_or(|year| year == timetable.year()));
    let listed: Vec<_> = chosen.map(|timetable| listed(timetable, args.name.as_deref())).collect();
    if args.json {
        return write_json(&Document { timetables: listed }, out);
    }
    listed.iter().try_for_each(|timetable| write_text(timetable, out)).map_err(CliFault::Write)
}

fn listed<'a>(timetable: &'a Timetable, name: Option<&str>) -> Listed<'a> {
    let wanted = name.map(str::to_lowercase);
    let mut authorities = Vec::new();
    for group in timetable.groups() {
        for authority in &group.authorities {
            if wanted.as_ref().is_none_or(|part| authority.name.to_lowercase().contains(part)) {
                authorities.push(Entry {
                    authority,
                    week: group.name.week,
                    weekday: group.name.day(),
                    group: group.name,
                });
            }
        }
    }
    authorities.sort_by(|a, b| (&a.authority.name, &a.authority.number).cmp(&(&b.authority.name, &b.authority.number)));
    Listed { year: timetable.year(), groups: timetable.groups().len(), authorities }
}

fn write_text(listed: &Listed, out: &mut dyn Write) -> io::Result<()> {
    let Listed { year, authorities, .. } = listed;
    writeln!(out, "{year}, authorities: {}\n", authorities.len())?;
    let mut table = Table::new(["Number", "Name", "Group"]);
    for Entry { authority, group, .. } in authorities {
        table.row([authority.number.to_string(), authority.name.clone(), group.to_string()]);
    }
    table.write(out)?;
    writeln!(out)
}
