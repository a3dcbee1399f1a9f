//! What officers need to know of a month's risk data: how many claims, how many marked, whether they are ranked.
//!
//! In:  the table, and the profile that says which column means what. Out: a [`RiskReport`].
//! Holds: counts, row numbers and names of columns; never a value.
// DWP A5/2020 paragraphs 14 to 23

use std::io::{self, Read, Seek};

use csv::StringRecord;

use super::flags::{Flags, RowFinding};
use super::rows::{Form, Go, Row, read};
use super::text::Encoding;
use super::{heading, number};
use crate::catalogue::finding::{Finding, Severity};
use crate::domain::{MonthVolume, RiskColumn, RiskProfile};

/// A month's risk data in numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RiskReport {
    /// Separated text or a workbook.
    pub form: Option<Form>,
    /// How text is written.
    pub encoding: Option<Encoding>,
    /// Whether a byte order mark says so.
    pub byte_order_mark: bool,
    /// The sign between columns.
    pub delimiter: Option<char>,
    /// Whether the first row names the columns.
    pub header: bool,
    /// Live claims: rows without the header.
    pub rows: u64,
    /// Rows marked as high risk; `None` where no profile tells.
    pub high_risk: Option<u64>,
    /// Whether the scores go from high to low; `None` where no profile tells.
    pub ranked: Option<bool>,
    /// The first row whose score is higher than one before.
    pub out_of_order: Option<u64>,
    /// The names of the columns, or `column 1` and so on where none are certain.
    pub columns: Vec<String>,
    /// What is wrong or odd.
    pub findings: Vec<RowFinding>,
}

impl RiskReport {
    /// Whether nothing was found at the level of an error.
    pub fn is_sound(&self) -> bool {
        self.findings.iter().all(|found| found.finding.severity != Severity::Error)
    }

    /// The month in numbers.
    pub fn volume(&self) -> MonthVolume {
        MonthVolume { received: None, rows: self.rows, high_risk: self.high_risk }
    }
}

/// Reads the whole table. An error means that `content` could not be read.
pub fn report<R: Read + Seek>(content: &mut R, profile: Option<&RiskProfile>) -> io::Result<RiskReport> {
    let mut tally = Tally::new(profile);
    let reading = read(content, &mut |row| {
        let first = tally.columns.is_empty();
        if first {
            tally.begin(row.cells);
        }
        if !(first && tally.header) {
            tally.count(row);
        }
        Go::On
    })?;
    let readable = reading.columns > 1;
    let mut flags = reading.flags;
    for found in tally.conclude(readable) {
        flags.add(found);
    }
    Ok(RiskReport {
        form: reading.form,
        encoding: reading.encoding,
        byte_order_mark: reading.marked,
        delimiter: reading.delimiter,
        header: tally.header,
        rows: tally.rows,
        high_risk: tally.high_risk,
        ranked: tally.ranked(),
        out_of_order: tally.out_of_order,
        columns: tally.columns,
        findings: flags.into_findings(),
    })
}

/// Which columns the profile means, from 0.
#[derive(Clone, Copy, Debug, Default)]
struct Columns {
    claim: Option<usize>,
    score: Option<usize>,
    high_risk: Option<usize>,
}

struct Tally<'a> {
    profile: Option<&'a RiskProfile>,
    header: bool,
    columns: Vec<String>,
    at: Columns,
    rows: u64,
    high_risk: Option<u64>,
    lowest: Option<f64>,
    scores: u64,
    out_of_order: Option<u64>,
    flags: Flags,
}

