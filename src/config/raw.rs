//! The configuration as it is written: every key, what it means and what it is if left out.
//!
//! The doc comments are the manual: the reference file is made from them. What a required key lacks is noticed when the
//! tree is held against the schema, so here every required key is an `Option` that is marked required.
//! Holds: unknown keys are refused; nothing here is a secret.

pub(super) mod audit;
mod keys;
mod oauth;
mod retention;
mod risk;
mod roles;
mod scan;
mod shbe;
mod watch;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) use keys::RawKeys;
pub(super) use oauth::RawOauth;
pub(super) use retention::RawRetention;
pub(super) use risk::RawRisk;
pub(super) use roles::RawRoles;
pub(super) use scan::RawScan;
pub(super) use shbe::RawShbe;
pub(super) use watch::RawWatch;

use self::audit::RawAudit;
use super::notation::{WrittenDuration, WrittenKeep, WrittenSize};
use super::settings::{
    Carries, DerivedDelimiter, DerivedEncoding, DerivedFormulas, MailForm, MailTls, Noticing, RiskExpected, Sandbox,
};

/// The whole configuration.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Raw {
    /// The process itself.
    pub(super) service: RawService,
    /// Who may do what.
    pub(super) roles: RawRoles,
    /// An LA number. A council that files under several numbers has one of these tables for each; the habit is one
    /// file each in `conf.d`.
    pub(super) authority: Vec<RawAuthority>,
    /// Whom files are exchanged with. Certificates are trusted with `hbcourier keys trust`, never learned from mail.
    pub(super) partner: Vec<RawPartner>,
    /// A way sealed returns leave: exactly one of `folder` and `smtp`.
    pub(super) courier: Vec<RawCourier>,
    /// Which columns of DWP's Caseload Risk Data mean what. `hbcourier risk learn` drafts it from a real file; without it
    /// risk data are carried all the same, and `hbcourier risk report` tells rows and columns only.
    pub(super) risk: Option<RawRisk>,
    /// A timetable besides the bundled ones, written as `config/timetables/2020-21.toml` is.
    pub(super) timetable: Vec<RawTimetable>,
    /// How extracts (SHBE) are checked before they leave, and by `hbcourier shbe check`.
    pub(super) shbe: RawShbe,
    /// How own secret keys are kept, besides the files of mode 0600 below `state`.
    pub(super) keys: RawKeys,
    /// The ledger's name and key, and who keeps its checkpoints elsewhere.
    pub(super) audit: RawAudit,
    /// How others watch the service, and when it counts as stuck.
    pub(super) watch: RawWatch,
    /// The virus scanner that everything passes after it was opened and verified, and before it is delivered.
    pub(super) scan: RawScan,
}

/// The process itself.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawService {
    /// Folder of the store, the spool, the archive and the own secret keys. Mode 0700, on a local file system, apart
    /// from every folder that is collected from or delivered to.
    #[schemars(required, example = &"/var/lib/hbcourier")]
    pub(super) state: Option<String>,
    /// Absolute path of a table of LA numbers, written as `config/authorities.csv` is: its rows go before those that are
    /// built in. For numbers that are newer than these, and for councils that file under several.
    #[schemars(example = &"/etc/hbcourier/authorities.csv")]
    pub(super) authorities: Option<String>,
    /// Absolute path of the socket by which commands reach the running service. If left out: `control.sock` below `state`,
    /// which the service's own account and root alone can reach. For people with roles name one in a folder that the
    /// service's account alone may write to and everybody may enter.
    #[schemars(example = &"/run/hbcourier/control.sock")]
    pub(super) control_socket: Option<String>,
    /// How often every source is looked at, whatever the kernel's notifications say. 100ms to 1h.
    pub(super) sweep_every: WrittenDuration,
    /// How the service confines itself at its start to what these settings name: best-effort (as far as the kernel goes),
    /// required (else it does not start) or off.
    pub(super) sandbox: Sandbox,
    /// Tries before a deferred item is held for a person.
    #[schemars(range(min = 1, max = 100))]
    pub(super) attempts_max: u8,
    /// The first pause before a deferred item is tried again. It doubles each time. 100ms to 1d.
    pub(super) retry_after: WrittenDuration,
    /// The longest such pause. At least `retry_after`, at most 7d.
    pub(super) retry_after_max: WrittenDuration,
    /// Consignments being worked on at once.
    #[schemars(range(min = 1, max = 1024))]
    pub(super) in_flight_max: u16,
    /// Bounds. Reaching one is an outcome in the ledger, not a slowdown.
    pub(super) limits: RawLimits,
    /// How people are told, besides `hbcourier status`.
    pub(super) alarms: RawAlarms,
    /// How long what came and went is kept once it is over. The ledger is never shortened.
    pub(super) retention: RawRetention,
}

