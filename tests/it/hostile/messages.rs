//! OpenPGP: bombs, layers in each other, packets that do not belong, armour that is not, algorithms of the past.

use sequoia_openpgp::Cert;
use sequoia_openpgp::parse::Parse;

use super::{Case, Done, MIB, Scene};
use crate::inbound::laid_xml;
use crate::support::container::{Container, encrypted_to};
use crate::support::partner::{Algorithm, Partner, SealOptions};

/// A packet of this type, with a length in five octets.
// RFC 9580 §4.2.1.3
fn packet(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&[0xC0 | tag, 0xFF][..], &length, body].concat()
}

/// Packets in a compressed packet that compresses nothing.
// RFC 9580 §5.6
fn wrapped(packets: &[u8]) -> Vec<u8> {
    packet(8, &[&[0][..], packets].concat())
}

/// Where the session key for a large RSA key ends: its length is in two octets.
// RFC 9580 §4.2.2
fn first_packet(sealed: &[u8]) -> usize {
    assert_eq!(sealed[0], 0x85);
    3 + usize::from(u16::from_be_bytes([sealed[1], sealed[2]]))
}

pub(super) fn cases(scene: &Scene) -> Vec<Case> {
    [layers(scene), verdicts(scene)].concat()
}

fn held(what: &'static str, limit: &'static str, code: &'static str, files: Vec<Vec<u8>>) -> Case {
    Case { group: "OpenPGP", what, limit, done: Done::Held(code), files, mail: false }
}

/// A LAID of this number, with these further arguments for GnuPG.
fn with(dwp: &Partner, extra: &[&str], number: usize) -> Vec<u8> {
    dwp.seals(&laid_xml(number), "LAID.xml", &SealOptions::with(extra))
}

/// Bombs, and packets in each other, beside each other, and of kinds that do not belong.
fn layers(scene: &Scene) -> Vec<Case> {
    let dwp = &scene.dwp;
    let bomb = |algorithm| {
        let how = SealOptions::with(&["--compress-algo", algorithm, "--bzip2-compress-level", "1"]);
        dwp.seals(&vec![b'0'; 64 * MIB], "LAID.xml", &how)
    };
    let ours = Cert::from_bytes(&scene.council.own_certificate).unwrap();
    let inside = |packets: &[u8]| encrypted_to(&ours, Container::V1, packets).unwrap();
    let signed = dwp.gpg(&["--sign", "--compress-algo", "none"], &laid_xml(2000));
    let deep = (0..200).fold(signed.clone(), |inner, _| wrapped(&inner));
    let sealed = with(dwp, &[], 2001);
    let (session_key, rest) = sealed.split_at(first_packet(&sealed));
    let second = dwp.second_signer();
    vec![
        held(
            "64 MiB of zeros, by bzip2 and by zlib",
            "`plaintext_bytes_max`",
            "CN-115",
            vec![bomb("bzip2"), bomb("zlib")],
        ),
        held("compressed 200 times over", "layers: 4", "CN-115", vec![inside(&deep)]),
        held("compressed twice", "one message, one signature", "CN-111", vec![inside(&wrapped(&wrapped(&signed)))]),
        held("17 recipients", "recipients: 16", "CN-115", vec![[&session_key.repeat(17)[..], rest].concat()]),
        held(
            "a marker, an unknown packet, a certificate inside",
            "one message, one signature",
            "CN-111",
            vec![
                inside(&[packet(10, b"PGP"), signed.clone()].concat()),
                inside(&[packet(60, b"private"), signed.clone()].concat()),
                inside(&dwp.gpg(&["--export"], b"")),
            ],
        ),
        held("two signatures", "one signature", "CN-111", vec![with(dwp, &["-u", &second], 2004)]),
        held(
            "two messages in one file",
            "one message",
            "CN-110",
            vec![[sealed.clone(), with(dwp, &[], 2005)].concat()],
        ),
        held("something behind the message", "one message", "CN-111", vec![[&sealed[..], b"and this"].concat()]),
    ]
}

/// What is not whole, not sealed, not by DWP, or not as today's rules have it.
fn verdicts(scene: &Scene) -> Vec<Case> {
    let dwp = &scene.dwp;
    let sealed = with(dwp, &[], 2002);
    let mut altered = sealed.clone();
    let last = altered.len() - 15;
    altered[last] ^= 0x10;
    let armoured = dwp.seals(&laid_xml(2003), "LAID.xml", &SealOptions::armoured());
    let mut stranger = Partner::new(Algorithm::Curve25519);
    stranger.trusts(&scene.council.own_certificate);
    let unsigned = SealOptions { sign: false, ..SealOptions::default() };
    let old = SealOptions::with(&["--rfc2440", "--cipher-algo", "3DES", "--disable-mdc"]);
    vec![
        held(
            "signed, not encrypted; clear-signed",
            "encryption around a signature",
            "CN-111",
            vec![dwp.gpg(&["--sign"], &laid_xml(2006)), dwp.gpg(&["--clear-sign"], &laid_xml(2007))],
        ),
        held("not signed", "a pinned signature", "CN-105", vec![dwp.seals(&laid_xml(2008), "LAID.xml", &unsigned)]),
        held(
            "signed by a stranger",
            "a pinned signature",
            "CN-106",
            vec![stranger.seals(&laid_xml(2009), "LAID.xml", &SealOptions::default())],
        ),
        held(
            "a passphrase that all know",
            "a key of ours",
            "CN-104",
            vec![dwp.gpg(&["--symmetric", "--passphrase", "known to all", "--sign"], &laid_xml(2010))],
        ),
        held("one bit altered", "integrity", "CN-102", vec![altered]),
        held(
            "cut short, armoured and not",
            "a whole message",
            "CN-103",
            vec![sealed[..sealed.len() - 3].to_vec(), armoured[..armoured.len() / 2].to_vec()],
        ),
        held(
            "text before the armour; no message at all",
            "an OpenPGP message",
            "CN-101",
            vec![[b"Dear all,\n", &armoured[..]].concat(), b"\xFF\xD8\xFF\xE0 a picture".to_vec(), dwp.certificate()],
        ),
        held("text behind the armour", "one message", "CN-111", vec![[&armoured[..], b"and this"].concat()]),
        held(
            "without integrity protection",
            "never accepted",
            "CN-201",
            vec![dwp.seals(&laid_xml(2011), "LAID.xml", &old)],
        ),
        held(
            "3DES; SHA-1",
            "today's algorithms, or an exception",
            "CN-112",
            vec![with(dwp, &["--cipher-algo", "3DES"], 2012), with(dwp, &["--digest-algo", "SHA1"], 2013)],
        ),
    ]
}
