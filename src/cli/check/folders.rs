//! Every configured folder, tried: is it there, on what, whose, and can the service do there what it must?

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use rustix::fs::RenameFlags;

use super::Probe;
use super::file_system::{self, FileSystem, Nature};
use crate::config::Settings;
use crate::config::settings::{MaildirSettings, Noticing};
use crate::durable::Directory;
use crate::effects::noticing::Noticing as Watcher;

const PROBE: &str = "folder";

/// What a folder is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// Store, spool, archive and own keys.
    State,
    /// Files come in; the service takes them out.
    Drop(Noticing),
    /// Plaintext is delivered there.
    Destination,
    /// The authority leaves its returns there; the service removes them.
    Returns,
}

/// Tries every folder.
pub(super) fn probe(settings: &Settings) -> Vec<Probe> {
    let mut probes = folder("state", &settings.service.state, Purpose::State);
    for authority in &settings.authorities {
        for drop in &authority.drop_folders {
            probes.extend(folder(drop.name.as_str(), &drop.path, Purpose::Drop(drop.noticing)));
        }
        for maildir in &authority.maildirs {
            probes.extend(self::maildir(maildir));
        }
        for route in &authority.routes {
            probes.extend(folder(route.destination.as_str(), &route.folder, Purpose::Destination));
            if let Some(derived) = &route.derived {
                probes.extend(folder(derived.destination.as_str(), &derived.folder, Purpose::Destination));
            }
            if route.mode & 0o007 != 0 {
                let says =
                    format!("Files delivered to it get mode {:03o}, so every account can read them.", route.mode);
                let next = "Set `mode` of the route to 0640 or 0660, and its `group` to the back office's.";
                probes.push(Probe::warning("route", &route.destination, says, next));
            }
        }
        for owed in &authority.returns {
            let about = format!("{} {}", owed.kind, authority.number);
            probes.extend(folder(&about, &owed.pick_up, Purpose::Returns));
        }
    }
    probes
}

/// The two folders mails come into, and the one they are moved to, or else the one it is made in.
fn maildir(settings: &MaildirSettings) -> Vec<Probe> {
    let (about, MaildirSettings { path, noticing, .. }) = (settings.name.as_str(), settings);
    let mut probes: Vec<Probe> =
        ["new", "cur"].iter().flat_map(|part| folder(about, &path.join(part), Purpose::Drop(*noticing))).collect();
    let processed = path.join(&settings.processed);
    let target = if processed.exists() { processed.join("cur") } else { path.clone() };
    probes.extend(folder(about, &target, Purpose::Drop(Noticing::Poll)));
    probes
}

fn folder(about: &str, path: &Path, purpose: Purpose) -> Vec<Probe> {
    let directory = match Directory::open(path) {
        Ok(directory) => directory,
        Err(error) => {
            let says = format!("{} cannot be opened: {error}.", path.display());
            return vec![Probe::problem(PROBE, about, says, next_for_missing(purpose))];
        }
    };
    let (Ok(metadata), Ok(file_system)) = (fs::metadata(path), file_system::below(path)) else {
        let says = format!("{} was opened, but cannot be looked at.", path.display());
        return vec![Probe::problem(PROBE, about, says, next_for_missing(purpose))];
    };
    let mut probes = vec![writing(about, &directory, purpose, file_system)];
    probes.extend(nature(about, path, purpose, file_system));
    probes.extend(access(about, path, purpose, &metadata));
    if let Purpose::Drop(Noticing::Notify) = purpose
        && file_system.nature != Nature::Remote
    {
        probes.extend(notifications(about, path));
    }
    probes
}

fn next_for_missing(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::State => {
            "Make it with mode 0700, owned by the service's account (`StateDirectory=` of the systemd unit \
             does), or lay out a new set-up with `hbcourier init`."
        }
        Purpose::Drop(_) | Purpose::Destination | Purpose::Returns => {
            "Make the folder, or mount it, and give the service's account read and write access; the service \
             makes none of these itself."
        }
    }
}

/// Makes a hidden file, moves it to another hidden name as deliveries are, and removes it.
fn writing(about: &str, directory: &Directory, purpose: Purpose, file_system: FileSystem) -> Probe {
    let path = directory.path().display();
    match try_writing(directory, purpose) {
        Ok(None) => Probe::ok(PROBE, about, format!("{path} on {}: readable and writable.", file_system.name)),
        Ok(Some(Publishing::Atomic)) => {
            let says = format!(
                "{path} on {}: readable and writable, and a taken name is never overwritten.",
                file_system.name
            );
            Probe::ok(PROBE, about, says)
        }
        Ok(Some(Publishing::ByLink)) => {
            let says = format!(
                "{path} on {}: readable and writable. The file system has no RENAME_NOREPLACE; a second name \
                 and its removal do instead.",
                file_system.name
            );
            Probe::ok(PROBE, about, says)
        }
        Ok(Some(Publishing::Unsafe)) => {
            let says = format!(
                "{path} on {}: a file cannot be given its final name without the risk of overwriting another.",
                file_system.name
            );
            Probe::problem(PROBE, about, says, "Put the folder on another file system, such as ext4 or xfs.")
        }
        Err(error) => {
            let says =
                format!("{path} on {} can be opened, but the service cannot work in it: {error}.", file_system.name);
            Probe::problem(
                PROBE,
                about,
                says,
                "Give the service's account write access to the folder, and see that it is not mounted \
                 read-only or full.",
            )
        }
    }
}