impl<'a> Tally<'a> {
    fn new(profile: Option<&'a RiskProfile>) -> Tally<'a> {
        Tally {
            profile,
            header: false,
            columns: Vec::new(),
            at: Columns::default(),
            rows: 0,
            high_risk: None,
            lowest: None,
            scores: 0,
            out_of_order: None,
            flags: Flags::default(),
        }
    }

    fn begin(&mut self, first: &StringRecord) {
        let names = heading::names(first);
        let told = self.profile.and_then(|profile| profile.header);
        self.header = match told {
            Some(true) if heading::has_number(first) => {
                let says = "has no header, which `[risk] header` says it has: its first row has numbers";
                self.flags.file(Finding::error("risk-header-absent", says));
                false
            }
            Some(told) => told,
            None if names.is_some() || self.names_columns(first) => true,
            None if heading::has_number(first) => false,
            None => {
                self.flags.file(heading::doubtful());
                true
            }
        };
        let names = names.filter(|_| self.header).unwrap_or_default();
        let name = |at: usize| names.get(at).cloned().flatten().unwrap_or_else(|| format!("column {}", at + 1));
        self.columns = (0..first.len()).map(name).collect();
        let Some(profile) = self.profile else { return };
        self.at = Columns {
            claim: self.find(profile.claim.as_ref(), first),
            score: self.find(profile.score.as_ref(), first),
            high_risk: self.find(profile.high_risk.as_ref(), first),
        };
        self.high_risk = self.at.high_risk.map(|_| 0);
    }

    /// Whether the profile names columns, and all of its names stand in this row.
    fn names_columns(&self, first: &StringRecord) -> bool {
        let Some(profile) = self.profile else { return false };
        let named = [&profile.claim, &profile.score, &profile.high_risk].into_iter().flatten();
        let mut names = named.filter_map(|column| match column {
            RiskColumn::Named(name) => Some(name),
            RiskColumn::Number(_) => None,
        });
        let stands = |name: &String| first.iter().any(|cell| cell.trim().eq_ignore_ascii_case(name));
        names.clone().next().is_some() && names.all(stands) && !heading::has_number(first)
    }

    fn find(&mut self, column: Option<&RiskColumn>, first: &StringRecord) -> Option<usize> {
        let column = column?;
        let found = match column {
            RiskColumn::Number(number) => number.checked_sub(1).filter(|at| *at < first.len()),
            RiskColumn::Named(_) if !self.header => None,
            RiskColumn::Named(name) => first.iter().position(|cell| cell.trim().eq_ignore_ascii_case(name)),
        };
        if found.is_none() {
            let says = format!(
                "has no column {column}, which [risk] names: compare with the columns it has, or draft the profile anew \
                with `hbcourier risk learn`"
            );
            self.flags.file(Finding::error("risk-column-missing", says));
        }
        found
    }

    fn count(&mut self, row: &Row<'_>) {
        self.rows += 1;
        let cell = |column: usize| row.cells.get(column).unwrap_or_default();
        if let Some(claim) = self.at.claim
            && cell(claim).trim().is_empty()
        {
            let says = "has rows without a claim reference";
            self.flags.row(row.number, Some(claim + 1), Severity::Warning, "risk-claim-empty", says);
        }
        if let (Some(mark), Some(profile)) = (self.at.high_risk, self.profile) {
            let marked = u64::from(profile.marks(cell(mark)));
            self.high_risk = self.high_risk.map(|known| known + marked);
        }
        if let Some(score) = self.at.score {
            match number(cell(score)) {
                Some(value) => self.rank(value, row.number),
                None => {
                    let says = "has scores that are no number";
                    self.flags.row(row.number, Some(score + 1), Severity::Error, "risk-score-not-number", says);
                }
            }
        }
    }

    fn rank(&mut self, score: f64, row: u64) {
        self.scores += 1;
        if self.lowest.is_some_and(|lowest| score > lowest) {
            self.out_of_order = self.out_of_order.or(Some(row));
        }
        self.lowest = Some(self.lowest.map_or(score, |lowest| lowest.min(score)));
    }

    fn ranked(&self) -> Option<bool> {
        (self.scores > 0).then_some(self.out_of_order.is_none())
    }

    /// What can be told only at the end.
    fn conclude(&mut self, readable: bool) -> Vec<RowFinding> {
        let mut flags = std::mem::take(&mut self.flags);
        if let Some(row) = self.out_of_order {
            let says = "is not ranked from high to low: a score is higher than one before it, first in";
            flags.row(row, self.at.score.map(|at| at + 1), Severity::Error, "risk-not-ranked", says);
        }
        if self.profile.is_none() && readable {
            let says = "was not looked at for scores and high risks: DWP does not publish its columns, so a profile says \
                which they are. `hbcourier risk learn` drafts one from this file, to be put into the configuration";
            flags.file(Finding::warning("risk-no-profile", says));
        }
        if self.high_risk == Some(0) && self.rows > 0 {
            let says = "has no row marked as high risk: see that `[risk] high_risk_values` has what stands there";
            flags.file(Finding::warning("risk-none-marked", says));
        }
        if readable && self.rows == 0 {
            flags.file(Finding::error("empty", "has no rows"));
        }
        flags.into_findings()
    }
}
