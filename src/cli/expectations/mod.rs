//! `hbcourier expectations`: what DWP owes each authority, month by month, and what came of it.
//!
//! In:  the store, the settings, the timetables, a day. Out: one JSON document, or a page for each authority.
//! Holds: reads only; what came after the day that is asked about is not known on that day.

mod page;
#[cfg(test)]
mod tests;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use serde::Serialize;

use crate::cli::output::{CliError, Exit, Output};
use crate::cli::reading::{Reading, end_of};
use crate::config::calendars;
use crate::config::settings::AuthoritySettings;
use crate::domain::expectation::{Expectation, Irregular, Outlook};
use crate::domain::{ConsignmentId, FileKind, LaNumber, RelevantMonth, ReturnKind, TimetableYear};
use crate::foresight::{Night, nights_of, outlook_since, silence_of};

/// See what DWP owes each authority, month by month, and what came of it
///
/// With `--overdue`, exit status 1 if anything should be here and is not.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Args {
    /// Only this authority's
    #[arg(long, value_name = "NUMBER")]
    pub authority: Option<LaNumber>,
    /// Only this relevant month, such as 2020-04
    #[arg(long, value_name = "MONTH", conflicts_with = "year")]
    pub month: Option<RelevantMonth>,
    /// Another year than the latest that has begun, such as 2020-21
    #[arg(long, value_name = "YEAR")]
    pub year: Option<TimetableYear>,
    /// As of the end of this day instead of now; what became since of what had come by then is told all the same
    #[arg(long, value_name = "DATE")]
    pub on: Option<Date>,
    /// Count the LAIDs of so many last nights too
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=400))]
    pub nights: Option<u16>,
    /// Only what should be here and is not, over all years; end with exit status 1 if there is any
    #[arg(long, conflicts_with_all = ["month", "year"])]
    pub overdue: bool,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Document {
    on: Date,
    authorities: Vec<OfAuthority>,
}

/// What DWP owes one authority.
#[derive(Serialize)]
struct OfAuthority {
    authority: LaNumber,
    name: String,
    expectations: Vec<Row>,
    irregular: Vec<IrregularRow>,
    /// Only if nights were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    nights: Option<Vec<Night>>,
    /// Nights of working days without a LAID, if there are too many.
    laid_silence: Option<SilenceRow>,
}

#[derive(Serialize)]
struct Row {
    kind: FileKind,
    relevant_month: RelevantMonth,
    from: Date,
    due_by: Date,
    state: &'static str,
    arrived: Option<Date>,
    transfer: Option<ConsignmentId>,
}

#[derive(Serialize)]
struct IrregularRow {
    what: &'static str,
    kind: Option<FileKind>,
    relevant_month: Option<RelevantMonth>,
    arrived: Date,
    transfer: ConsignmentId,
    says: String,
}

#[derive(Serialize)]
struct SilenceRow {
    nights: u16,
    since: Option<Date>,
}

/// Prints what DWP owes.
pub fn run(args: &Args, reading: &Reading<'_>, out: &mut Output<'_>) -> Result<Exit, CliError> {
    let on = args.on.unwrap_or_else(|| reading.today());
    // The last moment of the day, unless that day is today.
    let moment = if on < reading.today() { end_of(on)? } else { reading.now };
    let authorities = chosen(args, reading)?;
    let asked = authorities.into_iter().map(|authority| of_authority(args, authority, reading, on, moment));
    let document = Document { on, authorities: asked.collect::<Result<_, _>>()? };
    out.answer(args.json, &document, |text| page::write(&document, args.overdue, text))?;
    let silent = |one: &OfAuthority| one.laid_silence.is_some();
    let overdue = document.authorities.iter().any(|one| !one.expectations.is_empty() || silent(one));
    Ok(if args.overdue && overdue { Exit::No } else { Exit::Yes })
}

