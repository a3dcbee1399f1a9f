//! What is kept of a reference in place of it: 64 bits under a key that is drawn anew each time and never leaves.
//!
//! Two of 200,000 references fall together once in a billion files; that would hide a finding, or make one warning.

use std::collections::HashSet;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};

/// Fingerprints that are kept of one file. More records than this no authority has.
pub(super) const FINGERPRINTS_MAX: usize = 4_000_000;

/// The key.
#[derive(Clone, Debug, Default)]
pub(super) struct Key(RandomState);

impl Key {
    /// The fingerprint of a value in one of several roles. Never 0.
    pub(super) fn of(&self, role: u16, value: &[u8]) -> u64 {
        self.0.hash_one((role, value)).max(1)
    }
}

/// Fingerprints, at most [`FINGERPRINTS_MAX`].
#[derive(Clone, Debug, Default)]
pub(super) struct Fingerprints(HashSet<u64, BuildHasherDefault<AsItIs>>);

impl Fingerprints {
    /// Whether it is new. Once full, nothing is added.
    pub(super) fn add(&mut self, fingerprint: u64) -> bool {
        match self.is_full() {
            true => !self.0.contains(&fingerprint),
            false => self.0.insert(fingerprint),
        }
    }

    pub(super) fn has(&self, fingerprint: u64) -> bool {
        self.0.contains(&fingerprint)
    }

    pub(super) fn is_full(&self) -> bool {
        self.0.len() >= FINGERPRINTS_MAX
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// A fingerprint is as good as its hash.
#[derive(Clone, Debug, Default)]
pub(super) struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, fingerprint: u64) {
        self.0 = fingerprint;
    }
}
