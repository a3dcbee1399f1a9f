//! Reading commands for people who cannot read the state directory: the running service carries them out.
//!
//! In:  the command line as it was typed. Out: what the command prints, byte for byte, and its exit status.
//! Holds: only commands that read what the settings name; none reads or writes a file that the caller names. By which
//! configuration is the service's affair: what the command line says of that is for this side only.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use clap::Parser;

use super::dispatch::{Cli, Command, Given};
use super::order::{busy, out_of_reach};
use super::output::{CliError, Exit, Output};
use super::{held, keys, legal_hold, returns, timetable, transfers};
use crate::config::{self, Settings};
use crate::daemon::control::{Answer, Asker, PAGE_BYTES_MAX, Page, Reading, read_at};
use crate::domain::causes::with_causes;
use crate::domain::{ConsignmentId, Digest, Standing, SubmissionKey};
use crate::operator::Look;
use crate::store::{Queries, SqliteStore};

/// What this command looks at, if it is one that the service carries out for others.
pub(super) fn look(command: &Command) -> Option<Look> {
    let work = |is_reading: bool| is_reading.then_some(Look::Work);
    match command {
        Command::Status(_)
        | Command::Expectations(_)
        | Command::Packs(_)
        | Command::Retention(_)
        | Command::Roles(_) => Some(Look::Work),
        Command::LegalHold(args) => work(match &args.command {
            legal_hold::Command::List(_) => true,
            legal_hold::Command::Place(_) | legal_hold::Command::Lift(_) => false,
        }),
        Command::Transfers(args) => work(match &args.command {
            transfers::Command::List(_) | transfers::Command::Show(_) => true,
            transfers::Command::Names(_) => false,
            // A path would be looked for where the service is.
            transfers::Command::Why(args) => names_a_transfer(&args.what),
        }),
        Command::Held(args) => work(match &args.command {
            held::Command::List(_) | held::Command::Show(_) => true,
            held::Command::Retry(_) | held::Command::Approve(_) | held::Command::Reject(_) => false,
        }),
        Command::Returns(args) => work(match &args.command {
            returns::Command::List(_) | returns::Command::Show(_) | returns::Command::Compliance(_) => true,
            returns::Command::Confirm(_)
            | returns::Command::Resend(_)
            | returns::Command::Waive(_)
            | returns::Command::Close(_) => false,
        }),
        Command::Timetable(args) => work(match &args.command {
            timetable::Command::Ask(_) => true,
            timetable::Command::Export(_)
            | timetable::Command::Import(_)
            | timetable::Command::Lint(_)
            | timetable::Command::Activate(_)
            | timetable::Command::Simulate(_) => false,
        }),
        Command::Keys(args) => work(match &args.command {
            keys::Command::List(_) => true,
            // It tries each secret key, and only the service's account has them at hand: it is the service that reads.
            keys::Command::Check(_) => true,
            keys::Command::Generate(_)
            | keys::Command::Import(_)
            | keys::Command::Trust(_)
            | keys::Command::Retire(_)
            | keys::Command::Except(_) => false,
        }),
        Command::Audit(args) => args.reads_the_installation().then_some(Look::Ledger),
        Command::Demo(_)
        | Command::Init(_)
        | Command::Check(_)
        | Command::Doctor(_)
        | Command::Migrate(_)
        | Command::Backup(_)
        | Command::Restore(_)
        | Command::Run(_)
        | Command::Risk(_)
        | Command::Identify(_)
        | Command::Shbe(_)
        | Command::Selftest(_)
        // It mails, and keeps what it mailed.
        | Command::Deadline(_)
        | Command::Completions { .. }
        | Command::Man(_)
        | Command::Unit(_) => None,
    }
}

