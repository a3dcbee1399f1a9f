//! The way by which people are told, as the last good configuration had it: kept beside what was told, for the day on
//! which the configuration cannot be read.
//!
//! Holds: secrets by reference only, as the settings have them.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::kept;
use crate::config::Settings;
use crate::config::settings::{CourierWay, SmtpSettings};

const FILE: &str = "deadline-way.json";
/// Where the state is on a machine that was set up by the package.
const STATE: &str = "/var/lib/hbcourier";

/// Where the service is, and by which server whom to tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::cli) struct Way {
    pub(super) state: PathBuf,
    pub(super) control_socket: PathBuf,
    pub(super) mail: Option<(SmtpSettings, Vec<String>)>,
}

impl Way {
    /// That of these settings.
    pub(super) fn of(settings: &Settings) -> Way {
        let mail = settings.service.alarms.mail.as_ref().and_then(|(name, to)| {
            let courier = settings.couriers.iter().find(|courier| courier.name == *name)?;
            match &courier.way {
                CourierWay::Smtp(server) => Some(((**server).clone(), to.clone())),
                CourierWay::Folder { .. } => None,
            }
        });
        Way { state: settings.service.state.clone(), control_socket: settings.service.control_socket.clone(), mail }
    }

    /// Notes it down where it is news.
    pub(super) fn keep(&self) -> io::Result<()> {
        if kept::read::<Way>(&self.state, FILE).is_ok_and(|kept| kept == *self) {
            return Ok(());
        }
        kept::write(&self.state, FILE, self)
    }

    /// The one that was noted down last, for the configuration that cannot be read now.
    pub(super) fn last(config: &Path) -> Option<Way> {
        let states = [named_in(config), told_by_systemd(), Some(PathBuf::from(STATE))];
        states.into_iter().flatten().find_map(|state| kept::read::<Way>(&state, FILE).ok())
    }
}

/// The state directory of a configuration that is wrong in something else.
fn named_in(config: &Path) -> Option<PathBuf> {
    let whole: toml::Table = std::fs::read_to_string(config).ok()?.parse().ok()?;
    Some(PathBuf::from(whole.get("service")?.get("state")?.as_str()?))
}

/// The first directory of the unit's `StateDirectory=`.
#[expect(clippy::disallowed_methods, reason = "systemd tells the state directory this way")]
fn told_by_systemd() -> Option<PathBuf> {
    let told = std::env::var("STATE_DIRECTORY").ok()?;
    told.split(':').next().map(PathBuf::from)
}
