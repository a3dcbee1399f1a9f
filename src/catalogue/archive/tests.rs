use std::io::Cursor;

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;

const LIMITS: Limits = Limits { members_max: 100, bytes_max: 1 << 20 };

fn write(build: impl FnOnce(&mut ZipWriter<Cursor<Vec<u8>>>)) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    build(&mut writer);
    writer.finish().unwrap().into_inner()
}

fn deflated() -> SimpleFileOptions {
    SimpleFileOptions::default().compression_method(CompressionMethod::Deflated)
}

fn stored() -> SimpleFileOptions {
    SimpleFileOptions::default().compression_method(CompressionMethod::Stored)
}

fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    write(|writer| {
        for (name, content) in members {
            writer.start_file(*name, deflated()).unwrap();
            writer.write_all(content).unwrap();
        }
    })
}

/// Replaces every occurrence of `from`, in the local headers as in the directory.
fn patched(mut bytes: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut at = 0;
    while let Some(found) = bytes[at..].windows(from.len()).position(|window| window == from) {
        bytes[at + found..at + found + to.len()].copy_from_slice(to);
        at += found + to.len();
    }
    assert!(at > 0, "nothing was patched");
    bytes
}

fn open(bytes: Vec<u8>) -> Result<Archive<Cursor<Vec<u8>>>, ArchiveError> {
    Archive::open(Cursor::new(bytes), &LIMITS)
}

fn fault(bytes: Vec<u8>) -> Fault {
    let error = open(bytes).map(|archive| archive.members().to_vec()).unwrap_err();
    assert_eq!(error.consequence(), Consequence::Hold(HoldReason::ArchiveUnsafe));
    match error {
        ArchiveError::Unsafe { fault, .. } => fault,
        other => panic!("{other}"),
    }
}

#[test]
fn members_come_out_as_they_went_in() {
    let bytes = write(|writer| {
        writer.add_directory("pack/", stored()).unwrap();
        writer.start_file("pack/HBSA002.csv", deflated().large_file(true)).unwrap();
        writer.write_all(b"a,b\n").unwrap();
        writer.start_file("empty.txt", stored()).unwrap();
    });
    assert!(is_zip(&bytes));
    let mut archive = open(bytes).unwrap();
    let names: Vec<_> = archive.members().iter().map(|member| (member.name.as_str(), member.path.as_str())).collect();
    assert_eq!(names, [("HBSA002.csv", "pack/HBSA002.csv"), ("empty.txt", "empty.txt")]);
    let mut out = Vec::new();
    assert_eq!(archive.extract(0, &mut out).unwrap(), 4);
    assert_eq!(out, b"a,b\n");
    assert_eq!(archive.extract(1, &mut out).unwrap(), 0);
    assert!(matches!(archive.extract(2, &mut out), Err(ArchiveError::Unsafe { fault: Fault::Missing, .. })));
}

#[test]
fn paths_that_lead_elsewhere_condemn_the_archive() {
    for path in ["../x", "a/../x", "/x", "a\\x", "C:x", "a//x", "./x", "a/.", "a\nb", "a\u{7f}"] {
        assert_eq!(
            fault(patched(zip(&[(&"x".repeat(path.len()), b"1")]), "x".repeat(path.len()).as_bytes(), path.as_bytes())),
            Fault::Path,
            "{path:?}"
        );
    }
}

#[test]
fn one_name_for_two_members_condemns_the_archive() {
    let two = || zip(&[("aa.csv", b"1"), ("bb.csv", b"2")]);
    assert_eq!(fault(patched(two(), b"bb.csv", b"aa.csv")), Fault::Duplicate);
    assert_eq!(fault(patched(two(), b"bb.csv", b"AA.csv")), Fault::Duplicate);
}

