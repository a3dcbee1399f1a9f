//! `hbcourier unit`: what the packaged units must be given besides, for this configuration.
//!
//! In:  the settings; what is mounted where.
//! Out: a drop-in for `hbcourier.service`: what it may write to, the mounts it waits for, its groups; how mounts start it;
//!      or the one for the units of the timers.
//! Holds: nothing is opened that the configuration does not name, but that of a share it is the mount point that is
//! named. A folder below would be bound into the service's view of the machine, and hold the share there after it was
//! unmounted: what is mounted in its place the service would never see.

mod mounts;

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::Path;

use self::mounts::{Mounts, unit_of};
use crate::config::Settings;

/// What all units open by themselves, as folders of systemd's own making.
const OPEN: [&str; 2] = ["/var/lib/hbcourier", "/run/hbcourier"];
/// What `systemd/hbcourier.service` opens besides.
const FILES: &str = "/srv/hbcourier";
/// What the units hide: a folder below must be brought in, not only opened.
const HIDDEN_HOMES: [&str; 3] = ["/home", "/root", "/run/user"];
const HIDDEN_TEMPORARY: [&str; 2] = ["/tmp", "/var/tmp"];

/// Print the drop-in that the systemd units need for the folders of this configuration
#[derive(Debug, Default, clap::Args)]
pub struct Args {
    /// The one for the units of the timers, which need one if the state or the socket lies elsewhere
    #[arg(long)]
    pub timers: bool,
}

/// Prints it.
pub fn run(args: &Args, settings: &Settings, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(drop_in(args, settings, &Mounts::of_this_machine())?.as_bytes())
}

/// The drop-in of `hbcourier.service`, for this machine as it is.
pub fn for_service(settings: &Settings) -> io::Result<String> {
    drop_in(&Args::default(), settings, &Mounts::of_this_machine())
}

fn drop_in(args: &Args, settings: &Settings, mounts: &Mounts) -> io::Result<String> {
    let state = [settings.service.state.as_path()].into_iter().chain(settings.service.control_socket.parent());
    let folders = if args.timers { BTreeSet::new() } else { settings.folders() };
    let needed: BTreeSet<&Path> = folders.into_iter().chain(state).collect();
    let shares: BTreeSet<&Path> = needed.iter().filter_map(|path| mounts.above(path)).collect();
    if let Some(path) = needed.iter().chain(&shares).find(|path| is_refused(path)) {
        let path = path.display();
        let says = "has a quotation mark, a colon, a backslash or a control character in its name, which a unit cannot be given";
        return Err(io::Error::other(format!("the folder {path} {says}; name the folder differently, then try again")));
    }
    let files = (!args.timers).then_some(Path::new(FILES));
    let opened = opened(&needed, files, mounts);
    Ok(if args.timers { for_timers(&opened) } else { for_the_service(settings, &needed, &shares, &opened) })
}

fn for_timers(opened: &[String]) -> String {
    let mut text = String::from(
        "# Made by `hbcourier unit --timers`, for hbcourier-audit.service and hbcourier-deadline.service:\n\
         #   hbcourier unit --timers | install -D -m 644 /dev/stdin /etc/systemd/system/hbcourier-.service.d/configured.conf\n\
         #   systemctl daemon-reload\n",
    );
    if opened.is_empty() {
        return text + "# With this configuration they need nothing besides.\n";
    }
    text += "\n[Service]\n";
    opened.iter().for_each(|line| text += &format!("{line}\n"));
    text
}

