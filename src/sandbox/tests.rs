//! What is refused and what is not, by the filters as the kernel gets them, and what a reload may want.

use nix::libc;
use seccompiler::sock_filter;

use super::calls::programs;

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
    for call in [libc::SYS_execve, libc::SYS_execveat, libc::SYS_ptrace, libc::SYS_mount, libc::SYS_bpf] {
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
