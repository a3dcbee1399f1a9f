//! Orders about returns: confirm, resend, waive.
//!
//! In:  a person's decision about one return, with a reason.
//! Out: the return moved, and the order on record under the account that gave it; or why it makes no sense.
//! Holds: nothing is sealed here, and nothing that was sealed is sealed anew: what goes out again is the same bytes.

use super::{Done, NO_REASON, Operator, Refused};
use crate::domain::ledger::{Event, Facts};
use crate::domain::return_order::SENT_WITHIN;
use crate::domain::{Actor, ReturnOrder, Stage, Submission, SubmissionKey};
use crate::store::{StateChange, SubmissionFilter};

impl Operator {
    pub(super) fn decide(
        &self,
        actor: &Actor,
        key: &SubmissionKey,
        decision: ReturnOrder,
        by: Option<&str>,
        reason: &str,
    ) -> Result<Done, Refused> {
        let filter = SubmissionFilter { key: Some(key.clone()), ..SubmissionFilter::default() };
        let Some(submission) = self.queries.submissions(&filter)?.into_iter().next() else {
            let says = format!("no return {key} is recorded; `hbcourier returns list` shows those that are");
            return Err(Refused::Unfit(says));
        };
        let Some(stage) = decision.leads(&submission, self.clock.now()) else {
            return Err(Refused::Unfit(unfit(&submission, decision)));
        };
        if reason.trim().is_empty() {
            return Err(Refused::Unfit(NO_REASON.to_owned()));
        }
        let sealed = submission.sealed.as_ref();
        let facts = Facts {
            submission: Some(key.to_string()),
            sealed: sealed.map(|sealed| sealed.sealed),
            message_id: sealed.map(|sealed| sealed.message_id.clone()),
            order: Some(decision),
            about: by.map(str::to_owned),
            why: Some(reason.to_owned()),
            ..Facts::default()
        };
        let says = done(&submission, decision, &stage);
        let expect = submission.revision;
        let state = StateChange::Submission { key: key.clone(), expect, stage, sealed: None };
        self.record(actor, Event::ReturnOrdered, facts, state)?;
        Ok(Done::saying(says))
    }
}

fn unfit(submission: &Submission, decision: ReturnOrder) -> String {
    let (key, word) = (&submission.key, submission.stage.word());
    let fits = match decision {
        ReturnOrder::Confirm => "only what was offered to its courier can be confirmed",
        ReturnOrder::Resend => "only what is uncertain, failed or missed is sent by order",
        ReturnOrder::Waive => "what was sent, or is being sent, cannot be waived",
    };
    format!("return {key} is {word}: {fits}")
}

fn done(submission: &Submission, decision: ReturnOrder, to: &Stage) -> String {
    let key = &submission.key;
    let hours = SENT_WITHIN.as_secs() / 3600;
    let may_have_arrived = matches!(submission.stage, Stage::Uncertain { .. }) || submission.ordered.is_some();
    let twice = match may_have_arrived {
        true => " An earlier attempt may have arrived, so the partner may get it twice.",
        false => "",
    };
    match (decision, to) {
        (ReturnOrder::Confirm, _) => format!("Return {key} is acknowledged; it is not sent again."),
        (ReturnOrder::Waive, _) => format!("Return {key} is waived; nothing is sent for it."),
        (ReturnOrder::Resend, Stage::Scheduled) => format!(
            "Return {key} is open again: the file in its returns folder, or the next one put there within {hours} hours, is sealed and sent for it at once.{twice}"
        ),
        (ReturnOrder::Resend, _) => format!(
            "Return {key} is sent again at once, and tried for {hours} hours: the same sealed bytes under the same Message-ID.{twice}"
        ),
    }
}