fn for_the_service(
    settings: &Settings,
    needed: &BTreeSet<&Path>,
    shares: &BTreeSet<&Path>,
    opened: &[String],
) -> String {
    let mut text = String::from(
        "# Made by `hbcourier unit` from the configuration, and from what is mounted or in /etc/fstab. After a change of\n\
         # either, with the shares mounted:\n\
         #   hbcourier unit | install -D -m 644 /dev/stdin /etc/systemd/system/hbcourier.service.d/configured.conf\n",
    );
    // systemd 252 reads no [Install] in a drop-in, and `systemctl add-wants` knows no mount that was made by hand.
    for share in shares {
        let wants = format!("/etc/systemd/system/{}.wants", unit_of(share));
        text += &format!("#   mkdir -p '{wants}' && ln -sf /usr/lib/systemd/system/hbcourier.service '{wants}/'\n");
    }
    text += "#   systemctl daemon-reload && systemctl restart hbcourier\n";
    if !shares.is_empty() {
        text +=
            "# The links have the service started when a share is mounted later than the machine started, or anew.\n";
    }
    text += "\n[Unit]\n# Where one of these is a share that is not mounted, the service is not started.\n";
    for path in needed {
        text += &format!("RequiresMountsFor={}\n", word("", path));
    }
    text += "\n[Service]\n# A folder that is not there keeps nothing from starting; the service tells of it.\n";
    opened.iter().for_each(|line| text += &format!("{line}\n"));
    let routes = settings.authorities.iter().flat_map(|authority| &authority.routes);
    let groups: BTreeSet<&str> = routes.filter_map(|route| route.group.as_deref()).collect();
    groups.iter().for_each(|group| text += &format!("SupplementaryGroups={group}\n"));
    text
}

