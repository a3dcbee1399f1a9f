//! What a person must be told about returns, and when it no longer holds.
//!
//! In:  a submission and the time; or what stood in the way of picking up or sealing.
//! Out: notices, raised once and cleared when they no longer hold.
//! Holds: an alarm follows from the present state, so that a crash between a move and its alarm loses nothing.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::due::Hours;
use crate::domain::{LaNumber, Notice, PartnerName, ReturnKind, Stage, Submission, SubmissionKey};

/// Failed attempts after which a person should know.
pub(super) const ATTEMPTS_QUIET: u8 = 3;

/// The alarms that hold now, by what they are about.
pub(super) type Wanted = BTreeMap<String, Notice>;

/// What the alarm of one return is about.
pub(super) fn about_return(key: &SubmissionKey) -> String {
    format!("return-{}-{}-{}", key.kind, key.authority, key.month)
}

/// What the alarm of one pick-up folder is about.
pub(super) fn about_folder(authority: &LaNumber, kind: ReturnKind) -> String {
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
    let key = &submission.key;
    let says = |code, says: String, next| Some(Notice { code, says, next });
    match &submission.stage {
        Stage::Scheduled | Stage::Held { .. } if hours.are_open(now) => {
            let why = match &submission.stage {
                Stage::Held { reason, .. } => format!("what lies in its folder is held: {}", reason.notice().says),
                _ => "nothing lies in its folder".to_owned(),
            };
            says(
                "CN-501",
                format!("Return {key} is due today and not sealed, because {why}"),
                "Put the right file into its folder before the window closes; it is then sealed and sent by itself.",
            )
        }
        Stage::Scheduled | Stage::Held { .. } | Stage::Sealed | Stage::Deferred { .. } if now >= hours.closes => says(
            "CN-502",
            format!("Return {key} was due today, and its hours of sending are over without it."),
            "Tell DWP that it will be late. `hbcourier returns list --open` shows what is missing.",
        ),
        Stage::Deferred { attempts, cause, .. } if *attempts >= quiet => says(
            "CN-503",
            format!("Return {key} could not be sent in {attempts} attempts, because {}.", cause.says()),
            "`hbcourier check` names what to mend; it is tried again until its hours are over.",
        ),
        Stage::Failed { reply, .. } => says(
            "CN-504",
            format!("Return {key} was refused for good: {reply}"),
            "Mend what the reply names and tell DWP; `hbcourier returns list` shows the return.",
        ),
        Stage::Uncertain { .. } => says(
            "CN-505",
            format!("Return {key} was sent, but nothing tells whether it arrived."),
            "Ask DWP whether they have it before anything is sent again; `hbcourier returns list` shows its Message-ID.",
        ),
        Stage::Missed { .. } => says(
            "CN-506",
            format!("The transfer date of return {key} passed without it. It is not sent late by itself."),
            "Tell DWP and agree what to send; `hbcourier returns list` shows the return.",
        ),
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
        let this = format!("{kind} of LA {authority}");
        let (code, says, next) = match self {
            Hindrance::Folder(_) => (
                "CN-511",
                format!("The folder in which the {this} is left is missing or closed to the service."),
                "Mount or make the folder, or mend its permissions; `hbcourier check` names it. It is then used by itself.",
            ),
            Hindrance::OddName => (
                "CN-512",
                format!("The folder of the {this} holds a file whose name is not UTF-8, so it is not picked up."),
                "Give the file a plain name.",
            ),
            Hindrance::File(_) => (
                "CN-513",
                format!("The file of the {this} is there and could not be read."),
                "Let the service's account read it; it is then picked up by itself.",
            ),
            Hindrance::NotCleared(_) => (
                "CN-514",
                format!("The {this} is sealed, but its file could not be removed from its folder."),
                "Let the service's account write to the folder, or remove the file by hand.",
            ),
            Hindrance::State(_) => (
                "CN-515",
                format!("The {this} could not be sealed, because the state directory could not be used."),
                "`hbcourier check` names what to mend (space, permissions); it is then sealed by itself.",
            ),
            Hindrance::OwnKey(says) => (
                "CN-516",
                format!("The {this} could not be sealed with the service's own key: {says}."),
                "`hbcourier keys list` shows the own keys; once one is usable it is sealed by itself.",
            ),
            Hindrance::PartnerKey { partner, says } => (
                "CN-517",
                format!("The certificate of {partner} cannot be used, so nothing is sealed to it: {says}."),
                "Get a current certificate from the partner and trust it; `hbcourier keys list` shows what is there.",
            ),
            Hindrance::NothingOwed => (
                "CN-518",
                format!("A file lies in the folder of the {this}, and no timetable in force has a date for it."),
                "Add the next year's timetable to the configuration, or remove the file.",
            ),
            Hindrance::NoCourier => (
                "CN-519",
                format!("The {this} names a courier that is not configured."),
                "Mend the configuration (`hbcourier check` names the place) and restart the service.",
            ),
            Hindrance::Fault(says) => (
                "CN-520",
                format!("The {this} could not be sealed: {says}."),
                "It is tried again by itself; report it with the log around that time if it goes on.",
            ),
        };
        let about = match self {
            Hindrance::PartnerKey { partner, .. } => about_partner(partner),
            _ => about_folder(authority, kind),
        };
        (about, Notice { code, says, next })
    }
}
