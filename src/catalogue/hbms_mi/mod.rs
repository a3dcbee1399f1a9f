//! The clerical HBMS MI workbook: an Excel file, old or new, that is named as one.
// DWP A5/2020 paragraphs 49 to 57

mod contents;

use std::io::{self, Read, Seek, SeekFrom};

use super::archive::Member;
use super::hbms_pack;
use super::name::Name;
use super::{Confidence, Gathered};
use crate::domain::FileKind;

const OLE2: &[u8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";
const WINDOW_BYTES: usize = 64 << 10;

pub(super) fn is_ole2(head: &[u8]) -> bool {
    head.starts_with(OLE2)
}

/// Whether a name is that of the MI workbook.
pub(super) fn names_a_workbook(name: &Name) -> bool {
    let excel = ["XLS", "XLSX", "XLSM"].iter().any(|extension| name.has_extension(extension));
    excel && name.is_mi()
}

/// A compound file: `.xls`, unless its streams say otherwise.
pub(super) fn look<R: Read + Seek>(
    name: &Name,
    head: &[u8],
    content: &mut R,
    gathered: &mut Gathered,
) -> io::Result<(FileKind, Confidence)> {
    gathered.note("it begins as an OLE2 compound file");
    // [MS-CFB] §2.2: a header is 512 bytes and declares little-endian order.
    let whole_header = head.len() >= 512 && head[28..30] == *b"\xFE\xFF";
    let [workbook, book, locked, macros] =
        contains_utf16(content, ["Workbook", "Book", "EncryptedPackage", "_VBA_PROJECT"])?;
    let excel = workbook || book;
    if excel {
        gathered.note("it holds an Excel workbook");
    }
    let claimed = workbook_kind(name, gathered);
    if claimed.0 == FileKind::Unknown {
        return Ok(claimed);
    }
    if locked {
        gathered.error("workbook-locked", "is locked with a password");
    } else if !whole_header || !excel {
        gathered.error(
            "workbook-broken",
            "is named as a workbook and holds none: it is damaged, or another kind of document",
        );
    }
    if macros {
        gathered.warning("workbook-macros", "carries macros");
    }
    read_through(claimed.0, content, gathered)?;
    Ok(claimed)
}

/// Says which rules the return names; what cannot be read as a workbook is damaged.
fn read_through<R: Read + Seek>(kind: FileKind, content: &mut R, gathered: &mut Gathered) -> io::Result<()> {
    if kind != FileKind::HbmsMi || !gathered.is_sound() {
        return Ok(());
    }
    match contents::contents(content)? {
        Ok(Some(found)) => {
            let rules: Vec<String> = found.rules.iter().map(|(rule, rows)| format!("{rule} in {rows}")).collect();
            gathered.note(format!("its first sheet has {} rows that are filled in", found.rows));
            if !rules.is_empty() {
                gathered.note(format!("rows that name a rule: {}", rules.join(", ")));
            }
        }
        Ok(None) if gathered.findings.iter().any(|found| found.code.starts_with("workbook-")) => {}
        Ok(None) => gathered.warning("workbook-unread", "is locked or very large, so that it was not looked into"),
        Err(fault) => gathered.find(fault.finding()),
    }
    Ok(())
}

/// A ZIP with an Excel workbook in it: `.xlsx`. It is never unpacked as a pack.
pub(super) fn look_xlsx<R: Read + Seek>(
    name: &Name,
    members: &[Member],
    content: &mut R,
    gathered: &mut Gathered,
) -> io::Result<(FileKind, Confidence)> {
    let has = |path: &str| members.iter().any(|member| member.path == path);
    gathered.note("it holds an Excel workbook");
    let claimed = workbook_kind(name, gathered);
    if claimed.0 == FileKind::Unknown {
        return Ok(claimed);
    }
    // ECMA-376 part 2 §10.1.2.2
    if !has("[Content_Types].xml") {
        gathered.error("workbook-broken", "is a workbook without its list of parts");
    }
    if has("xl/vbaProject.bin") {
        gathered.warning("workbook-macros", "carries macros");
    }
    read_through(claimed.0, content, gathered)?;
    Ok(claimed)
}

fn workbook_kind(name: &Name, gathered: &mut Gathered) -> (FileKind, Confidence) {
    if name.is_mi() {
        gathered.note("its name has MI in it");
        let confidence = if name.contains("HBMS") { Confidence::Certain } else { Confidence::Likely };
        return (FileKind::HbmsMi, confidence);
    }
    hbms_pack::claims_part(name, gathered).unwrap_or((FileKind::Unknown, Confidence::Likely))
}

/// Which of `needles` stand in the content as UTF-16, the way compound files name their streams.
fn contains_utf16<R: Read + Seek, const N: usize>(content: &mut R, needles: [&str; N]) -> io::Result<[bool; N]> {
    let needles = needles.map(|needle| needle.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>());
    let overlap = needles.iter().map(Vec::len).max().unwrap_or_default();
    let mut found = [false; N];
    let mut window = Vec::with_capacity(WINDOW_BYTES + overlap);
    content.seek(SeekFrom::Start(0))?;
    loop {
        let read = content.by_ref().take(WINDOW_BYTES as u64).read_to_end(&mut window)?;
        if read == 0 {
            return Ok(found);
        }
        for (needle, found) in needles.iter().zip(&mut found) {
            *found |= window.windows(needle.len()).any(|bytes| bytes == needle);
        }
        let keep = window.len().saturating_sub(overlap);
        window.drain(..keep);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::catalogue::{Limits, identify};

    const LIMITS: Limits = Limits { members_max: 10, bytes_max: 1 << 20 };

    /// A compound file as far as anyone looks: header, then a directory entry of that name.
    fn xls(stream: &str) -> Vec<u8> {
        let mut bytes = vec![0; 512];
        bytes[..8].copy_from_slice(OLE2);
        bytes[28..30].copy_from_slice(b"\xFE\xFF");
        bytes.resize(WINDOW_BYTES - 5, 0);
        bytes.extend(stream.encode_utf16().flat_map(u16::to_le_bytes));
        bytes.resize(bytes.len() + 512, 0);
        bytes
    }

    fn look_at(name: &str, bytes: Vec<u8>) -> crate::catalogue::Identified {
        identify(Some(name), &mut Cursor::new(bytes), &LIMITS).unwrap()
    }

    #[test]
    fn an_old_workbook_is_recognised_across_the_edge_of_a_window() {
        let seen = look_at("HBMS MI Return April 2020.xls", xls("Workbook"));
        assert_eq!((seen.kind, seen.confidence), (FileKind::HbmsMi, Confidence::Certain));
        assert!(seen.evidence.contains(&"it holds an Excel workbook".to_owned()), "{seen:?}");
        assert!(!seen.is_sound(), "it holds nothing but the name of one");
    }

    #[test]
    fn a_real_one_is_read_and_the_rules_it_names_are_said() {
        let real = include_bytes!("../../../tests/data/workbooks/HBMS MI return.xls");
        let seen = look_at("HBMS MI Return April 2020.xls", real.to_vec());
        assert!(seen.is_sound(), "{:?}", seen.findings);
        assert!(seen.evidence.iter().any(|note| note.contains("HBSA002 in 1")), "{:?}", seen.evidence);
    }

    #[test]
    fn a_workbook_that_is_not_one_or_is_locked_is_not_let_through() {
        assert!(!look_at("HBMS MI.xls", xls("WordDocument")).is_sound());
        assert!(!look_at("HBMS MI.xls", xls("EncryptedPackage")).is_sound());
    }

    #[test]
    fn a_workbook_of_another_name_is_unknown() {
        assert_eq!(look_at("rota.xls", xls("Workbook")).kind, FileKind::Unknown);
    }
}
