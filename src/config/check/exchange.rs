//! `[[partner]]`, `[[courier]]` and `[service.alarms]`: whom files are exchanged with, how sealed returns leave, who is told.

use std::net::IpAddr;
use std::path::PathBuf;

use lettre::Address;

use super::report::Report;
use super::{DAY, GIB, HOUR, SECOND};
use crate::config::location::TreePath;
use crate::config::raw::{RawAlarms, RawCourier, RawOauth, RawPartner, RawSmtp};
use crate::config::settings::{
    AlarmSettings, CourierSettings, CourierWay, MailTls, OauthSettings, PartnerSettings, SecretReference, SmtpSettings,
};

// RFC 5321 §4.5.3.2.6: a client that gives up earlier sends again what has already arrived.
const REPLY_TIMEOUT_MIN: std::time::Duration = std::time::Duration::from_secs(600);

pub(super) fn partner(raw: &RawPartner, at: &TreePath, report: &mut Report<'_>) -> Option<PartnerSettings> {
    let name = report.parse(&at.key("name"), &raw.name);
    let fingerprints = report.parse_each(&at.key("fingerprints"), &raw.fingerprints);
    let addresses = report.parse_each::<Address>(&at.key("addresses"), &raw.addresses);
    let addresses = addresses.map(|all| all.iter().map(Address::to_string).collect());
    Some(PartnerSettings { name: name?, fingerprints: fingerprints?, addresses: addresses? })
}

pub(super) fn courier(raw: &RawCourier, at: &TreePath, report: &mut Report<'_>) -> Option<CourierSettings> {
    let name = report.parse(&at.key("name"), &raw.name);
    let way = match (&raw.folder, &raw.smtp) {
        (Some(_), None) => report.absolute(&at.key("folder"), &raw.folder).map(|folder| CourierWay::Folder { folder }),
        (None, Some(smtp)) => self::smtp(smtp, &at.key("smtp"), report).map(Box::new).map(CourierWay::Smtp),
        (Some(_), Some(_)) => {
            report.wrong(at, "it has both `folder` and `smtp`", "keep one of them, or make two couriers");
            None
        }
        (None, None) => {
            report.wrong(at, "it has neither `folder` nor `smtp`", "add folder = \"/…\" or a [courier.smtp] table");
            None
        }
    };
    Some(CourierSettings { name: name?, way: way? })
}

fn smtp(raw: &RawSmtp, at: &TreePath, report: &mut Report<'_>) -> Option<SmtpSettings> {
    let server = server(&raw.host, &raw.ca_file, at, report);
    let login = login(&raw.account, (&raw.password_credential, &raw.password_file), at, report);
    if raw.oauth.is_some() && login == Some(None) {
        let next = "add account, and password_credential or password_file for the client's secret";
        report.wrong(&at.key("oauth"), "tokens are to be fetched, but no account is named to log in with", next);
        return None;
    }
    let oauth = oauth(&raw.oauth, &at.key("oauth"), report);
    let from = raw.from.as_deref().and_then(|from| address(from, &at.key("from"), report));
    let journal = match &raw.journal {
        None => Some(None),
        Some(text) => address(text, &at.key("journal"), report).map(Some),
    };
    let reply_timeout = report.duration(&at.key("reply_timeout"), &raw.reply_timeout, REPLY_TIMEOUT_MIN..=HOUR);
    let message_bytes_max = report.size(&at.key("message_bytes_max"), &raw.message_bytes_max, 1024..=GIB);
    let usual_port = match raw.tls {
        MailTls::Implicit => 465,
        MailTls::Starttls => 587,
    };
    let (host, ca_file) = server?;
    Some(SmtpSettings {
        host,
        port: raw.port.unwrap_or(usual_port),
        tls: raw.tls,
        ca_file,
        login: login?,
        oauth: oauth?,
        from: from?.to_string(),
        form: raw.form,
        journal: journal?.map(|address| address.to_string()),
        reply_timeout: reply_timeout?,
        message_bytes_max: message_bytes_max?,
    })
}

/// Servers that can do no more than ASCII would change any other.
pub(super) fn address(text: &str, at: &TreePath, report: &mut Report<'_>) -> Option<Address> {
    let parsed = report.parse_text::<Address>(at, text)?;
    report.noted(at, text.is_ascii().then_some(parsed), "this address is not ASCII", "write one that is")
}

/// `[service.alarms]`
pub(super) fn alarms(raw: &RawAlarms, at: &TreePath, report: &mut Report<'_>) -> Option<AlarmSettings> {
    let to = report.parse_each::<Address>(&at.key("to"), &raw.to);
    let mail = match (&raw.courier, to?) {
        (None, to) if to.is_empty() => None,
        (Some(_), to) if !to.is_empty() => {
            let courier = report.parse(&at.key("courier"), &raw.courier)?;
            Some((courier, to.iter().map(Address::to_string).collect()))
        }
        _ => {
            report.wrong(at, "`courier` and `to` belong together", "add the other one, or take both out");
            return None;
        }
    };
    let every = report.duration(&at.key("ping_every"), &raw.ping_every, SECOND..=DAY)?;
    let ping = match &raw.ping {
        None => None,
        Some(url) => {
            let good = ["http://", "https://"].iter().any(|scheme| url.len() > scheme.len() && url.starts_with(scheme));
            let plain = url.bytes().all(|byte| byte.is_ascii_graphic());
            let next = "write it whole, as in https://watch.council.example/hbcourier";
            Some((
                report.noted(&at.key("ping"), (good && plain).then(|| url.clone()), "this is no web address", next)?,
                every,
            ))
        }
    };
    let ahead = DAY..=DAY * 400;
    let keys_ahead = report.duration(&at.key("keys_ahead"), &raw.keys_ahead, ahead.clone());
    let timetable_ahead = report.duration(&at.key("timetable_ahead"), &raw.timetable_ahead, ahead);
    Some(AlarmSettings { mail, ping, keys_ahead: keys_ahead?, timetable_ahead: timetable_ahead? })
}

