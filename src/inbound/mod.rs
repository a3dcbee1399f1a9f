//! The way in: from a sighting in a drop folder to files at their destinations.
//!
//! settle ▸ collect ▸ open ▸ unpack and identify ▸ check ▸ scan ▸ stage ▸ publish ▸ close. Each step consumes the type of the one
//! before, so none can be skipped. What interrupts a step is sorted by its [`Consequence`] in one place, `advance`.
//! Holds: the store is the only queue; every step can be done again after a crash.

mod advance;
mod answer;
mod check;
mod claims;
mod collect;
mod derive;
mod hand_in;
mod identify;
mod late;
mod left;
mod mail;
mod maildir;
mod open;
mod publish;
mod recover;
mod release;
mod scan;
mod settle;
mod stage;
mod strays;
mod whose;
mod withdrawn;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::config::FileNameTemplate;
use crate::config::settings::Carries;
use crate::domain::alarm::AlarmReason;
use crate::domain::ledger::{Event, Facts};
use crate::domain::{
    AcceptedRoot, Actor, Consequence, DeferCause, DestinationName, FileKind, InstallationId, LaNumber, Notice,
    PartnerName, RiskLayout, RiskProfile, SourceName,
};
use crate::effects::clock::Clock;
use crate::effects::destination::{Access, DestinationError, Destinations};
use crate::effects::drop_folder::DropFolder;
use crate::effects::maildir::Maildir;
use crate::effects::pgp::Opener;
use crate::effects::scanner::Clamd;
use crate::effects::spool::Spool;
use crate::store::{Change, Queries, QueryError, RecordError, Recorder, StateChange};

pub use claims::Claims;
pub use collect::Collecting;
pub use hand_in::HandedIn;
pub use late::Late;
pub use left::Left;
pub use maildir::Carried;
pub use settle::Settling;

/// What the inbound steps work with.
pub struct Inbound {
    /// The one write path.
    pub recorder: Arc<dyn Recorder>,
    /// Reading what was recorded.
    pub queries: Arc<dyn Queries>,
    /// Sealed bytes that are ours.
    pub spool: Arc<Spool>,
    /// Every destination folder.
    pub destinations: Destinations,
    /// Decrypts and verifies.
    pub opener: Arc<dyn Opener>,
    /// The virus scanner that everything passes, if one is configured.
    pub scanner: Option<Clamd>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The kernel's boot id.
    pub boot: String,
    /// Where files come from.
    pub sources: Vec<Source>,
    /// Where those of each authority go: the first route that has the kind decides.
    pub routes: BTreeMap<LaNumber, Vec<Route>>,
    /// Bounds and patience.
    pub terms: Terms,
    /// What is being worked on.
    pub claims: Claims,
    /// What could not be taken from the drop folders.
    pub left: Left,
    /// What recovery could not do yet.
    pub late: Late,
    /// Which installation this is, once that was asked for.
    pub installation: OnceLock<InstallationId>,
}

/// One drop folder, Maildir or mailbox, and whose files come by it.
pub struct Source {
    /// Its name.
    pub name: SourceName,
    /// Whose files arrive here.
    pub authority: LaNumber,
    /// Whose files arrive here too. If there are any, each must tell whose it is.
    pub also_for: Vec<LaNumber>,
    /// Whose signatures are accepted.
    pub partners: Vec<PartnerName>,
    /// What its files are.
    pub carries: Carries,
    /// What it is.
    pub origin: Origin,
}

/// What a source is.
pub enum Origin {
    /// A folder that is looked into.
    Folder(DropFolder),
    /// A Maildir; somebody else looks into it, and has its mails collected by [`Inbound::carry_mail`].
    Maildir(Maildir),
    /// A mailbox, which somebody else reads; its mails are handed in by [`Inbound::hand_in`].
    Mailbox,
}

impl Source {
    /// Its drop folder, if it has one.
    pub fn folder(&self) -> io::Result<&DropFolder> {
        match &self.origin {
            Origin::Folder(folder) => Ok(folder),
            Origin::Maildir(_) | Origin::Mailbox => Err(io::Error::new(io::ErrorKind::Unsupported, "it has mails")),
        }
    }

    /// Where its folder is, of whichever kind.
    pub fn path(&self) -> Option<&Path> {
        match &self.origin {
            Origin::Folder(folder) => Some(folder.path()),
            Origin::Maildir(maildir) => Some(maildir.path()),
            Origin::Mailbox => None,
        }
    }

    /// Its Maildir, if it has one.
    pub fn maildir(&self) -> io::Result<&Maildir> {
        match &self.origin {
            Origin::Maildir(maildir) => Ok(maildir),
            Origin::Folder(_) | Origin::Mailbox => Err(io::Error::new(io::ErrorKind::Unsupported, "it is no Maildir")),
        }
    }
}

