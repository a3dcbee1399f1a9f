//! The lock on the state directory, which makes its holder the only one; and how long its holder has been starting.
//!
//! Holds: the lock ends with the process. The file holds a word from the beginning of a start to its good end, also over
//! starts that fail, so the time of its last change is that of the first of them.

use std::fs::{DirBuilder, File};
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use jiff::Timestamp;
use rustix::fs::{FlockOperation, flock};

use super::StartFault;

const FILE: &str = "lock";
const STARTING: &[u8] = b"starting\n";

/// The lock on the state directory: whoever holds it is the only one. It ends with the process.
pub struct InstanceLock(File);

impl InstanceLock {
    /// Takes it, or says who cannot.
    pub fn take(state: &Path) -> Result<InstanceLock, StartFault> {
        let unusable = |path: &Path| {
            let path = path.to_owned();
            move |source| StartFault::State { path, source }
        };
        DirBuilder::new().recursive(true).mode(0o700).create(state).map_err(unusable(state))?;
        let path = state.join(FILE);
        let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(unusable(&path))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(InstanceLock(file)),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(StartFault::Locked { state: state.to_owned() }),
            Err(error) => Err(unusable(&path)(error.into())),
        }
    }

    /// A start begins.
    pub(super) fn begins(&self) {
        // Without it a long start is taken for one that hangs, and somebody is told.
        let _ =
            self.0.metadata().and_then(|facts| if facts.len() == 0 { (&self.0).write_all(STARTING) } else { Ok(()) });
    }

    /// The start came to its good end.
    pub(super) fn has_begun(&self) {
        let _ = self.0.set_len(0);
    }
}

/// Since when the service there has been starting, one start after another; nothing if none has begun since a good one.
pub fn starting_since(state: &Path) -> Option<Timestamp> {
    let facts = std::fs::metadata(state.join(FILE)).ok().filter(|facts| facts.len() > 0)?;
    Timestamp::try_from(facts.modified().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_that_fail_are_one_long_start_and_a_good_one_ends_it() {
        let state = tempfile::tempdir().unwrap();
        let lock = InstanceLock::take(state.path()).unwrap();
        assert_eq!(starting_since(state.path()), None);
        lock.begins();
        let first = starting_since(state.path()).unwrap();
        drop(lock);
        let lock = InstanceLock::take(state.path()).unwrap();
        lock.begins();
        assert_eq!(starting_since(state.path()), Some(first));
        lock.has_begun();
        assert_eq!(starting_since(state.path()), None);
    }
}