/// How people are told, besides `hbcourier status`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawAlarms {
    /// The courier, one that mails, by which alarms go out. With `to`.
    #[schemars(example = &"mail")]
    pub(super) courier: Option<String>,
    /// Addresses of the house that are told of each alarm, when it is raised and when it is over. Unencrypted: an alarm
    /// names what is configured, and nothing from a file.
    #[schemars(example = ["it@council.example"])]
    pub(super) to: Vec<String>,
    /// An address on the web that is asked for every `ping_every` for as long as the service looks at its sources, so
    /// that whoever watches it notices when the service is dead.
    #[schemars(example = &"https://watch.council.example/hbcourier")]
    pub(super) ping: Option<String>,
    /// How often. 1s to 1d.
    pub(super) ping_every: WrittenDuration,
    /// How long before keys end that a later return will need, ours or a partner's, that becomes an alarm. 1d to 400d.
    pub(super) keys_ahead: WrittenDuration,
    /// How long before the timetables in force end for an authority that becomes an alarm. 1d to 400d.
    pub(super) timetable_ahead: WrittenDuration,
}

/// Bounds. Reaching one is an outcome in the ledger, not a slowdown.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawLimits {
    /// Largest sealed file that is collected.
    pub(super) ciphertext_bytes_max: WrittenSize,
    /// Largest content a sealed file may become: a small file can decompress to a disk.
    pub(super) plaintext_bytes_max: WrittenSize,
    /// Members of one archive.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(super) archive_members_max: u32,
    /// Bytes that all members of one archive become together.
    pub(super) archive_bytes_max: WrittenSize,
    /// With less free space than this where `state` is, nothing new is collected; what was collected is finished.
    pub(super) free_bytes_min: WrittenSize,
}

/// An LA number.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawAuthority {
    /// The number DWP knows the authority by: five or six digits, in quotation marks.
    #[schemars(required, example = &"12302")]
    pub(super) number: Option<String>,
    /// Its name, for people.
    #[schemars(required, example = &"Blackpool")]
    pub(super) name: Option<String>,
    /// Returns with earlier transfer dates are not this service's business. If left out: the day of its first start.
    #[schemars(example = &"2020-04-01")]
    pub(super) in_service_from: Option<String>,
    /// A folder in which DWP's files arrive.
    pub(super) drop_folder: Vec<RawDropFolder>,
    /// A Maildir into which the authority's own mail system delivers DWP's mails.
    pub(super) maildir: Vec<RawMaildir>,
    /// A mailbox in which DWP's mails arrive, read by IMAP.
    pub(super) mailbox: Vec<RawMailbox>,
    /// Where files of some kinds go. A kind without a route is held, never dropped.
    pub(super) route: Vec<RawRoute>,
    /// What the authority owes DWP each month, and how it gets there.
    #[serde(rename = "return")]
    pub(super) returns: Vec<RawReturn>,
    /// What DWP owes the authority each month, and when to say that it has not come.
    pub(super) expect: RawExpect,
}

/// What DWP owes the authority each month, and when to say that it has not come.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawExpect {
    /// Whose bank holidays are no working days: england-and-wales or scotland.
    pub(super) calendar: String,
    /// How many working days before its transfer date a return must have been picked up, or that becomes an alarm. 0 is
    /// never: only on the day itself.
    #[schemars(range(min = 0, max = 10))]
    pub(super) return_lead_days: u8,
    /// In which week after that of the SHBE's transfer the HBMS pack is expected.
    #[schemars(range(min = 0, max = 8))]
    pub(super) pack_weeks_after: u8,
    /// Days after that week's Monday from which a pack that is not there is amber.
    #[schemars(range(min = 0, max = 4))]
    pub(super) pack_amber_days: u8,
    /// Days after that week's Friday beyond which a pack that is not there is red, which is an alarm.
    #[schemars(range(min = 0, max = 21))]
    pub(super) pack_red_days: u8,
    /// Whether Caseload Risk Data are expected, and where.
    pub(super) risk: RiskExpected,
    /// After how many nights of working days without a single LAID that becomes an alarm. Never, if left out: not every
    /// authority gets some every night.
    #[schemars(range(min = 1, max = 100), example = 3)]
    pub(super) laid_silence_days: Option<u8>,
}

