//! The monthly HBMS pack: a ZIP of referral reports, the MI workbook and Caseload Risk Data, or one report by itself.
//!
//! In:  a ZIP's directory, or a name.
//! Out: kind and evidence. What each member holds is for the caller to find out, by extracting and identifying it.

mod referrals;
mod rules;

use std::io::{self, Read, Seek};

use super::archive::{Archive, ArchiveError};
use super::hbms_mi;
use super::name::Name;
use super::{Confidence, Gathered, Limits};
use crate::domain::FileKind;

pub use referrals::{Referrals, referrals};
pub use rules::{Rule, published, rule};

/// A file that is an HBMS report by its name alone.
pub(super) fn claims_part(name: &Name, gathered: &mut Gathered) -> Option<(FileKind, Confidence)> {
    let by_rule = note_rule(name, "its name", gathered);
    let by_report = name.report().is_some();
    if by_report {
        gathered.note("its name begins as that of a DWP batch report, AOBWR<number>_");
    }
    (by_rule || by_report).then_some((FileKind::HbmsPack, Confidence::Likely))
}

fn note_rule(name: &Name, place: &str, gathered: &mut Gathered) -> bool {
    let Some(rule) = name.rule() else { return false };
    gathered.note(format!("{place} carries HBMS rule {rule}"));
    if published().iter().all(|known| known.id.as_str() != rule) {
        gathered
            .warning("hbms-rule-unknown", format!("carries rule {rule}, which DWP had not published by April 2020"));
    }
    true
}

/// A ZIP: a pack, an Excel workbook, or nothing we know.
pub(super) fn look<R: Read + Seek>(
    name: &Name,
    content: &mut R,
    limits: &Limits,
    gathered: &mut Gathered,
) -> io::Result<(FileKind, Confidence)> {
    gathered.note("it is a ZIP archive");
    let archive = match Archive::open(&mut *content, limits) {
        Ok(archive) => archive,
        Err(ArchiveError::Read(error)) => return Err(error),
        Err(error) => return Ok(unreadable(name, &error, gathered)),
    };
    if archive.members().iter().any(|member| member.path == "xl/workbook.xml") {
        let members = archive.members().to_vec();
        drop(archive);
        return hbms_mi::look_xlsx(name, &members, content, gathered);
    }
    let mut parts = 0usize;
    for member in archive.members() {
        parts += usize::from(is_part(&Name::new(&member.name), gathered));
    }
    if parts > 0 {
        gathered.note(format!("members named as parts of an HBMS pack: {parts} of {}", archive.members().len()));
        return Ok((FileKind::HbmsPack, Confidence::Certain));
    }
    if names_a_pack(name) {
        gathered.note("its name is that of an HBMS pack");
        gathered.warning("hbms-no-part", "is named as an HBMS pack, and none of its members is named as a part of one");
        return Ok((FileKind::HbmsPack, Confidence::Likely));
    }
    Ok((FileKind::Unknown, Confidence::Likely))
}

/// A pack is the only ZIP that is expected, so a broken one is taken for a broken pack and not passed over.
fn unreadable(name: &Name, error: &ArchiveError, gathered: &mut Gathered) -> (FileKind, Confidence) {
    gathered.find(error.into());
    let workbook = name.has_extension("XLSX") || name.has_extension("XLSM");
    match (workbook, name.is_mi()) {
        (true, true) => (FileKind::HbmsMi, Confidence::Guess),
        (true, false) => (FileKind::Unknown, Confidence::Guess),
        (false, _) => (FileKind::HbmsPack, Confidence::Guess),
    }
}

fn is_part(member: &Name, gathered: &mut Gathered) -> bool {
    let report = member.report();
    if let Some(number) = report.as_ref().and_then(|report| report.authority.as_ref()) {
        gathered.authority(number, "the name of a member");
    }
    let by_rule = note_rule(member, "the name of a member", gathered);
    report.is_some() || by_rule || hbms_mi::names_a_workbook(member)
}

