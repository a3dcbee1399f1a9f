//! `hbcourier timetable list`: the timetables in force and the authorities in them.

use std::io::{self, Write};

use jiff::civil::Date;
use serde::Serialize;

use super::table::Table;
use super::{CliFault, unknown_year, write_json};
use crate::domain::authorities::Authorities;
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
    /// The council that files under the number, where it is called otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    council: Option<&'a str>,
    week: u8,
    weekday: &'static str,
    #[serde(skip)]
    group: GroupName,
}

/// Writes the timetables and who is in them.
pub fn list(
    args: &ListArgs,
    timetables: &Timetables,
    authorities: &Authorities,
    today: Date,
    out: &mut dyn Write,
) -> Result<(), CliFault> {
    if let Some(year) = args.year.filter(|&year| timetables.year(year).is_none()) {
        return Err(unknown_year(year, timetables));
    }
    let chosen = timetables.iter().filter(|timetable| args.year.is_none_or(|year| year == timetable.year()));
    let listed: Vec<_> = chosen
        .map(|timetable| listed(timetable, args.name.as_deref(), &|authority| council(authority, authorities, today)))
        .collect();
    if args.json {
        return write_json(&Document { timetables: listed }, out);
    }
    listed.iter().try_for_each(|timetable| write_text(timetable, out)).map_err(CliFault::Write)
}

/// The council that files under the number today, if it is not called as the authority is.
fn council<'a>(authority: &Authority, authorities: &'a Authorities, today: Date) -> Option<&'a str> {
    let known = authorities.on(today, &authority.number)?;
    (known.council != authority.name && known.council != known.name).then_some(known.council.as_str())
}

fn listed<'a>(
    timetable: &'a Timetable,
    name: Option<&str>,
    council: &dyn Fn(&Authority) -> Option<&'a str>,
) -> Listed<'a> {
    let wanted = name.map(str::to_lowercase);
    let mut authorities = Vec::new();
    for group in timetable.groups() {
        for authority in &group.authorities {
            if wanted.as_ref().is_none_or(|part| authority.name.to_lowercase().contains(part)) {
                authorities.push(Entry {
                    authority,
                    council: council(authority),
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
    for Entry { authority, council, group, .. } in authorities {
        let council = council.map(|council| format!(" ({council})")).unwrap_or_default();
        table.row([authority.number.to_string(), format!("{}{council}", authority.name), group.to_string()]);
    }
    table.write(out)?;
    writeln!(out)
}