/// How a final name can be given.
enum Publishing {
    Atomic,
    ByLink,
    Unsafe,
}

fn try_writing(directory: &Directory, purpose: Purpose) -> io::Result<Option<Publishing>> {
    let name = format!(".hbcourier-probe-{}", std::process::id());
    let taken = format!("{name}-taken");
    directory.names()?;
    let tried = (|| {
        directory.remove(&name)?;
        directory.create(&name)?.sync_all()?;
        if matches!(purpose, Purpose::Drop(_) | Purpose::Returns) {
            return Ok(None);
        }
        directory.remove(&taken)?;
        directory.create(&taken)?;
        publishing(directory, &name, &taken).map(Some)
    })();
    // Whatever came of it, nothing stays behind.
    let removed = directory.remove(&name).and(directory.remove(&taken));
    tried.and_then(|tried| removed.and_then(|()| directory.sync()).map(|()| tried))
}

#[expect(clippy::disallowed_methods, reason = "it probes what the folder can do, by paths that it made itself")]
fn publishing(directory: &Directory, name: &str, taken: &str) -> io::Result<Publishing> {
    let (from, to) = (directory.path().join(name), directory.path().join(taken));
    let renamed = rustix::fs::renameat_with(rustix::fs::CWD, &from, rustix::fs::CWD, &to, RenameFlags::NOREPLACE);
    match renamed {
        Err(rustix::io::Errno::EXIST) => Ok(Publishing::Atomic),
        Ok(()) => Ok(Publishing::Unsafe),
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS | rustix::io::Errno::OPNOTSUPP) => {
            match fs::hard_link(&from, &to) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Publishing::ByLink),
                Ok(()) | Err(_) => Ok(Publishing::Unsafe),
            }
        }
        Err(error) => Err(error.into()),
    }
}

fn nature(about: &str, path: &Path, purpose: Purpose, FileSystem { name, nature }: FileSystem) -> Option<Probe> {
    let path = path.display();
    match (nature, purpose) {
        (Nature::Remote, Purpose::Drop(Noticing::Notify)) => {
            let says = format!(
                "{path} lies on {name}, which tells nothing of what others put there; only the sweep finds files."
            );
            Some(Probe::warning(PROBE, about, says, "Set `noticing = \"poll\"` for this folder."))
        }
        (Nature::Remote, Purpose::State) => {
            let says = format!("{path} lies on {name}; the store's locks and syncs cannot be relied on there.");
            Some(Probe::problem(PROBE, about, says, "Put the state directory on a local disk."))
        }
        (Nature::Memory, Purpose::State) => {
            let says = format!("{path} lies on {name}: the record, the spool and the keys are gone after a restart.");
            Some(Probe::warning(PROBE, about, says, "Put the state directory on a disk, unless this is a trial."))
        }
        (Nature::Memory, Purpose::Destination) => {
            let says = format!("{path} lies on {name}: what is delivered there is gone after a restart.");
            Some(Probe::warning(PROBE, about, says, "Put the folder on a disk, unless this is a trial."))
        }
        (Nature::Foreign, _) => {
            let says = format!(
                "{path} lies on {name}, which has no owners and no modes; others may be able to read what lies there."
            );
            Some(Probe::warning(PROBE, about, says, "Put the folder on a file system such as ext4 or xfs."))
        }
        (Nature::Local | Nature::Remote | Nature::Memory | Nature::Unknown, _) => None,
    }
}

fn access(about: &str, path: &Path, purpose: Purpose, metadata: &Metadata) -> Option<Probe> {
    let (mode, path) = (metadata.permissions().mode() & 0o7777, path.display());
    let us = rustix::process::geteuid().as_raw();
    if purpose == Purpose::State {
        if mode & 0o077 != 0 {
            let says = format!("{path} has mode {mode:04o}, so others can get at keys and files.");
            return Some(Probe::problem(PROBE, about, says, format!("Run `chmod 700 {path}`.")));
        }
        if metadata.uid() != us {
            let says = format!(
                "{path} belongs to account {}, but this check runs as {us}; what it found is true for {us} only.",
                metadata.uid()
            );
            return Some(Probe::warning(PROBE, about, says, "Run the check as the service's account."));
        }
        return None;
    }
    if mode & 0o002 != 0 && mode & 0o1000 == 0 {
        let says = format!("{path} has mode {mode:04o}: every account can put, replace and remove files there.");
        return Some(Probe::warning(
            PROBE,
            about,
            says,
            format!("Run `chmod o-w {path}`, and give write access by its group."),
        ));
    }
    if purpose == Purpose::Destination && mode & 0o004 != 0 {
        let says = format!("{path} has mode {mode:04o}: every account can list what was delivered.");
        return Some(Probe::warning(
            PROBE,
            about,
            says,
            format!("Run `chmod o-rwx {path}`, and give access by its group."),
        ));
    }
    None
}

/// Asks the kernel for the notifications the service will want.
fn notifications(about: &str, path: &Path) -> Option<Probe> {
    let refused = Watcher::start(|_| ()).and_then(|mut watcher| watcher.watch(path)).err()?;
    let says = format!("The kernel refuses to tell of new files: {refused}. The sweep alone finds them, later.");
    let next = "Raise fs.inotify.max_user_watches or fs.inotify.max_user_instances, or set `noticing = \
     \"poll\"` for this folder.";
    Some(Probe::warning("notifications", about, says, next))
}
