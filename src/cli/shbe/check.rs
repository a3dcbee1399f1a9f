//! `hbcourier shbe check`: holds an extract against every rule, as the service does before it seals one.
//!
//! In:  a file; perhaps whose and for which month it is, and the risk files that were received.
//! Out: every finding by line and field, what was not tried, and a verdict.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;

use jiff::civil::Date;
use serde::Serialize;

use super::{Setting, column, could_not_read, earlier, page};
use crate::catalogue::shbe::{self, Earlier, Finding, NotTried, Report, RuleCount, Terms, Whose};
use crate::cli::output::{CliError, Exit, Output};
use crate::domain::timetable::{Obligation, Timetables};
use crate::domain::{LaNumber, RelevantMonth, ReturnKind, RiskColumn};

/// Hold an extract against every rule that the service applies before it seals one
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The extract
    file: PathBuf,
    /// Whose it is; with --month, its dates are checked too
    #[arg(long, value_name = "NUMBER", requires = "month")]
    authority: Option<LaNumber>,
    /// For which month it is, such as 2020-04
    #[arg(long, value_name = "MONTH", requires = "authority")]
    month: Option<RelevantMonth>,
    /// Caseload Risk Data that were received: full case reviews must be of claims in one of them
    #[arg(long, value_name = "FILE", num_args = 1..)]
    risk: Vec<PathBuf>,
    /// Their column with the claim reference, by its name in the first row or its number; else `[risk]` says it
    #[arg(long, value_name = "NAME_OR_NUMBER", requires = "risk")]
    risk_claim_column: Option<RiskColumn>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// The answer, as scripts see it.
#[derive(Serialize)]
struct Document<'a> {
    profile: &'static str,
    encoding: &'static str,
    reference_date: Option<Date>,
    records: &'a BTreeMap<char, u64>,
    findings: &'a [Finding],
    rules: &'a [RuleCount],
    rules_not_tried: &'a [NotTried],
    verdict: &'static str,
}

pub(super) fn run(args: &Args, setting: &Setting<'_>, out: &mut Output<'_>) -> Result<Exit, CliError> {
    let owed = match (&args.authority, args.month) {
        (Some(authority), Some(month)) => Some(obligation(&setting.timetables, authority, month)?),
        _ => None,
    };
    let risk = match args.risk.as_slice() {
        [] => None,
        files => {
            let told = setting.risk.and_then(|profile| profile.claim.as_ref());
            let column = args.risk_claim_column.as_ref().or(told).ok_or_else(column_untold)?;
            Some(column::claims(files, column, setting.risk.and_then(|profile| profile.header))?)
        }
    };
    let sealed = owed.as_ref().zip(setting.store);
    let is_known = |number: &LaNumber| setting.timetables.authority(number).is_some();
    let terms = Terms {
        policy: &setting.policy,
        whose: owed.as_ref().map(|owed| Whose { authority: &owed.key.authority, is_known: &is_known }),
        dates: owed.as_ref().map(|owed| (owed.extract_from, owed.transfer_on)),
        claims_before: sealed.and_then(|(owed, store)| earlier::claims_before(store, &owed.key)),
        risk: risk.as_ref(),
        earlier: sealed.map_or(Earlier::Unknown, |(owed, store)| earlier::same_content(store, &owed.key, &args.file)),
    };
    let file = File::open(&args.file).map_err(|error| could_not_read(&args.file, &error))?;
    let report = shbe::check(file, &terms).map_err(|error| could_not_read(&args.file, &error))?;
    out.answer(args.json, &document(&report), |text| page::write(text, &report))?;
    Ok(if report.is_accepted() { Exit::Yes } else { Exit::No })
}

fn column_untold() -> CliError {
    CliError::new(
        Exit::Usage,
        "Nothing says which column of the risk files has the claim reference.",
        "Name it with --risk-claim-column, or in [risk] of the configuration; `hbcourier risk learn FILE` drafts that.",
    )
}

fn document(report: &Report) -> Document<'_> {
    Document {
        profile: report.profile,
        encoding: report.encoding,
        reference_date: report.reference_date,
        records: &report.records,
        findings: &report.findings,
        rules: &report.rules,
        rules_not_tried: &report.not_tried,
        verdict: if report.is_accepted() { "accept" } else { "reject" },
    }
}

fn obligation(timetables: &Timetables, authority: &LaNumber, month: RelevantMonth) -> Result<Obligation, CliError> {
    let mut owed = timetables.obligations(authority, ReturnKind::Shbe).into_iter();
    owed.find(|one| one.key.month == month).ok_or_else(|| {
        CliError::new(
            Exit::Usage,
            format!("No timetable in force has an extract of LA {authority} for {month}."),
            "`hbcourier timetable show --authority NUMBER --year YEAR` lists its months.",
        )
    })
}
