//! The process in which the sandbox is tried: how it is begun, and what it does.
//!
//! Holds: it takes on the account that the state directory belongs to, and then enters the sandbox as the service does. It
//! prints a line for each trial at once, since the last one would replace it by another program.

use std::ffi::CString;
use std::fs::Permissions;
use std::io::{self, Write};
use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::unistd::{User, initgroups, setgid, setuid};
use serde::{Deserialize, Serialize};

use super::{Expected, Outcome, Trial, allowed, forbidden};
use crate::cli::output::{CliError, Exit};
use crate::config::Settings;
use crate::domain::causes::with_causes;
use crate::sandbox::{self, Confinement};

/// What lies ready to be tried, where the sandbox does not reach.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Ground {
    /// A process that is not confined.
    pub outsider: u32,
    /// A port of this machine on which it listens, and to which nothing is configured to connect.
    pub port: u16,
    /// The name of a socket without a file, likewise.
    pub socket: String,
    /// A file that every account may read.
    pub file: PathBuf,
}

/// What the child process says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Line {
    Entered(Confinement),
    Tried(Trial),
    Ended,
}

/// What came of it.
pub(super) struct Inside {
    pub confinement: Confinement,
    pub trials: Vec<Trial>,
}

/// Begins a child process and has it try everything.
pub(super) fn try_in_one(settings: &Settings, configuration: &Path) -> Result<Inside, CliError> {
    let could_not = |error: io::Error| {
        let next = "See that there is space in the temporary folder, and run it again.";
        CliError::new(Exit::CouldNot, format!("The sandbox could not be tried: {error}."), next)
    };
    let (state, configuration) = (&settings.service.state, configuration.canonicalize().map_err(could_not)?);
    // It is not made here: it would belong to whoever tries.
    if !state.is_dir() {
        let says = format!("The sandbox could not be tried: there is no state directory {}.", state.display());
        return Err(CliError::new(Exit::CouldNot, says, "Start the service once, or run `hbcourier init`."));
    }
    let (folder, ground, _listening) = lay_out(settings).map_err(could_not)?;
    let ground = serde_json::to_string(&ground).map_err(|error| could_not(error.into()))?;
    let mut child = Command::new(std::env::current_exe().map_err(could_not)?);
    child.arg("--config").arg(configuration).args(["selftest", "--inside", &ground]).stdin(Stdio::null());
    let output = child.output().map_err(could_not)?;
    drop(folder);
    read(&output.stdout).ok_or_else(|| {
        let says = String::from_utf8_lossy(&output.stderr);
        let says = format!("The sandbox could not be entered. {}", says.trim_end());
        CliError { exit: Exit::CouldNot, says, next: None }
    })
}

type Listening = (TcpListener, UnixListener);

fn lay_out(settings: &Settings) -> io::Result<(tempfile::TempDir, Ground, Listening)> {
    let folder =
        tempfile::Builder::new().prefix("hbcourier-selftest-").permissions(Permissions::from_mode(0o755)).tempdir()?;
    let file = folder.path().join("of-another");
    // For everybody to read: it is the sandbox that must refuse it.
    let mode = Permissions::from_mode(0o644);
    let made = tempfile::Builder::new().permissions(mode.clone()).tempfile_in(folder.path())?;
    made.as_file().set_permissions(mode)?;
    made.persist_noclobber(&file).map_err(io::Error::from)?;
    let ports = sandbox::ports(settings);
    let tcp = loop {
        let tcp = TcpListener::bind("127.0.0.1:0")?;
        if !ports.contains(&tcp.local_addr()?.port()) {
            break tcp;
        }
    };
    let socket = format!("hbcourier-selftest-{}", std::process::id());
    let unix = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&socket)?)?;
    let ground = Ground { outsider: std::process::id(), port: tcp.local_addr()?.port(), socket, file };
    Ok((folder, ground, (tcp, unix)))
}

/// What the child process printed; nothing, if it did not get as far as the sandbox.
fn read(printed: &[u8]) -> Option<Inside> {
    let mut lines = serde_json::Deserializer::from_slice(printed).into_iter::<Line>();
    let Some(Ok(Line::Entered(confinement))) = lines.next() else { return None };
    let (mut trials, mut ended) = (Vec::new(), false);
    for line in lines.map_while(Result::ok) {
        match line {
            Line::Tried(trial) => trials.push(trial),
            Line::Ended => ended = true,
            Line::Entered(_) => {}
        }
    }
    if !ended {
        let mut executed = Trial::of(forbidden::EXECUTING, Expected::Refused, Ok(()));
        executed.outcome = Outcome::Done;
        trials.push(executed);
    }
    Some(Inside { confinement, trials })
}

/// What the child process does.
pub(super) fn run(ground: &str, settings: &Settings, configuration: &Path) -> Result<Exit, CliError> {
    let could_not = |says: String| CliError::new(Exit::CouldNot, says, "Run `hbcourier check`.");
    let ground: Ground = serde_json::from_str(ground)
        .map_err(|error| CliError::new(Exit::Usage, format!("{error}."), "This is for `hbcourier selftest` alone."))?;
    as_the_service(&settings.service.state)
        .map_err(|error| could_not(format!("No other account was taken on: {error}.")))?;
    let confinement =
        sandbox::enter(settings, configuration).map_err(|fault| could_not(format!("{}.", with_causes(&fault))))?;
    let tell = |line: Line| {
        let told = serde_json::to_string(&line).map_err(io::Error::from);
        let mut stdout = io::stdout();
        let told = told.and_then(|line| writeln!(stdout, "{line}")).and_then(|()| stdout.flush());
        told.map_err(|error| CliError::printing(&error))
    };
    tell(Line::Entered(confinement))?;
    for trial in allowed::trials(settings, configuration) {
        tell(Line::Tried(trial))?;
    }
    for trial in forbidden::trials(&ground, configuration, confinement) {
        tell(Line::Tried(trial))?;
    }
    tell(Line::Tried(forbidden::executing()))?;
    tell(Line::Ended)?;
    Ok(Exit::Yes)
}

/// Root takes on the account that the state directory belongs to: that is who the service is.
fn as_the_service(state: &Path) -> io::Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let Ok(facts) = state.metadata() else { return Ok(()) };
    let Some(user) = User::from_uid(facts.uid().into())?.filter(|user| !user.uid.is_root()) else { return Ok(()) };
    let name = CString::new(user.name).map_err(io::Error::from)?;
    initgroups(&name, user.gid)?;
    setgid(user.gid)?;
    setuid(user.uid)?;
    Ok(())
}
