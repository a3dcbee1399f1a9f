//! The order that ends the returns of an MI workbook.
//!
//! In:  a person's word that every case of it has an outcome. Out: the workbook closed, and what was owed for it and not
//! sealed waived, each on record.
//! Holds: what is sealed goes out all the same; given once more, the order finishes what a crash left of it.

use super::{Done, NO_REASON, Operator, Refused};
use crate::domain::ledger::{Event, Facts};
use crate::domain::{Actor, ReturnOrder, Stage, Submission, SubmissionKey, Workbook, WorkbookName};
use crate::store::{StateChange, SubmissionFilter};

impl Operator {
    pub(super) fn close(
        &self,
        actor: &Actor,
        name: &WorkbookName,
        by: Option<&str>,
        reason: &str,
    ) -> Result<Done, Refused> {
        let known = self.queries.workbooks(Some(&name.authority))?;
        let Some(workbook) = known.iter().find(|workbook| workbook.month == name.month) else {
            let says = format!("there is no workbook {name}; `hbcourier returns list` shows those that came");
            return Err(Refused::Unfit(says));
        };
        if reason.trim().is_empty() {
            return Err(Refused::Unfit(NO_REASON.to_owned()));
        }
        let owed = self.owed_for(workbook)?;
        if !workbook.is_open() && owed.is_empty() {
            return Err(Refused::Unfit(format!("workbook {name} is closed already, and nothing is owed for it")));
        }
        let facts = || Facts { about: by.map(str::to_owned), why: Some(reason.to_owned()), ..Facts::default() };
        if workbook.is_open() {
            let state = StateChange::CloseWorkbook { authority: name.authority.clone(), month: name.month };
            self.record(actor, Event::WorkbookClosed, facts(), state)?;
        }
        for submission in &owed {
            let stage = Stage::Waived { at: self.clock.now() };
            let (key, expect) = (submission.key.clone(), submission.revision);
            let facts = Facts { submission: Some(key.to_string()), order: Some(ReturnOrder::Waive), ..facts() };
            self.record(
                actor,
                Event::ReturnOrdered,
                facts,
                StateChange::Submission { key, expect, stage, sealed: None },
            )?;
        }
        let stays = self.returns_of(workbook)?.into_iter().filter(|one| needs_somebody(&one.stage));
        Ok(Done::saying(says(name, &owed, &keys(stays))))
    }

    /// What is owed for it once more and not sealed.
    fn owed_for(&self, workbook: &Workbook) -> Result<Vec<Submission>, Refused> {
        let mut owed = self.returns_of(workbook)?;
        let is_unsealed = |stage: &Stage| matches!(stage, Stage::Scheduled | Stage::Held { .. });
        owed.retain(|one| one.key.series() == workbook.series() && is_unsealed(&one.stage));
        Ok(owed)
    }

    /// Its own returns, and the usual one that was its first.
    fn returns_of(&self, workbook: &Workbook) -> Result<Vec<Submission>, Refused> {
        let filter = SubmissionFilter { authority: Some(workbook.authority.clone()), ..SubmissionFilter::default() };
        let mut returns = self.queries.submissions(&filter)?;
        let (series, first) = (workbook.series(), workbook.first_returned_for());
        let is_first = |key: &SubmissionKey| key.kind == series.kind && key.workbook.is_none() && key.month == first;
        returns.retain(|one| one.key.series() == series || is_first(&one.key));
        Ok(returns)
    }
}

/// Whether it is still owed, or waits for a person.
fn needs_somebody(stage: &Stage) -> bool {
    use Stage::*;
    matches!(stage, Scheduled | Held { .. } | Missed { .. } | Failed { .. } | Uncertain { .. })
}

fn keys(returns: impl Iterator<Item = Submission>) -> Vec<String> {
    returns.map(|submission| submission.key.to_string()).collect()
}

fn says(name: &WorkbookName, waived: &[Submission], stays: &[String]) -> String {
    let mut says = format!("Workbook {name} is closed: it is not owed again. What is sealed for it goes out.");
    if !waived.is_empty() {
        let waived = keys(waived.iter().cloned()).join(", ");
        says.push_str(&format!(" Waived, because nothing was sealed for it: {waived}."));
    }
    if !stays.is_empty() {
        let stays = stays.join(", ");
        says.push_str(&format!(" Still to be settled, with `hbcourier returns waive` or a file: {stays}."));
    }
    says
}
