//! What the settings say of sources, routes and mail servers, as the way in, the way out and the outside world take it.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use super::StartFault;
use crate::catalogue;
use crate::config::Settings;
use crate::config::settings::{
    AuthoritySettings, Carries, CourierWay, Listen, MailForm, MailTls, MailboxSettings, MaildirSettings, OauthSettings,
    RouteSettings, SecretReference, SmtpSettings, SourceWay,
};
use crate::domain::{CourierName, LaNumber};
use crate::durable::Directories;
use crate::effects::courier::mime;
use crate::effects::courier::smtp::{Login, Password, SmtpServer, Tls};
use crate::effects::destination::Access;
use crate::effects::drop_folder::DropFolder;
use crate::effects::mailbox::{self, ImapServer};
use crate::effects::maildir::Maildir;
use crate::effects::scanner::{Clamd, Place};
use crate::effects::token::TokenEndpoint;
use crate::inbound::{Origin, Route, Source, Terms};
use crate::outbound::NO_DOMAIN;

pub(super) fn terms(settings: &Settings) -> Terms {
    let (service, limits) = (&settings.service, &settings.service.limits);
    Terms {
        risk: settings.risk.clone(),
        ciphertext_bytes_max: limits.ciphertext_bytes_max,
        plaintext_bytes_max: limits.plaintext_bytes_max,
        archive: archive_limits(settings),
        free_bytes_min: limits.free_bytes_min,
        attempts_max: service.attempts_max,
        retry_after: service.retry_after,
        retry_after_max: service.retry_after_max,
    }
}

pub(super) fn archive_limits(settings: &Settings) -> catalogue::Limits {
    let limits = &settings.service.limits;
    catalogue::Limits { members_max: limits.archive_members_max, bytes_max: limits.archive_bytes_max }
}

/// The virus scanner, if one is configured.
pub(crate) fn scanner(settings: &Settings) -> Option<Clamd> {
    let place = match settings.scan.clamd.clone()? {
        Listen::Unix(path) => Place::Unix(path),
        Listen::Loopback(address) => Place::Loopback(address),
    };
    Some(Clamd::at(place, settings.scan.timeout))
}

pub(super) fn sources(authorities: &[AuthoritySettings], directories: &Arc<Directories>) -> Vec<Source> {
    let mut sources = Vec::new();
    for authority in authorities {
        for source in authority.sources() {
            let (carries, origin) = match source.way {
                SourceWay::Folder(folder) => {
                    (folder.carries, Origin::Folder(DropFolder::new(folder.path.clone(), directories.clone())))
                }
                SourceWay::Maildir(maildir) => {
                    let MaildirSettings { path, processed, .. } = maildir.clone();
                    (Carries::Mail, Origin::Maildir(Maildir::new(path, processed, directories.clone())))
                }
                SourceWay::Mailbox(_) => (Carries::Mail, Origin::Mailbox),
            };
            sources.push(Source {
                name: source.name.clone(),
                authority: authority.number.clone(),
                also_for: source.also_for.to_vec(),
                partners: source.partners.to_vec(),
                carries,
                origin,
            });
        }
    }
    // The lookout knows each drop folder by its place among them.
    sources.sort_by_key(|source| !matches!(source.origin, Origin::Folder(_)));
    sources
}

pub(super) fn routes(authorities: &[AuthoritySettings]) -> Result<BTreeMap<LaNumber, Vec<Route>>, StartFault> {
    let of = |authority: &AuthoritySettings| {
        Ok((authority.number.clone(), {
            let routes = authority.routes.iter().map(route).collect::<Result<Vec<_>, _>>()?;
            routes.into_iter().flatten().collect()
        }))
    };
    authorities.iter().map(of).collect()
}

/// The server of a mailbox.
pub(crate) fn imap_server(settings: &MailboxSettings) -> ImapServer {
    let (account, secret) = settings.login.clone();
    ImapServer {
        host: settings.host.clone(),
        port: settings.port,
        tls: match settings.tls {
            MailTls::Implicit => mailbox::Tls::Implicit,
            MailTls::Starttls => mailbox::Tls::Starttls,
        },
        ca_file: settings.ca_file.clone(),
        account,
        password: password(secret, &settings.oauth),
        is_token: settings.oauth.is_some(),
        folder: settings.folder.clone(),
        processed: settings.processed.clone(),
        deadline: std::time::Duration::from_secs(60),
    }
}

/// What is logged in with: the secret itself, or the token that is fetched for it.
fn password(secret: SecretReference, oauth: &Option<OauthSettings>) -> Password {
    let secret = Box::new(move || secret.read().map_err(io::Error::other));
    let Some(OauthSettings { token_url, client_id, scope, ca_file }) = oauth.clone() else { return secret };
    let endpoint = TokenEndpoint { url: token_url, client_id, scope, ca_file, secret };
    Box::new(move || endpoint.fetch())
}

/// The route, and that of its derived copies.
fn route(route: &RouteSettings) -> Result<Vec<Route>, StartFault> {
    let group = route.group.as_deref().map(|name| match nix::unistd::Group::from_name(name) {
        Ok(Some(group)) => Ok(group.gid.as_raw()),
        _ => Err(StartFault::NoGroup { destination: route.destination.clone(), group: name.to_owned() }),
    });
    let access = Access { mode: route.mode, group: group.transpose()? };
    let derived = route.derived.as_ref().map(|derived| Route {
        kinds: Vec::new(),
        destination: derived.destination.clone(),
        folder: derived.folder.clone(),
        file_name: derived.file_name.clone(),
        access,
        xml_roots: Vec::new(),
        layout: Some(Arc::new(derived.layout.clone())),
    });
    let original = Route {
        kinds: route.kinds.clone(),
        xml_roots: route.xml_roots.clone(),
        destination: route.destination.clone(),
        folder: route.folder.clone(),
        file_name: route.file_name.clone(),
        access,
        layout: None,
    };
    Ok([original].into_iter().chain(derived).collect())
}

pub(super) fn message_domains(settings: &Settings) -> BTreeMap<CourierName, String> {
    let domain = |way: &CourierWay| match way {
        CourierWay::Smtp(server) => server.from.rsplit_once('@').map_or(NO_DOMAIN, |(_, host)| host).to_owned(),
        CourierWay::Folder { .. } => NO_DOMAIN.to_owned(),
    };
    settings.couriers.iter().map(|courier| (courier.name.clone(), domain(&courier.way))).collect()
}

pub(super) fn smtp_server(settings: &SmtpSettings) -> SmtpServer {
    let login = settings.login.clone().map(|(account, secret)| Login {
        account,
        password: password(secret, &settings.oauth),
        is_token: settings.oauth.is_some(),
    });
    SmtpServer {
        host: settings.host.clone(),
        port: settings.port,
        tls: match settings.tls {
            MailTls::Implicit => Tls::Implicit,
            MailTls::Starttls => Tls::Starttls,
        },
        ca_file: settings.ca_file.clone(),
        login,
        from: settings.from.clone(),
        form: match settings.form {
            MailForm::PgpMime => mime::MailForm::PgpMime,
            MailForm::Attachment => mime::MailForm::Attachment,
        },
        journal: settings.journal.clone(),
        reply_timeout: settings.reply_timeout,
        command_timeout: std::time::Duration::from_secs(60),
        message_bytes_max: settings.message_bytes_max,
    }
}
