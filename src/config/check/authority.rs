//! `[[authority]]`: drop folders, Maildirs, mailboxes, routes and returns.

use std::time::Duration;

use super::report::Report;
use super::{DAY, HOUR, PAUSE_MIN, SECOND, derived, each_in, exchange, retention};
use crate::config::location::TreePath;
use crate::config::notation;
use crate::config::raw::{RawAuthority, RawDropFolder, RawExpect, RawMailbox, RawMaildir, RawReturn, RawRoute};
use crate::config::settings::{
    AuthoritySettings, DropFolderSettings, ExpectSettings, MailTls, MailboxSettings, MaildirSettings, ReturnSettings,
    RouteSettings,
};
use crate::config::template::{FileNameTemplate, TemplateUse};
use crate::domain::expectation::Terms;
use crate::domain::{FileKind, ReturnKind};

pub(super) fn check(raw: &RawAuthority, at: &TreePath, report: &mut Report<'_>) -> Option<AuthoritySettings> {
    let number = report.parse(&at.key("number"), &raw.number);
    let name = plain_name(&raw.name, &at.key("name"), report);
    let in_service_from = match &raw.in_service_from {
        None => Some(None),
        Some(text) => {
            let wrong = format!("`{text}` is not a date");
            let next = "write it as in \"2020-04-01\"";
            report.noted(&at.key("in_service_from"), text.parse().ok(), &wrong, next).map(Some)
        }
    };
    let drop_folders = each_in(&raw.drop_folder, at, "drop_folder", &mut |raw, at| drop_folder(raw, at, report));
    let maildirs = each_in(&raw.maildir, at, "maildir", &mut |raw, at| maildir(raw, at, report));
    let mailboxes = each_in(&raw.mailbox, at, "mailbox", &mut |raw, at| mailbox(raw, at, report));
    let routes = each_in(&raw.route, at, "route", &mut |raw, at| route(raw, at, report));
    let returns = each_in(&raw.returns, at, "return", &mut |raw, at| owed(raw, at, report));
    let expect = expect(&raw.expect, &at.key("expect"), report);
    Some(AuthoritySettings {
        number: number?,
        name: name?,
        in_service_from: in_service_from?,
        drop_folders: drop_folders?,
        maildirs: maildirs?,
        mailboxes: mailboxes?,
        routes: routes?,
        returns: returns?,
        expect: expect?,
    })
}

fn expect(raw: &RawExpect, at: &TreePath, report: &mut Report<'_>) -> Option<ExpectSettings> {
    let calendar = report.parse_text(&at.key("calendar"), &raw.calendar)?;
    let RawExpect { pack_weeks_after: weeks_after, pack_amber_days: amber_days, pack_red_days: red_days, .. } = *raw;
    Some(ExpectSettings {
        calendar,
        return_lead_days: raw.return_lead_days,
        packs: Terms { weeks_after, amber_days, red_days },
        risk: raw.risk,
        laid_silence_days: raw.laid_silence_days,
    })
}

fn plain_name(name: &Option<String>, at: &TreePath, report: &mut Report<'_>) -> Option<String> {
    let name = name.as_deref()?.trim();
    let good = !name.is_empty() && name.chars().count() <= 100 && !name.chars().any(char::is_control);
    let next = "write 1 to 100 letters, as DWP's timetable prints the name";
    report.noted(at, good.then(|| name.to_owned()), "this cannot be an authority's name", next)
}

fn drop_folder(raw: &RawDropFolder, at: &TreePath, report: &mut Report<'_>) -> Option<DropFolderSettings> {
    let name = report.parse(&at.key("name"), &raw.name);
    let path = report.absolute(&at.key("path"), &raw.path);
    let partners = report.parse_some(&at.key("partners"), &raw.partners);
    let also_for = report.parse_each(&at.key("also_for"), &raw.also_for);
    let settle = report.duration(&at.key("settle"), &raw.settle, PAUSE_MIN..=HOUR);
    let patience = report.duration(&at.key("patience"), &raw.patience, SECOND..=DAY * 7);
    Some(DropFolderSettings {
        name: name?,
        path: path?,
        partners: partners?,
        also_for: also_for?,
        carries: raw.carries,
        noticing: raw.noticing,
        settle: settle?,
        patience: patience?,
    })
}

