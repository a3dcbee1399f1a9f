//! The simulated service: the real one, put together by the composition root, on a virtual clock in a folder of its own.
//!
//! In:  the plan. Out: rounds of its outbound work, and its store to read.
//! Holds: everything lies below one private temporary folder that goes with it; keys are made for it and trusted by nobody
//! else; neither a configuration nor a variable of the process reaches it, but for what the plan took from one.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use serde_json::json;
use tempfile::TempDir;

use super::could_not;
use super::plan::Plan;
use crate::cli::demo::samples;
use crate::cli::output::CliError;
use crate::config::settings::{AuthoritySettings, ReturnSettings};
use crate::config::{self, Settings, reference};
use crate::daemon::build::build_by;
use crate::daemon::{self, Service};
use crate::domain::ledger::Event;
use crate::domain::timetable::Timetables;
use crate::domain::{LaNumber, PartnerName, ReturnKind, SubmissionKey};
use crate::durable::{Directory, private_directory};
use crate::effects::clock::{Clock, VirtualClock, london};
use crate::effects::pgp::{KeyAlgorithm, KeyRing};
use crate::store::Queries;

const PARTNER: &str = "dwp";
const COURIER: &str = "outgoing";
/// What is in the way stays so until a moment of the plan; looking every ten seconds would only take long.
const LOOK_AGAIN: Duration = Duration::from_secs(24 * 3600);

/// A council's machine, as far as its returns need one.
pub(super) struct Installation {
    clock: Arc<VirtualClock>,
    settings: Settings,
    timetables: Timetables,
    service: Option<Service>,
    folder: TempDir,
}

impl Installation {
    /// Lays it out. The service does not run yet.
    pub(super) fn lay_out(plan: &Plan) -> Result<Installation, CliError> {
        let folder = tempfile::tempdir().map_err(|error| could_not("make a temporary folder", &error))?;
        let laid = Laid { root: folder.path() };
        laid.make_folders(plan).map_err(|error| could_not("lay out a council", &error))?;
        laid.make_keys(plan)?;
        let settings = laid.settings(plan)?;
        let clock = Arc::new(VirtualClock::showing(plan.begins));
        Ok(Installation { clock, settings, timetables: plan.timetables.clone(), service: None, folder })
    }

    /// The simulated time.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Time passes until then.
    pub(super) fn advance_to(&self, moment: Timestamp) {
        self.clock.advance_to(moment);
    }

    /// Starts the service with nothing but what is on the disk.
    pub(super) fn start(&mut self) -> Result<(), CliError> {
        let service = build_by(self.settings.clone(), self.timetables.clone(), self.clock.clone());
        let service = service.map_err(|error| could_not("start the service", &error))?;
        daemon::note(&service, Event::ServiceStarted).map_err(|error| could_not("start the service", &error))?;
        self.service = Some(service);
        Ok(())
    }

    /// Records that the service stops. It is gone with [`Installation::end`].
    pub(super) fn note_stop(&self) -> Result<(), CliError> {
        let Some(service) = &self.service else { return Ok(()) };
        daemon::note(service, Event::ServiceStopped).map_err(|error| could_not("stop the service", &error))
    }

    /// Ends the service.
    pub(super) fn end(&mut self) {
        self.service = None;
    }

    /// One round of the service's outbound work, if it runs. When it wants the next.
    pub(super) fn tick(&self) -> Result<Option<Timestamp>, CliError> {
        let Some(service) = &self.service else { return Ok(None) };
        service.outbound.tick(&|| false).map_err(|error| could_not("go on", &error))
    }

    /// What the service has recorded, if it runs.
    pub(super) fn queries(&self) -> Option<&dyn Queries> {
        self.service.as_ref().map(|service| service.inbound.queries.as_ref())
    }

    /// Officers leave the file of this return in its folder, and take out what still lies there. Whether something did.
    pub(super) fn leave_file(&self, key: &SubmissionKey) -> Result<bool, CliError> {
        let today = self.now().to_zoned(london()).date();
        let leave = || {
            let directory = Directory::open(&Laid { root: self.folder.path() }.pick_up(&key.authority, key.kind))?;
            let old = directory.names()?;
            for name in old.iter().filter_map(|name| name.to_str()) {
                directory.remove(name)?;
            }
            let (name, content) = file_of(key, today)?;
            directory.create(&name)?.write_all(&content)?;
            io::Result::Ok(!old.is_empty())
        };
        leave().map_err(|error| could_not("leave a file", &error))
    }
}

