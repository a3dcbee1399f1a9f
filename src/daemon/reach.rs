//! Folders that the sandbox keeps the service out of, because they were made or mounted after it was entered.
//!
//! Holds: an alarm (CN-561) for each, which ends with the restart that lets the service in.

use std::sync::Arc;

use super::build::Service;
use super::folders::PATIENCE;
use crate::domain::AlarmReason;
use crate::effects::probe::Probes;
use crate::inbound::{Critical, Inbound};
use crate::sandbox::{Folder, folders, is_kept_out};

/// Every folder outside the state directory.
pub(super) struct Reach {
    inbound: Arc<Inbound>,
    folders: Vec<Folder>,
    probes: Probes<bool>,
}

impl Reach {
    /// The folders of this service.
    pub(super) fn of(service: &Service) -> Reach {
        Reach { inbound: service.inbound.clone(), folders: folders(&service.settings), probes: Probes::default() }
    }

    /// Looks at each once. Of one that hangs nothing is known.
    pub(super) fn look(&mut self) -> Result<(), Critical> {
        for Folder { name, path } in &self.folders {
            let about = format!("sandbox-{name}");
            let Some(kept_out) = self.probes.ask(path, PATIENCE, is_kept_out) else { continue };
            if kept_out {
                tracing::warn!(about, "The sandbox keeps the service out of {}", path.display());
            }
            self.inbound.alarm(&about, kept_out.then_some(AlarmReason::OutsideSandbox))?;
        }
        Ok(())
    }
}
