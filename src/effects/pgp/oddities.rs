//! Messages that GnuPG would not make: odd layers, forwarded signatures, the newer container.
//!
//! Built packet by packet with sequoia, and opened like any other.

use std::io::{Cursor, Write};

use jiff::Timestamp;
use sequoia_openpgp::armor;
use sequoia_openpgp::packet::Key;
use sequoia_openpgp::packet::key::{PublicParts, UnspecifiedRole};
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::serialize::Serialize;
use sequoia_openpgp::serialize::stream::{Armorer, Compressor, Encryptor, LiteralWriter, Message, Recipient, Signer};
use sequoia_openpgp::types::Features;
use sequoia_openpgp::{Cert, KeyHandle};
use tempfile::TempDir;

use crate::domain::reason::Limit;
use crate::domain::{Consequence, HoldReason, PartnerName};

use super::standing::{self, system_time};
use super::{KeyAlgorithm, KeyRing, OpenError, OpenRequest, Opener, SealRequest, Sealer, Signers, Verdict};

/// We, and a partner whose keys the test holds as well.
struct Both {
    _states: [TempDir; 2],
    us: KeyRing,
    partner: KeyRing,
    /// Our key that is encrypted to.
    reader: Key<PublicParts, UnspecifiedRole>,
    at: Timestamp,
}

impl Both {
    fn new() -> Both {
        let states = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let [us, partner] = [0, 1].map(|i: usize| KeyRing::at(states[i].path()));
        let at = "2020-06-01T00:00:00Z".parse().unwrap();
        let year = std::time::Duration::from_secs(365 * 24 * 3600);
        for ring in [&us, &partner] {
            ring.generate("Somebody", KeyAlgorithm::Curve25519, at, year).unwrap();
        }
        us.trust(&name(), &partner.export_own().unwrap(), None, at).unwrap();
        partner.trust(&name(), &us.export_own().unwrap(), None, at).unwrap();
        let policy = StandardPolicy::at(system_time(at));
        let ring = us.ring();
        let valid = standing::valid(&ring.own[0], &policy, system_time(at)).unwrap();
        let reader = standing::encryption(&valid).unwrap()[0].key().clone();
        Both { _states: states, us, partner, reader, at }
    }

    fn opens(&self, sealed: &[u8]) -> Result<(Verdict, Vec<u8>), OpenError> {
        let from = [name()];
        let request = OpenRequest {
            at: self.at,
            signers: Signers::Partners(&from),
            plaintext_bytes_max: 1_000_000,
            waived: None,
        };
        let mut content = Vec::new();
        let verdict = self.us.open(&mut Cursor::new(sealed), &mut content, &request)?;
        Ok((verdict, content))
    }

    /// Encrypts for us whatever the layers write.
    fn encrypted(&self, layers: impl FnOnce(Message<'_>)) -> Vec<u8> {
        let mut sealed = Vec::new();
        layers(self.encryption(Message::new(&mut sealed)));
        sealed
    }

    /// A container for us in version 1, round whatever is written into it.
    fn encryption<'m>(&'m self, message: Message<'m>) -> Message<'m> {
        let version_1 = Features::empty().set_seipdv1();
        let recipient = Recipient::new(version_1, KeyHandle::from(self.reader.keyid()), &self.reader);
        Encryptor::for_recipients(message, [recipient]).build().unwrap()
    }

    /// The partner's signature round whatever is written into it, meant for these readers.
    fn signature<'m>(&self, message: Message<'m>, readers: &[&Cert]) -> Message<'m> {
        let ring = self.partner.ring();
        let primary = ring.own[0].primary_key().key().key_handle();
        let signer = Signer::new(message, ring.secret(&primary).unwrap().signer()).unwrap();
        let signer = readers.iter().fold(signer, |signer, reader| signer.add_intended_recipient(reader));
        signer.creation_time(system_time(self.at)).build().unwrap()
    }

    fn reason(&self, sealed: &[u8]) -> HoldReason {
        match self.opens(sealed).expect_err("it must not open").consequence() {
            Consequence::Hold(reason) => reason,
            other => panic!("held, not {other:?}"),
        }
    }
}

fn name() -> PartnerName {
    "other".parse().unwrap()
}

fn literal(message: Message<'_>) {
    let mut literal = LiteralWriter::new(message).build().unwrap();
    literal.write_all(b"content").unwrap();
    literal.finalize().unwrap();
}

