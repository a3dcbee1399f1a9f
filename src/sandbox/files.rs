//! Landlock: which files may be reached and how, and which ports may be connected to.
//!
//! Holds: what the kernel does not know is left out and told, never an error; nothing may be executed.

use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, LandlockStatus, NetPort, PathBeneath, Ruleset, RulesetAttr,
    RulesetCreated, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope, make_bitflags,
};

use super::SandboxFault;
use super::grants::{Grants, Use};
use super::pegs::{self, Peg};

/// The latest ABI whose every right was tried with the service.
const KNOWN: ABI = ABI::V6;

/// What a file may be used for where the service writes. The same everywhere: a file that is moved may gain nothing by it.
const FILES: BitFlags<AccessFs> = make_bitflags!(AccessFs::{ReadFile | WriteFile | Truncate});

/// Trees and files that are read by the program's libraries: names of accounts and hosts, certificates, time zones.
const LIBRARIES: [&str; 16] = [
    "/usr",
    "/lib",
    "/lib64",
    // As a whole, because passwd, group and resolv.conf are replaced rather than written.
    "/etc",
    "/proc/self",
    "/proc/sys/kernel",
    "/sys/devices/system/cpu",
    "/sys/fs/cgroup",
    "/dev/random",
    "/dev/urandom",
    "/run/systemd/resolve",
    "/run/NetworkManager",
    "/run/resolvconf",
    // Of libnss-systemd, SSSD and nscd. One that is closed is no answer to the C library, and so no account is known.
    "/run/systemd/userdb",
    "/run/nscd",
    "/var/lib/sss",
];
/// Links of which the target may lie, and be replaced, elsewhere.
const LINKS: [&str; 3] = ["/etc/resolv.conf", "/etc/hosts", "/etc/localtime"];
const NULL: &str = "/dev/null";

/// Confines this thread and its later ones. The ABI that is enforced; 0 if the kernel has none.
pub(super) fn confine(grants: &Grants) -> Result<u8, SandboxFault> {
    let fault = |error: RulesetError| SandboxFault::Files(Box::new(error));
    let status = ruleset().and_then(|ruleset| rules(ruleset, grants)?.restrict_self()).map_err(fault)?;
    Ok(match (status.ruleset, status.landlock) {
        (RulesetStatus::NotEnforced, _) => 0,
        (_, LandlockStatus::Available { effective_abi, .. }) => effective_abi as u8,
        (_, _) => 0,
    })
}

fn ruleset() -> Result<RulesetCreated, RulesetError> {
    let mut scopes = Scope::from_all(KNOWN);
    if notifies_by_an_abstract_socket() {
        scopes.remove(Scope::AbstractUnixSocket);
    }
    Ruleset::default()
        .handle_access(AccessFs::from_all(KNOWN))?
        .handle_access(AccessNet::from_all(KNOWN))?
        .scope(scopes)?
        .create()
}

fn rules(ruleset: RulesetCreated, grants: &Grants) -> Result<RulesetCreated, RulesetError> {
    let mut ruleset = ruleset;
    let links = LINKS.iter().map(PathBuf::from);
    let files = grants.files.iter().cloned().chain(links).chain(certificates()).map(|file| (file, Use::Read));
    let wanted: Vec<(PathBuf, Use)> = grants.folders.clone().into_iter().chain(files).collect();
    let pegs = pegs::opened(wanted.iter().map(|(path, _)| path));
    for (path, what) in &wanted {
        let own = pegs.get(path).into_iter().flatten();
        for peg in own.filter(|peg| peg.path == *path || grants.reaches_up_to(&peg.path, *what)) {
            ruleset = hung(ruleset, peg, rights(*what))?;
        }
    }
    let read = LIBRARIES.iter().map(|path| (*path, rights(Use::Read)));
    for (path, rights) in read.chain([(NULL, FILES)]) {
        if let Some(peg) = Peg::open(Path::new(path)) {
            ruleset = hung(ruleset, &peg, rights)?;
        }
    }
    let connect = grants.connect.iter().map(|port| Ok(NetPort::new(*port, AccessNet::ConnectTcp)));
    let listen = grants.listen.iter().map(|port| Ok(NetPort::new(*port, AccessNet::BindTcp)));
    ruleset.add_rules(connect.chain(listen))
}

fn rights(what: Use) -> BitFlags<AccessFs> {
    let read = make_bitflags!(AccessFs::{ReadFile | ReadDir});
    let work = FILES | read | make_bitflags!(AccessFs::{MakeReg | RemoveFile | Refer});
    match what {
        Use::Read => read,
        Use::Work => work,
        Use::Mail => work | AccessFs::MakeDir,
        Use::Own => work | make_bitflags!(AccessFs::{MakeDir | RemoveDir | MakeSock}),
    }
}

fn hung(ruleset: RulesetCreated, peg: &Peg, rights: BitFlags<AccessFs>) -> Result<RulesetCreated, RulesetError> {
    let rights = if peg.is_folder { rights } else { rights & AccessFs::from_file(KNOWN) };
    ruleset.add_rule(PathBeneath::new(&peg.opened, rights))
}

/// Where the system's certificate authorities are, if not below /etc and /usr.
#[expect(clippy::disallowed_methods, reason = "what OpenSSL and rustls go by is no setting of the service")]
fn certificates() -> impl Iterator<Item = PathBuf> {
    ["SSL_CERT_FILE", "SSL_CERT_DIR"].into_iter().filter_map(std::env::var_os).map(PathBuf::from)
}

/// Older systemd listens for notifications on a socket without a file.
#[expect(clippy::disallowed_methods, reason = "systemd tells its socket this way")]
fn notifies_by_an_abstract_socket() -> bool {
    std::env::var_os("NOTIFY_SOCKET").is_some_and(|socket| socket.as_encoded_bytes().starts_with(b"@"))
}
