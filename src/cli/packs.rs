//! `hbcourier packs`: what came in HBMS packs, by rule and month, and the rules DWP has published.
//!
//! In:  the volumes that were counted when packs were opened. Out: a table, or one JSON document.
//! Holds: counts only. A month is that of the SHBE which the pack followed.

use std::collections::BTreeMap;

use serde::Serialize;

use super::output::{CliError, Exit, Output, Table};
use super::reading::Reading;
use crate::catalogue::hbms_pack::{published, rule};
use crate::domain::volume::in_all;
use crate::domain::{LaNumber, RelevantMonth, TimetableYear, Volume, VolumeOf};
use crate::outbound::due::london_date;

/// Ask what came in HBMS packs
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// What to ask
    #[command(subcommand)]
    pub command: Command,
}

/// What can be asked of packs.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Command {
    /// Show the referrals of each rule in each month, and the claims in Caseload Risk Data
    Volumes(VolumesArgs),
    /// List the rules DWP has published, and what each looks for
    Rules(RulesArgs),
}

/// `packs volumes`
#[derive(Clone, Debug, clap::Args)]
pub struct VolumesArgs {
    /// Whose; every authority of the configuration if left out
    #[arg(long, value_name = "NUMBER")]
    pub authority: Vec<LaNumber>,
    /// Only this year, such as 2020-21
    #[arg(long, value_name = "YEAR")]
    pub year: Option<TimetableYear>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// `packs rules`
#[derive(Clone, Debug, clap::Args)]
pub struct RulesArgs {
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Document {
    volumes: Vec<Row>,
}

/// One thing that is counted, in one month.
#[derive(Serialize)]
struct Row {
    authority: LaNumber,
    relevant_month: RelevantMonth,
    /// A rule id, `risk-claims` or `risk-high`.
    of: String,
    looks_for: Option<&'static str>,
    /// Whether DWP had published the rule by April 2020.
    known: bool,
    /// `null`: it came, and cannot be counted.
    count: Option<u64>,
    /// Transfers that brought some of it.
    transfers: usize,
}

#[derive(Serialize)]
struct Rules {
    rules: Vec<Rule>,
}

#[derive(Serialize)]
struct Rule {
    rule: &'static str,
    self_assessment: bool,
    looks_for: &'static str,
}

/// `hbcourier packs volumes`
pub fn volumes(args: &VolumesArgs, reading: &Reading<'_>, out: &mut Output<'_>) -> Result<Exit, CliError> {
    let all: Vec<LaNumber> = reading.settings.authorities.iter().map(|one| one.number.clone()).collect();
    let asked = if args.authority.is_empty() { &all } else { &args.authority };
    let mut rows = Vec::new();
    for authority in asked {
        rows.extend(rows_of(authority, reading)?);
    }
    rows.retain(|row| args.year.is_none_or(|year| TimetableYear::of(row.relevant_month) == year));
    let document = Document { volumes: rows };
    out.answer(args.json, &document, |text| {
        if document.volumes.is_empty() {
            text.line("No pack was counted yet.");
        }
        let mut table = Table::new(["LA", "month", "of", "count", "looks for"]);
        for Row { authority, relevant_month, of, count, known, looks_for, .. } in &document.volumes {
            let count = count.map_or_else(|| "not countable".to_owned(), |count| count.to_string());
            let looks_for = looks_for.unwrap_or(if *known { "" } else { "UNKNOWN RULE: not among those published" });
            table.row([authority.to_string(), relevant_month.to_string(), of.clone(), count, looks_for.to_owned()]);
        }
        if !table.is_empty() {
            text.table(&table);
        }
    })?;
    Ok(Exit::Yes)
}

fn rows_of(authority: &LaNumber, reading: &Reading<'_>) -> Result<Vec<Row>, CliError> {
    let volumes = reading.queries.volumes(authority).map_err(|error| {
        CliError::new(Exit::CouldNot, format!("Could not read the volumes: {error}."), "Run `hbcourier check`.")
    })?;
    let mut by_month: BTreeMap<(RelevantMonth, VolumeOf), Vec<&Volume>> = BTreeMap::new();
    for volume in &volumes {
        let month = reading.timetables.month_of_pack(authority, london_date(volume.received_at));
        by_month.entry((month, volume.of.clone())).or_default().push(volume);
    }
    let row = |((relevant_month, of), came): ((RelevantMonth, VolumeOf), Vec<&Volume>)| {
        let (count, transfers) = (in_all(came.iter().copied()), came.len());
        let (known, looks_for) = match &of {
            VolumeOf::Referrals(id) => (rule(id).is_some(), rule(id).map(|rule| rule.looks_for.as_str())),
            VolumeOf::RiskClaims => (true, Some("claims in Caseload Risk Data")),
            VolumeOf::RiskHigh => (true, Some("claims marked as high risk")),
        };
        Row { authority: authority.clone(), relevant_month, of: of.to_string(), looks_for, known, count, transfers }
    };
    Ok(by_month.into_iter().map(row).collect())
}

/// `hbcourier packs rules`
pub fn rules(args: &RulesArgs, out: &mut Output<'_>) -> Result<Exit, CliError> {
    let row = |rule: &'static crate::catalogue::hbms_pack::Rule| Rule {
        rule: rule.id.as_str(),
        self_assessment: rule.is_self_assessment,
        looks_for: &rule.looks_for,
    };
    let document = Rules { rules: published().iter().map(row).collect() };
    out.answer(args.json, &document, |text| {
        let mut table = Table::new(["rule", "looks for"]);
        for rule in &document.rules {
            table.row([rule.rule.to_owned(), rule.looks_for.to_owned()]);
        }
        text.table(&table);
    })?;
    Ok(Exit::Yes)
}