/// Where files of some kinds go.
pub struct Route {
    /// Which kinds; none for a route of derived copies.
    pub kinds: Vec<FileKind>,
    /// The destination's name.
    pub destination: DestinationName,
    /// Root elements of LAIDs as XML that are accepted; if there are none, any.
    pub xml_roots: Vec<AcceptedRoot>,
    /// Its folder.
    pub folder: PathBuf,
    /// The final name.
    pub file_name: FileNameTemplate,
    /// Who may read it.
    pub access: Access,
    /// What goes here is derived: a copy in this layout of each file of risk data.
    pub layout: Option<Arc<RiskLayout>>,
}

/// Bounds and patience of the way in.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Largest sealed file collected.
    pub ciphertext_bytes_max: u64,
    /// Largest content a sealed file may become.
    pub plaintext_bytes_max: u64,
    /// Bounds on archives.
    pub archive: crate::catalogue::Limits,
    /// What the columns of risk data mean, if that is configured.
    pub risk: Option<RiskProfile>,
    /// Free space below which nothing new is collected.
    pub free_bytes_min: u64,
    /// Tries before a deferred consignment is held.
    pub attempts_max: u8,
    /// The first pause before a deferred consignment is tried again; doubles each time.
    pub retry_after: Duration,
    /// The longest such pause.
    pub retry_after_max: Duration,
}

/// What must stop the service: it can no longer record or read what it does.
#[derive(Debug, thiserror::Error)]
pub enum Critical {
    /// The store cannot be written, or a rule of it was broken.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The store cannot be read.
    #[error(transparent)]
    Query(#[from] QueryError),
}

/// Why a step did not go on.
#[derive(Debug)]
pub enum Failure {
    /// Something about this consignment.
    This {
        /// What becomes of it.
        consequence: Consequence,
        /// What else needs attention: about what, and why.
        alarm: Option<(String, AlarmReason)>,
        /// The cause in full, for the log. No personal data.
        detail: String,
    },
    /// Everything stops.
    Critical(Critical),
}

impl Failure {
    fn of(consequence: Consequence, detail: impl ToString) -> Failure {
        Failure::This { consequence, alarm: None, detail: detail.to_string() }
    }

    fn at_destination(destination: &DestinationName, error: &DestinationError) -> Failure {
        let consequence = error.consequence();
        // That a folder hangs is told by who watches them all.
        let told = matches!(consequence, Consequence::Defer(cause) if cause != DeferCause::DestinationHangs);
        let alarm = told.then(|| (destination.to_string(), AlarmReason::DestinationFault));
        Failure::This { consequence, alarm, detail: error.to_string() }
    }
}

impl From<Critical> for Failure {
    fn from(critical: Critical) -> Failure {
        Failure::Critical(critical)
    }
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Failure {
        Failure::Critical(error.into())
    }
}

impl Inbound {
    /// The source of this name, if it is still configured.
    pub fn source(&self, name: &SourceName) -> Option<&Source> {
        self.sources.iter().find(|source| source.name == *name)
    }

    /// Where files of this authority go; nowhere, if it is no longer configured.
    fn routes_of(&self, authority: &LaNumber) -> &[Route] {
        self.routes.get(authority).map(Vec::as_slice).unwrap_or_default()
    }

    /// Raises an alarm, or clears it (`None`), if that changes anything.
    pub fn alarm(&self, about: &str, reason: Option<AlarmReason>) -> Result<(), Critical> {
        self.alarm_in_words(about, reason.map(|reason| reason.notice(about)))
    }

    /// As [`Inbound::alarm`], in these words.
    pub fn alarm_in_words(&self, about: &str, notice: Option<Notice>) -> Result<(), Critical> {
        let raised = self.queries.alarms()?.into_iter().find(|alarm| alarm.about == about).map(|alarm| alarm.code);
        if raised.as_deref() == notice.as_ref().map(|notice| notice.code) {
            return Ok(());
        }
        fail::fail_point!("alarm.looked");
        if let Some(notice) = &notice {
            tracing::warn!(about, code = notice.code, "{}", notice.says);
        }
        let event = if notice.is_some() { Event::AlarmRaised } else { Event::AlarmCleared };
        let code = notice.as_ref().map(|notice| notice.code.to_owned()).or(raised);
        let facts = Facts { about: Some(about.to_owned()), code, ..Facts::default() };
        match self.recorder.record(self.change(event, facts, StateChange::Alarm { about: about.to_owned(), notice })) {
            // Several carriers meet the same trouble at once: one of them tells.
            Ok(_) | Err(RecordError::Exists { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn change(&self, event: Event, facts: Facts, state: StateChange) -> Change {
        Change { at: self.clock.now(), actor: Actor::Service, event, facts, names: Vec::new(), state }
    }
}

/// The result of a named step in the middle of work on a consignment.
fn passed(step: io::Result<()>) -> Result<(), Failure> {
    step.map_err(|error| Failure::of(Consequence::Defer(DeferCause::PrivateSpace), error))
}
