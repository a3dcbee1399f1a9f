//! What the service must not be able to do in its sandbox. Whatever succeeds is undone.

use std::fs::{self, File};
use std::io;
use std::net::{TcpListener, TcpStream};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use nix::sched::CloneFlags;
use nix::sys::ptrace;
use nix::unistd::Pid;
use rustix::mount::{MountFlags, UnmountFlags};
use rustix::net::{AddressFamily, Protocol, SocketType};
use rustix::process::{DumpableBehavior, Resource};
use rustix::time::ClockId;

use super::child::Ground;
use super::{Expected, Trial};
use crate::durable::Directory;
use crate::sandbox::Confinement;

/// The last trial, which would leave nobody to tell of it.
pub(super) const EXECUTING: &str = "execute a program in our place";
/// Connections by this protocol are not asked about by Landlock.
const MULTIPATH_TCP: Protocol = rustix::net::ipproto::MPTCP;
/// What only another account than root is refused.
pub(super) const READING_PASSWORDS: &str = "read /etc/shadow";
const PROGRAM: &str = "/usr/bin/true";
/// Since which ABI of Landlock these are refused.
const CONNECTIONS: u8 = 4;
const SIGNALS: u8 = 6;

/// Tries all of it, but for [`executing`].
pub(super) fn trials(ground: &Ground, configuration: &Path, confinement: Confinement) -> Vec<Trial> {
    let tried = |what: &str, done| Trial::of(what, Expected::Refused, done);
    let mut trials: Vec<Trial> = ["/etc", "/tmp", "/var/tmp", "/usr", "/root", "/dev/shm"]
        .iter()
        .map(|folder| tried(&format!("write in {folder}"), write_in(Path::new(folder))))
        .collect();
    trials.extend(
        ["/etc/shadow", "/proc/1/environ"].map(|file| tried(&format!("read {file}"), File::open(file).map(drop))),
    );
    trials
        .extend(["/root", "/home"].map(|folder| tried(&format!("look into {folder}"), fs::read_dir(folder).map(drop))));
    let memory = format!("/proc/{}/mem", ground.outsider);
    let folder = ground.file.parent().unwrap_or(&ground.file);
    trials.extend([
        tried("write beside the configuration", write_in(configuration.parent().unwrap_or(configuration))),
        tried("read a file of another account", File::open(&ground.file).map(drop)),
        tried("write beside it", write_in(folder)),
        tried("read the memory of another process", File::open(memory).map(drop)),
        tried("connect to a port that is not configured", connect(ground.port)).since(CONNECTIONS, confinement),
        tried("listen on a port", TcpListener::bind("127.0.0.1:0").map(drop)).since(CONNECTIONS, confinement),
        tried("connect to a socket without a file", connect_abstract(&ground.socket)).since(SIGNALS, confinement),
        tried("send a signal to another process", signal(ground.outsider)).since(SIGNALS, confinement),
    ]);
    let calls = [
        tried("trace another process", trace(ground.outsider)),
        tried("send packets of any kind", socket(AddressFamily::INET, SocketType::RAW, rustix::net::ipproto::ICMP)),
        tried("see all packets", socket(AddressFamily::PACKET, SocketType::RAW, None)),
        tried("connect past the rules for TCP", socket(AddressFamily::INET, SocketType::STREAM, MULTIPATH_TCP)),
        tried("mount a file system", mount(folder)),
        tried("enter another namespace", nix::sched::unshare(CloneFlags::CLONE_NEWUSER).map_err(Into::into)),
        tried("change the root directory", rustix::process::chroot("/").map_err(Into::into)),
        tried("set the clock", set_clock()),
        tried("load a kernel module", load_module()),
        tried("begin another program", begin()),
        tried("leave a core dump", core_dump()),
    ];
    trials.extend(calls);
    trials
}

/// Becomes another program, unless that is refused.
pub(super) fn executing() -> Trial {
    Trial::of(EXECUTING, Expected::Refused, Err(Command::new(PROGRAM).exec()))
}

fn write_in(folder: &Path) -> io::Result<()> {
    let name = format!(".hbcourier-selftest-{}", std::process::id());
    let directory = Directory::open(folder)?;
    directory.create(&name)?;
    directory.remove(&name)
}

fn connect(port: u16) -> io::Result<()> {
    TcpStream::connect(("127.0.0.1", port)).map(drop)
}

fn connect_abstract(name: &str) -> io::Result<()> {
    UnixStream::connect_addr(&SocketAddr::from_abstract_name(name)?).map(drop)
}

fn signal(process: u32) -> io::Result<()> {
    let process = rustix::process::Pid::from_raw(process.cast_signed()).ok_or(io::ErrorKind::InvalidInput)?;
    Ok(rustix::process::test_kill_process(process)?)
}

/// Ends by itself with this process, and stops the other one at no time.
fn trace(process: u32) -> io::Result<()> {
    Ok(ptrace::seize(Pid::from_raw(process.cast_signed()), ptrace::Options::empty())?)
}

fn socket(family: AddressFamily, kind: SocketType, protocol: impl Into<Option<Protocol>>) -> io::Result<()> {
    Ok(rustix::net::socket(family, kind, protocol.into()).map(drop)?)
}

fn mount(folder: &Path) -> io::Result<()> {
    rustix::mount::mount("none", folder, "tmpfs", MountFlags::empty(), None)?;
    Ok(rustix::mount::unmount(folder, UnmountFlags::DETACH)?)
}

fn set_clock() -> io::Result<()> {
    let now = rustix::time::clock_gettime(ClockId::Realtime);
    Ok(rustix::time::clock_settime(ClockId::Realtime, now)?)
}

fn load_module() -> io::Result<()> {
    let nothing = File::open("/dev/null")?;
    Ok(rustix::system::finit_module(&nothing, c"", 0)?)
}

fn begin() -> io::Result<()> {
    Command::new(PROGRAM).spawn()?.wait().map(drop)
}

fn core_dump() -> io::Result<()> {
    let limit = rustix::process::getrlimit(Resource::Core).current;
    let none = limit == Some(0) && rustix::process::dumpable_behavior()? == DumpableBehavior::NotDumpable;
    if none { Err(rustix::io::Errno::PERM.into()) } else { Ok(()) }
}