#[test]
fn links_locks_and_odd_methods_condemn_the_archive() {
    let link = write(|writer| writer.add_symlink("a", "/etc/passwd", stored()).unwrap());
    assert_eq!(fault(link), Fault::Special);
    let mut locked = zip(&[("a.csv", b"1")]);
    let directory = locked.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    locked[6] |= 1;
    locked[directory + 8] |= 1;
    assert_eq!(fault(locked), Fault::Locked);
    let mut bzip2 = zip(&[("a.csv", b"1")]);
    let directory = bzip2.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    bzip2[8] = 12;
    bzip2[directory + 10] = 12;
    assert_eq!(fault(bzip2), Fault::Method);
}

#[test]
fn headers_that_contradict_each_other_condemn_the_archive() {
    let mut bytes = zip(&[("aaaa.csv", b"1")]);
    bytes[30] = b'b';
    assert!(matches!(open(bytes), Err(ArchiveError::Damaged(_))));
    let mut before = b"MZ".to_vec();
    before.extend(zip(&[("a.csv", b"1")]));
    assert!(open(before).is_err());
}

/// Two entries of the directory that share one stretch of data: the small core of a "better zip bomb".
#[test]
fn entries_that_share_bytes_condemn_the_archive() {
    let inner = zip(&[("a.csv", &[b'x'; 1000])]);
    let quoting = write(|writer| {
        writer.start_file("q.csv", stored()).unwrap();
        writer.write_all(&inner).unwrap();
    });
    // The directory of `quoting`, with one entry more that points at the member inside the quoted archive.
    let directory = quoting.windows(4).rposition(|window| window == b"PK\x01\x02").unwrap();
    let end = quoting.windows(4).rposition(|window| window == b"PK\x05\x06").unwrap();
    let inner_start = quoting.windows(inner.len()).position(|window| window == inner).unwrap();
    let inner_directory = inner.windows(4).rposition(|window| window == b"PK\x01\x02").unwrap();
    let inner_end = inner.windows(4).rposition(|window| window == b"PK\x05\x06").unwrap();
    let mut second = inner[inner_directory..inner_end].to_vec();
    second[42..46].copy_from_slice(&u32::try_from(inner_start).unwrap().to_le_bytes());
    let mut bomb = quoting[..end].to_vec();
    bomb.extend_from_slice(&second);
    let size = u32::try_from(bomb.len() - directory).unwrap();
    let mut tail = quoting[end..].to_vec();
    tail[8..10].copy_from_slice(&2u16.to_le_bytes());
    tail[10..12].copy_from_slice(&2u16.to_le_bytes());
    tail[12..16].copy_from_slice(&size.to_le_bytes());
    bomb.extend_from_slice(&tail);
    let error = open(bomb).map(|archive| archive.members().to_vec()).unwrap_err();
    assert!(
        matches!(&error, ArchiveError::Damaged(ZipError::InvalidArchive(why)) if why.contains("overlap")),
        "{error:?}"
    );
    assert_eq!(error.consequence(), Consequence::Hold(HoldReason::ArchiveUnsafe));
}

#[test]
fn too_many_members_are_not_even_listed() {
    let names: Vec<String> = (0..101).map(|n| format!("{n}.csv")).collect();
    let members: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
    let error = open(zip(&members)).map(drop).unwrap_err();
    assert!(matches!(error, ArchiveError::TooManyMembers { found: 101, max: 100 }));
    assert_eq!(error.consequence(), Consequence::Hold(HoldReason::LimitReached { limit: Limit::ArchiveMembers }));
}

#[test]
fn an_honest_bomb_is_refused_by_its_claim() {
    let error = open(zip(&[("a", &vec![0; 2 << 20])])).map(drop).unwrap_err();
    assert_eq!(error.consequence(), Consequence::Hold(HoldReason::LimitReached { limit: Limit::ArchiveBytes }));
}

