//! What a person must be told about returns, and when it no longer holds.
//!
//! In:  a submission and the time; or what stood in the way of picking up or sealing.
//! Out: notices, raised once and cleared when they no longer hold.
//! Holds: an alarm follows from the present state, so that a crash between a move and its alarm loses nothing.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::due::Hours;
use crate::config::settings::ReturnSettings;
use crate::domain::alarm::AlarmReason;
use crate::domain::{LaNumber, Notice, PartnerName, ReturnKind, Stage, Submission, SubmissionKey, WorkbookName};

/// Failed attempts after which a person should know.
pub(super) const ATTEMPTS_QUIET: u8 = 3;

/// The alarms that hold now, by what they are about.
pub(super) type Wanted = BTreeMap<String, Notice>;

/// What the alarm of one return is about.
pub fn about_return(key: &SubmissionKey) -> String {
    format!("return-{}-{}-{}", key.kind, key.authority, key.period().replace('/', "-of-"))
}

/// What the alarm of one pick-up folder is about.
pub fn about_folder(authority: &LaNumber, kind: ReturnKind) -> String {
    format!("returns-{authority}-{kind}")
}

/// What the alarm of one partner's certificate is about.
pub(super) fn about_partner(partner: &PartnerName) -> String {
    format!("partner-{partner}")
}

/// Whether an alarm is this module's to clear.
pub(super) fn is_ours(about: &str) -> bool {
    ["return-", "returns-", "partner-"].iter().any(|prefix| about.starts_with(prefix))
}

/// What a person must know about this return at this time.
///
/// Attempts that fail are worth an alarm from the `quiet`th on.
pub(super) fn notice_of(submission: &Submission, hours: &Hours, quiet: u8, now: Timestamp) -> Option<Notice> {
    let about = submission.key.to_string();
    let words = |reason: AlarmReason, more: String| {
        let notice = reason.notice(&about);
        Some(Notice { says: format!("{}{more}", notice.says), ..notice })
    };
    match &submission.stage {
        Stage::Scheduled | Stage::Held { .. } if submission.ordered.is_some() && now < hours.closes => Some(Notice {
            says: format!(
                "{about} was ordered to be sent, and nothing acceptable has been picked up for it yet.{}",
                held(&submission.stage)
            ),
            ..AlarmReason::DueToday.notice(&about)
        }),
        Stage::Held { .. } if hours.are_open(now) => words(AlarmReason::DueToday, held(&submission.stage)),
        Stage::Scheduled if hours.are_open(now) => words(AlarmReason::DueToday, String::new()),
        Stage::Scheduled | Stage::Held { .. } | Stage::Sealed | Stage::Deferred { .. } if now >= hours.closes => {
            Some(Notice {
                code: "CN-531",
                says: format!(
                    "{about} is due today, and its hours of sending are over without it.{}",
                    last(&submission.stage)
                ),
                next: "Tell DWP that it will be late; `hbcourier returns list --open` shows what is missing.",
            })
        }
        Stage::Deferred { cause, .. } if cause.needs_a_person() => {
            let Notice { code, next, .. } = cause.notice();
            Some(Notice { code, says: format!("{about} could not be sent yet.{}", last(&submission.stage)), next })
        }
        Stage::Deferred { attempts, .. } if *attempts >= quiet => Some(Notice {
            code: "CN-532",
            says: format!("{about} could not be sent in {quiet} attempts or more.{}", last(&submission.stage)),
            next: "`hbcourier check` names what to mend; it is tried again until its hours are over.",
        }),
        Stage::Failed { reply, .. } => words(AlarmReason::Refused, format!(" It said: {reply}")),
        Stage::Uncertain { restored: true, .. } => Some(AlarmReason::uncertain_since_restored(&about)),
        Stage::Uncertain { .. } => words(AlarmReason::Uncertain, String::new()),
        Stage::Missed { .. } => words(AlarmReason::Missed, String::new()),
        Stage::Sending { .. } if now >= hours.closes => Some(AlarmReason::unanswered(&about)),
        Stage::Scheduled
        | Stage::Held { .. }
        | Stage::Sealed
        | Stage::Deferred { .. }
        | Stage::Sending { .. }
        | Stage::Sent { .. }
        | Stage::Acknowledged { .. }
        | Stage::Waived { .. } => None,
    }
}

/// What the way out must tell about this return now, for readers; also where nothing has moved it since its day was over.
pub fn told_of(submission: &Submission, settings: &ReturnSettings, now: Timestamp) -> Option<Notice> {
    let hours = match submission.ordered {
        Some(at) => Hours::ordered(at),
        None => Hours::of(submission.transfer_on, settings.window),
    };
    let waits = submission.stage.is_open() && !matches!(submission.stage, Stage::Sending { .. });
    if waits && now >= hours.day_ends {
        return Some(AlarmReason::Missed.notice(&submission.key.to_string()));
    }
    notice_of(submission, &hours, ATTEMPTS_QUIET, now)
}

/// Why what was put there is held, if it is.
fn held(stage: &Stage) -> String {
    match stage {
        Stage::Held { reason, .. } => format!(" What was put there is held. {}", reason.notice().says),
        _ => String::new(),
    }
}

/// How the last attempt ended, if one was made.
fn last(stage: &Stage) -> String {
    match stage {
        Stage::Deferred { cause, reply: Some(words), .. } => {
            format!(" The last attempt ended because {}: {words}", cause.says())
        }
        Stage::Deferred { cause, reply: None, .. } => format!(" The last attempt ended because {}.", cause.says()),
        _ => String::new(),
    }
}

