//! Judging a picked-up file before it is sealed.
//!
//! In:  the private copy that will be sealed if it is good, and what the obligation asks for.
//! Out: nothing, or why it is held.
//! Holds: never a value from the file in what comes out, but an LA number of the timetables.

use std::io::{self, Read, Seek, SeekFrom};

use jiff::civil::Date;

use crate::catalogue::{Limits, identify, shbe};
use crate::domain::timetable::Timetables;
use crate::domain::{FileKind, LaNumber, ReturnHold, ReturnKind, RuleLevel, ShbePolicy, ShbeRule, Submission};
use crate::durable::File;

const HEAD_BYTES: u64 = 64 * 1024;
/// PDF, ZIP and so every new Office format, an empty ZIP, OLE2, armoured OpenPGP.
const NOT_TEXT: [&[u8]; 5] =
    [b"%PDF-", b"PK\x03\x04", b"PK\x05\x06", b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", b"-----BEGIN PGP"];

/// What the content is held against.
pub(super) struct Expected<'a> {
    pub(super) submission: &'a Submission,
    /// The last day on which an extract may be made.
    pub(super) reference_until: Date,
    pub(super) timetables: &'a Timetables,
    pub(super) limits: &'a Limits,
    /// How much the rules weigh that an extract's header is held against.
    pub(super) policy: &'a ShbePolicy,
}

/// Says why the file cannot be this return. An error means that the private copy could not be read.
pub(super) fn judge(name: &str, content: &mut File, expected: &Expected<'_>) -> io::Result<Option<ReturnHold>> {
    content.seek(SeekFrom::Start(0))?;
    match expected.submission.key.kind {
        ReturnKind::Shbe => judge_shbe(content, expected),
        ReturnKind::HbmsMi => judge_workbook(name, content, expected),
    }
}

// DWP A5/2020 Annex B; the header's letters are not public, so any pipe-delimited text may be an extract.
fn judge_shbe(content: &mut File, expected: &Expected<'_>) -> io::Result<Option<ReturnHold>> {
    let mut head = Vec::new();
    content.take(HEAD_BYTES).read_to_end(&mut head)?;
    content.seek(SeekFrom::Start(0))?;
    if !is_pipe_text(&head) || is_xml(&head) {
        return Ok(Some(ReturnHold::WrongKind));
    }
    let Some(header) = shbe::header(&mut *content)? else { return Ok(None) };
    let is_known = |number: &LaNumber| expected.timetables.authority(number).is_some();
    if let Some((found, ShbeRule::OtherAuthority)) =
        header.another_authority(&expected.submission.key.authority, &is_known)
        && holds(ShbeRule::OtherAuthority, expected)
    {
        return Ok(Some(ReturnHold::OtherAuthority { found }));
    }
    Ok(header.reference_date.and_then(|date| untimely(date, expected)))
}

/// DWP A5/2020: extracted on or after the earliest data extraction date, and not after the transfer date.
fn untimely(reference: Date, expected: &Expected<'_>) -> Option<ReturnHold> {
    let is_early = expected.submission.extract_from.is_some_and(|earliest| reference < earliest);
    if is_early && holds(ShbeRule::ExtractedEarly, expected) {
        return Some(ReturnHold::TooEarly);
    }
    let is_late = reference > expected.reference_until && holds(ShbeRule::ExtractedLate, expected);
    is_late.then_some(ReturnHold::AfterTransferDate)
}

/// What is to be told only is told by the pre-flight.
fn holds(rule: ShbeRule, expected: &Expected<'_>) -> bool {
    expected.policy.level(rule) == RuleLevel::Error
}

fn is_pipe_text(head: &[u8]) -> bool {
    let first_line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    !NOT_TEXT.iter().any(|magic| head.starts_with(magic)) && !head.contains(&0) && first_line.contains(&b'|')
}

fn is_xml(head: &[u8]) -> bool {
    let text = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    text.trim_ascii_start().starts_with(b"<")
}

fn judge_workbook(name: &str, content: &mut File, expected: &Expected<'_>) -> io::Result<Option<ReturnHold>> {
    // In this folder every workbook is the MI return, whatever an officer called it; so the name is made to say so.
    let name = format!("HBMS MI {}", name.replace(['/', '\\'], "_"));
    let identified = identify(Some(&name), content, expected.limits)?;
    if identified.kind != FileKind::HbmsMi || !identified.is_sound() {
        return Ok(Some(ReturnHold::WrongKind));
    }
    let ours = &expected.submission.key.authority;
    let is_anothers = |named: &LaNumber| named != ours && expected.timetables.authority(named).is_some();
    Ok(identified.authority.filter(is_anothers).map(|found| ReturnHold::OtherAuthority { found }))
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