/// A folder in which DWP's files arrive.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawDropFolder {
    /// Its name in logs and the ledger. Unique over all authorities.
    #[schemars(required, example = &"drop-12302")]
    pub(super) name: Option<String>,
    /// Absolute path of an existing folder. Subfolders are not looked into.
    #[schemars(required, example = &"/srv/hbcourier/drop/12302")]
    pub(super) path: Option<String>,
    /// Whose signatures are accepted on what lies here.
    #[schemars(required, example = ["dwp"])]
    pub(super) partners: Option<Vec<String>>,
    /// Further LA numbers whose files come here, each with an `[[authority]]` of its own. What comes must then name exactly
    /// one of all these numbers, and goes by that one's routes; what names none, or two, is held. `partners` counts for
    /// all of them.
    #[schemars(example = ["101809"])]
    pub(super) also_for: Vec<String>,
    /// What its files are: sealed files, or whole mails (RFC 5322), one in each. A Maildir has a table of its own.
    pub(super) carries: Carries,
    /// How new files are noticed. The sweep finds them in any case.
    pub(super) noticing: Noticing,
    /// How long a file must stay unchanged where nobody was seen closing it. 100ms to 1h.
    pub(super) settle: WrittenDuration,
    /// How long an incomplete file may stay unchanged before it is collected and held for a person. 1s to 7d.
    pub(super) patience: WrittenDuration,
}

/// A Maildir into which the authority's own mail system delivers DWP's mails. What lies in its `new` and `cur` is collected;
/// each mail becomes one transfer, and is moved to `processed` once it is ours.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawMaildir {
    /// Its name in logs and the ledger. Unique over all authorities.
    #[schemars(required, example = &"maildir-12302")]
    pub(super) name: Option<String>,
    /// Absolute path of the existing Maildir: the folder that has `tmp`, `new` and `cur` in it.
    #[schemars(required, example = &"/var/mail/hbms/Maildir")]
    pub(super) path: Option<String>,
    /// Whose signatures are accepted on what comes here.
    #[schemars(required, example = ["dwp"])]
    pub(super) partners: Option<Vec<String>>,
    /// Further LA numbers whose files come here, as at a drop folder.
    #[schemars(example = ["101809"])]
    pub(super) also_for: Vec<String>,
    /// The Maildir's subfolder (Maildir++, so its name begins with a dot) into which a mail goes that is ours, whatever
    /// becomes of it, with the flags it has. Made if it is not there.
    pub(super) processed: String,
    /// How new mail is noticed. The sweep finds it in any case.
    pub(super) noticing: Noticing,
}

/// A mailbox in which DWP's mails arrive, read by IMAP. Each mail becomes one transfer, and is moved to `processed` once it
/// is ours.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawMailbox {
    /// Its name in logs and the ledger. Unique over all authorities.
    #[schemars(required, example = &"mail-12302")]
    pub(super) name: Option<String>,
    /// The server's host name, which its certificate must bear.
    #[schemars(required, example = &"imap.council.example")]
    pub(super) host: Option<String>,
    /// When TLS begins. There is no way without TLS.
    pub(super) tls: MailTls,
    /// If left out: 993 with implicit TLS, 143 with STARTTLS.
    #[schemars(range(min = 1, max = 65535), example = 993)]
    pub(super) port: Option<u16>,
    /// Absolute path of a PEM file with the certificate authority to trust. If left out: the system's.
    #[schemars(example = &"/etc/hbcourier/imap-ca.pem")]
    pub(super) ca_file: Option<String>,
    /// The account to log in with.
    #[schemars(required, example = &"hbms@council.example")]
    pub(super) account: Option<String>,
    /// The name of a systemd credential (`LoadCredential=`) that holds the password.
    #[schemars(example = &"imap-password")]
    pub(super) password_credential: Option<String>,
    /// Absolute path of a file of mode 0600 that holds the password.
    #[schemars(example = &"/etc/hbcourier/imap-password")]
    pub(super) password_file: Option<String>,
    /// If the server wants a token in the place of a password (XOAUTH2), as Exchange Online does: where tokens come from.
    /// The password's key then names the client's secret.
    pub(super) oauth: Option<RawOauth>,
    /// Whose signatures are accepted on what comes here.
    #[schemars(required, example = ["dwp"])]
    pub(super) partners: Option<Vec<String>>,
    /// Further LA numbers whose files come here, each with an `[[authority]]` of its own. What comes must then name exactly
    /// one of all these numbers, and goes by that one's routes; what names none, or two, is held. `partners` counts for
    /// all of them.
    #[schemars(example = ["101809"])]
    pub(super) also_for: Vec<String>,
    /// The folder in which the mails arrive.
    pub(super) folder: String,
    /// The folder into which a mail goes that is ours, whatever becomes of it. Made if it is not there.
    pub(super) processed: String,
    /// How often the folder is looked into, also where the server tells of new mail at once. 10s to 1h.
    pub(super) poll: WrittenDuration,
}

