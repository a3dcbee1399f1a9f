//! MI workbooks: opened when they were delivered, owed again each month until a person closes them.
//!
//! In:  what was delivered, the timetables, the files in a returns folder.
//! Out: workbooks on record; for each open one an obligation in each month; each file with the series it is for.
//! Holds: a workbook is opened once, under a month that no other of its authority has; a closed one is owed no more.
// DWP A5/2020 paragraphs 49 and 56 to 58

use std::collections::BTreeMap;

use jiff::civil::Date;
use tracing::info;

use super::OutboundParts;
use super::critical::Critical;
use super::due::{belongs_to, london_date};
use crate::domain::ledger::{Event, Facts};
use crate::domain::timetable::Obligation;
use crate::domain::workbook::named_by;
use crate::domain::{LaNumber, RelevantMonth, ReturnKind, Series, Submission, SubmissionKey, Workbook};
use crate::durable::Stamp;
use crate::store::{DeliveredWorkbook, StateChange};

/// Files by the workbook they are for; `None` is the usual return of the month.
pub(super) type Shares = BTreeMap<Option<RelevantMonth>, Vec<(String, Stamp)>>;

impl OutboundParts {
    /// Opens what was delivered and is not open yet.
    pub(super) fn open_workbooks(&self) -> Result<(), Critical> {
        let delivered = self.queries.delivered_workbooks().map_err(Critical::reading("delivered workbooks"))?;
        for new in delivered.iter().filter(|new| self.owes_mi(&new.authority)) {
            let known = self.workbooks_of(&new.authority)?;
            let month = self.free_month(new, &known);
            let DeliveredWorkbook { authority, transfer, delivery, .. } = new.clone();
            let state = StateChange::OpenWorkbook { authority, month, transfer, delivery };
            let what = || format!("the workbook of transfer {transfer} as open");
            if self.record(Event::WorkbookOpened, Facts::default(), state, what)?.is_some() {
                info!(%transfer, "The MI workbook of LA {} that goes by {month} is open", new.authority);
            }
        }
        Ok(())
    }

    pub(super) fn workbooks_of(&self, authority: &LaNumber) -> Result<Vec<Workbook>, Critical> {
        self.queries.workbooks(Some(authority)).map_err(Critical::reading("the workbooks of an authority"))
    }

    fn owes_mi(&self, authority: &LaNumber) -> bool {
        let settings = self.authorities.iter().find(|settings| settings.number == *authority);
        settings.is_some_and(|settings| settings.returns.iter().any(|settings| settings.kind == ReturnKind::HbmsMi))
    }

    /// The month of the SHBE that its pack followed; if that is taken, the next one before that is free.
    fn free_month(&self, new: &DeliveredWorkbook, known: &[Workbook]) -> RelevantMonth {
        let received = london_date(new.received_at);
        let mut month = self.timetables.now().month_of_pack(&new.authority, received);
        while known.iter().any(|workbook| workbook.month == month) {
            month = month.previous();
        }
        month
    }
}

/// What is owed again for this workbook, up to the cycle after the one that is under way, so that a file that comes too soon
/// has something to be held for: nothing if it is closed, and nothing for the month of its usual return. What fell due while
/// the service was down is among it, and will be missed and told.
pub(super) fn owed_again(workbook: &Workbook, usual: &[Obligation], today: Date) -> Vec<Obligation> {
    let mut days: Vec<Date> = usual.iter().map(|obligation| obligation.transfer_on).collect();
    days.retain(|day| *day >= today);
    days.sort_unstable();
    let next = days.get(1).or(days.first()).copied();
    let (opened, first) = (london_date(workbook.opened_at), workbook.first_returned_for());
    let is_again = |obligation: &&Obligation| {
        let is_under_way = next.is_none_or(|next| obligation.transfer_on <= next);
        workbook.is_open() && first < obligation.key.month && opened < obligation.transfer_on && is_under_way
    };
    let again = usual.iter().filter(is_again).cloned();
    again
        .map(|obligation| {
            let key = SubmissionKey { workbook: Some(workbook.month), ..obligation.key };
            Obligation { key, ..obligation }
        })
        .collect()
}

/// Which series each file is for. What tells no workbook, or the one whose usual return is still to be made, is for the
/// usual return.
pub(super) fn shares(
    files: Vec<(String, Stamp)>,
    workbooks: &[Workbook],
    submissions: &[Submission],
    series: &Series,
    today: Date,
) -> Shares {
    let usual = belongs_to(submissions, series, today).map(|owed| owed.key.month);
    let mut shares = Shares::new();
    for file in files {
        let told = named_by(&file.0, workbooks);
        let again = told.filter(|workbook| usual != Some(workbook.first_returned_for()));
        shares.entry(again.map(|workbook| workbook.month)).or_default().push(file);
    }
    shares
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::domain::{ConsignmentId, DeliveryId, Digest};

    fn workbook(month: &str, received: Date) -> Workbook {
        let transfer = ConsignmentId::derive(&"drop-1".parse().unwrap(), month, &Digest::of(b"a"));
        Workbook {
            authority: "12302".parse().unwrap(),
            month: month.parse().unwrap(),
            transfer,
            delivery: DeliveryId::derive(&transfer, 0, &"backoffice".parse().unwrap()),
            file_name: format!("HBMS MI {month}.xlsx"),
            naming: crate::domain::Naming::Senders,
            received_at: received.at(9, 0, 0, 0).in_tz("Europe/London").unwrap().timestamp(),
            opened_at: received.at(9, 5, 0, 0).in_tz("Europe/London").unwrap().timestamp(),
            closed_at: None,
        }
    }

    fn usual(month: &str, transfer_on: Date) -> Obligation {
        Obligation { key: format!("hbms-mi/12302/{month}").parse().unwrap(), extract_from: None, transfer_on }
    }

    #[test]
    fn an_open_workbook_is_owed_again_from_the_second_return_on_and_a_closed_one_not() {
        let year = [
            usual("2020-04", date(2020, 4, 14)),
            usual("2020-05", date(2020, 5, 11)),
            usual("2020-06", date(2020, 6, 8)),
        ];
        let april = workbook("2020-04", date(2020, 4, 21));
        let owed = |workbook: &Workbook, today| -> Vec<String> {
            owed_again(workbook, &year, today).iter().map(|owed| owed.key.to_string()).collect()
        };
        let june = ["hbms-mi/12302/2020-06/2020-04".to_owned()];
        let none = Vec::<String>::new();
        assert_eq!(owed(&april, date(2020, 4, 14)), none, "its first return is the usual one of May");
        assert_eq!(owed(&april, date(2020, 4, 22)), june, "the cycle after");
        assert_eq!(owed(&april, date(2020, 5, 12)), june);
        assert_eq!(owed(&april, date(2020, 6, 9)), june, "the service was down on the day, and its year is over");
        let closed = Workbook { closed_at: Some(april.received_at), ..april };
        assert_eq!(owed(&closed, date(2020, 5, 12)), none);
        let late = workbook("2020-04", date(2020, 6, 8));
        assert_eq!(owed(&late, date(2020, 6, 8)), none, "it came on the very day");
        assert_eq!(owed(&late, date(2020, 6, 9)), none, "nothing is known beyond the timetable");
    }
}
