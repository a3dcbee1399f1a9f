//! Recording what is owed: every obligation of the timetables, once.
//!
//! In:  the timetables, and the day from which an authority's returns are this service's business.
//! Out: submissions at Scheduled.
//! Holds: recorded ones are never derived again, so neither a restart nor a clock that jumps skips or doubles one.

use std::collections::BTreeMap;

use jiff::civil::Date;
use tracing::warn;

use super::OutboundParts;
use super::critical::Critical;
use super::workbooks::owed_again;
use crate::config::settings::AuthoritySettings;
use crate::domain::ledger::{Event, Facts};
use crate::domain::timetable::Obligation;
use crate::domain::{LaNumber, ReturnKind, Submission, SubmissionKey};
use crate::store::StateChange;

/// The obligations that are recorded, with their dates.
#[derive(Debug, Default)]
pub(super) struct Owed {
    recorded: BTreeMap<SubmissionKey, (Option<Date>, Date)>,
    in_service: BTreeMap<LaNumber, Date>,
}

impl Owed {
    /// What an earlier run has recorded.
    pub(super) fn from_store(submissions: &[Submission]) -> Owed {
        let dates = |submission: &Submission| (submission.extract_from, submission.transfer_on);
        let recorded = submissions.iter().map(|submission| (submission.key.clone(), dates(submission))).collect();
        Owed { recorded, in_service: BTreeMap::new() }
    }

    /// Records what this authority owes and is not recorded yet, until `stop`.
    pub(super) fn record(
        &mut self,
        parts: &OutboundParts,
        authority: &AuthoritySettings,
        today: Date,
        stop: &dyn Fn() -> bool,
    ) -> Result<(), Critical> {
        let from = self.in_service_from(parts, authority, today)?;
        for settings in &authority.returns {
            let mut owed = parts.timetables.now().obligations(&authority.number, settings.kind);
            owed.retain(|obligation| obligation.transfer_on >= from);
            if settings.kind == ReturnKind::HbmsMi {
                let workbooks = parts.workbooks_of(&authority.number)?;
                let again: Vec<_> = workbooks.iter().flat_map(|workbook| owed_again(workbook, &owed, today)).collect();
                owed.extend(again);
            }
            for obligation in owed {
                if stop() {
                    return Ok(());
                }
                self.record_one(parts, obligation)?;
            }
        }
        Ok(())
    }

    fn record_one(&mut self, parts: &OutboundParts, obligation: Obligation) -> Result<(), Critical> {
        let Obligation { key, extract_from, transfer_on } = obligation;
        let dates = (extract_from, transfer_on);
        match self.recorded.get(&key) {
            Some(recorded) if *recorded == dates => return Ok(()),
            Some((_, recorded)) => {
                warn!(
                    submission = %key,
                    "The timetable now says {transfer_on} for {key}; it stays due on {recorded}, as it was recorded"
                );
                // Said once a run; what was recorded is in the ledger.
                self.recorded.insert(key, dates);
                return Ok(());
            }
            None => {}
        }
        let facts = Facts { submission: Some(key.to_string()), ..Facts::default() };
        let owe = StateChange::Owe { key: key.clone(), extract_from, transfer_on };
        parts.record(Event::Scheduled, facts, owe, || format!("{key} as owed"))?;
        self.recorded.insert(key, dates);
        Ok(())
    }

    /// The first transfer date that counts: recorded on the first start with this authority, and kept.
    fn in_service_from(
        &mut self,
        parts: &OutboundParts,
        authority: &AuthoritySettings,
        today: Date,
    ) -> Result<Date, Critical> {
        let number = &authority.number;
        if let Some(from) = self.in_service.get(number) {
            return Ok(*from);
        }
        let recorded =
            || parts.queries.in_service_from(number).map_err(Critical::reading("the day of the first start"));
        let from = match recorded()? {
            Some(from) => from,
            None => {
                let from = authority.in_service_from.unwrap_or(today);
                let state = StateChange::InService { authority: number.clone(), from };
                parts.record(Event::TakenIntoService, Facts::default(), state, || format!("{number} as in service"))?;
                recorded()?.unwrap_or(from)
            }
        };
        self.in_service.insert(number.clone(), from);
        Ok(from)
    }
}