/// A make-believe file of this return, as officers would make it on that day.
fn file_of(key: &SubmissionKey, day: Date) -> io::Result<(String, Vec<u8>)> {
    let SubmissionKey { kind, authority, month, .. } = key;
    Ok(match kind {
        ReturnKind::Shbe => (format!("SHBE_{authority}_{month}.txt"), samples::shbe_extract(day)),
        ReturnKind::HbmsMi => (format!("HBMS_MI_{authority}_{month}.xlsx"), samples::mi_workbook(&month.to_string())?),
    })
}

/// Where things are.
struct Laid<'a> {
    root: &'a Path,
}

impl Laid<'_> {
    fn state(&self) -> PathBuf {
        self.root.join("state")
    }

    fn outgoing(&self) -> PathBuf {
        self.root.join("outgoing")
    }

    fn pick_up(&self, number: &LaNumber, kind: ReturnKind) -> PathBuf {
        self.root.join(format!("returns-{number}-{kind}"))
    }

    fn make_folders(&self, plan: &Plan) -> io::Result<()> {
        private_directory(&self.state())?;
        private_directory(&self.outgoing())?;
        for authority in &plan.authorities {
            for kind in plan.kinds(&authority.number) {
                private_directory(&self.pick_up(&authority.number, kind))?;
            }
        }
        Ok(())
    }

    /// Our own keys outlast the year; the partner's may not.
    fn make_keys(&self, plan: &Plan) -> Result<(), CliError> {
        let fault = |error: &dyn std::fmt::Display| could_not("make its keys", error);
        let made = plan.begins - 24.hours();
        let outlast = plan.ends + (366 * 24).hours();
        let lasts = |until: Timestamp| Duration::try_from(until - made).unwrap_or_default();
        let ours = KeyRing::at(&self.state());
        let theirs = KeyRing::at(&self.root.join(PARTNER));
        let user_id = "Simulation, trusted by nobody";
        ours.generate(user_id, KeyAlgorithm::Curve25519, made, lasts(outlast)).map_err(|error| fault(&error))?;
        let expires = plan.key_expires.unwrap_or(outlast);
        theirs.generate(user_id, KeyAlgorithm::Curve25519, made, lasts(expires)).map_err(|error| fault(&error))?;
        let certificate = theirs.export_own().map_err(|error| fault(&error))?;
        let partner: PartnerName = PARTNER.parse().map_err(|error| fault(&error))?;
        ours.trust(&partner, &certificate, None, made).map_err(|error| fault(&error))?;
        Ok(())
    }

    /// The settings of a configuration that names nothing else, so with every default; and the returns' hours where a real
    /// configuration has others.
    fn settings(&self, plan: &Plan) -> Result<Settings, CliError> {
        const FILE: &str = "hbcourier.toml";
        let fault = |error: &dyn std::fmt::Display| could_not("write its configuration", error);
        let text = reference::annotated(&self.values(plan));
        let write = || Directory::open(self.root)?.create(FILE)?.write_all(text.as_bytes());
        write().map_err(|error| fault(&error))?;
        let mut settings = config::load_with_env(&self.root.join(FILE), []).map_err(|problems| fault(&problems))?;
        settings.service.retry_after = LOOK_AGAIN;
        settings.service.retry_after_max = LOOK_AGAIN;
        for authority in &mut settings.authorities {
            authority.in_service_from = Some(plan.first_day);
            adopt_hours(authority, plan.configured.get(&authority.number));
        }
        Ok(settings)
    }

    fn values(&self, plan: &Plan) -> serde_json::Value {
        let owed = |number: &LaNumber, kind: ReturnKind| {
            let pick_up = self.pick_up(number, kind);
            json!({ "kind": kind, "pick_up": pick_up, "partner": PARTNER, "courier": COURIER })
        };
        let authorities = plan.authorities.iter().map(|authority| {
            let number = &authority.number;
            let returns: Vec<_> = plan.kinds(number).into_iter().map(|kind| owed(number, kind)).collect();
            json!({ "number": number, "name": authority.name, "return": returns })
        });
        json!({
            "service": { "state": self.state() },
            "authority": authorities.collect::<Vec<_>>(),
            "partner": [{ "name": PARTNER }],
            "courier": [{ "name": COURIER, "folder": self.outgoing() }],
        })
    }
}

/// Takes over when a file has settled, and in which hours it is sent.
fn adopt_hours(authority: &mut AuthoritySettings, configured: Option<&Vec<ReturnSettings>>) {
    for settings in &mut authority.returns {
        let other = configured.into_iter().flatten().find(|other| other.kind == settings.kind);
        if let Some(other) = other {
            (settings.window, settings.settle) = (other.window, other.settle);
        }
    }
}
