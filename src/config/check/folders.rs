//! Folders that must be kept apart: what the service writes must never be what it reads, or what somebody else takes.
//!
//! Compares paths as they are written; `hbcourier check` looks at what they really are.

use std::path::{Path, PathBuf};

use super::report::{Report, absolute};
use crate::config::location::TreePath;
use crate::config::raw::Raw;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    State,
    Drop,
    Maildir,
    Destination,
    PickUp,
    Outgoing,
    Audit,
}

/// What goes wrong if one lies in the other.
enum Apart {
    /// They may not even be nested.
    Wholly(&'static str),
    /// They may be nested, as neither looks into the other's subfolders, but not be the same.
    Distinct(&'static str),
    Never,
}

struct Folder {
    role: Role,
    path: PathBuf,
    at: TreePath,
}

pub(super) fn check(raw: &Raw, report: &mut Report<'_>) {
    let folders = all(raw);
    for (i, later) in folders.iter().enumerate() {
        for earlier in &folders[..i] {
            let trouble = match apart(earlier.role, later.role) {
                Apart::Wholly(why) if nested(&earlier.path, &later.path) => why,
                Apart::Distinct(why) if earlier.path == later.path => why,
                Apart::Wholly(_) | Apart::Distinct(_) | Apart::Never => continue,
            };
            let how = if earlier.path == later.path { "is the same folder as" } else { "lies in, or around," };
            let other = report.named(&earlier.at);
            report.wrong(&later.at, format!("it {how} {other}: {trouble}"), "choose a folder apart from it");
        }
    }
    given_back(raw, &folders, report);
}

/// A Maildir that another's mails are moved to would give them back.
fn given_back(raw: &Raw, folders: &[Folder], report: &mut Report<'_>) {
    for (i, authority) in raw.authority.iter().enumerate() {
        for (k, maildir) in authority.maildir.iter().enumerate() {
            let Some(path) = maildir.path.as_deref().and_then(absolute) else { continue };
            let to = path.join(&maildir.processed);
            let mut others = folders.iter().filter(|folder| folder.role == Role::Maildir && folder.path != path);
            let read = others.find(|folder| folder.path == to);
            if let Some(read) = read {
                let wrong = format!("{} reads this folder: mails would come in again there", report.named(&read.at));
                let at = TreePath::root().item("authority", i).item("maildir", k).key("processed");
                report.wrong(&at, wrong, "name a subfolder that no source reads");
            }
        }
    }
}

fn all(raw: &Raw) -> Vec<Folder> {
    let mut folders = Vec::new();
    let mut add = |role, text: &Option<String>, at: TreePath| {
        folders.extend(text.as_deref().and_then(absolute).map(|path| Folder { role, path, at }));
    };
    let root = TreePath::root();
    add(Role::State, &raw.service.state, root.key("service").key("state"));
    for (i, authority) in raw.authority.iter().enumerate() {
        let at = root.item("authority", i);
        for (i, folder) in authority.drop_folder.iter().enumerate() {
            add(Role::Drop, &folder.path, at.item("drop_folder", i).key("path"));
        }
        for (i, maildir) in authority.maildir.iter().enumerate() {
            add(Role::Maildir, &maildir.path, at.item("maildir", i).key("path"));
        }
        for (i, route) in authority.route.iter().enumerate() {
            add(Role::Destination, &route.folder, at.item("route", i).key("folder"));
            if let Some(derived) = &route.derived {
                add(Role::Destination, &derived.folder, at.item("route", i).key("derived").key("folder"));
            }
        }
        for (i, owed) in authority.returns.iter().enumerate() {
            add(Role::PickUp, &owed.pick_up, at.item("return", i).key("pick_up"));
        }
    }
    for (i, courier) in raw.courier.iter().enumerate() {
        add(Role::Outgoing, &courier.folder, root.item("courier", i).key("folder"));
    }
    for (i, recipient) in raw.audit.recipient.iter().enumerate() {
        add(Role::Audit, &recipient.folder, root.key("audit").item("recipient", i).key("folder"));
    }
    folders
}

fn apart(one: Role, other: Role) -> Apart {
    use Role::*;
    match (one, other) {
        (State, _) | (_, State) => Apart::Wholly("only the service itself may work below `state`"),
        (Drop | Maildir | PickUp, Audit) | (Audit, Drop | Maildir | PickUp) => {
            Apart::Distinct("each checkpoint would be taken for a file of DWP's or a return")
        }
        (Destination | Outgoing, Audit) | (Audit, Destination | Outgoing) => {
            Apart::Distinct("whoever takes files there would take checkpoints away")
        }
        // Two recipients of one folder would place the same files there.
        (Audit, Audit) => Apart::Distinct("one would be taken for the other"),
        (Drop | Maildir, Destination) | (Destination, Drop | Maildir) => {
            Apart::Wholly("what is delivered would be collected again")
        }
        (Drop | Maildir, Outgoing) | (Outgoing, Drop | Maildir) => {
            Apart::Wholly("what is sent would be collected again")
        }
        (Maildir, Drop) | (Drop, Maildir) => Apart::Wholly("each mail would be collected twice"),
        (Maildir, PickUp) | (PickUp, Maildir) => Apart::Wholly("a mail there would be both collected and sent"),
        // One may be the other's subfolder.
        (Maildir, Maildir) => Apart::Distinct("each mail would be collected twice"),
        (PickUp, Destination) | (Destination, PickUp) => Apart::Wholly("what is delivered would be sent as a return"),
        (PickUp, Outgoing) | (Outgoing, PickUp) => Apart::Wholly("an unsealed return would be taken to the partner"),
        (Destination, Outgoing) | (Outgoing, Destination) => {
            Apart::Wholly("decrypted files would be taken to the partner")
        }
        (Drop, Drop) => Apart::Distinct("each file would be collected twice"),
        (Drop, PickUp) | (PickUp, Drop) => Apart::Distinct("a file there would be both collected and sent"),
        (PickUp, PickUp) => Apart::Distinct("nobody could tell which return a file is"),
        // Routes may share a destination. What shares an outgoing folder is told apart by name: see `references`.
        (Destination, Destination) | (Outgoing, Outgoing) => Apart::Never,
    }
}

fn nested(one: &Path, other: &Path) -> bool {
    one.starts_with(other) || other.starts_with(one)
}