/// What keeps a return from being picked up or sealed, besides the file itself.
#[derive(Debug, thiserror::Error)]
pub(super) enum Hindrance {
    /// The pick-up folder cannot be looked at.
    #[error("the pick-up folder is missing or closed to the service: {0}")]
    Folder(std::io::Error),
    /// A name that is not UTF-8.
    #[error("a file's name cannot be read as UTF-8")]
    OddName,
    /// The file is there and cannot be read.
    #[error("the file could not be read: {0}")]
    File(std::io::Error),
    /// What was sealed still lies in the pick-up folder.
    #[error("the sealed file could not be removed from its folder: {0}")]
    NotCleared(std::io::Error),
    /// Below the state directory.
    #[error("the state directory could not be used: {0}")]
    State(std::io::Error),
    /// Our own key.
    #[error("the service's own key could not be used: {0}")]
    OwnKey(String),
    /// The partner's certificate.
    #[error("the certificate of {partner} could not be used: {says}")]
    PartnerKey { partner: PartnerName, says: String },
    /// No obligation is left in the timetables.
    #[error("a file lies there, and no such return is owed any more")]
    NothingOwed,
    /// What lies there is of a workbook that a person has closed.
    #[error("workbook {0} is closed")]
    WorkbookClosed(WorkbookName),
    /// A fault of our own.
    #[error("{0}")]
    Fault(String),
    /// The return's courier is not there.
    #[error("its courier is not configured")]
    NoCourier,
}

impl Hindrance {
    /// What the alarm is about, and what to tell a person.
    pub(super) fn alarm(&self, authority: &LaNumber, kind: ReturnKind) -> (String, Notice) {
        let about = match self {
            Hindrance::PartnerKey { partner, .. } => about_partner(partner),
            _ => about_folder(authority, kind),
        };
        let this = format!("{kind} of LA {authority}");
        let (code, says, next) = match self {
            Hindrance::Folder(_) => return (about.clone(), AlarmReason::PickUpMissing.notice(&about)),
            Hindrance::OwnKey(says) => return (about, key_notice("the service itself", says)),
            Hindrance::PartnerKey { partner, says } => return (about, key_notice(partner.as_str(), says)),
            Hindrance::OddName => (
                "CN-533",
                format!("The folder of the {this} holds a file whose name is not UTF-8, so it is not picked up."),
                "Give the file a plain name.",
            ),
            Hindrance::File(_) => (
                "CN-534",
                format!("The file of the {this} is there and could not be read."),
                "Let the service's account read it; it is then picked up by itself.",
            ),
            Hindrance::NotCleared(_) => (
                "CN-535",
                format!("The {this} is sealed, but its file could not be removed from its folder."),
                "Let the service's account write to the folder, or remove the file by hand.",
            ),
            Hindrance::State(_) => (
                "CN-536",
                format!("The {this} could not be sealed, because the state directory could not be used."),
                "`hbcourier check` names what to mend (space, permissions); it is then sealed by itself.",
            ),
            Hindrance::NothingOwed => (
                "CN-537",
                format!("A file lies in the folder of the {this}, and no timetable in force has a date for it."),
                "Put the next year's timetable into force with `hbcourier timetable activate`, or remove the file.",
            ),
            Hindrance::WorkbookClosed(workbook) => (
                "CN-537",
                format!(
                    "A file in the folder of the {this} is of workbook {workbook}, which is closed: nothing is owed for it."
                ),
                "Remove the file; if it was meant for another workbook, name that one in its name.",
            ),
            Hindrance::NoCourier => (
                "CN-538",
                format!("The {this} names a courier that is not configured."),
                "Mend the configuration (`hbcourier check` names the place) and reload the service (`systemctl reload hbcourier`).",
            ),
            Hindrance::Fault(says) => (
                "CN-539",
                format!("The {this} could not be sealed: {says}."),
                "It is tried again by itself; report it with the log around that time if it goes on.",
            ),
        };
        (about, Notice { code, says, next })
    }
}

fn key_notice(whose: &str, why: &str) -> Notice {
    let notice = AlarmReason::KeyUnusable.notice(whose);
    Notice { says: format!("{} Why: {why}.", notice.says), ..notice }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Revision;

    #[test]
    fn an_attempt_without_an_answer_is_told_once_the_hours_are_over() {
        let at: Timestamp = "2020-04-30T12:00:00Z".parse().unwrap();
        let submission = Submission {
            key: "hbms-mi/12302/2020-04".parse().unwrap(),
            extract_from: None,
            transfer_on: "2020-04-30".parse().unwrap(),
            revision: Revision(3),
            stage: Stage::Sending { at, attempt: 1, boot: "boot".to_owned(), place: None },
            ordered: None,
            resent: None,
            sent: None,
            sealed: None,
        };
        let hours = Hours::ordered(at);
        assert_eq!(notice_of(&submission, &hours, ATTEMPTS_QUIET, at), None);
        let told = notice_of(&submission, &hours, ATTEMPTS_QUIET, hours.closes).unwrap();
        assert!(told.says.contains("nobody can tell yet whether it left"), "{}", told.says);
        assert_eq!(told.code, AlarmReason::Uncertain.notice("").code);
    }
}