fn compressed(message: Message<'_>) -> Message<'_> {
    Compressor::new(message).build().unwrap()
}

#[test]
fn the_plain_form_opens() {
    let both = Both::new();
    let sealed = both.encrypted(|message| literal(both.signature(message, &[])));
    assert_eq!(both.opens(&sealed).unwrap().1, b"content");
    let sealed = both.encrypted(|message| literal(both.signature(compressed(message), &[])));
    assert_eq!(both.opens(&sealed).unwrap().1, b"content");
}

#[test]
fn other_layers_are_odd() {
    let both = Both::new();
    let odd: [(&str, Vec<u8>); 5] = [
        ("compressed twice", both.encrypted(|m| literal(both.signature(compressed(compressed(m)), &[])))),
        ("compressed inside the signature", both.encrypted(|m| literal(compressed(both.signature(m, &[]))))),
        ("signed twice", both.encrypted(|m| literal(both.signature(both.signature(m, &[]), &[])))),
        (
            "with a marker",
            both.encrypted(|mut m| {
                m.write_all(&[0xCA, 3, b'P', b'G', b'P']).unwrap();
                literal(both.signature(m, &[]));
            }),
        ),
        (
            "a certificate, not a message",
            both.encrypted(|mut m| {
                both.us.ring().own[0].serialize(&mut m).unwrap();
                m.finalize().unwrap();
            }),
        ),
    ];
    for (what, sealed) in odd {
        assert_eq!(both.reason(&sealed), HoldReason::OddStructure, "{what}");
    }
    let deep = both.encrypted(|m| literal(both.signature(compressed(compressed(compressed(compressed(m)))), &[])));
    assert_eq!(both.reason(&deep), HoldReason::LimitReached { limit: Limit::MessageDepth });
    let mut twice = Vec::new();
    literal(both.signature(both.encryption(both.encryption(Message::new(&mut twice))), &[]));
    assert_eq!(both.reason(&twice), HoldReason::OddStructure, "encrypted twice");
    let mut outside = Vec::new();
    literal(both.encryption(both.signature(Message::new(&mut outside), &[])));
    assert_eq!(both.reason(&outside), HoldReason::OddStructure, "signed outside the encryption");
}

/// The partner signed for somebody else, who passes it on to us as if it were ours.
// RFC 9580 §5.2.3.36
#[test]
fn a_signature_meant_for_others_is_not_ours() {
    let both = Both::new();
    let (us, partner) = (both.us.ring(), both.partner.ring());
    let forwarded = both.encrypted(|m| literal(both.signature(m, &[&partner.own[0]])));
    assert_eq!(both.reason(&forwarded), HoldReason::BadSignature);
    let meant = both.encrypted(|m| literal(both.signature(m, &[&partner.own[0], &us.own[0]])));
    both.opens(&meant).unwrap();
}

/// Both certificates advertise version 2, so that is what is used; and it is as strict.
// RFC 9580 §5.13.2
#[test]
fn the_newer_container_opens_too() {
    let both = Both::new();
    let (to, mut sealed) = ([name()], Vec::new());
    let request = SealRequest { to: &to, file_name: "x.csv", at: both.at, armour: false };
    let content = vec![7; 300_000];
    both.partner.seal(&mut Cursor::new(&content), &mut sealed, &request).unwrap();
    assert_eq!(sealed[2], 6, "the session key packet is of version 6");
    let (verdict, opened) = both.opens(&sealed).unwrap();
    assert!(opened == content);
    assert_eq!((verdict.file_name.as_deref(), verdict.signed_at), (Some("x.csv"), Some(both.at)));
    let last = sealed.len() - 1;
    sealed[last] ^= 1;
    assert_eq!(both.reason(&sealed), HoldReason::Tampered);
    assert_eq!(both.reason(&sealed[..last]), HoldReason::Truncated);
}

/// Somebody passes on what the partner has signed for all to read, in a container of his own making.
#[test]
fn armour_inside_a_container_is_no_message() {
    let both = Both::new();
    let mut signed = Vec::new();
    let armour = Armorer::new(Message::new(&mut signed)).kind(armor::Kind::Message).build().unwrap();
    literal(both.signature(armour, &[]));
    for before in [&b""[..], b"\x80", b"\xFF\x01\n"] {
        let sealed = both.encrypted(|mut message| {
            message.write_all(before).unwrap();
            message.write_all(&signed).unwrap();
            message.finalize().unwrap();
        });
        assert_eq!(both.reason(&sealed), HoldReason::OddStructure, "after {before:?}");
    }
}

/// What no longer holds comes before what is odd.
#[test]
fn an_altered_container_is_altered_whatever_is_inside() {
    let both = Both::new();
    let mut sealed = both.encrypted(|mut message| {
        message.write_all(b"no packets at all").unwrap();
        message.finalize().unwrap();
    });
    assert_eq!(both.reason(&sealed), HoldReason::OddStructure);
    let last = sealed.len() - 1;
    sealed[last] ^= 1;
    assert_eq!(both.reason(&sealed), HoldReason::Tampered);
}