fn names_a_pack(name: &Name) -> bool {
    name.contains("HBMS") || name.report().is_some() || name.rule().is_some()
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;
    use crate::catalogue::{Identified, identify};
    use crate::domain::LaNumber;

    const LIMITS: Limits = Limits { members_max: 10, bytes_max: 1 << 20 };

    fn zip(names: &[&str]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for name in names {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(b"a,b\n").unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn look_at(name: &str, bytes: Vec<u8>) -> Identified {
        identify(Some(name), &mut Cursor::new(bytes), &LIMITS).unwrap()
    }

    #[test]
    fn a_pack_is_known_by_its_members() {
        let seen = look_at("april.zip", zip(&["HBMS MI.xls", "r/HBSA002.csv", "AOBWR627_LAID_RISK.csv", "readme.txt"]));
        assert_eq!((seen.kind, seen.confidence), (FileKind::HbmsPack, Confidence::Certain));
        assert!(seen.findings.is_empty() && seen.authority.is_none(), "{seen:?}");
        assert!(seen.evidence.iter().any(|note| note.ends_with("pack: 3 of 4")), "{:?}", seen.evidence);
    }

    #[test]
    fn a_foreign_number_on_a_member_is_seen() {
        let seen = look_at("AOBWR600_12302_PACK.zip", zip(&["AOBWR627_101809_RISK.csv", "AOBWR501_12302_HBSA002.csv"]));
        assert_eq!(seen.authorities.iter().map(LaNumber::as_str).collect::<Vec<_>>(), ["12302", "101809"]);
    }

    #[test]
    fn an_unknown_rule_is_a_warning() {
        let seen = look_at("x.zip", zip(&["HBZZ999.csv"]));
        assert!(seen.is_sound());
        assert_eq!(seen.findings[0].code, "hbms-rule-unknown");
    }

    #[test]
    fn other_archives_are_unknown_and_broken_ones_are_broken_packs() {
        let seen = look_at("photos.zip", zip(&["a.jpg"]));
        assert_eq!(seen.kind, FileKind::Unknown);
        assert!(seen.evidence.contains(&"it is a ZIP archive".to_owned()));
        assert_eq!(look_at("HBMS_April.zip", zip(&["a.jpg"])).kind, FileKind::HbmsPack);
        let whole = zip(&["HBSA002.csv"]);
        let seen = look_at("april.zip", whole[..whole.len() - 10].to_vec());
        assert_eq!((seen.kind, seen.confidence), (FileKind::HbmsPack, Confidence::Guess));
        assert_eq!(seen.findings[0].code, "zip-unsafe");
        assert!(!seen.is_sound());
    }

    #[test]
    fn a_workbook_is_never_taken_for_a_pack() {
        const WORKBOOK: &[u8] = include_bytes!("../../../tests/data/workbooks/HBMS MI return.xlsx");
        let parts = ["[Content_Types].xml", "xl/workbook.xml", "xl/worksheets/HBSA002.xml"];
        let seen = look_at("HBMS MI April.xlsx", WORKBOOK.to_vec());
        assert_eq!((seen.kind, seen.confidence), (FileKind::HbmsMi, Confidence::Certain));
        assert!(seen.findings.is_empty());
        assert!(seen.evidence.iter().any(|note| note.starts_with("rows that name a rule: HBBB001 in 1, ")), "{seen:?}");
        assert!(!look_at("HBMS MI April.xlsx", zip(&parts)).is_sound(), "no workbook at all");
        assert_eq!(look_at("rota.xlsx", zip(&parts)).kind, FileKind::Unknown);
        assert!(!look_at("HBMS MI April.xlsx", zip(&parts[1..])).is_sound());
    }

    #[test]
    fn single_reports_are_known_by_name() {
        for name in ["AOBWR501_LAID_X.txt", "HBSA002_april.csv"] {
            assert_eq!(look_at(name, b"a,b\n".to_vec()).kind, FileKind::HbmsPack, "{name}");
            assert!(!look_at(name, Vec::new()).is_sound());
        }
        let seen = look_at("HBSA002.pdf", b"%PDF-1.4 cut short".to_vec());
        assert_eq!(seen.kind, FileKind::HbmsPack);
        assert!(!seen.is_sound());
    }

    #[test]
    fn every_published_rule_has_the_form_of_one() {
        for rule in published() {
            assert_eq!(Name::new(&format!("{}.csv", rule.id)).rule(), Some(rule.id.as_str()));
        }
    }
}
