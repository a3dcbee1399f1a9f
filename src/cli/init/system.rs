//! `hbcourier init --system`: this machine as the package leaves it becomes one that the service can start on.
//!
//! In:  an LA number, the account of the service, the group of those who bring and take files, perhaps the partner's
//!      certificate. Out: configuration, state directory with keys, folders for files, the drop-in that lets the unit
//!      write to them; what was made, and the next three steps.
//! Holds: root alone; nothing is overwritten; what lies in the state directory is the service's own, made as its account.
//! The configuration is put in place last: as long as it is not there, the command can be given again.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::super::unit;
use super::ground::{Ground, Owner, ROOT};
use super::{Args, InitError, KeyFault, KeyMaking, Laid, PARTNER, partner, values};
use crate::config;
use crate::domain::LaNumber;
use crate::effects::accounts::{self, Accounts, MachineAccounts};
use crate::effects::pgp::spoken;
use crate::effects::privilege::as_account;

/// For files that people and other services bring and take: they, the service, nobody else; files get the folder's group.
const SHARED_MODE: u32 = 0o2770;
const STATE_MODE: u32 = 0o700;
const CONFIG_FOLDER_MODE: u32 = 0o750;
const CREDENTIALS_MODE: u32 = 0o700;
const OPEN_FOLDER_MODE: u32 = 0o755;
const CONFIG_MODE: u32 = 0o640;
const OPEN_MODE: u32 = 0o644;

/// Where the set-up goes on this machine
#[derive(Debug, Default, clap::Args)]
pub struct Where {
    /// Set up this machine: /etc/hbcourier, /var/lib/hbcourier, /srv/hbcourier
    #[arg(long)]
    pub system: bool,
    /// The account the service runs as, as a trial; the units know one only
    #[arg(long, value_name = "NAME", requires = "root", default_value = "hbcourier", hide = true)]
    pub account: String,
    /// The group whose members bring and take files; the account's own, if none is named
    #[arg(long, value_name = "NAME", requires = "system")]
    pub files_group: Option<String>,
    /// Lay everything out below this folder, as a trial
    #[arg(long, value_name = "DIR", requires = "system", hide = true)]
    pub root: Option<PathBuf>,
}

