//! Why a return stands where it stands.

use jiff::civil::Time;

use super::{Considered, Explanation, Outcome};
use crate::cli::output::moment;
use crate::cli::reading::Reading;
use crate::cli::transfers::transfer::notice_of_stage;
use crate::config::settings::{ReturnSettings, Window};
use crate::domain::return_order::SENT_WITHIN;
use crate::domain::{Stage, Submission};

/// How far a return came.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    PickUp,
    Check,
    Seal,
    Date,
    Courier,
}

pub(super) fn explain(submission: &Submission, reading: &Reading<'_>) -> Explanation {
    let key = &submission.key;
    let authority = reading.settings.authorities.iter().find(|authority| authority.number == key.authority);
    let settings = authority.and_then(|authority| authority.returns.iter().find(|owed| owed.kind == key.kind));
    let stopped = stopped_at(submission, reading);
    let mut rules = vec![timetable(submission)];
    rules.extend([Step::PickUp, Step::Check, Step::Seal, Step::Date, Step::Courier].map(|step| {
        let (rule, asks) = asks(step, submission, settings);
        match stopped {
            Some(at) if step == at => Considered::new(rule, Outcome::NotMet, asks).deciding(true),
            Some(at) if step > at => Considered::new(rule, Outcome::NotReached, asks),
            _ => Considered::new(rule, Outcome::Met, asks).deciding(stopped.is_none() && step == Step::Courier),
        }
    }));
    let notice = notice_of_stage(submission);
    let next = notice.as_ref().map(|notice| notice.next.to_owned());
    let says = match (&submission.stage, &notice) {
        (_, Some(notice)) => format!("{} {}", notice.code, notice.says),
        (Stage::Scheduled, None) => "Nothing acceptable has been picked up yet.".to_owned(),
        (Stage::Sealed, None) if submission.ordered.is_some() => "Sealed; by order it is sent at once.".to_owned(),
        (Stage::Sealed, None) => format!("Sealed; it is sent on {}.", submission.transfer_on),
        (Stage::Sending { at, .. }, None) => format!("It is being sent since {}.", moment(*at)),
        (Stage::Sent { at, reply }, None) => format!("Sent {}; the courier said: {reply}", moment(*at)),
        (Stage::Acknowledged { at }, None) => format!("Acknowledged {}.", moment(*at)),
        (Stage::Waived { at }, None) => format!("Waived {} by a person's order.", moment(*at)),
        (other, None) => format!("It is {}.", other.word()),
    };
    Explanation {
        about: key.to_string(),
        transfer: Some(key.to_string()),
        state: submission.stage.word().to_owned(),
        rules,
        says,
        next,
    }
}

fn timetable(submission: &Submission) -> Considered {
    let from = submission.extract_from.map(|day| format!(", extracted on {day} or later")).unwrap_or_default();
    let says = format!("Owed on {}{from}, as it was recorded from the timetable.", submission.transfer_on);
    Considered::new("timetable", Outcome::Met, says)
}

/// Where it stopped; nowhere, if it was sent.
fn stopped_at(submission: &Submission, reading: &Reading<'_>) -> Option<Step> {
    match &submission.stage {
        Stage::Scheduled | Stage::Waived { .. } => Some(Step::PickUp),
        Stage::Held { .. } => Some(Step::Check),
        Stage::Missed { .. } if submission.sealed.is_none() => Some(Step::PickUp),
        Stage::Missed { .. } => Some(Step::Date),
        Stage::Sealed if reading.today() < submission.transfer_on => Some(Step::Date),
        Stage::Sealed | Stage::Sending { .. } | Stage::Uncertain { .. } | Stage::Failed { .. } => Some(Step::Courier),
        Stage::Deferred { .. } if submission.sealed.is_none() => Some(Step::Seal),
        Stage::Deferred { .. } => Some(Step::Courier),
        Stage::Sent { .. } | Stage::Acknowledged { .. } => None,
    }
}

fn asks(step: Step, submission: &Submission, settings: Option<&ReturnSettings>) -> (&'static str, String) {
    let unconfigured = || "the return is no longer configured".to_owned();
    match step {
        Step::PickUp => {
            let folder = settings.map_or_else(unconfigured, |owed| owed.pick_up.display().to_string());
            ("pick-up", format!("Its file must lie, finished, in the returns folder ({folder})."))
        }
        Step::Check => {
            ("check", "It must be one file, this authority's, of this kind, in time, and not sent before.".to_owned())
        }
        Step::Seal => {
            let partner = settings.map_or_else(unconfigured, |owed| owed.partner.to_string());
            ("seal", format!("It must be sealed to a usable certificate of the partner ({partner}), and open again."))
        }
        Step::Date if submission.ordered.is_some() => {
            let hours = SENT_WITHIN.as_secs() / 3600;
            let at = submission.ordered.map(moment).unwrap_or_default();
            ("date", format!("A person ordered it {at}; it is sent within {hours} hours of that, whatever its date."))
        }
        Step::Date => {
            let window = settings.map_or_else(unconfigured, |owed| hours(owed.window));
            ("date", format!("It is sent on {} within its window, Europe/London: {window}.", submission.transfer_on))
        }
        Step::Courier => {
            let courier = settings.map_or_else(unconfigured, |owed| owed.courier.to_string());
            ("courier", format!("The courier ({courier}) must take responsibility for it."))
        }
    }
}

fn hours(window: Window) -> String {
    let hour = |time: Time| time.strftime("%H:%M").to_string();
    match (window.from == Time::midnight(), window.until == Time::midnight()) {
        (true, true) => "the whole day".to_owned(),
        (_, true) => format!("from {} to the end of the day", hour(window.from)),
        (_, false) => format!("from {} to {}", hour(window.from), hour(window.until)),
    }
}
