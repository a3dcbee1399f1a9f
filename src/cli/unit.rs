//! `hbcourier unit`: what the packaged unit must be given besides, for this configuration.
//!
//! In:  the settings.
//! Out: a drop-in for `hbcourier.service`: folders it may write to, and the mounts it waits for.
//! Holds: nothing is opened that the configuration does not name.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::Path;

use crate::config::Settings;

/// What `systemd/hbcourier.service` opens by itself.
const OPEN: [&str; 3] = ["/var/lib/hbcourier", "/run/hbcourier", "/srv/hbcourier"];
/// What it hides (`ProtectHome=`, `PrivateTmp=`): a folder below must be brought in, not only opened.
const HIDDEN: [&str; 5] = ["/home", "/root", "/run/user", "/tmp", "/var/tmp"];

/// Print the drop-in that the systemd unit needs for the folders of this configuration
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Prints it.
pub fn run(_: &Args, settings: &Settings, out: &mut dyn Write) -> io::Result<()> {
    let folders = settings.folders();
    if let Some(path) = folders.iter().find(|path| is_refused(path)) {
        let path = path.display();
        let says = "has a quotation mark, a colon, a backslash or a control character in its name, which a unit cannot be given";
        return Err(io::Error::other(format!("the folder {path} {says}; name the folder differently, then try again")));
    }
    writeln!(out, "# Made by `hbcourier unit` from the configuration. After a change of its folders:")?;
    writeln!(
        out,
        "#   hbcourier unit | install -D -m 644 /dev/stdin /etc/systemd/system/hbcourier.service.d/configured.conf"
    )?;
    writeln!(out, "#   systemctl daemon-reload && systemctl restart hbcourier")?;
    writeln!(out, "\n[Unit]\n# Where one of these is a share that is not mounted, the service is not started.")?;
    for folder in &folders {
        writeln!(out, "RequiresMountsFor={}", word("", folder))?;
    }
    writeln!(out, "\n[Service]\n# A folder that is not there keeps nothing from starting; the service tells of it.")?;
    for line in service_lines(settings, &folders) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

fn service_lines(settings: &Settings, folders: &BTreeSet<&Path>) -> Vec<String> {
    let socket_folder = settings.service.control_socket.parent();
    let needed = folders.iter().copied().chain([settings.service.state.as_path()]).chain(socket_folder);
    let closed = needed.filter(|path| !is_below(path, &OPEN)).collect::<BTreeSet<_>>();
    let (hidden, shown): (Vec<&Path>, Vec<&Path>) = closed.into_iter().partition(|path| is_below(path, &HIDDEN));
    let home = hidden.iter().any(|path| !is_below(path, &["/tmp", "/var/tmp"]));
    let home = home.then(|| "ProtectHome=tmpfs".to_owned());
    let shown = shown.into_iter().map(|path| format!("ReadWritePaths={}", word("-", path)));
    home.into_iter()
        .chain(hidden.into_iter().map(|path| format!("BindPaths={}", word("-", path))))
        .chain(shown)
        .collect()
}

fn is_below(path: &Path, tops: &[&str]) -> bool {
    tops.iter().any(|top| path.starts_with(top))
}

/// One word of a unit file: quoted where it has spaces, and without specifiers.
// systemd.syntax(7), "Quoting"; systemd.unit(5), "Specifiers"
fn word(before: &str, path: &Path) -> String {
    let text = format!("{before}{}", path.display()).replace('%', "%%");
    if text.contains(' ') { format!("\"{text}\"") } else { text }
}

/// What would mean something else to systemd, and cannot be told it otherwise everywhere.
fn is_refused(path: &Path) -> bool {
    let refused = |letter: char| letter.is_control() || matches!(letter, '"' | '\'' | '\\' | ':');
    path.to_str().is_none_or(|text| text.contains(refused))
}

#[cfg(test)]
mod tests {
    use super::super::council::Council;
    use super::*;

    #[test]
    fn what_the_unit_does_not_open_is_named_and_nothing_else() {
        let mut settings = Council::new().settings;
        settings.service.state = "/var/lib/hbcourier".into();
        settings.service.control_socket = "/run/hbcourier/control.sock".into();
        for authority in &mut settings.authorities {
            authority.drop_folders.iter_mut().for_each(|drop| drop.path = "/srv/hbcourier/drop".into());
            authority.routes.iter_mut().for_each(|route| route.folder = "/mnt/back office/100%".into());
            authority.returns.iter_mut().for_each(|owed| owed.pick_up = "/home/benefits/returns".into());
        }
        settings.couriers.clear();
        let folders = settings.folders();
        assert_eq!(
            service_lines(&settings, &folders),
            ["ProtectHome=tmpfs", "BindPaths=-/home/benefits/returns", "ReadWritePaths=\"-/mnt/back office/100%%\""]
        );
        let mut printed = Vec::new();
        run(&Args {}, &settings, &mut printed).unwrap();
        let printed = String::from_utf8(printed).unwrap();
        assert!(printed.contains("\nRequiresMountsFor=/srv/hbcourier/drop\n"), "{printed}");
        assert!(printed.contains("\nRequiresMountsFor=\"/mnt/back office/100%%\"\n"), "{printed}");
        settings.authorities[0].routes[0].folder = "/mnt/a:b".into();
        assert!(run(&Args {}, &settings, &mut Vec::new()).is_err());
    }
}
