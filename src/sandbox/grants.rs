//! What the settings need: folders, files, ports. No file system is asked here.
//!
//! Holds: nothing may be executed, whatever the settings say; what a later reload wants beyond is named, one sentence each.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::anchors::above;
use crate::config::Settings;
use crate::config::settings::{CourierWay, Listen, OauthSettings, RecipientWay, Sandbox, SecretReference, SourceWay};

/// DNS, where an answer is too long for a datagram.
const DNS: u16 = 53;
const HTTP: u16 = 80;
const HTTPS: u16 = 443;

/// What may be done below a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Use {
    /// Files are read.
    Read,
    /// Files come and go.
    Work,
    /// Files come and go, and folders are made.
    Mail,
    /// Files, folders and sockets of our own. Never replaced while the service runs.
    Own,
}

/// Everything that the service needs of the machine because its settings say so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Grants {
    /// Where the settings are written; never in a folder that is written to.
    pub configuration: PathBuf,
    /// Folders, and what for.
    pub folders: BTreeMap<PathBuf, Use>,
    /// Files that are read again at some time, and may be replaced until then.
    pub files: BTreeSet<PathBuf>,
    /// Ports that may be connected to.
    pub connect: BTreeSet<u16>,
    /// Ports that may be listened on.
    pub listen: BTreeSet<u16>,
}

/// A folder outside the state directory in which the service works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// Its configured name, as alarms have it.
    pub name: String,
    /// Where.
    pub path: PathBuf,
}

/// Every folder outside the state directory in which the service works.
pub fn folders(settings: &Settings) -> Vec<Folder> {
    let mut all = Vec::new();
    let mut add = |name: String, path: &Path| all.push(Folder { name, path: path.to_owned() });
    for authority in &settings.authorities {
        for source in authority.sources() {
            match source.way {
                SourceWay::Folder(folder) => add(source.name.to_string(), &folder.path),
                SourceWay::Maildir(maildir) => add(source.name.to_string(), &maildir.path),
                SourceWay::Mailbox(_) => {}
            }
        }
        for route in &authority.routes {
            add(route.destination.to_string(), &route.folder);
            if let Some(derived) = &route.derived {
                add(derived.destination.to_string(), &derived.folder);
            }
        }
        for owed in &authority.returns {
            add(format!("returns-{}-{}", authority.number, owed.kind), &owed.pick_up);
        }
    }
    for courier in &settings.couriers {
        if let CourierWay::Folder { folder } = &courier.way {
            add(courier.name.to_string(), folder);
        }
    }
    for recipient in &settings.audit.recipients {
        if let RecipientWay::Folder(folder) = &recipient.way {
            add(recipient.name.to_string(), folder);
        }
    }
    all
}

/// Every port that these settings connect to.
pub fn ports(settings: &Settings) -> BTreeSet<u16> {
    of(settings, Path::new("")).connect
}

/// What these settings need, read from there.
pub(super) fn of(settings: &Settings, configuration: &Path) -> Grants {
    let mut grants = Grants { configuration: configuration.to_owned(), ..Grants::default() };
    let service = &settings.service;
    grants.files.insert(configuration.to_owned());
    grants.folders.insert(configuration.with_file_name("conf.d"), Use::Read);
    for folder in folders(settings) {
        grants.folders.insert(folder.path, Use::Work);
    }
    let maildirs = settings.authorities.iter().flat_map(|authority| &authority.maildirs);
    grants.folders.extend(maildirs.map(|maildir| (maildir.path.clone(), Use::Mail)));
    let socket = service.control_socket.parent().map(Path::to_owned);
    grants.folders.extend(socket.into_iter().chain([service.state.clone()]).map(|path| (path, Use::Own)));
    match &settings.watch.listen {
        Some(Listen::Unix(path)) => grants.folders.extend(path.parent().map(|folder| (folder.to_owned(), Use::Own))),
        Some(Listen::Loopback(address)) => drop(grants.listen.insert(address.port())),
        None => {}
    }
    grants.files.extend(service.authorities.iter().chain(&settings.timetables).cloned());
    let keys = settings.keys.passphrase.iter().chain(&settings.keys.secrets).chain(&settings.audit.key);
    keys.for_each(|secret| grants.secret(secret));
    grants.servers(settings);
    grants
}