/// Lines that open what these need, where the unit opens `files` by itself.
fn opened(needed: &BTreeSet<&Path>, files: Option<&Path>, mounts: &Mounts) -> Vec<String> {
    let mut lines = Vec::new();
    // The unit itself opens a folder of what is mounted above.
    if let Some(share) = files.and_then(|files| mounts.above(files).filter(|share| *share != files)) {
        lines.extend(["ReadWritePaths=".to_owned(), format!("ReadWritePaths={}", word("-", share))]);
    }
    let is_open = |path: &Path| is_below(path, &OPEN) || files.is_some_and(|files| path.starts_with(files));
    let closed: Vec<&Path> = needed.iter().copied().filter(|path| !is_open(path)).collect();
    let at_home = closed.iter().filter(|path| is_below(path, &HIDDEN_HOMES));
    // What is brought in is bound, and would hold the share: then homes are shown, read-only, instead.
    let (has_home, has_share) =
        at_home.fold((false, false), |(_, share), path| (true, share || mounts.above(path).is_some()));
    if has_home {
        lines.push(format!("ProtectHome={}", if has_share { "read-only" } else { "tmpfs" }));
    }
    let is_bound = |path: &Path| is_below(path, &HIDDEN_TEMPORARY) || (!has_share && is_below(path, &HIDDEN_HOMES));
    let (bound, shown): (Vec<&Path>, Vec<&Path>) = closed.into_iter().partition(|path| is_bound(path));
    lines.extend(bound.into_iter().map(|path| format!("BindPaths={}", word("-", path))));
    let shown: BTreeSet<&Path> = shown.into_iter().map(|path| mounts.above(path).unwrap_or(path)).collect();
    lines.extend(shown.into_iter().map(|path| format!("ReadWritePaths={}", word("-", path))));
    lines
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

    /// A council whose files arrive in the first folder, go to the second, and whose returns lie in the third.
    fn settings(drop: &str, laid: &str, returns: &str) -> Settings {
        let mut settings = Council::new().settings;
        settings.service.state = "/var/lib/hbcourier".into();
        settings.service.control_socket = "/run/hbcourier/control.sock".into();
        for authority in &mut settings.authorities {
            authority.drop_folders.iter_mut().for_each(|source| source.path = drop.into());
            authority
                .routes
                .iter_mut()
                .for_each(|route| (route.folder, route.group) = (laid.into(), Some("benefits".into())));
            authority.returns.iter_mut().for_each(|owed| owed.pick_up = returns.into());
        }
        settings.couriers.clear();
        settings
    }

    fn printed(settings: &Settings, timers: bool, mounted: &str) -> String {
        let mounts = Mounts::from_tables(mounted.as_bytes(), b"");
        drop_in(&Args { timers }, settings, &mounts).unwrap()
    }

    fn service_lines(settings: &Settings, mounted: &str) -> Vec<String> {
        let printed = printed(settings, false, mounted);
        let service = printed.split("\n[Service]\n").nth(1).unwrap().to_owned();
        service.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
    }

    #[test]
    fn what_the_unit_does_not_open_is_named_and_nothing_else() {
        let mut settings = settings("/srv/hbcourier/drop", "/no/back office/100%", "/home/no/returns");
        assert_eq!(
            service_lines(&settings, ""),
            [
                "ProtectHome=tmpfs",
                "BindPaths=-/home/no/returns",
                "ReadWritePaths=\"-/no/back office/100%%\"",
                "SupplementaryGroups=benefits"
            ]
        );
        let text = printed(&settings, false, "");
        assert!(text.contains("\nRequiresMountsFor=/srv/hbcourier/drop\n"), "{text}");
        assert!(text.contains("\nRequiresMountsFor=\"/no/back office/100%%\"\n"), "{text}");
        assert!(!text.contains("ln -s"), "{text}");
        settings.authorities[0].routes[0].folder = "/no/a:b".into();
        assert!(drop_in(&Args::default(), &settings, &Mounts::from_tables(b"", b"")).is_err());
    }

    #[test]
    fn of_a_share_the_mount_point_is_opened_and_starts_the_service() {
        let settings = settings("/no/benefits/drop", "/no/benefits/laid", "/srv/hbcourier/returns");
        let mounted = "23 21 0:40 / /no/benefits rw - cifs //files/benefits rw\n";
        assert_eq!(service_lines(&settings, mounted), ["ReadWritePaths=-/no/benefits", "SupplementaryGroups=benefits"]);
        let text = printed(&settings, false, mounted);
        let wants = "/etc/systemd/system/no-benefits.mount.wants";
        let link = format!("\n#   mkdir -p '{wants}' && ln -sf /usr/lib/systemd/system/hbcourier.service '{wants}/'\n");
        assert!(text.contains(&link), "{text}");
    }

    #[test]
    fn a_share_below_homes_is_shown_and_not_bound() {
        let settings = settings("/home/no-share/drop", "/home/no-one/laid", "/srv/hbcourier/returns");
        let mounted = "23 21 0:40 / /home/no-share rw - cifs //files/benefits rw\n";
        assert_eq!(
            service_lines(&settings, mounted),
            [
                "ProtectHome=read-only",
                "ReadWritePaths=-/home/no-one/laid",
                "ReadWritePaths=-/home/no-share",
                "SupplementaryGroups=benefits"
            ]
        );
    }

    #[test]
    fn what_is_mounted_above_the_units_own_folder_is_opened_in_its_place() {
        let settings = settings("/srv/hbcourier/drop", "/srv/hbcourier/laid", "/srv/hbcourier/returns");
        let above = "23 21 8:3 / /srv rw - ext4 /dev/sdb1 rw\n";
        assert_eq!(
            service_lines(&settings, above),
            ["ReadWritePaths=", "ReadWritePaths=-/srv", "SupplementaryGroups=benefits"]
        );
        for point in ["/srv/hbcourier", "/srv/hbcourier/laid"] {
            let mounted = format!("23 21 8:3 / {point} rw - ext4 /dev/sdb1 rw\n");
            assert_eq!(service_lines(&settings, &mounted), ["SupplementaryGroups=benefits"], "{point}");
        }
    }

    #[test]
    fn the_timers_are_given_what_of_the_state_lies_elsewhere() {
        let mut settings = settings("/no/drop", "/no/laid", "/no/returns");
        assert!(printed(&settings, true, "").ends_with("need nothing besides.\n"));
        for (state, expected) in
            [("/no/state/of it", "\"-/no/state/of it\""), ("/srv/hbcourier/state", "-/srv/hbcourier/state")]
        {
            settings.service.state = state.into();
            let text = printed(&settings, true, "");
            assert!(text.ends_with(&format!("\n[Service]\nReadWritePaths={expected}\n")), "{text}");
        }
    }
}
