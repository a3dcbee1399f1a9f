//! Archives: bombs, ways out of the folder, names that collide, headers that disagree.

use std::io::{Cursor, Write};

use hbcourier::cli::demo::samples;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::{Case, Done, MIB, Scene};

const REPORT: &str = "AOBWR999_REPORT.csv";
const LOCAL: &[u8] = b"PK\x03\x04";
const DIRECTORY: &[u8] = b"PK\x01\x02";
const END: &[u8] = b"PK\x05\x06";

pub fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    samples::archive(members).unwrap()
}

fn built(build: impl FnOnce(&mut ZipWriter<Cursor<Vec<u8>>>, SimpleFileOptions)) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    build(&mut writer, SimpleFileOptions::default().compression_method(CompressionMethod::Stored));
    writer.finish().unwrap().into_inner()
}

fn place(bytes: &[u8], of: &[u8]) -> usize {
    bytes.windows(of.len()).rposition(|window| window == of).unwrap()
}

/// In the header before the member and in the directory, at the same field of both.
fn in_both(mut bytes: Vec<u8>, local: usize, directory: usize, value: &[u8]) -> Vec<u8> {
    let (at, listed) = (place(&bytes, LOCAL) + local, place(&bytes, DIRECTORY) + directory);
    bytes[at..at + value.len()].copy_from_slice(value);
    bytes[listed..listed + value.len()].copy_from_slice(value);
    bytes
}

/// The same archive with another name of the same length, wherever the first stands.
fn renamed(mut bytes: Vec<u8>, from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let places: Vec<usize> =
        (0..bytes.len() - from.len()).filter(|at| bytes[*at..].starts_with(from.as_bytes())).collect();
    assert!(!places.is_empty());
    places.iter().for_each(|at| bytes[*at..*at + to.len()].copy_from_slice(to.as_bytes()));
    bytes
}

/// Zeros that claim to be few.
fn lying(is: usize) -> Vec<u8> {
    in_both(zip(&[(REPORT, &vec![b'0'; is])]), 22, 24, &1000_u32.to_le_bytes())
}

/// The end record with another field.
fn ended(mut bytes: Vec<u8>, field: usize, value: &[u8]) -> Vec<u8> {
    let at = place(&bytes, END) + field;
    bytes[at..at + value.len()].copy_from_slice(value);
    bytes
}

/// One stretch of data that two entries of the directory share: the core of a "better zip bomb".
fn overlapping() -> Vec<u8> {
    let inner = zip(&[(REPORT, &[b'x'; 1000])]);
    let quoting = built(|writer, stored| {
        writer.start_file("AOBWR998_REPORT.csv", stored).unwrap();
        writer.write_all(&inner).unwrap();
    });
    let (start, end) = (place(&quoting, DIRECTORY), place(&quoting, END));
    let mut second = inner[place(&inner, DIRECTORY)..place(&inner, END)].to_vec();
    let quoted = quoting.windows(inner.len()).position(|window| window == inner).unwrap();
    second[42..46].copy_from_slice(&u32::try_from(quoted).unwrap().to_le_bytes());
    let both = [&quoting[..end], &second, &quoting[end..]].concat();
    let size = u32::try_from(end + second.len() - start).unwrap();
    ended(ended(both, 8, &[2, 0, 2, 0]), 12, &size.to_le_bytes())
}

/// An entry whose data reach over the directory that lists it, so that the archive is in itself.
fn in_itself() -> Vec<u8> {
    let bytes = built(|writer, stored| {
        writer.start_file(REPORT, stored).unwrap();
        writer.write_all(b"a,b\n").unwrap();
    });
    let whole = u32::try_from(bytes.len() - 30 - REPORT.len()).unwrap().to_le_bytes();
    in_both(in_both(bytes, 18, 20, &whole), 22, 24, &whole)
}

pub(super) fn cases(scene: &Scene) -> Vec<Case> {
    [bombs(scene), refused(scene)].concat()
}

fn case(scene: &Scene, what: &'static str, limit: &'static str, done: Done, packs: Vec<Vec<u8>>) -> Case {
    let files = packs.iter().map(|pack| scene.seals(pack, "HBMS_pack.zip")).collect();
    Case { group: "ZIP", what, limit, done, files, mail: false }
}