/// A mail server's host, and whose certificates count.
pub(super) fn server(
    host: &Option<String>,
    ca_file: &Option<String>,
    at: &TreePath,
    report: &mut Report<'_>,
) -> Option<(String, Option<PathBuf>)> {
    let host = self::host(host, &at.key("host"), report);
    let ca_file = match ca_file {
        None => Some(None),
        Some(_) => report.absolute(&at.key("ca_file"), ca_file).map(Some),
    };
    Some((host?, ca_file?))
}

fn host(host: &Option<String>, at: &TreePath, report: &mut Report<'_>) -> Option<String> {
    let host = host.as_deref()?;
    let label = |label: &str| {
        let plain = label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        (1..=63).contains(&label.len()) && plain && !label.starts_with('-')
    };
    let good = host.parse::<IpAddr>().is_ok() || (host.len() <= 253 && host.split('.').all(label));
    let next = "write the name alone, such as smtp.council.example; the port has a key of its own";
    report.noted(at, good.then(|| host.to_owned()), &format!("`{host}` is not a host name"), next)
}

/// A secret by its credential or its file, under these keys. The outer `None` if something was refused.
pub(super) fn secret(
    (credential, file): (&Option<String>, &Option<String>),
    keys: (&str, &str),
    at: &TreePath,
    report: &mut Report<'_>,
) -> Option<Option<SecretReference>> {
    match (credential, file) {
        (None, None) => Some(None),
        (Some(name), None) => self::credential(name, &at.key(keys.0), report).map(Some),
        (None, Some(_)) => report.absolute(&at.key(keys.1), file).map(|path| Some(SecretReference::File(path))),
        (Some(_), Some(_)) => {
            report.wrong(at, format!("it has both `{}` and `{}`", keys.0, keys.1), "keep one of them");
            None
        }
    }
}

/// The outer `None` if something was refused, the inner one if there is no log-in.
pub(super) fn login(
    account: &Option<String>,
    password: (&Option<String>, &Option<String>),
    at: &TreePath,
    report: &mut Report<'_>,
) -> Option<Option<(String, SecretReference)>> {
    let secret = secret(password, ("password_credential", "password_file"), at, report)?;
    match (account, secret) {
        (None, None) => Some(None),
        (Some(account), Some(secret)) if !account.is_empty() => Some(Some((account.clone(), secret))),
        (Some(_), Some(_)) => {
            report.wrong(&at.key("account"), "the account is empty", "name it, or take it out with its password");
            None
        }
        (Some(_), None) => {
            let next = "add password_credential, or password_file";
            report.wrong(&at.key("account"), "the account has no password", next);
            None
        }
        (None, Some(_)) => {
            report.wrong(at, "a password is named, but no account", "add account, or take the password's key out");
            None
        }
    }
}

/// `[courier.smtp.oauth]` and `[authority.mailbox.oauth]`
pub(super) fn oauth(raw: &Option<RawOauth>, at: &TreePath, report: &mut Report<'_>) -> Option<Option<OauthSettings>> {
    let Some(raw) = raw else { return Some(None) };
    let url = raw.token_url.as_deref()?;
    let good = url.strip_prefix("https://").is_some_and(|rest| {
        rest.starts_with(|first: char| first.is_ascii_alphanumeric())
            && rest.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'@' && byte != b'#')
    });
    let next = "write it whole, as in https://login.microsoftonline.com/council.example/oauth2/v2.0/token";
    let token_url = report.noted(&at.key("token_url"), good.then(|| url.to_owned()), "this is no https address", next);
    let client_id =
        plain(&raw.client_id, "the client's name as the token endpoint knows it", &at.key("client_id"), report);
    let scope = plain(&raw.scope, "what the mail service wants", &at.key("scope"), report);
    let ca_file = match &raw.ca_file {
        None => Some(None),
        Some(_) => report.absolute(&at.key("ca_file"), &raw.ca_file).map(Some),
    };
    Some(Some(OauthSettings { token_url: token_url?, client_id: client_id?, scope: scope?, ca_file: ca_file? }))
}

/// A text that is there; one that is missing is told of elsewhere.
fn plain(text: &Option<String>, what: &str, at: &TreePath, report: &mut Report<'_>) -> Option<String> {
    let text = text.as_ref()?;
    let good = (1..=1000).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    report.noted(at, good.then(|| text.clone()), "this is empty, or not plain text", &format!("write {what}"))
}

/// It becomes the name of a file in systemd's folder.
pub(super) fn credential(name: &str, at: &TreePath, report: &mut Report<'_>) -> Option<SecretReference> {
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    let good = (1..=255).contains(&name.len()) && plain && !name.starts_with('.');
    let secret = good.then(|| SecretReference::Credential(name.to_owned()));
    report.noted(
        at,
        secret,
        "this cannot be a credential's name",
        "use letters, digits, `.`, `-` and `_`, as in LoadCredential=",
    )
}
