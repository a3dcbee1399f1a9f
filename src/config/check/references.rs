//! What the tables say about each other: names are unique, what is referred to exists, nothing is decided twice.

use std::collections::BTreeMap;

use super::report::{Report, absolute};
use crate::config::location::TreePath;
use crate::config::raw::{Raw, RawAuthority, RawMailbox, RawReturn};
use crate::config::template::{FileNameTemplate, NameFacts, TemplateUse};
use crate::domain::{LaNumber, ReturnKind};

pub(super) fn check(raw: &Raw, report: &mut Report<'_>) {
    unique_names(raw, report);
    for (i, authority) in raw.authority.iter().enumerate() {
        let at = TreePath::root().item("authority", i);
        decided_once(authority, &at, report);
        defined(raw, authority, &at, report);
    }
    told_apart(raw, report);
    read_once(raw, report);
    let mailing = raw.courier.iter().filter(|courier| courier.smtp.is_some());
    let mailing: Vec<&str> = mailing.filter_map(|courier| courier.name.as_deref()).collect();
    if let Some(courier) = &raw.service.alarms.courier {
        let at = TreePath::root().key("service").key("alarms").key("courier");
        report.refers(&at, "courier", courier, &mailing);
    }
    for (i, recipient) in raw.audit.recipient.iter().enumerate() {
        if let Some(courier) = &recipient.courier {
            let at = TreePath::root().key("audit").item("recipient", i).key("courier");
            report.refers(&at, "courier", courier, &mailing);
        }
    }
}

fn unique_names(raw: &Raw, report: &mut Report<'_>) {
    let root = TreePath::root();
    // Alarms are about a source or a destination by its bare name, so the two share one set of names.
    let (mut numbers, mut places) = (Seen::default(), Seen::default());
    for (i, authority) in raw.authority.iter().enumerate() {
        let at = root.item("authority", i);
        numbers.once(authority.number.as_deref(), at.key("number"), report);
        for (i, folder) in authority.drop_folder.iter().enumerate() {
            reserved(folder.name.as_deref(), at.item("drop_folder", i).key("name"), report);
            places.once(folder.name.as_deref(), at.item("drop_folder", i).key("name"), report);
        }
        for (i, maildir) in authority.maildir.iter().enumerate() {
            reserved(maildir.name.as_deref(), at.item("maildir", i).key("name"), report);
            places.once(maildir.name.as_deref(), at.item("maildir", i).key("name"), report);
        }
        for (i, mailbox) in authority.mailbox.iter().enumerate() {
            reserved(mailbox.name.as_deref(), at.item("mailbox", i).key("name"), report);
            places.once(mailbox.name.as_deref(), at.item("mailbox", i).key("name"), report);
        }
        for (i, route) in authority.route.iter().enumerate() {
            reserved(route.destination.as_deref(), at.item("route", i).key("destination"), report);
            places.once(route.destination.as_deref(), at.item("route", i).key("destination"), report);
            if let Some(derived) = &route.derived {
                let at = at.item("route", i).key("derived").key("destination");
                reserved(derived.destination.as_deref(), at.clone(), report);
                places.once(derived.destination.as_deref(), at, report);
            }
        }
    }
    let (mut partners, mut couriers) = (Seen::default(), Seen::default());
    for (i, partner) in raw.partner.iter().enumerate() {
        partners.once(partner.name.as_deref(), root.item("partner", i).key("name"), report);
    }
    for (i, courier) in raw.courier.iter().enumerate() {
        couriers.once(courier.name.as_deref(), root.item("courier", i).key("name"), report);
    }
}

/// Names that the service's own alarms go by.
fn reserved(name: Option<&str>, at: TreePath, report: &mut Report<'_>) {
    let ours = |name: &str| {
        matches!(name, "state" | "archive" | "spool" | "alarm-mail" | "ping" | "clamd" | "clamd-limit")
            || [
                "return-",
                "returns-",
                "partner-",
                "due-",
                "expected-",
                "expires-",
                "timetable-",
                "checkpoint",
                "sandbox-",
            ]
            .iter()
            .any(|beginning| name.starts_with(beginning))
    };
    if let Some(name) = name.filter(|name| ours(name)) {
        report.wrong(&at, format!("`{name}` is a name the service's own alarms go by"), "choose another name");
    }
}

/// A kind with two routes, or a return owed twice: the second would never come to pass.
fn decided_once(authority: &RawAuthority, at: &TreePath, report: &mut Report<'_>) {
    let (mut kinds, mut returns) = (Seen::default(), Seen::default());
    for (i, route) in authority.route.iter().enumerate() {
        for (k, kind) in route.kinds.iter().flatten().enumerate() {
            kinds.once(Some(kind), at.item("route", i).item("kinds", k), report);
        }
    }
    for (i, owed) in authority.returns.iter().enumerate() {
        returns.once(owed.kind.as_deref(), at.item("return", i).key("kind"), report);
    }
}

/// Where each word was met first.
#[derive(Default)]
struct Seen<'a>(BTreeMap<&'a str, TreePath>);

impl<'a> Seen<'a> {
    fn once(&mut self, word: Option<&'a str>, at: TreePath, report: &mut Report<'_>) {
        let Some(word) = word else { return };
        match self.0.get(word) {
            Some(first) => {
                let first = report.named(first);
                report.wrong(&at, format!("`{word}` stands already at {first}"), "keep one of the two, or rename one");
            }
            None => drop(self.0.insert(word, at)),
        }
    }
}

