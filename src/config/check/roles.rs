//! `[roles]`, and where people reach the service.

use std::path::{Path, PathBuf};

use super::report::Report;
use crate::config::location::TreePath;
use crate::config::raw::{RawRoles, RawService};
use crate::config::settings::Roles;
use crate::domain::Role;

/// What the kernel takes as the path of a socket.
// unix(7): 108 bytes with the one that ends it
pub(super) const SOCKET_BYTES_MAX: usize = 107;

pub(super) fn check(raw: &RawRoles, at: &TreePath, report: &mut Report<'_>) -> Option<Roles> {
    let groups = |role: Role| match role {
        Role::Viewer => &raw.viewer,
        Role::Operator => &raw.operator,
        Role::Releaser => &raw.releaser,
        Role::Auditor => &raw.auditor,
        Role::Keymaster => &raw.keymaster,
        Role::Admin => &raw.admin,
    };
    let checked = Role::ALL.map(|role| Some((role, report.parse_each(&at.key(role.word()), groups(role))?)));
    checked.into_iter().collect()
}

/// Where the service listens for commands: where it is said, or in the state directory.
pub(super) fn control_socket(
    raw: &RawService,
    state: Option<&Path>,
    at: &TreePath,
    report: &mut Report<'_>,
) -> Option<PathBuf> {
    let (at, path) = match &raw.control_socket {
        Some(_) => {
            let at = at.key("control_socket");
            let path = report.absolute(&at, &raw.control_socket)?;
            (at, path)
        }
        None => (at.key("state"), state?.join(CONTROL_SOCKET)),
    };
    let bytes = path.as_os_str().len();
    if bytes > SOCKET_BYTES_MAX {
        let wrong = format!(
            "the control socket would be {}: {bytes} bytes, and the kernel takes {SOCKET_BYTES_MAX}",
            path.display()
        );
        report.wrong(&at, wrong, "name a shorter path in `service.control_socket`");
        return None;
    }
    Some(path)
}

/// Its name in the state directory.
const CONTROL_SOCKET: &str = "control.sock";