fn names_a_transfer(what: &str) -> bool {
    what.parse::<SubmissionKey>().is_ok() || what.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The socket of whoever must be asked, if this account may not read the configuration, or not the state directory.
pub fn closed(configuration: &Path, otherwise: &Path) -> Option<PathBuf> {
    if config::is_closed(configuration) {
        return Some(otherwise.to_owned());
    }
    let settings = config::load(configuration).ok()?;
    is_closed(&settings).then_some(settings.service.control_socket)
}

/// Whether this account may not read the store.
pub fn is_closed(settings: &Settings) -> bool {
    let opened = File::open(SqliteStore::path(&settings.service.state));
    opened.is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
}

/// Has the service that listens there carry the command line out, and prints what it printed.
pub fn hand_over(socket: &Path, args: &[String]) -> Result<Exit, CliError> {
    let page = ask(socket, args.to_vec())?;
    match io::stdout().write_all(&page.printed).and_then(|()| io::stdout().flush()) {
        // Whoever reads has seen enough, as `head` has.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(Exit::Yes),
        written => written.map_err(|error| CliError::printing(&error))?,
    }
    let exit = Exit::of(page.exit);
    if page.says.is_empty() { Ok(exit) } else { Err(CliError { exit, says: page.says, next: None }) }
}

/// The transfer whose id this is, or begins with this: from the store, or where that is closed from the running service.
pub fn consignment(text: &str, settings: &Settings) -> Result<ConsignmentId, CliError> {
    if !is_closed(settings) {
        let store = SqliteStore::read_only(&settings.service.state);
        let store = store.map_err(|error| CliError { exit: Exit::CouldNot, says: with_causes(&error), next: None })?;
        return transfers::find::consignment(text, &store);
    }
    let args = ["transfers", "show", "--json", "--", text].map(str::to_owned).to_vec();
    let page = ask(&settings.service.control_socket, args)?;
    let shown: Option<serde_json::Value> = serde_json::from_slice(&page.printed).ok();
    let id = shown.as_ref().and_then(|shown| shown["id"].as_str());
    match id.map(str::parse) {
        Some(Ok(id)) => Ok(id),
        Some(Err(_)) => Err(transfers::find::not_inbound(text)),
        None => Err(CliError { exit: Exit::of(page.exit), says: page.says, next: None }),
    }
}

/// What a transfer is held as.
pub struct OnRecord {
    /// SHA-256 of the sealed bytes.
    pub sealed: Digest,
    /// The code; nothing, if it is not held: the service says so, and records that it was asked. Where the store is closed
    /// that is said here, and not recorded.
    pub code: String,
}

/// As what this transfer is held: from the store, or where that is closed from the running service.
pub fn held(transfer: &ConsignmentId, settings: &Settings) -> Result<OnRecord, CliError> {
    let missing =
        || CliError::none(format!("There is no transfer {transfer}."), "`hbcourier held list` shows what waits.");
    if !is_closed(settings) {
        let store = SqliteStore::read_only(&settings.service.state);
        let store = store.map_err(|error| CliError { exit: Exit::CouldNot, says: with_causes(&error), next: None })?;
        let (consignment, _) = store.consignment(transfer)?.ok_or_else(missing)?;
        let code = match &consignment.standing {
            Standing::Held { reason, .. } => reason.notice().code,
            _ => "",
        };
        return Ok(OnRecord { sealed: consignment.sealed_digest, code: code.to_owned() });
    }
    let page = ask(&settings.service.control_socket, ["held", "list", "--json"].map(str::to_owned).to_vec())?;
    let listed: serde_json::Value = serde_json::from_slice(&page.printed).unwrap_or_default();
    let items = listed["held"].as_array().map(Vec::as_slice).unwrap_or_default();
    let id = transfer.to_string();
    let item = items.iter().find(|item| item["id"] == id.as_str()).ok_or_else(|| {
        let says = format!("Transfer {transfer} is not held, so there is nothing to release.");
        CliError::none(says, "`hbcourier transfers show` tells all about it.")
    })?;
    let sealed = item["sha256"].as_str().and_then(|text| text.parse().ok()).ok_or_else(missing)?;
    Ok(OnRecord { sealed, code: item["code"].as_str().unwrap_or_default().to_owned() })
}

fn ask(socket: &Path, args: Vec<String>) -> Result<Page, CliError> {
    let could_not = |says: String, next: &str| CliError::new(Exit::CouldNot, says, next);
    match read_at(socket, args) {
        Ok(Some(Ok(page))) => Ok(page),
        Ok(Some(Err(Answer::Refused { says, .. }))) => {
            let next = "`hbcourier roles` shows who may do what.";
            Err(could_not(format!("The service did not answer: {says}."), next))
        }
        Ok(Some(Err(Answer::Busy))) => Err(busy()),
        Ok(Some(Err(_))) => Err(could_not("The service answered something else.".to_owned(), "Look at its log.")),
        Ok(None) => {
            let says = format!(
                "The state directory is closed to this account, and no service listens at {} that would read it.",
                socket.display()
            );
            Err(could_not(says, "Start the service, or name its socket with `--socket`."))
        }
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Err(out_of_reach(socket)),
        Err(error) => {
            let says = format!("The running service did not answer at {}: {error}.", socket.display());
            Err(could_not(says, "Look at the service's log."))
        }
    }
}

/// The service's side.
pub struct ForOthers {
    settings: Settings,
}

impl ForOthers {
    /// By these settings.
    pub fn by(settings: &Settings) -> ForOthers {
        ForOthers { settings: settings.clone() }
    }
}

impl Reading for ForOthers {
    fn looks(&self, args: &[String]) -> Result<Look, Page> {
        let usage = |says: String| Page { exit: Exit::Usage.status(), printed: Vec::new(), says };
        let cli = parse(args).map_err(|error| usage(error.to_string()))?;
        look(&cli.command).ok_or_else(|| usage("The service carries out no such command for others.".to_owned()))
    }

    fn answer(&self, args: &[String], asker: Asker) -> Page {
        let sheet = Sheet::default();
        let done = parse(args).map_err(|error| CliError { exit: Exit::Usage, says: error.to_string(), next: None });
        let done = done.and_then(|cli| {
            let given = Given { settings: self.settings.clone(), asker };
            cli.by(given).run(&mut sheet.clone(), &mut Output::to(sheet.clone()))
        });
        let printed = sheet.0.take();
        match done {
            Ok(exit) => Page { exit: exit.status(), printed, says: String::new() },
            Err(error) => Page { exit: error.exit.status(), printed, says: error.to_string() },
        }
    }
}

fn parse(args: &[String]) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(std::iter::once("hbcourier").chain(args.iter().map(String::as_str)))
}

