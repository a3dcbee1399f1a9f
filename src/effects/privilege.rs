//! Acting as another account for a while: what root does in a directory of the service's is done as the service.
//!
//! In:  an account, or a directory whose owner is meant. Out: a guard; with its end the process is itself again.
//! Holds: only who may (root) changes anything; groups, group and user change together or the call fails; the real user
//! stays, so that what is recorded names who it was. It is the whole process that changes: take it before there are threads.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::unistd::{Gid, Uid, getegid, geteuid, getgroups, setegid, seteuid, setgroups};

/// The process acts as another account as long as this lives.
#[derive(Debug)]
pub struct ActingAs {
    group: Gid,
    groups: Vec<Gid>,
}

/// Acts as the owner of this file or directory, where that is another account than root, and the process is root's.
/// `None`: there is nothing to change, or nothing of that name yet.
pub fn as_owner_of(path: &Path) -> io::Result<Option<ActingAs>> {
    let owner = match path.symlink_metadata() {
        Ok(metadata) => (metadata.uid(), metadata.gid()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    as_account(owner)
}

/// As [`as_owner_of`], for the account and group of these numbers.
pub fn as_account((uid, gid): (u32, u32)) -> io::Result<Option<ActingAs>> {
    if !geteuid().is_root() || uid == 0 {
        return Ok(None);
    }
    let was = ActingAs { group: getegid(), groups: getgroups()? };
    let gid = Gid::from_raw(gid);
    setgroups(&[gid])?;
    // From here on the guard leads back, also where a further call fails.
    setegid(gid)?;
    seteuid(Uid::from_raw(uid))?;
    Ok(Some(was))
}

impl Drop for ActingAs {
    fn drop(&mut self) {
        let back = seteuid(Uid::from_raw(0)).and_then(|()| setegid(self.group)).and_then(|()| setgroups(&self.groups));
        if let Err(error) = back {
            // It goes on with fewer rights, never with more.
            tracing::warn!(%error, "The process could not become root again: {error}");
        }
    }
}
