//! What must become of everything that was put before the council. Shared with who puts it there and who watches.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use hbcourier::domain::Digest;

use super::samples::Sealed;

#[derive(Default)]
pub struct Expected(Mutex<Everything>);

#[derive(Clone, Default)]
pub struct Everything {
    /// How many files DWP sent.
    pub files: usize,
    /// Every file the back office must get, once.
    pub parts: BTreeMap<Digest, usize>,
    /// The codes of what must be held, sorted.
    pub held: Vec<&'static str>,
    /// The content of every return that must go out, once.
    pub returns: BTreeMap<Digest, usize>,
}

impl Expected {
    /// Call before the file is where the service finds it.
    pub fn file(&self, sealed: &Sealed) {
        let mut all = self.lock();
        all.files += 1;
        for part in &sealed.parts {
            *all.parts.entry(*part).or_default() += 1;
        }
        all.held.extend(sealed.held_as);
        all.held.sort_unstable();
    }

    /// Call before the return is where the service finds it.
    pub fn handed_in(&self, content: &[u8]) {
        *self.lock().returns.entry(Digest::of(content)).or_default() += 1;
    }

    /// Whether the back office may ever see such a file.
    pub fn has_part(&self, digest: &Digest) -> bool {
        self.lock().parts.contains_key(digest)
    }

    pub fn everything(&self) -> Everything {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Everything> {
        self.0.lock().unwrap()
    }
}