/// Where files of some kinds go.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawRoute {
    /// Which kinds go here: any of laid-pdf, laid-xml, hbms-pack, caseload-risk, hbms-mi, shbe, unknown. A kind has one
    /// route at most.
    #[schemars(required, example = ["laid-pdf", "laid-xml"])]
    pub(super) kinds: Option<Vec<String>>,
    /// Root elements of laid-xml that are accepted: by name, by namespace or by both, as in LAIDBatch, {urn:example:laid}
    /// or {urn:example:laid}LAIDBatch. XML with any other is held. If left out: any.
    #[schemars(example = ["LAIDBatch"])]
    pub(super) xml_roots: Vec<String>,
    /// The destination's name in logs and the ledger. Unique over all authorities.
    #[schemars(required, example = &"laid-12302")]
    pub(super) destination: Option<String>,
    /// Absolute path of an existing folder, from which the back office takes the files. Routes may share a folder.
    #[schemars(required, example = &"/srv/hbcourier/backoffice/12302/laid")]
    pub(super) folder: Option<String>,
    /// The delivered file's name. Placeholders: {kind} {la} {received} (as 20200414T093000Z) {id} (unique) {name} (the
    /// sender's own name, odd characters replaced) {ext}. At least one of {id} and {name}.
    pub(super) file_name: String,
    /// The delivered file's permissions, in octal. Owner and group only: the files hold personal data.
    pub(super) mode: String,
    /// The delivered file's group. If left out: the group of the service, or of the folder if that is set-group-id.
    #[schemars(example = &"benefits")]
    pub(super) group: Option<String>,
    /// How long the sealed originals of what went here are kept. If left out: as `service.retention` says. Of what went by several
    /// routes, the longest.
    #[schemars(example = &"400d")]
    pub(super) keep_original: Option<WrittenKeep>,
    /// How long their names are kept; likewise.
    #[schemars(example = &"400d")]
    pub(super) keep_names: Option<WrittenKeep>,
    /// Beside each file of risk data, which is delivered as it was signed, a copy in the layout that the back office wants.
    /// Only for a route of caseload-risk. Without a copy the original is not delivered either, but held.
    pub(super) derived: Option<RawDerived>,
}

/// Beside each file of risk data, which is delivered as it was signed, a copy in the layout that the back office wants.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawDerived {
    /// The destination's name in logs and the ledger. Unique over all authorities.
    #[schemars(required, example = &"risk-copy-12302")]
    pub(super) destination: Option<String>,
    /// Absolute path of an existing folder. Mode and group of the copies are the route's.
    #[schemars(required, example = &"/srv/hbcourier/backoffice/12302/risk")]
    pub(super) folder: Option<String>,
    /// The copy's name, with the placeholders of the route's. It ends with `.derived.csv`: the name tells that it is not
    /// what DWP signed.
    pub(super) file_name: String,
    /// How it is written.
    pub(super) encoding: DerivedEncoding,
    /// What stands between two columns.
    pub(super) delimiter: DerivedDelimiter,
    /// What becomes of a cell that a spreadsheet would take for a formula.
    pub(super) formulas: DerivedFormulas,
    /// One column of the copy. They stand in the order of these tables.
    pub(super) column: Vec<RawDerivedColumn>,
}

/// One column of the copy.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawDerivedColumn {
    /// Which of the original: its name in the header row, or its number.
    #[schemars(required, example = &"CLAIM_REFERENCE")]
    pub(super) from: Option<String>,
    /// Its name in the copy. If no column has one, the copy has no row of names.
    #[schemars(example = &"ClaimRef")]
    pub(super) to: Option<String>,
}

