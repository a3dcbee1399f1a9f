//! `hbcourier returns compliance`: one year on one page. What DWP sent, what is open, what was returned, on time or late.
//!
//! In:  the returns, the workbooks, the volumes of what came, the timetables. Out: a row for each month of an authority.
//! Holds: counts and days only; on time means sent on the transfer date or before.

use std::io::{self, Write};

use jiff::civil::Date;
use serde::Serialize;

use super::workbooks::months_of;
use super::{ReturnsFault, json};
use crate::domain::timetable::Timetables;
use crate::domain::volume::in_all;
use crate::domain::{
    LaNumber, RelevantMonth, ReturnKind, Stage, Submission, TimetableYear, Volume, VolumeOf, Workbook,
};
use crate::outbound::due::london_date;
use crate::store::{Queries, SubmissionFilter};

/// Show one year on one page: packs received, workbooks open, returns made on time or late
#[derive(Clone, Debug, clap::Args)]
pub struct ComplianceArgs {
    /// Whose year; every authority of the configuration if left out
    #[arg(long, value_name = "NUMBER")]
    pub authority: Vec<LaNumber>,
    /// Which year, such as 2020-21; the present one if left out
    #[arg(long, value_name = "YEAR")]
    pub year: Option<TimetableYear>,
    /// Print comma-separated rows, for a spreadsheet
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Page {
    year: TimetableYear,
    months: Vec<Month>,
}

/// One month of an authority. The pack is the one that follows this month's SHBE.
#[derive(Serialize)]
struct Month {
    authority: LaNumber,
    relevant_month: RelevantMonth,
    shbe_due: Option<Date>,
    shbe_sent: Option<Date>,
    shbe: Option<&'static str>,
    pack_received: Option<Date>,
    referrals: Option<u64>,
    risk_claims: Option<u64>,
    mi_due: Option<Date>,
    /// Workbooks that were open on that day.
    workbooks_open: usize,
    mi_returns: usize,
    mi_on_time: usize,
    mi_late: usize,
    mi_outstanding: usize,
}

/// What is asked of one authority's year.
struct Records {
    submissions: Vec<Submission>,
    workbooks: Vec<Workbook>,
    volumes: Vec<Volume>,
}

/// `hbcourier returns compliance`
pub fn compliance(
    args: &ComplianceArgs,
    authorities: &[LaNumber],
    timetables: &Timetables,
    queries: &dyn Queries,
    today: Date,
    out: &mut dyn Write,
) -> Result<(), ReturnsFault> {
    let year = args.year.unwrap_or_else(|| TimetableYear::of(RelevantMonth::of_day(today)));
    let asked = if args.authority.is_empty() { authorities } else { &args.authority };
    let mut months = Vec::new();
    for authority in asked {
        let filter = SubmissionFilter { authority: Some(authority.clone()), ..SubmissionFilter::default() };
        let records = Records {
            submissions: queries.submissions(&filter).map_err(ReturnsFault::Store)?,
            workbooks: queries.workbooks(Some(authority)).map_err(ReturnsFault::Store)?,
            volumes: queries.volumes(authority).map_err(ReturnsFault::Store)?,
        };
        months.extend(months_of(year).into_iter().map(|month| records.month(authority, month, timetables, today)));
    }
    let page = Page { year, months };
    if args.json {
        return json(&page, out);
    }
    let written = if args.csv { csv_rows(&page, out) } else { text(&page, out) };
    written.map_err(ReturnsFault::Write)
}

impl Records {
    fn month(&self, authority: &LaNumber, month: RelevantMonth, timetables: &Timetables, today: Date) -> Month {
        let of = |kind| move |one: &&Submission| one.key.kind == kind && one.key.month == month;
        let shbe = self.submissions.iter().find(of(ReturnKind::Shbe));
        let mi: Vec<&Submission> = self.submissions.iter().filter(of(ReturnKind::HbmsMi)).collect();
        let mi_due = mi.iter().map(|one| one.transfer_on).max();
        let received: Vec<&Volume> = self
            .volumes
            .iter()
            .filter(|volume| timetables.month_of_pack(authority, london_date(volume.received_at)) == month)
            .collect();
        let sum = |wanted: fn(&VolumeOf) -> bool| in_all(received.iter().copied().filter(|volume| wanted(&volume.of)));
        let judged: Vec<Made> = mi.iter().map(|one| Made::of(one, today)).collect();
        let count = |wanted| judged.iter().filter(|made| **made == wanted).count();
        let workbook = self.workbooks.iter().find(|workbook| workbook.month == month);
        let first = received.iter().map(|volume| volume.received_at).chain(workbook.map(|one| one.received_at)).min();
        Month {
            authority: authority.clone(),
            relevant_month: month,
            shbe_due: shbe.map(|one| one.transfer_on),
            shbe_sent: shbe.and_then(sent_on),
            shbe: shbe.map(|one| Made::of(one, today).word()),
            pack_received: first.map(london_date),
            referrals: sum(|of| matches!(of, VolumeOf::Referrals(_))),
            risk_claims: sum(|of| *of == VolumeOf::RiskClaims),
            mi_due,
            workbooks_open: mi_due.map_or(0, |day| self.open_on(day)),
            mi_returns: judged.len(),
            mi_on_time: count(Made::OnTime),
            mi_late: count(Made::Late),
            mi_outstanding: count(Made::Outstanding),
        }
    }