fn chosen<'a>(args: &Args, reading: &Reading<'a>) -> Result<Vec<&'a AuthoritySettings>, CliError> {
    let all = || reading.settings.authorities.iter();
    let Some(number) = &args.authority else { return Ok(all().collect()) };
    let found = all().find(|authority| authority.number == *number);
    found.map(|authority| vec![authority]).ok_or_else(|| {
        let says = format!("LA number {number} is not in the configuration.");
        let next = "Name one of its `[[authority]]` tables, or leave `--authority` out for all of them.";
        CliError::new(Exit::Usage, says, next)
    })
}

fn of_authority(
    args: &Args,
    authority: &AuthoritySettings,
    reading: &Reading<'_>,
    on: Date,
    moment: Timestamp,
) -> Result<OfAuthority, CliError> {
    let months = months(args, authority, reading, on)?;
    // The month before may bear on the first that is asked for.
    let first = months.iter().flatten().min().map_or(Date::MIN, |month| month.first_day().saturating_sub(8.weeks()));
    let outlook = outlook_since(reading.queries, reading.timetables, authority, on, first)?;
    let within = |month: RelevantMonth| months.as_ref().is_none_or(|months| months.contains(&month));
    let Outlook { expectations, irregular } = outlook;
    let wanted = |one: &Expectation| within(one.month) && (!args.overdue || one.is_overdue());
    let told = |one: &Irregular| !args.overdue && one.month.is_none_or(within);
    let holidays = calendars::bank_holidays().map_err(|fault| {
        CliError::new(Exit::CouldNot, format!("{fault}."), "Report it: the calendar is built into the program.")
    })?;
    let nights =
        args.nights.map(|count| nights_of(reading.queries, &holidays, authority, moment, count)).transpose()?;
    let silence = silence_of(reading.queries, &holidays, authority, moment)?;
    Ok(OfAuthority {
        authority: authority.number.clone(),
        name: authority.name.clone(),
        expectations: expectations.iter().filter(|one| wanted(one)).map(row).collect(),
        irregular: irregular.iter().filter(|one| told(one)).map(irregular_row).collect(),
        nights,
        laid_silence: silence.map(|silence| SilenceRow { nights: silence.nights, since: silence.since }),
    })
}

/// The months that are asked about; `None` is all of them.
fn months(
    args: &Args,
    authority: &AuthoritySettings,
    reading: &Reading<'_>,
    on: Date,
) -> Result<Option<Vec<RelevantMonth>>, CliError> {
    if args.overdue {
        return Ok(None);
    }
    if let Some(month) = args.month {
        return Ok(Some(vec![month]));
    }
    let timetables = reading.timetables;
    let months_of = |year| {
        let timetable = timetables.year(year)?;
        let owed = timetable.obligations(&authority.number, ReturnKind::Shbe);
        (!owed.is_empty()).then(|| owed.into_iter().map(|owed| owed.key.month).collect::<Vec<_>>())
    };
    if let Some(year) = args.year {
        return months_of(year).map(Some).ok_or_else(|| {
            let says = format!("There is no timetable for {year} with {} in it.", authority.number);
            CliError::new(Exit::Usage, says, "`hbcourier timetable list` names the years that there are.")
        });
    }
    let packs = timetables.expected_packs(&authority.number, authority.expect.packs.weeks_after);
    let begun = packs.iter().rfind(|pack| pack.from <= on).or(packs.first()).map(|pack| pack.month);
    let years = timetables.iter().map(|timetable| timetable.year());
    Ok(years.filter_map(months_of).find(|months| begun.is_some_and(|month| months.contains(&month))))
}

fn row(one: &Expectation) -> Row {
    let met = one.state.met();
    Row {
        kind: one.kind,
        relevant_month: one.month,
        from: one.from,
        due_by: one.due_by,
        state: one.state.word(),
        arrived: met.map(|met| met.on),
        transfer: met.map(|met| met.transfer),
    }
}

fn irregular_row(one: &Irregular) -> IrregularRow {
    IrregularRow {
        what: one.what.word(),
        kind: one.kind,
        relevant_month: one.month,
        arrived: one.on,
        transfer: one.transfer,
        says: one.says(),
    }
}