fn maildir(raw: &RawMaildir, at: &TreePath, report: &mut Report<'_>) -> Option<MaildirSettings> {
    let name = report.parse(&at.key("name"), &raw.name);
    let path = report.absolute(&at.key("path"), &raw.path);
    let partners = report.parse_some(&at.key("partners"), &raw.partners);
    let also_for = report.parse_each(&at.key("also_for"), &raw.also_for);
    let processed = is_subfolder(&raw.processed).then(|| raw.processed.clone());
    let wrong = format!("`{}` cannot be a Maildir's subfolder", raw.processed);
    let next = "begin it with a dot, and write words and single dots after it, such as \".Processed\"";
    let processed = report.noted(&at.key("processed"), processed, &wrong, next);
    Some(MaildirSettings {
        name: name?,
        path: path?,
        partners: partners?,
        also_for: also_for?,
        processed: processed?,
        noticing: raw.noticing,
    })
}

/// Whether Maildir++ has subfolders of this name: a dot, then names with a dot between each two.
fn is_subfolder(name: &str) -> bool {
    let plain = |part: &str| !part.is_empty() && !part.contains(['/', ':']) && !part.contains(char::is_control);
    name.len() <= 200 && name.strip_prefix('.').is_some_and(|name| name.split('.').all(plain))
}

fn mailbox(raw: &RawMailbox, at: &TreePath, report: &mut Report<'_>) -> Option<MailboxSettings> {
    let name = report.parse(&at.key("name"), &raw.name);
    let server = exchange::server(&raw.host, &raw.ca_file, at, report);
    let password = (&raw.password_credential, &raw.password_file);
    let login = exchange::login(&raw.account, password, at, report);
    let oauth = exchange::oauth(&raw.oauth, &at.key("oauth"), report);
    let partners = report.parse_some(&at.key("partners"), &raw.partners);
    let also_for = report.parse_each(&at.key("also_for"), &raw.also_for);
    let poll = report.duration(&at.key("poll"), &raw.poll, SECOND * 10..=HOUR);
    let folder = folder_name(&raw.folder, &at.key("folder"), report);
    let processed = folder_name(&raw.processed, &at.key("processed"), report);
    // INBOX is one name in any letters, and on some servers every folder is.
    if folder.is_some() && raw.folder.eq_ignore_ascii_case(&raw.processed) {
        let next = "name another folder; it is made if it is not there";
        report.wrong(&at.key("processed"), "mails would be moved to where they arrive", next);
        return None;
    }
    let login = login?;
    if login.is_none() && raw.account.is_none() {
        return None;
    }
    let usual_port = match raw.tls {
        MailTls::Implicit => 993,
        MailTls::Starttls => 143,
    };
    let (host, ca_file) = server?;
    Some(MailboxSettings {
        name: name?,
        host,
        port: raw.port.unwrap_or(usual_port),
        tls: raw.tls,
        ca_file,
        login: login?,
        oauth: oauth?,
        partners: partners?,
        also_for: also_for?,
        folder: folder?,
        processed: processed?,
        poll: poll?,
    })
}

/// A mailbox folder's name, as IMAP can say it.
fn folder_name(name: &str, at: &TreePath, report: &mut Report<'_>) -> Option<String> {
    let good = (1..=200).contains(&name.len()) && name.is_ascii() && !name.chars().any(|char| char.is_control());
    let next = "write it as the server lists it, in ASCII, such as INBOX or INBOX/Processed";
    report.noted(at, good.then(|| name.to_owned()), "this cannot be a folder's name", next)
}