fn defined(raw: &Raw, authority: &RawAuthority, at: &TreePath, report: &mut Report<'_>) {
    let partners: Vec<&str> = raw.partner.iter().filter_map(|partner| partner.name.as_deref()).collect();
    let couriers: Vec<&str> = raw.courier.iter().filter_map(|courier| courier.name.as_deref()).collect();
    for (i, folder) in authority.drop_folder.iter().enumerate() {
        for (k, partner) in folder.partners.iter().flatten().enumerate() {
            report.refers(&at.item("drop_folder", i).item("partners", k), "partner", partner, &partners);
        }
    }
    for (i, maildir) in authority.maildir.iter().enumerate() {
        for (k, partner) in maildir.partners.iter().flatten().enumerate() {
            report.refers(&at.item("maildir", i).item("partners", k), "partner", partner, &partners);
        }
    }
    for (i, mailbox) in authority.mailbox.iter().enumerate() {
        for (k, partner) in mailbox.partners.iter().flatten().enumerate() {
            report.refers(&at.item("mailbox", i).item("partners", k), "partner", partner, &partners);
        }
    }
    for (i, owed) in authority.returns.iter().enumerate() {
        let at = at.item("return", i);
        if let Some(partner) = &owed.partner {
            report.refers(&at.key("partner"), "partner", partner, &partners);
        }
        if let Some(courier) = &owed.courier {
            report.refers(&at.key("courier"), "courier", courier, &couriers);
        }
        addressed(raw, owed, &at, report);
    }
}

/// What leaves by mail needs somewhere to go.
fn addressed(raw: &Raw, owed: &RawReturn, at: &TreePath, report: &mut Report<'_>) {
    let mailed = raw.courier.iter().any(|courier| courier.name == owed.courier && courier.smtp.is_some());
    let partner = raw.partner.iter().find(|partner| partner.name == owed.partner);
    if let Some(partner) = partner
        && mailed
        && partner.addresses.is_empty()
        && let Some(name) = &partner.name
    {
        let wrong = format!("this return leaves by mail, and the partner `{name}` has no address");
        report.wrong(&at.key("courier"), wrong, format!("add addresses to the [[partner]] `{name}`"));
    }
}

/// A folder that two mailboxes read would be emptied by one behind the other's back; one that another moves its mails to
/// would give them back.
fn read_once(raw: &Raw, report: &mut Report<'_>) {
    let lower = |text: &Option<String>| text.as_deref().map(str::to_ascii_lowercase);
    let mut seen: BTreeMap<_, TreePath> = BTreeMap::new();
    let each = raw.authority.iter().enumerate().flat_map(|(i, authority)| {
        let at = TreePath::root().item("authority", i);
        authority.mailbox.iter().enumerate().map(move |(k, mailbox)| (at.item("mailbox", k), mailbox))
    });
    let place = |mailbox: &RawMailbox, folder: &str| {
        Some((lower(&mailbox.host)?, lower(&mailbox.account)?, folder.to_ascii_lowercase()))
    };
    for (at, mailbox) in each.clone() {
        let Some(place) = place(mailbox, &mailbox.folder) else { continue };
        if let Some(first) = seen.get(&place) {
            let wrong = format!("{} reads this folder of this account already", report.named(first));
            report.wrong(&at.key("folder"), wrong, "name another folder, or remove one of the two");
        } else {
            seen.insert(place, at);
        }
    }
    for (at, mailbox) in each {
        let first = place(mailbox, &mailbox.processed).and_then(|place| seen.get(&place));
        if let Some(first) = first.filter(|first| **first != at) {
            let wrong = format!("{} reads this folder: mails would come in again there", report.named(first));
            report.wrong(&at.key("processed"), wrong, "name a folder that no mailbox reads");
        }
    }
}

/// Returns that leave through one folder must have names of their own, or one would be in the other's way.
fn told_apart(raw: &Raw, report: &mut Report<'_>) {
    let mut seen: BTreeMap<_, (TreePath, _)> = BTreeMap::new();
    for (i, authority) in raw.authority.iter().enumerate() {
        for (k, owed) in authority.returns.iter().enumerate() {
            let at = TreePath::root().item("authority", i).item("return", k).key("file_name");
            let courier = raw.courier.iter().find(|courier| courier.name.is_some() && courier.name == owed.courier);
            let folder = courier.and_then(|courier| absolute(courier.folder.as_deref()?));
            let Some(place) = folder.zip(sample_name(authority, owed)) else { continue };
            let whose = (&authority.number, &owed.kind);
            match seen.get(&place) {
                // The same return twice has been reported as that.
                Some((_, first)) if *first == whose => {}
                Some((first, _)) => {
                    let first = report.named(first);
                    let wrong = format!("sealed files would get the same names in the same folder as those of {first}");
                    report.wrong(&at, wrong, "add {la} or {kind} to the template, or use another courier");
                }
                None => drop(seen.insert(place, (at, whose))),
            }
        }
    }
}

fn sample_name(authority: &RawAuthority, owed: &RawReturn) -> Option<String> {
    let la: LaNumber = authority.number.as_deref()?.parse().ok()?;
    let kind: ReturnKind = owed.kind.as_deref()?.parse().ok()?;
    let template = FileNameTemplate::parse(&owed.file_name, TemplateUse::Return).ok()?;
    let month = Some("2020-04");
    let facts = NameFacts { kind: kind.as_str(), la: &la, received: None, id: None, month, name: None, ext: "txt" };
    Some(template.render(&facts))
}