/// Why this machine is not set up.
#[derive(Debug, thiserror::Error)]
pub enum SystemFault {
    /// Not root.
    #[error("only root can set a machine up: give the command again with `sudo`")]
    NotRoot,
    /// There is a configuration.
    #[error(
        "{} is there: this machine is set up already, and nothing was changed. For a further LA number put a file into conf.d beside it; `hbcourier check` says what is missing", .0.display()
    )]
    IsSetUp(PathBuf),
    /// No such account.
    #[error(
        "there is no account {0} that the service could run as: give `systemd-sysusers` (the package has its file), then this command again"
    )]
    NoAccount(String),
    /// No such group.
    #[error("there is no group {0}: make it with `addgroup --system {0}`, or name another with `--files-group`")]
    NoGroup(String),
    /// Accounts or groups could not be looked up.
    #[error("accounts and groups of this machine could not be looked up; mend that and give the command again")]
    Accounts(#[source] io::Error),
    /// Something could not be made.
    #[error("could not make {}; put that right and give the command again: it goes on where it stopped", path.display())]
    Make {
        /// What.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Keys were not made or not trusted.
    #[error("could not {doing} below {}; put that right and give the command again: it goes on where it stopped", state.display())]
    Keys {
        /// What was being done.
        doing: &'static str,
        /// The state directory.
        state: PathBuf,
        /// Why not.
        #[source]
        source: KeyFault,
    },
}

impl SystemFault {
    pub(super) fn at(path: &Path) -> impl Fn(io::Error) -> SystemFault + use<> {
        let path = path.to_owned();
        move |source| SystemFault::Make { path: path.clone(), source }
    }
}

/// The set-up, as `--json` prints it.
#[derive(Debug, Serialize)]
struct SetUp {
    #[serde(flatten)]
    laid: Laid,
    /// What `hbcourier unit` prints.
    drop_in: PathBuf,
    made: Vec<PathBuf>,
    kept: Vec<PathBuf>,
}

/// Who owns what.
#[derive(Debug)]
struct Owners {
    account: String,
    service: Owner,
    /// Of folders for files.
    files: Owner,
    /// What their group is called.
    files_group: String,
}

impl Owners {
    /// Whether files have another group than the service's own.
    fn is_apart(&self) -> bool {
        self.files.1 != self.service.1
    }
}

/// Sets the machine up, and prints what was made and what comes next.
pub fn run(
    args: &Args,
    name: &str,
    certificate: Option<&[u8]>,
    keys: &dyn KeyMaking,
    out: &mut dyn Write,
) -> Result<(), InitError> {
    if !rustix::process::geteuid().is_root() {
        return Err(SystemFault::NotRoot.into());
    }
    let root = args.system.root.as_deref().unwrap_or(Path::new("/"));
    let config = root.join("etc/hbcourier/hbcourier.toml");
    if config.symlink_metadata().is_ok() {
        return Err(SystemFault::IsSetUp(config).into());
    }
    let owners = owners(&args.system)?;
    let set_up = lay_out(root, &config, &args.authority, name, (certificate, keys), &owners)?;
    print(&set_up, args, name, &owners, out).map_err(InitError::Print)
}

fn owners(to: &Where) -> Result<Owners, SystemFault> {
    let service = accounts::named(&to.account).map_err(SystemFault::Accounts)?;
    let service = service.ok_or_else(|| SystemFault::NoAccount(to.account.clone()))?;
    let group = |name: &String| match MachineAccounts.group(name) {
        Ok(Some(group)) => Ok(group),
        Ok(None) => Err(SystemFault::NoGroup(name.clone())),
        Err(error) => Err(SystemFault::Accounts(error)),
    };
    let files = to.files_group.as_ref().map(group).transpose()?.unwrap_or(service.1);
    let called = accounts::group_called(files).map_err(SystemFault::Accounts)?;
    let files_group = called.unwrap_or_else(|| files.to_string());
    Ok(Owners { account: to.account.clone(), service, files: (service.0, files), files_group })
}

fn lay_out(
    root: &Path,
    config: &Path,
    la: &LaNumber,
    name: &str,
    (certificate, keys): (Option<&[u8]>, &dyn KeyMaking),
    owners: &Owners,
) -> Result<SetUp, InitError> {
    let mut ground = Ground::default();
    let (state, srv, run) = (root.join("var/lib/hbcourier"), root.join("srv/hbcourier"), root.join("run/hbcourier"));
    let etc = root.join("etc/hbcourier");
    let for_service = (0, owners.service.1);
    // As the unit has it: what is in it decides who may read.
    ground.folder(&etc, ROOT, OPEN_FOLDER_MODE)?;
    ground.folder(&etc.join("conf.d"), for_service, CONFIG_FOLDER_MODE)?;
    // The units name both, and are not started where one is missing.
    for secrets in ["credentials", "credentials.encrypted"] {
        ground.folder(&etc.join(secrets), ROOT, CREDENTIALS_MODE)?;
    }
    ground.folder(&state, owners.service, STATE_MODE)?;
    ground.folder(&run, owners.service, OPEN_FOLDER_MODE)?;
    let of = |part: &str| srv.join(part).join(la.as_str());
    let (drop, backoffice, returns, outgoing) = (of("drop"), of("backoffice"), of("returns"), of("outgoing"));
    let back_office = ["laid", "hbms", "risk"].map(|part| backoffice.join(part));
    let pick_ups = ["shbe", "hbms-mi"].map(|part| returns.join(part));
    for folder in [&drop, &outgoing].into_iter().chain(&back_office).chain(&pick_ups) {
        ground.folder(folder, owners.files, SHARED_MODE)?;
    }
    let public = srv.join("keys");
    ground.folder(&public, ROOT, OPEN_FOLDER_MODE)?;

    // It is tried beside its place, where conf.d counts too, before anything depends on it.
    let (trial, text) = (etc.join(".hbcourier.toml.trial"), configuration(&srv, &state, &run, la, name, owners));
    remove(&trial)?;
    Ground::default().file(&trial, text.as_bytes(), for_service, CONFIG_MODE)?;
    let settings = config::load_with_env(&trial, []).map_err(InitError::Refused);
    remove(&trial)?;
    let settings = settings?;

    let fault = |doing| {
        let state = state.clone();
        move |source| SystemFault::Keys { doing, state, source }
    };
    let acting = as_account(owners.service).map_err(|error| fault("act as the service")(error.into()))?;
    let own = keys.generate(&state, &format!("{name} (LA number {la})")).map_err(fault("make a key"))?;
    let vkey = keys.ledger(&state, &settings.audit.name).map_err(fault("make the ledger's key"))?;
    if let Some(certificate) = certificate {
        let trusted = partner().and_then(|partner| keys.trust(&state, &partner, certificate));
        trusted.map_err(fault("trust the partner's certificate"))?;
    }
    std::mem::drop(acting);

    let (own_cert, ledger_vkey) = (public.join("own.asc"), public.join("ledger.vkey"));
    ground.file(&own_cert, &own.armoured, ROOT, OPEN_MODE)?;
    ground.file(&ledger_vkey, format!("{vkey}\n").as_bytes(), ROOT, OPEN_MODE)?;
    let drop_in = root.join("etc/systemd/system/hbcourier.service.d/configured.conf");
    if let Some(folder) = drop_in.parent() {
        ground.folder(folder, ROOT, OPEN_FOLDER_MODE)?;
    }
    let text_of_drop_in = unit::for_service(&settings).map_err(SystemFault::at(&drop_in))?;
    ground.file(&drop_in, text_of_drop_in.as_bytes(), ROOT, OPEN_MODE)?;
    ground.file(config, text.as_bytes(), for_service, CONFIG_MODE)?;
    let own_fingerprint = own.fingerprint;
    let config = config.to_owned();
    let laid =
        Laid { config, state, drop, backoffice, returns, outgoing, own_cert, own_fingerprint, ledger_vkey, vkey };
    let Ground { made, kept } = ground;
    Ok(SetUp { laid, drop_in, made, kept })
}

fn remove(trial: &Path) -> Result<(), SystemFault> {
    match std::fs::remove_file(trial) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(SystemFault::at(trial)(error)),
        _ => Ok(()),
    }
}

