//! The kinds of system calls at which a run is killed or failed, and the errors that each can meet.

use std::fmt;

use nix::errno::Errno;
use nix::libc::{self, user_regs_struct};

/// A kind of system call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Create,
    Write,
    Sync,
    Rename,
    Link,
    Unlink,
    Mkdir,
    Mode,
    Length,
    Connect,
    Send,
    Open,
    Read,
    Look,
}

/// Some of the kinds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Kinds(u32);

impl Kinds {
    pub fn of(kinds: &[Kind]) -> Kinds {
        Kinds(kinds.iter().fold(0, |some, kind| some | 1 << *kind as u32))
    }

    pub fn has(self, kind: Kind) -> bool {
        self.0 & 1 << kind as u32 != 0
    }
}

impl fmt::Debug for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = CHANGING.into_iter().chain([Kind::Open, Kind::Read, Kind::Look]);
        f.debug_list().entries(all.filter(|kind| self.has(*kind))).finish()
    }
}

/// Those that change something, or make sure of it.
pub const CHANGING: [Kind; 11] = [
    Kind::Create,
    Kind::Write,
    Kind::Sync,
    Kind::Rename,
    Kind::Link,
    Kind::Unlink,
    Kind::Mkdir,
    Kind::Mode,
    Kind::Length,
    Kind::Connect,
    Kind::Send,
];

/// What can go wrong with which.
pub const ERRORS: [(Errno, &[Kind]); 6] = [
    (
        Errno::EIO,
        &[Kind::Create, Kind::Write, Kind::Sync, Kind::Rename, Kind::Unlink, Kind::Open, Kind::Read, Kind::Look],
    ),
    (Errno::ENOSPC, &[Kind::Create, Kind::Write, Kind::Sync, Kind::Rename, Kind::Link, Kind::Mkdir, Kind::Length]),
    (Errno::EINTR, &[Kind::Create, Kind::Open, Kind::Read, Kind::Write, Kind::Connect, Kind::Send]),
    (Errno::EMFILE, &[Kind::Create, Kind::Open]),
    (
        Errno::ESTALE,
        &[Kind::Create, Kind::Write, Kind::Sync, Kind::Rename, Kind::Unlink, Kind::Open, Kind::Read, Kind::Look],
    ),
    (Errno::EROFS, &[Kind::Create, Kind::Rename, Kind::Link, Kind::Unlink, Kind::Mkdir, Kind::Mode, Kind::Length]),
];

impl Kind {
    /// Of the call that a process is about to make; `None` for those that change nothing and cannot lose anything.
    pub fn of(registers: &user_regs_struct) -> Option<Kind> {
        let creates = |flags: u64| flags & u64::from(libc::O_CREAT.unsigned_abs()) != 0;
        let opens = |flags| Some(if creates(flags) { Kind::Create } else { Kind::Open });
        // What a process says on its standard streams is not kept by it.
        let kept = |kind| (registers.rdi > 2).then_some(kind);
        match registers.orig_rax.cast_signed() {
            libc::SYS_open => opens(registers.rsi),
            libc::SYS_openat => opens(registers.rdx),
            libc::SYS_creat => Some(Kind::Create),
            libc::SYS_write | libc::SYS_pwrite64 | libc::SYS_writev | libc::SYS_pwritev | libc::SYS_pwritev2 => {
                kept(Kind::Write)
            }
            libc::SYS_copy_file_range | libc::SYS_sendfile | libc::SYS_splice => Some(Kind::Write),
            libc::SYS_fsync | libc::SYS_fdatasync | libc::SYS_syncfs | libc::SYS_sync_file_range => Some(Kind::Sync),
            libc::SYS_rename | libc::SYS_renameat | libc::SYS_renameat2 => Some(Kind::Rename),
            libc::SYS_link | libc::SYS_linkat | libc::SYS_symlink | libc::SYS_symlinkat => Some(Kind::Link),
            libc::SYS_unlink | libc::SYS_unlinkat | libc::SYS_rmdir => Some(Kind::Unlink),
            libc::SYS_mkdir | libc::SYS_mkdirat => Some(Kind::Mkdir),
            libc::SYS_chmod | libc::SYS_fchmod | libc::SYS_fchmodat | libc::SYS_chown | libc::SYS_fchown => {
                Some(Kind::Mode)
            }
            libc::SYS_lchown | libc::SYS_fchownat | libc::SYS_utimensat => Some(Kind::Mode),
            libc::SYS_truncate | libc::SYS_ftruncate | libc::SYS_fallocate => Some(Kind::Length),
            libc::SYS_connect => Some(Kind::Connect),
            libc::SYS_sendto | libc::SYS_sendmsg | libc::SYS_sendmmsg => Some(Kind::Send),
            libc::SYS_read | libc::SYS_pread64 | libc::SYS_readv | libc::SYS_preadv => kept(Kind::Read),
            libc::SYS_stat | libc::SYS_lstat | libc::SYS_fstat | libc::SYS_newfstatat | libc::SYS_statx => {
                Some(Kind::Look)
            }
            libc::SYS_statfs | libc::SYS_fstatfs | libc::SYS_getdents64 => Some(Kind::Look),
            _ => None,
        }
    }

    /// How a table names it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Create => "open with O_CREAT",
            Kind::Write => "write",
            Kind::Sync => "fsync",
            Kind::Rename => "rename",
            Kind::Link => "link",
            Kind::Unlink => "unlink",
            Kind::Mkdir => "mkdir",
            Kind::Mode => "chmod, chown, utimens",
            Kind::Length => "truncate",
            Kind::Connect => "connect",
            Kind::Send => "send",
            Kind::Open => "open",
            Kind::Read => "read",
            Kind::Look => "stat, getdents",
        }
    }
}
