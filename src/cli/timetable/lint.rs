//! `hbcourier timetable lint`: what is odd in a timetable, printed or written as TOML.
//!
//! In:  one file, what is in force. Out: findings. Holds: changes nothing.

use std::path::PathBuf;

use serde::Serialize;

use super::{file, findings};
use crate::catalogue::Severity;
use crate::catalogue::circular::{self, Source, Terms, TimetableFinding};
use crate::cli::output::{CliError, Exit, Output};
use crate::config::timetable::{TimetableFileError, read};
use crate::domain::TimetableYear;
use crate::domain::authorities::Authorities;
use crate::domain::timetable::Timetables;
use crate::domain::working_days::BankHolidays;
use crate::operator::{fewer, judge};

/// Say what is odd in a timetable: a circular, or a file written as TOML
///
/// Exit status 0: nothing at the level of an error; 1: something is.
#[derive(Clone, Debug, clap::Args)]
pub struct LintArgs {
    /// The file
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The year it should be for; the one it names, if left out
    #[arg(long, value_name = "YEAR")]
    pub year: Option<TimetableYear>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Document<'a> {
    year: Option<TimetableYear>,
    findings: &'a [TimetableFinding],
}

/// Says what is odd.
pub fn lint(
    args: &LintArgs,
    in_force: &Timetables,
    authorities: &Authorities,
    bank_holidays: &BankHolidays,
    out: &mut Output<'_>,
) -> Result<Exit, CliError> {
    let bytes = file::read(&args.file)?;
    let name = args.file.display().to_string();
    let terms = |year| Terms { year, authorities, bank_holidays };
    let is_toml = args.file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("toml"));
    let (year, findings) = if is_toml {
        let text = String::from_utf8_lossy(&bytes);
        match read(&args.file, &text) {
            Err(error) => (args.year, faults(&name, &error)),
            Ok(timetable) => {
                let year = timetable.year();
                let mut findings = judge(&timetable, &name, &text, &terms(year), in_force);
                if let Some(wanted) = args.year.filter(|wanted| *wanted != year) {
                    findings.push(fault(&name, "year-differs", format!("It is for {year}, not {wanted}.")));
                }
                (Some(year), findings)
            }
        }
    } else {
        let source = Source { name: &name, bytes: &bytes };
        let year = args.year.or_else(|| circular::year(&source)).ok_or_else(|| {
            let says = format!("{name} names no year in the title of an annex.");
            CliError::new(Exit::Usage, says, "Say which year it should be for with `--year`, such as `--year 2020-21`.")
        })?;
        let mut reading = circular::read(&[source], &terms(year));
        if let Some(timetable) = &reading.timetable {
            reading.findings.extend(fewer(timetable, &name, in_force));
        }
        (Some(year), reading.findings)
    };
    let document = Document { year, findings: &findings };
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    out.answer(args.json, &document, |text| {
        findings::write(&findings, text);
        text.gap();
        text.line(format_args!("Errors: {errors}, warnings: {}.", findings.len() - errors));
    })?;
    Ok(if errors == 0 { Exit::Yes } else { Exit::No })
}

fn faults(name: &str, error: &TimetableFileError) -> Vec<TimetableFinding> {
    match error {
        TimetableFileError::Problems { problems, .. } => {
            problems.iter().map(|problem| fault(name, "timetable-fault", format!("{problem}."))).collect()
        }
        TimetableFileError::Form { source, .. } => vec![fault(name, "timetable-form", source.to_string())],
        TimetableFileError::Read { .. } | TimetableFileError::TooLarge { .. } => {
            vec![fault(name, "timetable-form", error.to_string())]
        }
    }
}

fn fault(file: &str, code: &'static str, says: String) -> TimetableFinding {
    let (file, severity) = (file.to_owned(), Severity::Error);
    TimetableFinding { code, severity, file, annex: None, line: None, group: None, authority: None, says }
}
