//! Who may do what, from the settings.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use crate::config::settings::Roles;
use crate::effects::accounts::MachineAccounts;
use crate::operator::People;

/// The people of the service whose state directory this is. The service's own account is whose it is.
pub fn people(roles: &Roles, state: &Path) -> People {
    let own = state.metadata().map_or_else(|_| rustix::process::getuid().as_raw(), |metadata| metadata.uid());
    People::new(roles.clone(), Arc::new(MachineAccounts), own)
}

/// Says in the log which groups are not there: nobody has a role by them.
pub(super) fn warn_of_missing_groups(people: &People) {
    match people.missing_groups() {
        Ok(missing) => {
            for group in missing {
                tracing::warn!(%group, "The group `{group}` of [roles] is not known to this machine; nobody has a role by it");
            }
        }
        Err(error) => tracing::warn!(%error, "The groups of [roles] could not be looked up: {error}"),
    }
}
