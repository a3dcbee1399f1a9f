//! The groups that have roles, and whether people can reach the service.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::{Probe, Subjects};
use crate::daemon::people::people;

const GROUPS: &str = "roles";
const SOCKET: &str = "socket";

pub(super) fn probe(subjects: &Subjects<'_>) -> Vec<Probe> {
    let service = &subjects.settings.service;
    let mut probes = groups(subjects);
    let is_inside = service.control_socket.starts_with(&service.state);
    match is_inside {
        true if subjects.settings.roles.are_configured() => {
            let says = "The control socket lies in the state directory, where people with roles cannot reach it.";
            let next = "Set `service.control_socket` to a path such as /run/hbcourier/control.sock.";
            probes.push(Probe::warning(SOCKET, service.control_socket.display(), says, next));
        }
        true => {}
        false => probes.push(folder(&service.control_socket)),
    }
    probes
}

fn groups(subjects: &Subjects<'_>) -> Vec<Probe> {
    let people = people(&subjects.settings.roles, &subjects.settings.service.state);
    if !people.roles().are_configured() {
        return Vec::new();
    }
    match people.missing_groups() {
        Ok(missing) if missing.is_empty() => {
            vec![Probe::ok(GROUPS, "groups", "Every group that has a role is known to this machine.")]
        }
        Ok(missing) => {
            let told = |group| {
                let says = format!("The group `{group}` is not known to this machine, so nobody has a role by it.");
                let next =
                    format!("Make it (`groupadd {group}`), or correct `[roles]`; `getent group` lists those that are.");
                Probe::problem(GROUPS, group, says, next)
            };
            missing.iter().map(told).collect()
        }
        Err(error) => {
            let next = "See that the machine's directory of accounts answers.";
            vec![Probe::problem(GROUPS, "groups", format!("The groups could not be looked up: {error}."), next)]
        }
    }
}

/// Whoever may write there could put a socket of their own in its place.
fn folder(socket: &Path) -> Probe {
    let about = socket.display();
    let next = "Have it made with mode 0755 and owned by the service's account (`RuntimeDirectory=` of the systemd unit does).";
    let Some(folder) = socket.parent() else {
        return Probe::problem(SOCKET, about, "It has no folder.", next);
    };
    match folder.metadata() {
        Err(error) => Probe::problem(SOCKET, about, format!("Its folder cannot be looked at: {error}."), next),
        Ok(there) if there.mode() & 0o022 != 0 => {
            let says = format!(
                "Others may write to its folder {} (mode {:04o}), and could put a socket of their own in its place.",
                folder.display(),
                there.mode() & 0o7777
            );
            Probe::problem(SOCKET, about, says, next)
        }
        Ok(there) if there.mode() & 0o005 != 0o005 && there.mode() & 0o001 == 0 => {
            let says = format!(
                "Not everybody may enter its folder {}, so people with roles may be shut out.",
                folder.display()
            );
            Probe::warning(SOCKET, about, says, next)
        }
        Ok(_) => Probe::ok(SOCKET, about, "Everybody can reach it, and nobody else can take its place."),
    }
}