/// What is printed, up to a limit.
#[derive(Clone, Default)]
struct Sheet(Rc<RefCell<Vec<u8>>>);

impl Write for Sheet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut printed = self.0.borrow_mut();
        if bytes.len() > PAGE_BYTES_MAX - printed.len() {
            let says = format!("the service prints at most {} MiB for others: ask for less", PAGE_BYTES_MAX >> 20);
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, says));
        }
        printed.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looks(line: &str) -> Option<Look> {
        let args: Vec<String> = line.split(' ').map(str::to_owned).collect();
        look(&parse(&args).unwrap_or_else(|error| panic!("{line}: {error}")).command)
    }

    #[test]
    fn only_what_reads_by_the_settings_is_carried_out_for_others() {
        for line in [
            "status --json",
            "transfers list",
            "transfers show abcd",
            "transfers why 0123abcd",
            "transfers why shbe/12302/2020-04",
            "held list",
            "held show abcd",
            "returns list",
            "returns show shbe/12302/2020-04",
            "returns compliance",
            "packs volumes",
            "expectations",
            "timetable next --authority 12302",
            "timetable list",
            "timetable show --authority 12302 --year 2020-21",
            "keys list",
            "roles",
        ] {
            assert_eq!(looks(line), Some(Look::Work), "{line}");
        }
        for line in ["audit log", "audit verify --json", "audit vkey", "audit prove abcd"] {
            assert_eq!(looks(line), Some(Look::Ledger), "{line}");
        }
        for line in [
            "transfers why /etc/passwd",
            "transfers why laid.pgp",
            "held retry abcd --reason x",
            "returns waive shbe/12302/2020-04 --reason x",
            "timetable export --authority 12302 --year 2020-21 --ics /tmp/x.ics",
            "timetable lint /etc/passwd",
            "keys trust dwp /etc/passwd --fingerprint 0123456789ABCDEF0123456789ABCDEF01234567",
            "identify /etc/passwd",
            "shbe check /etc/passwd",
            "risk report /etc/passwd",
            "audit checkpoint",
            "audit log --export /tmp/x",
            "audit verify --export /tmp/x --vkey /tmp/v",
            "audit verify --anchors /tmp/x",
            "audit prove abcd --out /tmp/x",
            "audit export /tmp/x",
            "audit evidence abcd",
            "check",
            "doctor",
            "migrate",
            "backup /tmp/x",
            "restore /tmp/x",
            "init /tmp/x --authority 12302",
            "demo",
            "run",
            "man",
        ] {
            assert_eq!(looks(line), None, "{line}");
        }
    }

    #[test]
    fn what_is_too_long_is_an_error_and_the_rest_is_kept() {
        let mut sheet = Sheet::default();
        sheet.write_all(&vec![b'a'; PAGE_BYTES_MAX]).unwrap();
        let error = sheet.write_all(b"b").unwrap_err();
        assert!(error.to_string().contains("32 MiB"), "{error}");
        assert_eq!(sheet.0.borrow().len(), PAGE_BYTES_MAX);
    }
}
