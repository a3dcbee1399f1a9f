//! seccomp: system calls that the service never makes are refused, whatever a message makes of its code.
//!
//! A list of what is refused, not of what is allowed: libraries and C libraries take up new calls, and one that is missing
//! from a list of allowed ones stops a transfer on a machine that nobody tried. What is allowed is listed by systemd's unit.
//! Holds: refused with EPERM, which every caller expects; no process is begun, no program executed, no memory that was
//! written is executed, and no socket speaks anything but UNIX, TCP, UDP, and what name lookup asks the kernel.

use std::collections::BTreeMap;

use nix::libc;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, apply_filter_all_threads,
};

use super::SandboxFault;

/// Refused whatever their arguments are.
const NEVER: &[i64] = &[
    // Other programs.
    libc::SYS_execve,
    libc::SYS_execveat,
    // Other processes, their memory and their files.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_kcmp,
    libc::SYS_pidfd_getfd,
    // Other views of the machine.
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_chroot,
    libc::SYS_pivot_root,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_open_by_handle_at,
    libc::SYS_personality,
    // Other accounts.
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setreuid,
    libc::SYS_setregid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_setfsuid,
    libc::SYS_setfsgid,
    libc::SYS_setgroups,
    libc::SYS_capset,
    // The kernel, and its less tried parts.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_memfd_create,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_fanotify_init,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_syslog,
    libc::SYS_vhangup,
    // The machine.
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_mknodat,
];

/// Refused where there are such calls.
#[cfg(target_arch = "x86_64")]
const NEVER_HERE: &[i64] = &[
    libc::SYS_fork,
    libc::SYS_vfork,
    libc::SYS_mknod,
    libc::SYS_iopl,
    libc::SYS_ioperm,
    libc::SYS_modify_ldt,
    libc::SYS_uselib,
    libc::SYS_kexec_file_load,
];
#[cfg(not(target_arch = "x86_64"))]
const NEVER_HERE: &[i64] = &[];

/// Calls of 32-bit programs on x86_64 have the same architecture and other numbers: some with this bit, some of their own.
#[cfg(target_arch = "x86_64")]
const X32: (i64, std::ops::RangeInclusive<i64>) = (0x4000_0000, 512..=547);

const NEW_NAMESPACES: [i32; 8] = [
    libc::CLONE_NEWNS,
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
    libc::CLONE_PTRACE,
];

/// Refuses them from now on, in every thread. Whether the kernel can.
pub(super) fn filter() -> Result<bool, SandboxFault> {
    for program in programs().map_err(SandboxFault::Calls)? {
        // A kernel without seccomp is told of by `false`, and the settings decide.
        if apply_filter_all_threads(&program).is_err() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The filters, each of which must let a call through.
pub(super) fn programs() -> Result<[BpfProgram; 2], BackendError> {
    let eperm = libc::EPERM.unsigned_abs();
    Ok([program(threads_the_old_way(), libc::ENOSYS.unsigned_abs())?, program(refused()?, eperm)?])
}

/// What a filter matches: each call, and under which conditions; always, if there are none.
type Rules = BTreeMap<i64, Vec<SeccompRule>>;

fn program(rules: Rules, errno: u32) -> Result<BpfProgram, BackendError> {
    let here = std::env::consts::ARCH.try_into()?;
    SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Errno(errno), here)?.try_into()
}

/// What clone3 is asked for lies in memory, where no filter looks. Without it the C library takes clone.
fn threads_the_old_way() -> Rules {
    [(libc::SYS_clone3, Vec::new())].into()
}

fn refused() -> Result<Rules, BackendError> {
    let mut rules: Rules = NEVER.iter().chain(NEVER_HERE).map(|call| (*call, Vec::new())).collect();
    #[cfg(target_arch = "x86_64")]
    {
        let (bit, own) = X32;
        let same: Vec<i64> = rules.keys().map(|call| call | bit).collect();
        rules.extend(same.into_iter().chain(own.map(|call| call | bit)).map(|call| (call, Vec::new())));
    }
    rules.insert(libc::SYS_clone, beginning_a_process()?);
    rules.insert(libc::SYS_socket, other_sockets()?);
    let executable = |argument| bits(argument, libc::PROT_EXEC, libc::PROT_EXEC);
    let written_and_executable = libc::PROT_WRITE | libc::PROT_EXEC;
    rules.insert(libc::SYS_mmap, vec![rule([bits(2, written_and_executable, written_and_executable)?])?]);
    rules.insert(libc::SYS_mprotect, vec![rule([executable(2)?])?]);
    rules.insert(libc::SYS_pkey_mprotect, vec![rule([executable(2)?])?]);
    rules.insert(libc::SYS_shmat, vec![rule([bits(2, libc::SHM_EXEC, libc::SHM_EXEC)?])?]);
    // TCP Fast Open connects where the kernel does not ask whether it may.
    let fast = |argument| bits(argument, libc::MSG_FASTOPEN, libc::MSG_FASTOPEN);
    rules.insert(libc::SYS_sendto, vec![rule([fast(3)?])?]);
    rules.insert(libc::SYS_sendmsg, vec![rule([fast(2)?])?]);
    rules.insert(libc::SYS_sendmmsg, vec![rule([fast(3)?])?]);
    Ok(rules)
}

/// Anything but a thread of this process.
fn beginning_a_process() -> Result<Vec<SeccompRule>, BackendError> {
    let mut rules = vec![rule([bits(0, libc::CLONE_THREAD, 0)?])?];
    for flag in NEW_NAMESPACES {
        rules.push(rule([bits(0, flag, flag)?])?);
    }
    Ok(rules)
}

fn other_sockets() -> Result<Vec<SeccompRule>, BackendError> {
    let families = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];
    let mut rules = vec![rule(all(families.map(|family| is_not(0, family)))?)?];
    for family in [libc::AF_INET, libc::AF_INET6] {
        // The lowest four bits are the type: 1 is a stream, 2 are datagrams, and all others have one of these patterns.
        for (mask, pattern) in [(0b0011, libc::SOCK_RAW), (0b0100, 0b0100), (0b1000, 0b1000)] {
            rules.push(rule([is(0, family)?, bits(1, mask, pattern)?])?);
        }
        // Where connections by other protocols go the kernel does not ask.
        let protocols = [0, libc::IPPROTO_TCP, libc::IPPROTO_UDP].map(|protocol| is_not(2, protocol));
        rules.push(rule(all([is(0, family)].into_iter().chain(protocols))?)?);
    }
    rules.push(rule([is(0, libc::AF_NETLINK)?, is_not(2, libc::NETLINK_ROUTE)?])?);
    Ok(rules)
}

type Condition = Result<SeccompCondition, BackendError>;

fn all(conditions: impl IntoIterator<Item = Condition>) -> Result<Vec<SeccompCondition>, BackendError> {
    conditions.into_iter().collect()
}

fn rule(conditions: impl Into<Vec<SeccompCondition>>) -> Result<SeccompRule, BackendError> {
    SeccompRule::new(conditions.into())
}

fn is(argument: u8, value: i32) -> Condition {
    compare(argument, SeccompCmpOp::Eq, value)
}

fn is_not(argument: u8, value: i32) -> Condition {
    compare(argument, SeccompCmpOp::Ne, value)
}

fn bits(argument: u8, mask: i32, pattern: i32) -> Condition {
    compare(argument, SeccompCmpOp::MaskedEq(u64::from(mask.cast_unsigned())), pattern)
}

fn compare(argument: u8, how: SeccompCmpOp, value: i32) -> Condition {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, how, u64::from(value.cast_unsigned()))
}
