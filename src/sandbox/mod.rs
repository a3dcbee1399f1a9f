//! The sandbox: what the running service confines itself to, before it looks at the first byte from outside.
//!
//! In:  the settings, and where they were read. Out: a process that can reach what the settings name and little else, and
//! a [`Confinement`] that tells how far the kernel went along.
//! Holds: it can never be widened, so what a reload wants is asked of [`covers`] first; it is entered while there is one
//! thread, so that every worker inherits it.

mod anchors;
mod calls;
mod files;
mod grants;
mod pegs;
mod reach;
#[cfg(test)]
mod tests;

use std::fmt;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
use serde::{Deserialize, Serialize};

use crate::config::Settings;
use crate::config::settings::Sandbox;

pub use grants::{Folder, covers, folders, ports};
pub use reach::is_kept_out;

/// The first ABI of Landlock that confines connections.
const CONNECTIONS: u8 = 4;
/// The first that confines signals and abstract sockets.
const SIGNALS: u8 = 6;

/// How far this process is confined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confinement {
    /// The ABI of Landlock that is enforced; 0 is none.
    pub landlock: u8,
    /// Whether system calls that the service never makes are refused.
    pub system_calls: bool,
}

impl Confinement {
    /// Whether files, connections and system calls are confined.
    pub fn is_strict(self) -> bool {
        self.landlock >= CONNECTIONS && self.system_calls
    }
}

impl fmt::Display for Confinement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.landlock {
            0 => f.write_str("files and connections are not confined"),
            abi => {
                let what = match abi {
                    ..CONNECTIONS => "files are confined, connections are not",
                    CONNECTIONS..SIGNALS => "files and connections are confined",
                    SIGNALS.. => "files, connections and signals are confined",
                };
                write!(f, "{what} (Landlock ABI {abi})")
            }
        }?;
        f.write_str(if self.system_calls { ", system calls are filtered" } else { ", system calls are not filtered" })
    }
}

/// Why the service does not run in its sandbox.
#[derive(Debug, thiserror::Error)]
pub enum SandboxFault {
    /// Secrets could get into a core dump.
    #[error("core dumps could not be turned off")]
    CoreDumps(#[source] io::Error),
    /// The state directory, which must be there to be allowed.
    #[error("the state directory {} could not be made", path.display())]
    State {
        /// Where.
        path: PathBuf,
        /// The system's words.
        #[source]
        source: io::Error,
    },
    /// The kernel took the rules for files and connections, and then refused them.
    #[error("files and connections could not be confined")]
    Files(#[source] Box<landlock::RulesetError>),
    /// The filter of system calls could not be made.
    #[error("the filter of system calls could not be made")]
    Calls(#[source] seccompiler::BackendError),
    /// The kernel does less than the settings ask for.
    #[error("this kernel does not do what `sandbox = \"required\"` asks for: {0}; it takes Linux 6.7 or later")]
    Weak(Confinement),
}

/// Confines this process and all its later threads to what the settings name. `configuration` is read again at a reload.
pub fn enter(settings: &Settings, configuration: &Path) -> Result<Confinement, SandboxFault> {
    no_core_dumps()?;
    if settings.service.sandbox == Sandbox::Off {
        return Ok(Confinement::default());
    }
    let state = &settings.service.state;
    let made = DirBuilder::new().recursive(true).mode(0o700).create(state);
    made.map_err(|source| SandboxFault::State { path: state.clone(), source })?;
    let landlock = files::confine(&grants::of(settings, configuration))?;
    let confinement = Confinement { landlock, system_calls: calls::filter()? };
    if settings.service.sandbox == Sandbox::Required && !confinement.is_strict() {
        return Err(SandboxFault::Weak(confinement));
    }
    Ok(confinement)
}

/// Memory holds keys and what they opened, so it is never written out.
fn no_core_dumps() -> Result<(), SandboxFault> {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    setrlimit(Resource::Core, none)
        .and_then(|()| set_dumpable_behavior(DumpableBehavior::NotDumpable))
        .map_err(|errno| SandboxFault::CoreDumps(errno.into()))
}
