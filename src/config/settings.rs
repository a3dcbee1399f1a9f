//! Checked settings: what the program runs by. A value of these types has passed every check.

mod audit;
mod folders;
mod keys;
mod retention;
mod roles;
mod routes;
mod sandbox;
mod scan;
mod watch;

use std::path::PathBuf;
use std::time::Duration;

use jiff::civil::{Date, Time};

use super::template::FileNameTemplate;
use crate::domain::expectation::Terms;
use crate::domain::working_days::Division;
use crate::domain::{
    CourierName, Digest, Fingerprint, LaNumber, PartnerName, ReturnKind, RiskProfile, ShbePolicy, SourceName,
};

pub use audit::{AuditSettings, RecipientSettings, RecipientWay};
pub use keys::KeySettings;
pub use retention::RetentionSettings;
pub use roles::{GroupName, Roles};
pub use routes::{DerivedDelimiter, DerivedEncoding, DerivedFormulas, DerivedSettings, RouteSettings};
pub use sandbox::Sandbox;
pub use scan::ScanSettings;
pub use watch::{Listen, WatchSettings};

/// Everything.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The process itself.
    pub service: ServiceSettings,
    /// `[roles]`: which groups may do what.
    pub roles: Roles,
    /// One or more LA numbers.
    pub authorities: Vec<AuthoritySettings>,
    /// Who we exchange files with.
    pub partners: Vec<PartnerSettings>,
    /// How sealed returns leave.
    pub couriers: Vec<CourierSettings>,
    /// What the columns of risk data mean, if that is configured.
    pub risk: Option<RiskProfile>,
    /// Timetables besides the bundled ones.
    pub timetables: Vec<PathBuf>,
    /// `[keys]`: how own secret keys are kept.
    pub keys: KeySettings,
    /// `[shbe]`: how much each rule of the pre-flight weighs.
    pub shbe: ShbePolicy,
    /// `[audit]`: the ledger's key, and who keeps its checkpoints.
    pub audit: AuditSettings,
    /// `[watch]`: how others watch the service.
    pub watch: WatchSettings,
    /// `[scan]`: the virus scanner.
    pub scan: ScanSettings,
    /// SHA-256 over the merged settings: names the settings in the ledger.
    pub digest: Digest,
}

/// `[service]`
#[derive(Clone, Debug)]
pub struct ServiceSettings {
    /// Store, spool, archive and own keys; mode 0700.
    pub state: PathBuf,
    /// A table of LA numbers that goes before the bundled one.
    pub authorities: Option<PathBuf>,
    /// Where commands reach the running service.
    pub control_socket: PathBuf,
    /// How often every source is looked at, whatever the notifications say.
    pub sweep_every: Duration,
    /// How far the process confines itself.
    pub sandbox: Sandbox,
    /// Tries before a deferred item is held for a person.
    pub attempts_max: u8,
    /// The first pause before a deferred item is tried again; doubles each time.
    pub retry_after: Duration,
    /// The longest such pause.
    pub retry_after_max: Duration,
    /// Consignments being worked on at once.
    pub in_flight_max: usize,
    /// Bounds.
    pub limits: Limits,
    /// How people are told.
    pub alarms: AlarmSettings,
    /// How long what came and went is kept.
    pub retention: RetentionSettings,
}

/// `[service.alarms]`
#[derive(Clone, Debug)]
pub struct AlarmSettings {
    /// By which courier, and to whom.
    pub mail: Option<(CourierName, Vec<String>)>,
    /// What is asked for on the web, and how often.
    pub ping: Option<(String, Duration)>,
    /// How long before keys end that a return will need.
    pub keys_ahead: Duration,
    /// How long before the timetables in force end.
    pub timetable_ahead: Duration,
}

/// `[service.limits]`. Reaching one is an outcome in the ledger.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Largest sealed file collected.
    pub ciphertext_bytes_max: u64,
    /// Largest content a sealed file may become.
    pub plaintext_bytes_max: u64,
    /// Members of one archive.
    pub archive_members_max: u32,
    /// Bytes all members of one archive become together.
    pub archive_bytes_max: u64,
    /// With less free space than this below `state`, nothing new is collected.
    pub free_bytes_min: u64,
}

/// `[[authority]]`
#[derive(Clone, Debug)]
pub struct AuthoritySettings {
    /// The number DWP knows it by.
    pub number: LaNumber,
    /// For people.
    pub name: String,
    /// Returns with earlier transfer dates are not this service's business. Default: the day of the first start.
    pub in_service_from: Option<Date>,
    /// Where its files arrive.
    pub drop_folders: Vec<DropFolderSettings>,
    /// Where its own mail system delivers mails.
    pub maildirs: Vec<MaildirSettings>,
    /// Where its mails arrive.
    pub mailboxes: Vec<MailboxSettings>,
    /// Where they go, by kind; the first that matches decides.
    pub routes: Vec<RouteSettings>,
    /// What it owes.
    pub returns: Vec<ReturnSettings>,
    /// What DWP owes it, and when to say so.
    pub expect: ExpectSettings,
}

