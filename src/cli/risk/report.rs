//! `hbcourier risk report`: how many claims, how many marked as high risk, whether they are ranked, and how that moved.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{Received, read_file};
use crate::catalogue::caseload_risk::{Encoding, Form, RiskReport, RowFinding, report};
use crate::catalogue::{Finding, Severity, authority_in_name};
use crate::cli::output::{CliError, Exit, Output, Table, Text, Tone};
use crate::domain::risk::{Movement, expected_reviews_mean};
use crate::domain::{LaNumber, MonthVolume, RiskProfile};

/// Count a month's risk data and say how they moved
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The month's file: CSV, xls or xlsx
    file: PathBuf,
    /// An earlier month's file; once for each month, the oldest first
    #[arg(long, value_name = "FILE")]
    previous: Vec<PathBuf>,
    /// Take the earlier months from what came for this authority, instead of files
    #[arg(long, value_name = "NUMBER", conflicts_with = "previous")]
    authority: Option<LaNumber>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Answer {
    /// The number in the file's name; none where it is the literal `LAID`.
    authority: Option<LaNumber>,
    form: Option<Form>,
    encoding: Option<Encoding>,
    byte_order_mark: bool,
    delimiter: Option<char>,
    header: bool,
    rows: u64,
    high_risk: Option<u64>,
    ranked: Option<bool>,
    out_of_order: Option<u64>,
    columns: Vec<String>,
    previous: Option<MonthVolume>,
    movement: Option<Moved>,
    /// Every month that was given, this one last.
    months: Vec<MonthVolume>,
    expected_reviews_mean: Option<u64>,
    findings: Vec<RowFinding>,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Moved {
    rows: Movement,
    high_risk: Option<Movement>,
}

pub(super) fn run(
    args: &Args,
    profile: Option<&RiskProfile>,
    received: Received<'_>,
    out: &mut Output<'_>,
) -> Result<Exit, CliError> {
    let mut months = match &args.authority {
        Some(authority) => received(authority, &args.file)?,
        None => Vec::with_capacity(args.previous.len() + 1),
    };
    let mut unread = Vec::new();
    for path in &args.previous {
        let earlier = read_file(path, |file| report(file, profile))?;
        if !earlier.is_sound() {
            unread.push(path.as_path());
        }
        months.push(earlier.volume());
    }
    let seen = read_file(&args.file, |file| report(file, profile))?;
    let answer = Answer::new(&args.file, seen, months, &unread);
    let wrong = answer.findings.iter().any(|found| found.finding.severity == Severity::Error);
    out.answer(args.json, &answer, |page| print(&answer, page))?;
    Ok(if wrong { Exit::No } else { Exit::Yes })
}

impl Answer {
    fn new(file: &Path, seen: RiskReport, mut months: Vec<MonthVolume>, faulty: &[&Path]) -> Answer {
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned());
        let previous = months.last().copied();
        let now = seen.volume();
        months.push(now);
        let movement = previous.map(|before| Moved {
            rows: Movement::between(before.rows, now.rows),
            high_risk: before.high_risk.zip(now.high_risk).map(|(before, now)| Movement::between(before, now)),
        });
        let mut findings = seen.findings;
        for path in faulty {
            let says =
                format!("is counted against {}, in which something is wrong: report on that one", path.display());
            let finding = Finding { code: "risk-previous", severity: Severity::Warning, says };
            findings.push(RowFinding { finding, rows: Vec::new(), rows_found: 0, column: None });
        }
        Answer {
            authority: name.as_deref().and_then(authority_in_name),
            form: seen.form,
            encoding: seen.encoding,
            byte_order_mark: seen.byte_order_mark,
            delimiter: seen.delimiter,
            header: seen.header,
            rows: seen.rows,
            high_risk: seen.high_risk,
            ranked: seen.ranked,
            out_of_order: seen.out_of_order,
            columns: seen.columns,
            previous,
            movement,
            expected_reviews_mean: expected_reviews_mean(&months),
            months,
            findings,
        }
    }
}

fn print(answer: &Answer, page: &mut Text) {
    let moved = |movement: Option<Movement>| movement.map(in_words).unwrap_or_default();
    let rows = answer.movement.map(|moved| moved.rows);
    let marked = answer.movement.and_then(|moved| moved.high_risk);
    let untold = || "not told: no profile says which column".to_owned();
    page.facts([
        ("Authority", answer.authority.as_ref().map(ToString::to_string)),
        ("Written as", Some(written_as(answer))),
        ("Claims", Some(format!("{}{}", answer.rows, moved(rows)))),
        ("High risk", Some(answer.high_risk.map_or_else(untold, |count| format!("{count}{}", moved(marked))))),
        (
            "Ranked",
            Some(answer.ranked.map_or_else(untold, |yes| if yes { "yes, high to low" } else { "no" }.to_owned())),
        ),
        ("Reviews expected", answer.expected_reviews_mean.map(|mean| mean_in_words(mean, answer.months.len()))),
    ]);
    page.gap();
    let mut columns = Table::new(["NO", "COLUMN"]);
    for (at, name) in (1..).zip(&answer.columns) {
        columns.row([format!("{at}"), name.clone()]);
    }
    if !columns.is_empty() {
        page.table(&columns);
    }
    findings(&answer.findings, page);
}

/// Each finding on a line, the tone by its severity.
pub(super) fn findings(findings: &[RowFinding], page: &mut Text) {
    if !findings.is_empty() {
        page.gap();
    }
    for found in findings {
        let (tone, word) = match found.finding.severity {
            Severity::Error => (Tone::Bad, "wrong"),
            Severity::Warning => (Tone::Warning, "odd"),
        };
        page.toned(tone, word, format_args!("  it {} [{}]", found.in_words(), found.finding.code));
    }
}

fn written_as(answer: &Answer) -> String {
    match (answer.form, answer.encoding) {
        (Some(Form::Csv), Some(encoding)) => {
            let mark = if answer.byte_order_mark { ", with a byte order mark" } else { "" };
            format!("CSV in {}{mark}", encoding.as_str())
        }
        (Some(Form::Xls), _) => "a workbook (xls)".to_owned(),
        (Some(Form::Xlsx), _) => "a workbook (xlsx)".to_owned(),
        _ => "nothing that is known".to_owned(),
    }
}

fn mean_in_words(mean: u64, months: usize) -> String {
    let files = if months == 1 { "the one file".to_owned() } else { format!("the {months} files given") };
    format!("{mean} (mean of the high risks in {files}, to the nearest whole one)")
}

fn in_words(movement: Movement) -> String {
    let percent = movement.percent.map(|percent| format!(", {percent:+.1} %")).unwrap_or_default();
    format!(" ({:+} against the month before{percent})", movement.difference)
}
