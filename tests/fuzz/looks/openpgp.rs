//! An OpenPGP message or certificate, from the first octet; and what is inside an encrypted message.
//!
//! Holds: what comes out with a verdict is the one content that DWP's make-believe key did sign.

use std::io::Cursor;
use std::sync::LazyLock;

use hbcourier::domain::{Digest, PartnerName};
use hbcourier::effects::pgp::trust::fingerprint_of;
use hbcourier::effects::pgp::{KeyRing, OpenRequest, Opener, SecretKeyBytes, Signers};
use jiff::Timestamp;
use sequoia_openpgp::Cert;
use sequoia_openpgp::parse::Parse;
use tempfile::TempDir;

// The tests have it too.
#[allow(clippy::duplicate_mod)]
#[path = "../../it/support/container.rs"]
mod container;
use container::{Container, encrypted_to};

/// What DWP's key did sign, in every seed.
pub const SIGNED: &[u8] = b"one content that DWP did sign\r\n";
/// A day after the seeds were made.
const AT: Timestamp = Timestamp::constant(1_795_780_800, 0);
const BYTES_MAX: u64 = 1 << 20;

/// The council's keys, and DWP's certificate.
struct Council {
    _state: TempDir,
    ring: KeyRing,
    dwp: [PartnerName; 1],
    certificate: Cert,
}

static COUNCIL: LazyLock<Council> = LazyLock::new(|| {
    let state = TempDir::new().expect("a place for it");
    let ring = KeyRing::at(state.path());
    let own = include_bytes!("../fixtures/keys/council.key.asc");
    let own = SecretKeyBytes::from(own.to_vec());
    ring.import_own(&own, AT).expect("the council's key");
    let dwp: PartnerName = "dwp".parse().expect("a name");
    let certificate = include_bytes!("../fixtures/keys/dwp.asc");
    ring.trust(&dwp, certificate, Some(&fingerprint_of(certificate).expect("a key")), AT).expect("DWP's certificate");
    let certificate =
        Cert::from_bytes(include_bytes!("../fixtures/keys/council.asc")).expect("the council's certificate");
    Council { _state: state, ring, dwp: [dwp], certificate }
});

/// Whether it is let through; then it must be what DWP's key did sign.
pub fn opens(sealed: &[u8]) -> bool {
    let request =
        OpenRequest { at: AT, signers: Signers::Partners(&COUNCIL.dwp), plaintext_bytes_max: BYTES_MAX, waived: None };
    let mut content = Vec::new();
    let verdict = COUNCIL.ring.open(&mut Cursor::new(sealed), &mut content, &request);
    assert!(content.len() as u64 <= BYTES_MAX, "more came out than was allowed");
    if let Ok(verdict) = &verdict {
        assert_eq!(verdict.content, Digest::of(&content), "the verdict is of another content");
        // GnuPG's text mode ends lines otherwise.
        assert!(content == SIGNED || content == b"one content that DWP did sign\n", "believed, and nobody signed it");
    }
    verdict.is_ok()
}

/// A message as it comes; a certificate as it comes.
pub fn look(sealed: &[u8]) {
    opens(sealed);
    let _ = fingerprint_of(sealed);
    let _ = COUNCIL.ring.examine(&COUNCIL.dwp[0], sealed, AT);
}

/// What the bytes are inside a good encryption, which anybody can make.
pub fn look_inside(packets: &[u8]) {
    opens_inside(packets);
}

/// Whether they are let through, in either container alike.
pub fn opens_inside(packets: &[u8]) -> bool {
    let in_each = [Container::V1, Container::V2]
        .map(|container| opens(&encrypted_to(&COUNCIL.certificate, container, packets).expect("the council's key")));
    assert_eq!(in_each[0], in_each[1], "let through in one container only");
    in_each[0]
}
