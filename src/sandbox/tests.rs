//! What is refused and what is not, by the filters as the kernel gets them, and what a reload may want.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use nix::libc;
use seccompiler::sock_filter;

use super::anchors::{above, beside};
use super::calls::programs;
use super::{Confinement, covers};
use crate::config::{Settings, load_with_env};

/// What the kernel would do with this call: `None` lets it through.
fn errno(call: i64, arguments: [u64; 6]) -> Option<i32> {
    programs().unwrap().iter().find_map(|program| by(program, call, arguments))
}

/// Runs a filter as the kernel does, as far as these filters go.
fn by(program: &[sock_filter], call: i64, arguments: [u64; 6]) -> Option<i32> {
    let arch: u32 = if cfg!(target_arch = "x86_64") { 0xC000_003E } else { 0xC000_00B7 };
    let mut data = Vec::new();
    data.extend(u32::try_from(call).unwrap().to_ne_bytes());
    data.extend(arch.to_ne_bytes());
    data.extend(0u64.to_ne_bytes());
    arguments.iter().for_each(|argument| data.extend(argument.to_ne_bytes()));
    let (mut at, mut held) = (0usize, 0u32);
    loop {
        let step = &program[at];
        at += 1;
        let jump = |is: bool| usize::from(if is { step.jt } else { step.jf });
        match step.code {
            0x20 => held = u32::from_ne_bytes(data[step.k as usize..][..4].try_into().unwrap()),
            0x54 => held &= step.k,
            0x05 => at += step.k as usize,
            0x15 => at += jump(held == step.k),
            0x25 => at += jump(held > step.k),
            0x35 => at += jump(held >= step.k),
            0x06 => {
                let (action, value) = (step.k & 0xFFFF_0000, step.k & 0xFFFF);
                return match action {
                    0x7FFF_0000 => None,
                    0x0005_0000 => Some(value.cast_signed()),
                    other => panic!("it ends the process: {other:x}"),
                };
            }
            other => panic!("not known: {other:x}"),
        }
    }
}

fn on(call: i64, arguments: &[i32]) -> Option<i32> {
    let mut all = [0; 6];
    all.iter_mut().zip(arguments).for_each(|(one, given)| *one = u64::from(given.cast_unsigned()));
    errno(call, all)
}

#[test]
fn what_the_service_never_does_is_refused() {
    for call in
        [libc::SYS_execve, libc::SYS_execveat, libc::SYS_ptrace, libc::SYS_mount, libc::SYS_bpf, libc::SYS_memfd_create]
    {
        assert_eq!(on(call, &[]), Some(libc::EPERM), "{call}");
    }
    assert_eq!(on(libc::SYS_clone3, &[]), Some(libc::ENOSYS), "the C library then takes clone");
    assert_eq!(on(libc::SYS_clone, &[libc::SIGCHLD]), Some(libc::EPERM), "a process");
    assert_eq!(on(libc::SYS_clone, &[libc::CLONE_THREAD | libc::CLONE_NEWNET]), Some(libc::EPERM));
    let (write, run) = (libc::PROT_READ | libc::PROT_WRITE, libc::PROT_EXEC);
    assert_eq!(on(libc::SYS_mmap, &[0, 4096, write | run]), Some(libc::EPERM));
    assert_eq!(on(libc::SYS_mprotect, &[0, 4096, libc::PROT_READ | run]), Some(libc::EPERM));
    assert_eq!(on(libc::SYS_sendto, &[3, 0, 0, libc::MSG_FASTOPEN]), Some(libc::EPERM));
    #[cfg(target_arch = "x86_64")]
    for call in [libc::SYS_fork, libc::SYS_ptrace | 0x4000_0000, 520 | 0x4000_0000] {
        assert_eq!(on(call, &[]), Some(libc::EPERM), "{call}");
    }
}

#[test]
fn what_it_does_is_let_through() {
    for call in [libc::SYS_read, libc::SYS_openat, libc::SYS_linkat, libc::SYS_renameat2, libc::SYS_fsync] {
        assert_eq!(on(call, &[]), None, "{call}");
    }
    let thread = libc::CLONE_VM | libc::CLONE_FS | libc::CLONE_FILES | libc::CLONE_SIGHAND | libc::CLONE_THREAD;
    assert_eq!(on(libc::SYS_clone, &[thread]), None);
    assert_eq!(on(libc::SYS_mmap, &[0, 4096, libc::PROT_READ | libc::PROT_WRITE]), None);
    assert_eq!(on(libc::SYS_mmap, &[0, 4096, libc::PROT_READ | libc::PROT_EXEC]), None, "a library's code");
    assert_eq!(on(libc::SYS_mprotect, &[0, 4096, libc::PROT_READ]), None);
    assert_eq!(on(libc::SYS_sendto, &[3, 0, 0, libc::MSG_NOSIGNAL]), None);
}

