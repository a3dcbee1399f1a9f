//! Folders that the sandbox keeps the service out of, because they were made or mounted after it was entered.
//!
//! Holds: an alarm (CN-561) for each, which ends with the restart that lets the service in. A share that hangs keeps nobody
//! waiting; what was known of it stays.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use super::build::Service;
use crate::domain::AlarmReason;
use crate::effects::thread::asked::Asked;
use crate::inbound::{Critical, Inbound};
use crate::sandbox::{Folder, folders, is_kept_out};

/// Of one process, like the threads that folders keep which hang.
static KEPT_OUT: LazyLock<Asked<bool>> = LazyLock::new(Asked::default);

/// Every folder outside the state directory.
pub(super) struct Reach {
    inbound: Arc<Inbound>,
    folders: Vec<Folder>,
}

impl Reach {
    /// The folders of this service.
    pub(super) fn of(service: &Service) -> Reach {
        Reach { inbound: service.inbound.clone(), folders: folders(&service.settings) }
    }

    /// Looks at each once.
    pub(super) fn look(&self) -> Result<(), Critical> {
        let paths: Vec<PathBuf> = self.folders.iter().map(|folder| folder.path.clone()).collect();
        let answers = KEPT_OUT.ask(&paths, is_kept_out);
        for Folder { name, path } in &self.folders {
            let Some(kept_out) = answers.get(path).copied().flatten() else { continue };
            let about = format!("sandbox-{name}");
            if kept_out {
                tracing::warn!(about, "The sandbox keeps the service out of {}", path.display());
            }
            self.inbound.alarm(&about, kept_out.then_some(AlarmReason::OutsideSandbox))?;
        }
        Ok(())
    }
}