/// `[authority.expect]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectSettings {
    /// Whose bank holidays count.
    pub calendar: Division,
    /// Working days before a transfer date from which a return must have been picked up; 0 is never.
    pub return_lead_days: u8,
    /// When packs are expected.
    pub packs: Terms,
    /// Whether risk files are expected, and where.
    pub risk: RiskExpected,
    /// Nights of working days without a LAID that are too many; `None` is any number.
    pub laid_silence_days: Option<u8>,
}

/// Whether Caseload Risk Data are expected, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum RiskExpected {
    /// In every pack: one that has none is an alarm.
    InPack,
    /// Not at all, or not in packs.
    Nowhere,
}

impl Default for ExpectSettings {
    fn default() -> ExpectSettings {
        ExpectSettings {
            calendar: Division::EnglandAndWales,
            return_lead_days: 2,
            packs: Terms::default(),
            risk: RiskExpected::InPack,
            laid_silence_days: None,
        }
    }
}

/// `[[authority.drop_folder]]`
#[derive(Clone, Debug)]
pub struct DropFolderSettings {
    /// Unique over all sources.
    pub name: SourceName,
    /// Absolute.
    pub path: PathBuf,
    /// Whose signatures are accepted on what lies here.
    pub partners: Vec<PartnerName>,
    /// Further authorities whose files come here.
    pub also_for: Vec<LaNumber>,
    /// What its files are.
    pub carries: Carries,
    /// How new files are noticed. The sweep finds them in any case.
    pub noticing: Noticing,
    /// How long a file must stay unchanged where no close was seen.
    pub settle: Duration,
    /// How long an incomplete file may stay unchanged before it is collected and held.
    pub patience: Duration,
}

/// `[[authority.maildir]]`
#[derive(Clone, Debug)]
pub struct MaildirSettings {
    /// Unique over all sources.
    pub name: SourceName,
    /// Absolute.
    pub path: PathBuf,
    /// Whose signatures are accepted on what comes here.
    pub partners: Vec<PartnerName>,
    /// Further authorities that it serves.
    pub also_for: Vec<LaNumber>,
    /// Its subfolder into which mails go once they are ours.
    pub processed: String,
    /// How new mail is noticed. The sweep finds it in any case.
    pub noticing: Noticing,
}

/// `[[authority.mailbox]]`
#[derive(Clone, Debug)]
pub struct MailboxSettings {
    /// Unique over all sources.
    pub name: SourceName,
    /// Host name, also the name its certificate must bear.
    pub host: String,
    /// Port.
    pub port: u16,
    /// TLS is always required.
    pub tls: MailTls,
    /// PEM file of the certificate authority; the system's store if `None`.
    pub ca_file: Option<PathBuf>,
    /// Account, and where its password is.
    pub login: (String, SecretReference),
    /// Where a token comes from for that secret, if the server wants one.
    pub oauth: Option<OauthSettings>,
    /// Whose signatures are accepted on what comes here.
    pub partners: Vec<PartnerName>,
    /// Further authorities whose mails come here.
    pub also_for: Vec<LaNumber>,
    /// Where mails arrive.
    pub folder: String,
    /// Where they go once they are ours.
    pub processed: String,
    /// How often it is looked into.
    pub poll: Duration,
}

/// A drop folder, a Maildir or a mailbox, as far as they are alike.
#[derive(Clone, Copy, Debug)]
pub struct SourceSettings<'a> {
    /// Unique over all sources.
    pub name: &'a SourceName,
    /// Whose signatures are accepted.
    pub partners: &'a [PartnerName],
    /// Further authorities that it serves.
    pub also_for: &'a [LaNumber],
    /// Which of them.
    pub way: SourceWay<'a>,
}

/// Which kind of source.
#[derive(Clone, Copy, Debug)]
pub enum SourceWay<'a> {
    /// A folder that is looked into.
    Folder(&'a DropFolderSettings),
    /// A Maildir.
    Maildir(&'a MaildirSettings),
    /// A mailbox.
    Mailbox(&'a MailboxSettings),
}

impl std::fmt::Display for SourceWay<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SourceWay::Folder(folder) => folder.path.display().fmt(f),
            SourceWay::Maildir(maildir) => maildir.path.display().fmt(f),
            SourceWay::Mailbox(mailbox) => write!(f, "`{}` of {} at {}", mailbox.folder, mailbox.login.0, mailbox.host),
        }
    }
}