#[test]
fn a_bomb_that_claims_to_be_small_yields_no_more_than_it_claims() {
    let mut bomb = zip(&[("a", &vec![0; 50 << 20])]);
    let directory = bomb.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    bomb[22..26].copy_from_slice(&10u32.to_le_bytes());
    bomb[directory + 24..directory + 28].copy_from_slice(&10u32.to_le_bytes());
    let mut archive = open(bomb).unwrap();
    let mut out = Vec::new();
    let error = archive.extract(0, &mut out).unwrap_err();
    assert!(matches!(error, ArchiveError::Unsafe { fault: Fault::Contradiction, .. }), "{error:?}");
    assert!(out.len() as u64 <= LIMITS.bytes_max);
}

#[test]
fn all_members_count_together_and_again() {
    let mut archive = open(zip(&[("a", &vec![1; 600 << 10]), ("b", &vec![2; 400 << 10])])).unwrap();
    archive.extract(0, &mut io::sink()).unwrap();
    archive.extract(1, &mut io::sink()).unwrap();
    assert!(matches!(archive.extract(1, &mut io::sink()), Err(ArchiveError::TooManyBytes { .. })));
}

#[test]
fn damage_and_faults_of_the_disk_are_told_apart() {
    let content: Vec<u8> = (0..20_000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let whole = zip(&[("a.csv", &content)]);
    let mut damaged = whole.clone();
    damaged[5000] ^= 0xFF;
    let error = open(damaged).unwrap().extract(0, &mut io::sink()).unwrap_err();
    assert!(matches!(error, ArchiveError::Unsafe { fault: Fault::Contradiction, .. }), "{error:?}");

    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::from_raw_os_error(28))
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let error = open(whole.clone()).unwrap().extract(0, &mut Full).unwrap_err();
    assert_eq!(error.consequence(), Consequence::Defer(DeferCause::PrivateSpace));

    struct Failing(Cursor<Vec<u8>>, u64);
    impl Read for Failing {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            let left = usize::try_from(self.1).unwrap().min(buf.len());
            if left == 0 {
                return Err(io::Error::from_raw_os_error(5));
            }
            let read = self.0.read(&mut buf[..left])?;
            self.1 -= read as u64;
            Ok(read)
        }
    }
    impl Seek for Failing {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.0.seek(to)
        }
    }
    let mut places = 0;
    for budget in (0..200_000).step_by(997) {
        let outcome = Archive::open(Failing(Cursor::new(whole.clone()), budget), &LIMITS)
            .and_then(|mut archive| archive.extract(0, &mut io::sink()));
        match outcome {
            Ok(_) => break,
            Err(error) => assert_eq!(error.consequence(), Consequence::Defer(DeferCause::SpoolUnreadable), "{error:?}"),
        }
        places += 1;
    }
    assert!(places > 10, "the reader never failed");
}

#[test]
fn a_zip_is_complete_with_its_end_and_not_before() {
    let whole = zip(&[("a.csv", b"a,b\n"), ("b.csv", b"a,b\n")]);
    for length in 0..whole.len() {
        assert!(!is_zip_complete(&mut Cursor::new(&whole[..length])).unwrap(), "{length}");
    }
    assert!(is_zip_complete(&mut Cursor::new(&whole)).unwrap());
}

proptest::proptest! {
    #[test]
    fn no_damage_makes_it_panic_or_yield_more_than_allowed(
        at in 0usize..4096,
        bytes in proptest::collection::vec(proptest::num::u8::ANY, 1..8),
        bytes_max in 0u64..3000,
    ) {
        let mut archive = zip(&[("AOBWR627_LAID_RISK.csv", &[b'x'; 1000]), ("b/HBSA002.csv", &[b'y'; 1500])]);
        let at = at % archive.len();
        let end = archive.len().min(at + bytes.len());
        archive[at..end].copy_from_slice(&bytes[..end - at]);
        let limits = Limits { members_max: 10, bytes_max };
        if let Ok(mut archive) = Archive::open(Cursor::new(archive), &limits) {
            let mut out = Vec::new();
            for index in 0..archive.members().len() {
                if archive.extract(index, &mut out).is_err() {
                    break;
                }
            }
            proptest::prop_assert!(out.len() as u64 <= bytes_max);
        }
    }
}