/// As `init DIR` writes it, with the socket where everybody can reach it, and files for the group that takes them.
fn configuration(srv: &Path, state: &Path, run: &Path, la: &LaNumber, name: &str, owners: &Owners) -> String {
    let mut values = values(srv, state, la, name);
    values["service"]["control_socket"] = run.join("control.sock").display().to_string().into();
    values["watch"]["listen"] = format!("unix:{}", run.join("watch.sock").display()).into();
    if let (true, Some(routes)) = (owners.is_apart(), values["authority"][0]["route"].as_array_mut()) {
        routes.iter_mut().for_each(|route| route["group"] = owners.files_group.as_str().into());
    }
    config::reference::annotated(&values)
}

fn print(set_up: &SetUp, args: &Args, name: &str, owners: &Owners, out: &mut dyn Write) -> io::Result<()> {
    if args.json {
        return writeln!(out, "{}", serde_json::to_string(set_up)?);
    }
    let laid = &set_up.laid;
    writeln!(out, "This machine is set up for {name} ({}); the service runs as {}.", args.authority, owners.account)?;
    let beside = [("ledger's vkey", &laid.ledger_vkey), ("unit's drop-in", &set_up.drop_in)];
    for (what, path) in laid.places().into_iter().chain(beside) {
        writeln!(out, "  {what:<16} {}", path.display())?;
    }
    list(out, "Made:", &set_up.made)?;
    list(out, "There already, and left as it was:", &set_up.kept)?;
    let group = &owners.files_group;
    writeln!(out, "Next:")?;
    writeln!(
        out,
        "  1. Give {} to DWP, and read its fingerprint to them over the telephone:",
        laid.own_cert.display()
    )?;
    writeln!(out, "       {}", spoken(&laid.own_fingerprint))?;
    if args.partner_cert.is_none() {
        writeln!(out, "  2. Have them read theirs to you: hbcourier keys trust {PARTNER} FILE --fingerprint FPR")?;
    } else {
        writeln!(out, "  2. Give {} to whoever will audit the ledger.", laid.ledger_vkey.display())?;
    }
    writeln!(
        out,
        "  3. Put the accounts that bring and take files into the group {group} (usermod -aG {group} ACCOUNT),"
    )?;
    writeln!(out, "     then: hbcourier check && systemctl daemon-reload && systemctl enable --now hbcourier")
}

fn list(out: &mut dyn Write, title: &str, paths: &[PathBuf]) -> io::Result<()> {
    if !paths.is_empty() {
        writeln!(out, "{title}")?;
    }
    paths.iter().try_for_each(|path| writeln!(out, "  {}", path.display()))
}