/// What the authority owes DWP each month, and how it gets there.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawReturn {
    /// Which return: shbe or hbms-mi.
    #[schemars(required, example = &"shbe")]
    pub(super) kind: Option<String>,
    /// Absolute path of an existing folder in which the authority leaves this return, and nothing else.
    #[schemars(required, example = &"/srv/hbcourier/returns/12302/shbe")]
    pub(super) pick_up: Option<String>,
    /// To whom it is sealed: the name of a partner.
    #[schemars(required, example = &"dwp")]
    pub(super) partner: Option<String>,
    /// How it leaves: the name of a courier.
    #[schemars(required, example = &"outgoing-12302")]
    pub(super) courier: Option<String>,
    /// The hours of the transfer date, Europe/London, in which it is sent.
    pub(super) window: String,
    /// How long a file must stay unchanged before it is picked up. 100ms to 1h.
    pub(super) settle: WrittenDuration,
    /// The sealed file's name. Placeholders: {kind} {la} {month} (as 2020-04) {ext}. {month} is needed.
    pub(super) file_name: String,
    /// Where nobody knows whether it arrived: after how long without an answer the identical message is sent once more.
    /// 10m to 7d; never, if left out. Only for hbms-mi, which may come twice; what becomes of an shbe a person decides.
    #[schemars(example = &"24h")]
    pub(super) resend_uncertain_after: Option<WrittenDuration>,
}

/// Whom files are exchanged with.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawPartner {
    /// Its name in this file, logs and the ledger.
    #[schemars(required, example = &"dwp")]
    pub(super) name: Option<String>,
    /// Full fingerprints, 40 or 64 hexadecimal digits. If any are given, only these of the trusted certificates count.
    #[schemars(example = ["0123456789ABCDEF0123456789ABCDEF01234567"])]
    pub(super) fingerprints: Vec<String>,
    /// Where mail for it goes. Needed if a return leaves for it by an smtp courier.
    #[schemars(example = ["hbms@dwp.example"])]
    pub(super) addresses: Vec<String>,
}

/// A way sealed returns leave: exactly one of `folder` and `smtp`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawCourier {
    /// Its name in this file, logs and the ledger.
    #[schemars(required, example = &"outgoing-12302")]
    pub(super) name: Option<String>,
    /// Absolute path of an existing folder, from which some transport takes what is put there. Nothing but sealed files
    /// is ever put there.
    #[schemars(example = &"/srv/hbcourier/outgoing/12302")]
    pub(super) folder: Option<String>,
    /// A mail submission server. Each return is one message.
    pub(super) smtp: Option<RawSmtp>,
}

/// A mail submission server.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawSmtp {
    /// Its host name, which its certificate must bear.
    #[schemars(required, example = &"smtp.council.example")]
    pub(super) host: Option<String>,
    /// When TLS begins. There is no way without TLS.
    pub(super) tls: MailTls,
    /// If left out: 465 with implicit TLS, 587 with STARTTLS.
    #[schemars(range(min = 1, max = 65535), example = 465)]
    pub(super) port: Option<u16>,
    /// Absolute path of a PEM file with the certificate authority to trust. If left out: the system's.
    #[schemars(example = &"/etc/hbcourier/smtp-ca.pem")]
    pub(super) ca_file: Option<String>,
    /// The account to log in with, if the server wants one. It takes one of the two keys below.
    #[schemars(example = &"hbcourier")]
    pub(super) account: Option<String>,
    /// The name of a systemd credential (`LoadCredential=`) that holds the password.
    #[schemars(example = &"smtp-password")]
    pub(super) password_credential: Option<String>,
    /// Absolute path of a file of mode 0600 that holds the password.
    #[schemars(example = &"/etc/hbcourier/smtp-password")]
    pub(super) password_file: Option<String>,
    /// If the server wants a token in the place of a password (XOAUTH2), as Exchange Online does: where tokens come from.
    /// The password's key then names the client's secret.
    pub(super) oauth: Option<RawOauth>,
    /// The sender's address.
    #[schemars(required, example = &"benefits@council.example")]
    pub(super) from: Option<String>,
    /// How a return lies in its message: `pgp-mime`, which mail programs open themselves, or `attachment`, a sealed file
    /// attached to a line of text, for a partner whose gateway takes PGP/MIME apart.
    pub(super) form: MailForm,
    /// The authority's own address that gets a copy of each return; its recipients do not see it. What is in the copy
    /// nobody but the partner can read; it shows that the message left.
    #[schemars(example = &"returns-journal@council.example")]
    pub(super) journal: Option<String>,
    /// How long to wait for the reply after the message. 10m to 1h: giving up early risks sending twice.
    // RFC 5321 §4.5.3.2.6
    pub(super) reply_timeout: WrittenDuration,
    /// Largest message, in the size that travels. A larger one is held for a person.
    pub(super) message_bytes_max: WrittenSize,
}

/// A timetable besides the bundled ones.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RawTimetable {
    /// Absolute path of its file.
    #[schemars(required, example = &"/etc/hbcourier/timetables/2021-22.toml")]
    pub(super) file: Option<String>,
}