fn bombs(scene: &Scene) -> Vec<Case> {
    let case = |what, limit, done, packs| case(scene, what, limit, done, packs);
    let unsafe_one = |what, limit, packs| case(what, limit, Done::Held("CN-116"), packs);
    let many: Vec<String> = (0..10_001).map(|number| format!("AOBWR{number}_R.csv")).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|name| (name.as_str(), &b"a,b\n"[..])).collect();
    let mut nested = zip(&[("0.csv", &vec![b'0'; 4 * MIB])]);
    for level in 1..6 {
        nested = zip(&[(&format!("{level}.zip"), &nested)]);
    }
    let quine = super::quine::archive();
    vec![
        case(
            "a bomb: 16 MiB of zeros",
            "`archive_bytes_max`",
            Done::Held("CN-115"),
            vec![zip(&[(REPORT, &vec![b'0'; 16 * MIB])])],
        ),
        case("10,001 members", "`archive_members_max`", Done::Held("CN-115"), vec![zip(&many)]),
        unsafe_one(
            "bombs that claim to be small",
            "no more than is claimed comes out",
            vec![lying(16 * MIB + 12_345), lying(2 * MIB)],
        ),
        unsafe_one("entries that share bytes (\"better zip bomb\")", "entries apart", vec![overlapping()]),
        unsafe_one("an archive that is in itself", "entries apart", vec![in_itself()]),
        case(
            "archives in each other, 6 deep",
            "nothing in an archive is unpacked again",
            Done::delivered([&nested[..], b"a,b\n"]),
            vec![zip(&[("nested.zip", &nested), (REPORT, b"a,b\n")])],
        ),
        case(
            "an archive that unpacks to itself, for ever (a quine)",
            "nothing in an archive is unpacked again",
            Done::delivered([&quine[..]]),
            vec![quine.clone()],
        ),
    ]
}

/// What no archive may have, whatever its size.
fn refused(scene: &Scene) -> Vec<Case> {
    let case = |what, limit, done, packs| case(scene, what, limit, done, packs);
    let unsafe_one = |what, limit, packs| case(what, limit, Done::Held("CN-116"), packs);
    let one = || zip(&[(REPORT, b"a,b\n")]);
    let two = || zip(&[(REPORT, b"a,b\n"), ("AOBWR998_REPORT.csv", b"a,b\n")]);
    let moved = ["../AOBWR999_R.csv", "/AOBWR999_R.csv", "C:AOBWR999_R.csv", "a\\AOBWR999_R.csv"].map(|name| {
        let plain = "x".repeat(name.len());
        renamed(zip(&[(&plain, b"a,b\n")]), &plain, name)
    });
    let link = built(|writer, stored| writer.add_symlink(REPORT, "/etc/passwd", stored).unwrap());
    let mut contradicting = one();
    contradicting[30] = b'B';
    vec![
        unsafe_one("paths up, absolute, of a drive, with a backslash", "plain relative paths", moved.to_vec()),
        unsafe_one("a symbolic link", "files and folders only", vec![link]),
        unsafe_one(
            "one name twice; two that differ in case",
            "names, whatever their case",
            vec![
                renamed(two(), "AOBWR998_REPORT.csv", REPORT),
                renamed(two(), "AOBWR998_REPORT.csv", "aobwr999_report.CSV"),
            ],
        ),
        unsafe_one("another name before the member than in the directory", "both headers agree", vec![contradicting]),
        unsafe_one("sizes that the data are not", "both headers agree", vec![in_both(one(), 22, 24, &[200, 0, 0, 0])]),
        unsafe_one("encrypted members", "no encryption", vec![in_both(one(), 6, 8, &[1, 0])]),
        unsafe_one("spanned over several disks", "one disk", vec![ended(one(), 4, &[1, 0, 1, 0])]),
        unsafe_one("a method other than stored and deflated", "two methods", vec![in_both(one(), 8, 10, &[12, 0])]),
        unsafe_one(
            "more entries than there are; a directory beyond the end",
            "the directory's own figures",
            vec![ended(one(), 8, &[9, 0, 9, 0]), ended(one(), 16, &[0xFF, 0xFF, 0xFF, 0x7F])],
        ),
        case(
            "a program with a ZIP at its end",
            "a ZIP begins as one; no route for the unknown",
            Done::Held("CN-118"),
            vec![[&b"MZ\x90\x00"[..], &one()].concat()],
        ),
    ]
}
