//! What will be erased when, for readers. Erases nothing.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use super::keeps::{Keeps, Rule, is_held, over, returned};
use super::{PAGE, next_look};
use crate::config::Settings;
use crate::domain::{DestinationName, LaNumber, LegalHold, Original};
use crate::effects::clock::london;
use crate::store::{Queries, QueryError, SubmissionFilter};

/// What is erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Erasable {
    /// Sealed originals of what came.
    Originals,
    /// Names that others chose.
    Names,
    /// Sealed returns.
    Sealed,
}

/// What is due on one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DueOn {
    /// The day in London, or today if it is due already; nothing: never, by the settings.
    pub on: Option<Date>,
    /// Whose.
    pub authority: LaNumber,
    /// What.
    pub what: Erasable,
    /// The key that says how long.
    pub rule: &'static str,
    /// The route whose own rule it is.
    pub route: Option<DestinationName>,
    /// Of how many transfers or returns.
    pub count: u64,
}

/// What will be erased when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Outlook {
    /// When the running service erases next.
    pub next_look: Timestamp,
    /// The earliest first; what never is last.
    pub due: Vec<DueOn>,
    /// Transfers and returns that are over and that a legal hold keeps.
    pub under_hold: u64,
    /// Transfers whose names are kept as long as an MI workbook is owed that came with them.
    pub open_workbooks: u64,
    /// The legal holds that stand.
    pub legal_holds: Vec<LegalHold>,
}

/// A day, or never, then whose, what and by which rule.
type Heap = (bool, Option<Date>, LaNumber, Erasable, &'static str, Option<DestinationName>);

/// What will be erased when, as things stand. Reads everything that is over, and keeps counts.
pub fn outlook(queries: &dyn Queries, settings: &Settings, now: Timestamp) -> Result<Outlook, QueryError> {
    let (keeps, legal_holds) = (Keeps::of(settings), queries.legal_holds()?);
    let mut heaps: BTreeMap<Heap, u64> = BTreeMap::new();
    let mut add = |authority: &LaNumber, what, since: Timestamp, rule: &Rule<'_>| {
        let on = rule.keep.until(since).map(|until| until.max(now).to_zoned(london()).date());
        let heap = (on.is_none(), on, authority.clone(), what, rule.key, rule.route.cloned());
        *heaps.entry(heap).or_default() += 1;
    };
    let (mut under_hold, mut open_workbooks, mut last) = (0, 0, None);
    loop {
        let page = queries.settled(last.as_ref(), PAGE)?;
        let Some(end) = page.last() else { break };
        last = Some((end.consignment.received_at, end.consignment.id));
        for settled in &page {
            let consignment = &settled.consignment;
            let Some(since) = over(consignment) else { continue };
            if is_held(&legal_holds, &Original::Transfer(consignment.id), &consignment.authority) {
                under_hold += 1;
                continue;
            }
            if settled.has_original {
                add(&consignment.authority, Erasable::Originals, since, &keeps.original(settled));
            }
            if settled.has_names && settled.workbook_is_open {
                open_workbooks += 1;
            } else if settled.has_names {
                add(&consignment.authority, Erasable::Names, since, &keeps.names(settled));
            }
        }
    }
    for submission in queries.submissions(&SubmissionFilter::default())? {
        let (Some(since), Some(_)) = (returned(&submission), &submission.sealed) else { continue };
        let original = Original::Return(submission.key.clone());
        if queries.original_erased(&original)?.is_some() {
            continue;
        }
        if is_held(&legal_holds, &original, &submission.key.authority) {
            under_hold += 1;
        } else {
            add(&submission.key.authority, Erasable::Sealed, since, &keeps.sealed());
        }
    }
    let due = heaps.into_iter().map(|((_, on, authority, what, rule, route), count)| DueOn {
        on,
        authority,
        what,
        rule,
        route,
        count,
    });
    Ok(Outlook { next_look: next_look(now), due: due.collect(), under_hold, open_workbooks, legal_holds })
}