    fn open_on(&self, day: Date) -> usize {
        let is_open = |workbook: &&Workbook| {
            london_date(workbook.received_at) < day && workbook.closed_at.is_none_or(|at| london_date(at) >= day)
        };
        self.workbooks.iter().filter(is_open).count()
    }
}

/// How a return was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Made {
    OnTime,
    Late,
    /// A person says that it arrived, and nothing here tells when.
    DayUnknown,
    /// Its day is over, or a person has to decide, and it did not go out.
    Outstanding,
    Waived,
    /// Its day is to come.
    ToCome,
}

impl Made {
    fn of(submission: &Submission, today: Date) -> Made {
        match (&submission.stage, sent_on(submission)) {
            (Stage::Waived { .. }, _) => Made::Waived,
            (Stage::Sent { .. } | Stage::Acknowledged { .. }, Some(day)) if day > submission.transfer_on => Made::Late,
            (Stage::Sent { .. } | Stage::Acknowledged { .. }, Some(_)) => Made::OnTime,
            (Stage::Sent { .. } | Stage::Acknowledged { .. }, None) => Made::DayUnknown,
            (Stage::Missed { .. } | Stage::Failed { .. } | Stage::Uncertain { .. }, _) => Made::Outstanding,
            _ if submission.transfer_on < today => Made::Outstanding,
            _ => Made::ToCome,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Made::OnTime => "on time",
            Made::Late => "late",
            Made::DayUnknown => "confirmed",
            Made::Outstanding => "OUTSTANDING",
            Made::Waived => "waived",
            Made::ToCome => "to come",
        }
    }
}

/// The day it left on, in London. Of one that was only confirmed, the day it was sealed tells nothing, so none.
fn sent_on(submission: &Submission) -> Option<Date> {
    submission.sent.map(london_date)
}

fn text(page: &Page, out: &mut dyn Write) -> io::Result<()> {
    let mut whose: Option<&LaNumber> = None;
    for month in &page.months {
        if whose != Some(&month.authority) {
            if whose.is_some() {
                writeln!(out)?;
            }
            whose = Some(&month.authority);
            writeln!(out, "LA {}, {}. {}", month.authority, page.year, summary(page, &month.authority))?;
            writeln!(
                out,
                "  {:<8} {:<10} {:<11} {:<10} {:>9} {:>7} {:<10} {:>9} {:>7} {:>4} {:>11}",
                "month",
                "SHBE due",
                "SHBE",
                "pack",
                "referrals",
                "claims",
                "MI due",
                "open",
                "on time",
                "late",
                "outstanding"
            )?;
        }
        let day = |day: Option<Date>| day.map_or_else(|| "-".to_owned(), |day| day.to_string());
        let count = |count: Option<u64>| count.map_or_else(|| "-".to_owned(), |count| count.to_string());
        let Month { relevant_month, workbooks_open, mi_on_time, mi_late, mi_outstanding, .. } = month;
        writeln!(
            out,
            "  {:<8} {:<10} {:<11} {:<10} {:>9} {:>7} {:<10} {workbooks_open:>9} {mi_on_time:>7} {mi_late:>4} {mi_outstanding:>11}",
            relevant_month.to_string(),
            day(month.shbe_due),
            month.shbe.unwrap_or("-"),
            day(month.pack_received),
            count(month.referrals),
            count(month.risk_claims),
            day(month.mi_due),
        )?;
    }
    Ok(())
}

fn summary(page: &Page, authority: &LaNumber) -> String {
    let months = || page.months.iter().filter(|month| month.authority == *authority);
    let packs = months().filter(|month| month.pack_received.is_some()).count();
    let sum = |of: fn(&Month) -> usize| months().map(of).sum::<usize>();
    let outstanding =
        sum(|month| month.mi_outstanding) + months().filter(|month| month.shbe == Some("OUTSTANDING")).count();
    format!(
        "Months with a pack: {packs}. MI returns on time: {}, late: {}. Outstanding, SHBE and MI: {outstanding}.",
        sum(|month| month.mi_on_time),
        sum(|month| month.mi_late),
    )
}

fn csv_rows(page: &Page, out: &mut dyn Write) -> io::Result<()> {
    let mut rows = csv::Writer::from_writer(out);
    for month in &page.months {
        rows.serialize(month)?;
    }
    rows.flush()
}