impl AuthoritySettings {
    /// Everything by which its files arrive: drop folders, then Maildirs, then mailboxes.
    pub fn sources(&self) -> impl Iterator<Item = SourceSettings<'_>> {
        let folders = self.drop_folders.iter().map(|folder| SourceSettings {
            name: &folder.name,
            partners: &folder.partners,
            also_for: &folder.also_for,
            way: SourceWay::Folder(folder),
        });
        let maildirs = self.maildirs.iter().map(|maildir| SourceSettings {
            name: &maildir.name,
            partners: &maildir.partners,
            also_for: &maildir.also_for,
            way: SourceWay::Maildir(maildir),
        });
        let mailboxes = self.mailboxes.iter().map(|mailbox| SourceSettings {
            name: &mailbox.name,
            partners: &mailbox.partners,
            also_for: &mailbox.also_for,
            way: SourceWay::Mailbox(mailbox),
        });
        folders.chain(maildirs).chain(mailboxes)
    }
}

/// What the files of a drop folder are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum Carries {
    /// Sealed files.
    Files,
    /// Whole mails, one in each file: what is sealed in them is found there.
    Mail,
}

/// How new files are noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum Noticing {
    /// By the kernel's notifications, and the sweep.
    Notify,
    /// By the sweep alone: for network file systems.
    Poll,
}

/// `[[authority.return]]`
#[derive(Clone, Debug)]
pub struct ReturnSettings {
    /// Which return.
    pub kind: ReturnKind,
    /// Where the authority leaves it. Absolute.
    pub pick_up: PathBuf,
    /// To whom it is sealed.
    pub partner: PartnerName,
    /// How it leaves.
    pub courier: CourierName,
    /// The hours of the transfer date, Europe/London, in which it is sent.
    pub window: Window,
    /// How long a file must stay unchanged before it is picked up.
    pub settle: Duration,
    /// The name of the sealed file.
    pub file_name: FileNameTemplate,
    /// After how long without an answer it is sent once more if nobody knows whether it arrived; never, if `None`.
    pub resend_uncertain_after: Option<Duration>,
}

/// Hours of a day: `from` inclusive, `until` exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The first moment.
    pub from: Time,
    /// The first moment that is too late; midnight means the end of the day.
    pub until: Time,
}

/// `[[partner]]`
#[derive(Clone, Debug)]
pub struct PartnerSettings {
    /// Such as `dwp`.
    pub name: PartnerName,
    /// If any are given, only these of the trusted certificates count.
    pub fingerprints: Vec<Fingerprint>,
    /// Where mail for it goes.
    pub addresses: Vec<String>,
}

/// `[[courier]]`
#[derive(Clone, Debug)]
pub struct CourierSettings {
    /// Unique.
    pub name: CourierName,
    /// The way.
    pub way: CourierWay,
}

/// How a courier works.
#[derive(Clone, Debug)]
pub enum CourierWay {
    /// Puts the sealed file into a folder, from where some transport takes it.
    Folder {
        /// Absolute path of an existing folder.
        folder: PathBuf,
    },
    /// Mails it, as one message.
    Smtp(Box<SmtpSettings>),
}

/// A mail submission server.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
pub struct SmtpSettings {
    /// Host name, also the name its certificate must bear.
    pub host: String,
    /// Port.
    pub port: u16,
    /// TLS is always required.
    pub tls: MailTls,
    /// PEM file of the certificate authority; the system's store if `None`.
    pub ca_file: Option<PathBuf>,
    /// Account and where its password is.
    pub login: Option<(String, SecretReference)>,
    /// Where a token comes from for that secret, if the server wants one.
    pub oauth: Option<OauthSettings>,
    /// The sender's address.
    pub from: String,
    /// How returns lie in their messages.
    pub form: MailForm,
    /// Where a copy of each return goes.
    pub journal: Option<String>,
    /// How long to wait for the reply to the message; 600 s at least.
    pub reply_timeout: Duration,
    /// Largest message.
    pub message_bytes_max: u64,
}

/// How a return lies in its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum MailForm {
    /// PGP/MIME.
    PgpMime,
    /// A sealed file, attached.
    Attachment,
}

/// Whether the first row of risk data names the columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum RiskHeader {
    /// The file tells: if its first row has the configured names in it, or is certainly one of names.
    Look,
    /// It does.
    Present,
    /// It does not.
    Absent,
}

/// When TLS begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum MailTls {
    /// With the connection.
    Implicit,
    /// By STARTTLS, required.
    Starttls,
}

/// Where tokens come from.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
pub struct OauthSettings {
    /// The token endpoint; https.
    pub token_url: String,
    /// Our name there.
    pub client_id: String,
    /// What the token shall be good for.
    pub scope: String,
    /// PEM file of the certificate authority; the system's store if `None`.
    pub ca_file: Option<PathBuf>,
}

/// Where a secret is. Never the secret itself.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecretReference {
    /// A systemd credential of this name.
    Credential(String),
    /// A file of mode 0600.
    File(PathBuf),
}

/// The layout of an extract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[schemars(inline)]
pub enum ShbeProfile {
    /// 341 fields, as of April 2015.
    #[serde(rename = "shbe-2015-341")]
    Of2015,
}
