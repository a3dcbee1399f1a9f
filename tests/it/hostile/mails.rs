//! Mails: what programs may read differently, what has too many parts, and bombs sealed in them.

use std::fs;
use std::path::Path;

use super::{Case, Done, MIB, Scene};
use crate::support::partner::SealOptions;

/// The mails of the corpus with these verdicts that are reached before anything is opened: its keys are not this council's.
fn of_the_corpus(verdict: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/mail");
    let mut table = csv::Reader::from_path(folder.join("verdicts.csv")).unwrap();
    let rows = table.records().map(Result::unwrap).filter(|row| &row[1] == verdict && !row[0].contains("inner"));
    rows.map(|row| fs::read(folder.join(&row[0])).unwrap()).collect()
}

/// A mail with an attachment.
fn mail(id: &str, sealed: &[u8]) -> Vec<u8> {
    let head = format!(
        "From: transfers@partner.test\r\nTo: hbms@council.test\r\nSubject: {id}\r\nMessage-ID: <{id}@partner.test>\r\n\
         MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"limit\"\r\n\r\n\
         --limit\r\nContent-Type: text/plain\r\n\r\nSee the attachment.\r\n\
         --limit\r\nContent-Type: application/octet-stream; name=\"x.asc\"\r\n\
         Content-Disposition: attachment; filename=\"x.asc\"\r\n\r\n"
    );
    let armour = String::from_utf8(sealed.to_vec()).unwrap().replace("\r\n", "\n").replace('\n', "\r\n");
    format!("{head}{armour}\r\n--limit--\r\n").into_bytes()
}

fn entity(parts: usize, bytes: usize) -> Vec<u8> {
    let mut entity = String::from("Content-Type: multipart/mixed; boundary=\"in\"\r\n\r\n");
    for part in 0..parts {
        entity += &format!(
            "--in\r\nContent-Type: application/xml; name=\"{part}.xml\"\r\n\
             Content-Disposition: attachment; filename=\"{part}.xml\"\r\n\r\n<LAID>{}</LAID>\r\n",
            "x".repeat(bytes)
        );
    }
    (entity + "--in--\r\n").into_bytes()
}

pub(super) fn cases(scene: &Scene) -> Vec<Case> {
    let case =
        |what, limit, code, files| Case { group: "mail", what, limit, done: Done::Held(code), files, mail: true };
    let sealed = |content: &[u8], extra: &[&str]| {
        scene.dwp.seals(content, "", &SealOptions { armour: true, ..SealOptions::with(extra) })
    };
    let bomb = sealed(&vec![b'0'; 64 * MIB], &["--compress-algo", "zlib"]);
    let crowded = sealed(&entity(150, 10), &[]);
    let packed = sealed(&super::archives::zip(&[("AOBWR999_REPORT.csv", &vec![b'0'; 16 * MIB])]), &[]);
    vec![
        case("built so that programs read it differently", "two readings agree", "CN-135", of_the_corpus("ambiguous")),
        case(
            "too many parts, too deep, forwards in forwards",
            "parts: 100; depth: 8",
            "CN-136",
            of_the_corpus("limit"),
        ),
        case("nothing sealed", "something sealed", "CN-131", of_the_corpus("plain")),
        case("S/MIME", "OpenPGP", "CN-132", of_the_corpus("s-mime")),
        case("signed, not sealed", "sealed", "CN-133", of_the_corpus("signed-only")),
        case("64 MiB of zeros, sealed in it", "`plaintext_bytes_max`", "CN-115", vec![mail("bomb", &bomb)]),
        case("150 files, sealed in it", "parts: 100", "CN-136", vec![mail("crowded", &crowded)]),
        case("a ZIP bomb, sealed in it", "`archive_bytes_max`", "CN-115", vec![mail("packed", &packed)]),
    ]
}
