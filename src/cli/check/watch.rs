//! Where health and metrics are told: can the service listen there?

use super::Probe;
use crate::config::Settings;
use crate::config::settings::Listen;

pub(super) fn probe(settings: &Settings) -> Option<Probe> {
    let listen = settings.watch.listen.as_ref()?;
    let folder = match listen {
        Listen::Unix(path) => path.parent(),
        Listen::Loopback(_) => None,
    };
    Some(match folder.filter(|folder| !folder.is_dir()) {
        None => Probe::ok("watch", listen, "Health and metrics are told there, to this machine alone."),
        Some(folder) => {
            let says = format!("{} is not there, so health and metrics cannot be told.", folder.display());
            let next = "Make the folder, or have systemd make it: RuntimeDirectory=hbcourier in the unit.";
            Probe::warning("watch", listen, says, next)
        }
    })
}