fn route(raw: &RawRoute, at: &TreePath, report: &mut Report<'_>) -> Option<RouteSettings> {
    let kinds: Option<Vec<FileKind>> = report.parse_some(&at.key("kinds"), &raw.kinds);
    let xml_roots = report.parse_each(&at.key("xml_roots"), &raw.xml_roots);
    if !raw.xml_roots.is_empty() && kinds.as_ref().is_some_and(|kinds| !kinds.contains(&FileKind::LaidXml)) {
        let next = "take the key out, or add laid-xml to its kinds";
        report.wrong(&at.key("xml_roots"), "this route takes no laid-xml, so it has no root elements", next);
    }
    let destination = report.parse(&at.key("destination"), &raw.destination);
    let folder = report.absolute(&at.key("folder"), &raw.folder);
    let file_name = template(&raw.file_name, TemplateUse::Delivery, &at.key("file_name"), report);
    let wrong = format!("`{}` cannot be a delivered file's mode", raw.mode);
    let next = "write it in octal, for owner and group only, such as \"0640\"";
    let mode = report.noted(&at.key("mode"), notation::mode(&raw.mode), &wrong, next);
    let group = match &raw.group {
        None => Some(None),
        Some(text) => {
            let wrong = format!("`{text}` cannot be a group's name");
            let next = "write it as `getent group` prints it";
            report.noted(&at.key("group"), notation::group(text), &wrong, next).map(Some)
        }
    };
    let keep_original = retention::of_route(&raw.keep_original, &at.key("keep_original"), report);
    let keep_names = retention::of_route(&raw.keep_names, &at.key("keep_names"), report);
    let derived = derived::check(raw, at, report);
    Some(RouteSettings {
        kinds: kinds?,
        xml_roots: xml_roots?,
        destination: destination?,
        folder: folder?,
        file_name: file_name?,
        mode: mode?,
        group: group?,
        keep_original: keep_original?,
        keep_names: keep_names?,
        derived: derived?,
    })
}

fn owed(raw: &RawReturn, at: &TreePath, report: &mut Report<'_>) -> Option<ReturnSettings> {
    let kind = report.parse(&at.key("kind"), &raw.kind);
    let pick_up = report.absolute(&at.key("pick_up"), &raw.pick_up);
    let partner = report.parse(&at.key("partner"), &raw.partner);
    let courier = report.parse(&at.key("courier"), &raw.courier);
    let wrong = format!("`{}` is not a window of hours", raw.window);
    let next = "write it as in \"08:00-18:00\"; \"00:00-24:00\" is the whole day";
    let window = report.noted(&at.key("window"), notation::window(&raw.window), &wrong, next);
    let settle = report.duration(&at.key("settle"), &raw.settle, PAUSE_MIN..=HOUR);
    let file_name = template(&raw.file_name, TemplateUse::Return, &at.key("file_name"), report);
    let resend = resend(raw, kind, at, report);
    Some(ReturnSettings {
        kind: kind?,
        pick_up: pick_up?,
        partner: partner?,
        courier: courier?,
        window: window?,
        settle: settle?,
        file_name: file_name?,
        resend_uncertain_after: resend?,
    })
}

fn resend(
    raw: &RawReturn,
    kind: Option<ReturnKind>,
    at: &TreePath,
    report: &mut Report<'_>,
) -> Option<Option<Duration>> {
    let Some(written) = &raw.resend_uncertain_after else { return Some(None) };
    let at = at.key("resend_uncertain_after");
    if kind.is_some_and(|kind| !kind.may_come_twice()) {
        report.wrong(&at, "an shbe is never sent twice by itself", "take the key out; it is for hbms-mi only");
        return None;
    }
    report.duration(&at, written, SECOND * 600..=DAY * 7).map(Some)
}

fn template(text: &str, to: TemplateUse, at: &TreePath, report: &mut Report<'_>) -> Option<FileNameTemplate> {
    let parsed = FileNameTemplate::parse(text, to);
    parsed.map_err(|fault| report.wrong(at, fault.to_string(), "correct the template")).ok()
}
