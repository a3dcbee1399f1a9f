//! What GnuPG can make, in every combination: the verdict is the policy's, and the content what was sealed.

use std::io::Write;

use hbcourier::domain::{Consequence, HoldReason};
use sequoia_openpgp::parse::Parse;
use sequoia_openpgp::{Cert, armor};

use super::{Us, acquainted, content};
use crate::support::container::{Container, encrypted_to};
use crate::support::partner::SealOptions;

const CIPHERS: [&str; 4] = ["AES256", "3DES", "CAST5", "IDEA"];
const COMPRESSIONS: [&str; 4] = ["zip", "zlib", "bzip2", "none"];
const HASHES: [&str; 2] = ["SHA1", "SHA256"];

/// How the same message lies in the file.
#[derive(Clone, Copy, Debug)]
enum Framing {
    Armoured,
    /// Every packet with its length before it.
    Whole,
    /// The container in pieces.
    // RFC 9580 §4.2.1.4
    Partial,
}

/// The policy in one line: what the modern standard forbids to make is let in by nobody.
// RFC 9580 §9.3, §9.5
fn policy_lets_in(cipher: &str, hash: &str) -> bool {
    cipher == "AES256" && hash == "SHA256"
}

fn framed(binary: &[u8], framing: Framing) -> Vec<u8> {
    match framing {
        Framing::Armoured => armoured(binary),
        Framing::Whole => reframed(binary, whole),
        Framing::Partial => reframed(binary, partial),
    }
}

fn armoured(binary: &[u8]) -> Vec<u8> {
    let mut writer = armor::Writer::new(Vec::new(), armor::Kind::Message).unwrap();
    writer.write_all(binary).unwrap();
    writer.finalize().unwrap()
}

/// The packets of a message, each with its body framed anew. Tag first.
fn reframed(message: &[u8], frame: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = message;
    while !rest.is_empty() {
        let (tag, body, behind) = packet(rest);
        rest = behind;
        out.push(0xc0 | tag);
        // Only data may come in pieces.
        out.extend(if tag == 18 { frame(&body) } else { whole(&body) });
    }
    out
}

/// The first packet: its tag, its body, and what comes behind it.
// RFC 9580 §4.2
fn packet(bytes: &[u8]) -> (u8, Vec<u8>, &[u8]) {
    let first = bytes[0];
    assert!(first & 0x80 != 0, "no packet begins with {first:#x}");
    if first & 0x40 == 0 {
        let octets = match first & 3 {
            0 => 1,
            1 => 2,
            2 => 4,
            _ => return ((first >> 2) & 15, bytes[1..].to_vec(), &[]),
        };
        let length = bytes[1..=octets].iter().fold(0, |length, &octet| (length << 8) | usize::from(octet));
        let body = &bytes[1 + octets..];
        return ((first >> 2) & 15, body[..length].to_vec(), &body[length..]);
    }
    let (mut body, mut rest) = (Vec::new(), &bytes[1..]);
    loop {
        let (length, octets, last) = match rest[0] {
            length @ 0..192 => (usize::from(length), 1, true),
            high @ 192..224 => (((usize::from(high) - 192) << 8) + usize::from(rest[1]) + 192, 2, true),
            255 => (u32::from_be_bytes(rest[1..5].try_into().unwrap()) as usize, 5, true),
            power => (1 << (power & 31), 1, false),
        };
        body.extend_from_slice(&rest[octets..octets + length]);
        rest = &rest[octets + length..];
        if last {
            return (first & 63, body, rest);
        }
    }
}

fn whole(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap();
    [&[255][..], &length.to_be_bytes(), body].concat()
}

/// Pieces of 512 bytes, the least that the first may have.
fn partial(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = body;
    while rest.len() >= 512 {
        out.push(224 | 9);
        out.extend_from_slice(&rest[..512]);
        rest = &rest[512..];
    }
    out.extend(whole(rest));
    out
}

#[test]
fn whatever_gnupg_makes_is_judged_by_the_policy_alone() {
    let (us, partner) = acquainted();
    let sent = content(3000);
    let (mut accepted, mut refused) = (0, 0);
    for cipher in CIPHERS {
        for compression in COMPRESSIONS {
            for hash in HASHES {
                let options = ["--cipher-algo", cipher, "--compress-algo", compression, "--digest-algo", hash];
                let binary = partner.seals(&sent, "x", &SealOptions::with(&options));
                for framing in [Framing::Armoured, Framing::Whole, Framing::Partial] {
                    let what = format!("{cipher} {compression} {hash} {framing:?}");
                    let message = framed(&binary, framing);
                    if policy_lets_in(cipher, hash) {
                        lets_in(&us, &message, &sent, &what);
                        accepted += 1;
                    } else {
                        assert_eq!(us.holds(&message), Consequence::Hold(HoldReason::LegacyAlgorithm), "{what}");
                        refused += 1;
                    }
                }
            }
        }
    }
    println!("GnuPG's matrix: {accepted} let in, {refused} refused, as the policy has it");
    assert_eq!((accepted, refused), (12, 84));
}

/// GnuPG takes it, so a partner could send it; what is said of it must not be that somebody forged it.
#[test]
fn a_signature_before_its_content_is_odd_and_not_bad() {
    let (us, partner) = acquainted();
    let sent = content(300);
    let fingerprint = partner.fingerprint().to_string();
    let signature = partner.gpg(&["--detach-sign", "-u", &fingerprint], &sent);
    let literal = partner.gpg(&["--store", "--compress-algo", "none"], &sent);
    let own = Cert::from_bytes(&us.ring.export_own().unwrap()).unwrap();
    for container in [Container::V1, Container::V2] {
        let sealed = encrypted_to(&own, container, &[&signature[..], &literal].concat()).unwrap();
        assert_eq!(us.holds(&sealed), Consequence::Hold(HoldReason::OddStructure), "{container:?}");
    }
}

fn lets_in(us: &Us, message: &[u8], sent: &[u8], what: &str) {
    let (_, opened) = us.opens(message).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert!(opened == sent, "{what}: other content");
}