#[test]
fn sockets_speak_unix_tcp_udp_and_ask_for_routes() {
    let flags = libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    for (family, kind, protocol) in [
        (libc::AF_UNIX, libc::SOCK_STREAM, 0),
        (libc::AF_UNIX, libc::SOCK_DGRAM, 0),
        (libc::AF_INET, libc::SOCK_STREAM, libc::IPPROTO_TCP),
        (libc::AF_INET6, libc::SOCK_STREAM, 0),
        (libc::AF_INET6, libc::SOCK_DGRAM, libc::IPPROTO_UDP),
        (libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_ROUTE),
    ] {
        assert_eq!(on(libc::SYS_socket, &[family, kind | flags, protocol]), None, "{family} {kind} {protocol}");
    }
    for (family, kind, protocol) in [
        (libc::AF_PACKET, libc::SOCK_RAW, 0),
        (libc::AF_ALG, libc::SOCK_SEQPACKET, 0),
        (libc::AF_VSOCK, libc::SOCK_STREAM, 0),
        (libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_ICMP),
        (libc::AF_INET6, libc::SOCK_RAW, libc::IPPROTO_TCP),
        (libc::AF_INET, libc::SOCK_DGRAM, libc::IPPROTO_ICMP),
        (libc::AF_INET, libc::SOCK_STREAM, libc::IPPROTO_MPTCP),
        (libc::AF_INET, libc::SOCK_SEQPACKET, libc::IPPROTO_SCTP),
        (libc::AF_INET, libc::SOCK_SEQPACKET, 0),
        (libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_NETFILTER),
    ] {
        let refused = Some(libc::EPERM);
        assert_eq!(on(libc::SYS_socket, &[family, kind | flags, protocol]), refused, "{family} {kind} {protocol}");
    }
}

fn settings(edit: impl Fn(String) -> String) -> Settings {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hbcourier.toml");
    fs::write(&file, edit(include_str!("../../config/hbcourier.minimal.toml").to_owned())).unwrap();
    load_with_env(&file, []).unwrap()
}

#[test]
fn a_reload_may_want_what_the_sandbox_was_made_for_and_no_more() {
    let here = Path::new("/etc/hbcourier/hbcourier.toml");
    let made = settings(|text| text);
    let asked = |edit: fn(String) -> String| covers(&made, &settings(edit), here).err().unwrap_or_default().join(" ");
    assert_eq!(asked(|text| text), "");
    assert_eq!(asked(|text| text.replace("/drop/12302", "/drop/101809")), "", "it lies beside the one that is granted");
    let says = asked(|text| text.replace("/srv/hbcourier/drop/12302", "/srv/elsewhere/drop"));
    assert_eq!(says, "The folder /srv/elsewhere/drop lies outside the sandbox.");
    let ping = |text: String| text.replacen("[service]", "[service]\nalarms.ping = \"http://watch.example:8443/x\"", 1);
    let says = asked(ping);
    assert!(says.contains("Connections to port 8443 leave the sandbox."), "{says}");
    let watch = |listen: &'static str| move |text: String| format!("{text}\n[watch]\nlisten = \"{listen}\"\n");
    let says = covers(&made, &settings(watch("127.0.0.1:9617")), here).unwrap_err().join(" ");
    assert_eq!(says, "Listening on port 9617 takes another sandbox.");
    let says = covers(&made, &settings(watch("unix:/run/watch/watch.sock")), here).unwrap_err().join(" ");
    assert_eq!(says, "The folder /run/watch lies outside the sandbox.");
    let scan = |text: String| format!("{text}\n[scan]\nclamd = \"127.0.0.1:3310\"\n");
    assert_eq!(asked(scan), "Connections to port 3310 leave the sandbox.", "and no name is looked up for it");
    assert!(covers(&settings(scan), &made, here).is_ok());
    let off = |text: String| text.replacen("[service]", "[service]\nsandbox = \"off\"", 1);
    assert!(asked(off).contains("`service.sandbox`"));
    assert!(covers(&settings(off), &settings(|text| off(ping(text))), here).is_ok(), "without one anything goes");
}

#[test]
fn a_folder_beside_the_configuration_opens_nothing_above_it() {
    let wanted = settings(|text| text.replace("/drop/12302", "/drop/101809"));
    let made = settings(|text| text);
    let says = covers(&made, &wanted, Path::new("/srv/hbcourier/drop/hbcourier.toml")).unwrap_err().join(" ");
    assert_eq!(says, "The folder /srv/hbcourier/drop/101809 lies outside the sandbox.");
}

#[test]
fn rules_are_never_hung_on_what_is_the_machines() {
    for path in ["/srv/drop", "/etc/a/b", "/var/lib/hbcourier", "/mnt/share/drop", "/home/a/drop", "/var/tmp/a", "/"] {
        assert_eq!(above(Path::new(path)), None, "{path}");
    }
    for (path, up) in
        [("/srv/hb/drop", "/srv/hb"), ("/mnt/share/hb/drop", "/mnt/share/hb"), ("/home/a/b/c", "/home/a/b")]
    {
        assert_eq!(above(Path::new(path)), Some(PathBuf::from(up)), "{path}");
    }
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let (drop, missing) = (root.join("drop/12302"), root.join("share/drop/12302"));
    fs::create_dir_all(&drop).unwrap();
    fs::create_dir(root.join("share")).unwrap();
    assert_eq!(beside(&drop), BTreeSet::from([root.join("drop")]));
    // The share is mounted later, and hides the folder that is there now: what lies above that is what counts.
    assert_eq!(beside(&missing), BTreeSet::from([root.clone()]));
}

#[test]
fn how_far_it_goes_is_said() {
    let says = |landlock, system_calls| Confinement { landlock, system_calls }.to_string();
    assert_eq!(says(0, true), "files and connections are not confined, system calls are filtered");
    assert!(says(2, true).starts_with("files are confined, connections are not (Landlock ABI 2)"));
    assert!(says(4, false).starts_with("files and connections are confined (Landlock ABI 4), system calls are not"));
    assert!(says(7, true).starts_with("files, connections and signals are confined (Landlock ABI 7)"));
    let strict = |landlock, system_calls| Confinement { landlock, system_calls }.is_strict();
    assert_eq!((strict(4, true), strict(3, true), strict(6, false)), (true, false, false));
}
