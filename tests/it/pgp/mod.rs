//! OpenPGP against real GnuPG: what opens, what is held and why, what GnuPG reads of ours.

mod complete;
mod conformance;
mod corpus;
mod keys;
mod opening;
mod refusing;
mod sealing;
mod waiving;

use std::io::{self, Cursor, Write};
use std::time::Duration;

use hbcourier::domain::{Consequence, PartnerName, Waiver};
use hbcourier::effects::pgp::{
    KeyAlgorithm, KeyRing, OpenError, OpenRequest, Opener, SealRequest, SealedFacts, Sealer, Signers, Verdict,
};
use jiff::Timestamp;
use tempfile::TempDir;

use crate::support::partner::{Algorithm, Partner};

const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
const ROOMY: u64 = 100_000_000;

/// Our side: a state directory with a key of our own.
struct Us {
    state: TempDir,
    ring: KeyRing,
}

impl Us {
    fn new(algorithm: KeyAlgorithm) -> Us {
        Us::since(algorithm, Timestamp::now())
    }

    fn since(algorithm: KeyAlgorithm, at: Timestamp) -> Us {
        let state = tempfile::tempdir().unwrap();
        let ring = KeyRing::at(state.path());
        ring.generate("Council <transfers@council.test>", algorithm, at, 10 * YEAR).unwrap();
        Us { state, ring }
    }

    /// Trusts the partner as `dwp`, and is trusted.
    fn meet(&self, partner: &mut Partner) {
        self.ring.trust(&dwp(), &partner.certificate(), Some(partner.fingerprint()), Timestamp::now()).unwrap();
        partner.trusts(&self.ring.export_own().unwrap());
    }

    fn opens(&self, sealed: &[u8]) -> Result<(Verdict, Vec<u8>), OpenError> {
        self.opens_at(sealed, Timestamp::now(), ROOMY)
    }

    fn opens_at(&self, sealed: &[u8], at: Timestamp, max: u64) -> Result<(Verdict, Vec<u8>), OpenError> {
        self.opens_waiving(None, sealed, at, max)
    }

    fn opens_waiving(
        &self,
        waived: Option<&Waiver>,
        sealed: &[u8],
        at: Timestamp,
        max: u64,
    ) -> Result<(Verdict, Vec<u8>), OpenError> {
        let from = [dwp()];
        let request = OpenRequest { at, signers: Signers::Partners(&from), plaintext_bytes_max: max, waived };
        let mut content = Vec::new();
        let verdict = self.ring.open(&mut Cursor::new(sealed), &mut content, &request)?;
        Ok((verdict, content))
    }

    /// What becomes of a file that must not open.
    fn holds(&self, sealed: &[u8]) -> Consequence {
        self.opens(sealed).expect_err("it must not open").consequence()
    }

    fn seals(
        &self,
        content: &[u8],
        at: Timestamp,
    ) -> Result<(SealedFacts, Vec<u8>), hbcourier::effects::pgp::SealError> {
        let to = [dwp()];
        let mut sealed = Vec::new();
        let request = SealRequest { to: &to, file_name: "return.txt", at, armour: false };
        let facts = self.ring.seal(&mut Cursor::new(content), &mut sealed, &request)?;
        Ok((facts, sealed))
    }
}

fn dwp() -> PartnerName {
    "dwp".parse().unwrap()
}

/// Both sides on Curve25519, acquainted.
fn acquainted() -> (Us, Partner) {
    let us = Us::new(KeyAlgorithm::Curve25519);
    let mut partner = Partner::new(Algorithm::Curve25519);
    us.meet(&mut partner);
    (us, partner)
}

/// Content that does not compress, the same at every call.
fn content(bytes: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        // Xorshift64.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..bytes).map(|_| next()).collect()
}

/// A disk without room.
struct Full;

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::Error::from(io::ErrorKind::StorageFull))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
