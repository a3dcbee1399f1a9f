//! Sources that serve several LA numbers: each is another configured authority, which accepts the same signatures.
//!
//! An authority that has sources of its own shows there whose signatures it accepts; through a source that it shares it
//! gets nothing that somebody else has signed. One that has none accepts what the shared source accepts.

use super::report::Report;
use crate::config::location::TreePath;
use crate::config::raw::{Raw, RawAuthority};
use crate::domain::LaNumber;

/// A drop folder, a Maildir or a mailbox, as far as it is looked at here.
struct Shared<'a> {
    at: TreePath,
    partners: &'a [String],
    also_for: &'a [String],
}

pub(super) fn check(raw: &Raw, report: &mut Report<'_>) {
    for (i, owner) in raw.authority.iter().enumerate() {
        for source in sources(owner, &TreePath::root().item("authority", i)) {
            for (k, number) in source.also_for.iter().enumerate() {
                // One that is no LA number has been reported as that.
                if number.parse::<LaNumber>().is_ok() {
                    served(raw, owner, &source, k, report);
                }
            }
        }
    }
}

fn served(raw: &Raw, owner: &RawAuthority, source: &Shared<'_>, k: usize, report: &mut Report<'_>) {
    let (number, at) = (&source.also_for[k], source.at.item("also_for", k));
    if owner.number.as_ref() == Some(number) {
        let wrong = format!("`{number}` is the authority whose source this is");
        return report.wrong(&at, wrong, "name only further LA numbers here");
    }
    if source.also_for[..k].contains(number) {
        return report.wrong(&at, format!("`{number}` stands here already"), "keep one of the two");
    }
    let Some(authority) = raw.authority.iter().find(|one| one.number.as_ref() == Some(number)) else {
        let wrong = format!("no [[authority]] has the LA number `{number}`, so nothing says where its files go");
        return report.wrong(&at, wrong, "correct the number, or add an [[authority]] for it");
    };
    let own = sources(authority, &TreePath::root());
    let accepts = |partner: &String| own.iter().any(|source| source.partners.contains(partner));
    for partner in source.partners.iter().filter(|partner| !own.is_empty() && !accepts(partner)) {
        let wrong =
            format!("`{number}` accepts nothing signed by `{partner}` at its own sources, and would get it here");
        let next = format!("add `{partner}` to the partners of one of its own sources, or remove one of the two here");
        report.wrong(&at, wrong, next);
    }
}

fn sources<'a>(authority: &'a RawAuthority, at: &TreePath) -> Vec<Shared<'a>> {
    let folders = authority.drop_folder.iter().enumerate().map(|(i, folder)| Shared {
        at: at.item("drop_folder", i),
        partners: folder.partners.as_deref().unwrap_or_default(),
        also_for: &folder.also_for,
    });
    let maildirs = authority.maildir.iter().enumerate().map(|(i, maildir)| Shared {
        at: at.item("maildir", i),
        partners: maildir.partners.as_deref().unwrap_or_default(),
        also_for: &maildir.also_for,
    });
    let mailboxes = authority.mailbox.iter().enumerate().map(|(i, mailbox)| Shared {
        at: at.item("mailbox", i),
        partners: mailbox.partners.as_deref().unwrap_or_default(),
        also_for: &mailbox.also_for,
    });
    folders.chain(maildirs).chain(mailboxes).collect()
}