impl Grants {
    fn servers(&mut self, settings: &Settings) {
        for courier in &settings.couriers {
            if let CourierWay::Smtp(server) = &courier.way {
                self.connect.insert(server.port);
                self.files.extend(server.ca_file.clone());
                server.login.iter().for_each(|(_, secret)| self.secret(secret));
                server.oauth.iter().for_each(|oauth| self.tokens(oauth));
            }
        }
        for mailbox in settings.authorities.iter().flat_map(|authority| &authority.mailboxes) {
            self.connect.insert(mailbox.port);
            self.files.extend(mailbox.ca_file.clone());
            self.secret(&mailbox.login.1);
            mailbox.oauth.iter().for_each(|oauth| self.tokens(oauth));
        }
        if let Some((url, _)) = &settings.service.alarms.ping {
            self.connect.extend(port_of(url));
            // Where it is sent on from a plain address, that is to an encrypted one.
            self.connect.insert(HTTPS);
        }
        if !self.connect.is_empty() {
            self.connect.insert(DNS);
        }
        // No name is looked up for it; and a socket with a file is nothing that the kernel asks Landlock about.
        if let Some(Listen::Loopback(clamd)) = &settings.scan.clamd {
            self.connect.insert(clamd.port());
        }
    }

    fn tokens(&mut self, oauth: &OauthSettings) {
        self.connect.extend(port_of(&oauth.token_url));
        self.files.extend(oauth.ca_file.clone());
    }

    fn secret(&mut self, secret: &SecretReference) {
        // Without a folder of credentials there is nothing to read, which whoever reads it tells.
        self.files.extend(secret.path());
    }
}

/// The port of a web address.
fn port_of(url: &str) -> Option<u16> {
    let uri: ureq::http::Uri = url.parse().ok()?;
    uri.port_u16().or_else(|| Some(if uri.scheme_str() == Some("http") { HTTP } else { HTTPS }))
}

/// What of `wanted` a sandbox that was made for `made` would refuse, one sentence each. Both were read from `configuration`.
pub fn covers(made: &Settings, wanted: &Settings, configuration: &Path) -> Result<(), Vec<String>> {
    if made.service.sandbox != wanted.service.sandbox {
        return Err(vec![
            "`service.sandbox` has another value, and a sandbox is entered at the start only.".to_owned(),
        ]);
    }
    if made.service.sandbox == Sandbox::Off {
        return Ok(());
    }
    let (made, wanted) = (of(made, configuration), of(wanted, configuration));
    let mut beyond = Vec::new();
    for (path, what) in &wanted.folders {
        if !made.has_folder(path, *what) {
            beyond.push(format!("The folder {} lies outside the sandbox.", path.display()));
        }
    }
    for path in wanted.files.iter().filter(|path| !made.has_file(path)) {
        beyond.push(format!("The file {} lies outside the sandbox.", path.display()));
    }
    for port in wanted.connect.difference(&made.connect) {
        beyond.push(format!("Connections to port {port} leave the sandbox."));
    }
    for port in wanted.listen.difference(&made.listen) {
        beyond.push(format!("Listening on port {port} takes another sandbox."));
    }
    if beyond.is_empty() { Ok(()) } else { Err(beyond) }
}

impl Grants {
    /// Whether rules for such a folder may be hung on this one above it.
    pub fn reaches_up_to(&self, above: &Path, what: Use) -> bool {
        match what {
            Use::Read => true,
            Use::Work | Use::Mail => !self.configuration.starts_with(above),
            Use::Own => false,
        }
    }

    fn has_folder(&self, path: &Path, what: Use) -> bool {
        let is_below = |granted: &Path, as_what: Use| {
            let above = above(granted).filter(|above| self.reaches_up_to(above, as_what));
            path.starts_with(granted) || above.is_some_and(|above| path.starts_with(above))
        };
        self.folders.iter().any(|(granted, as_what)| what <= *as_what && is_below(granted, *as_what))
    }

    fn has_file(&self, path: &Path) -> bool {
        let beside = |granted: &Path| granted == path || above(granted).is_some_and(|above| path.starts_with(above));
        let system = path.starts_with("/etc") || path.starts_with("/usr");
        system || self.files.iter().any(|granted| beside(granted)) || self.has_folder(path, Use::Read)
    }
}
