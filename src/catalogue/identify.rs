//! Deciding what a file is: the content first, the name where the content leaves it open.

use std::io::{self, Read, Seek, SeekFrom};

use super::name::Name;
use super::{Confidence, Gathered, Identified, Limits};
use super::{archive, caseload_risk, hbms_mi, hbms_pack, laid_pdf, laid_xml, shbe};
use crate::domain::FileKind;

const HEAD_BYTES: u64 = 1024;

/// Says what a file is.
///
/// `name` is what the sender called it. `content` is read from its start, whatever its position, and left anywhere. An
/// error means that `content` could not be read; everything that is wrong with the file itself is a finding.
pub fn identify<R: Read + Seek>(name: Option<&str>, content: &mut R, limits: &Limits) -> io::Result<Identified> {
    let name = name.map(Name::new).unwrap_or_default();
    let mut gathered = Gathered::default();
    if let Some(number) = name.report().and_then(|report| report.authority) {
        gathered.authority(&number, "its name");
    }
    let head = head(content)?;
    let (kind, confidence) = decide(&name, &head, content, limits, &mut gathered)?;
    Ok(gathered.conclude(kind, confidence))
}

fn head<R: Read + Seek>(content: &mut R) -> io::Result<Vec<u8>> {
    content.seek(SeekFrom::Start(0))?;
    let mut head = Vec::new();
    content.by_ref().take(HEAD_BYTES).read_to_end(&mut head)?;
    content.seek(SeekFrom::Start(0))?;
    Ok(head)
}

fn decide<R: Read + Seek>(
    name: &Name,
    head: &[u8],
    content: &mut R,
    limits: &Limits,
    gathered: &mut Gathered,
) -> io::Result<(FileKind, Confidence)> {
    if name.report().is_some_and(|report| report.is_risk) {
        return caseload_risk::look(content, gathered);
    }
    if archive::is_zip(head) {
        return hbms_pack::look(name, content, limits, gathered);
    }
    if hbms_mi::is_ole2(head) {
        return hbms_mi::look(name, head, content, gathered);
    }
    if head.starts_with(b"%PDF-") {
        let (kind, confidence) = laid_pdf::look(name, head, content, limits, gathered)?;
        return Ok(hbms_pack::claims_part(name, gathered).unwrap_or((kind, confidence)));
    }
    if laid_xml::begins(head) {
        let (kind, confidence) = laid_xml::look(name, head, content, gathered)?;
        return Ok(hbms_pack::claims_part(name, gathered).unwrap_or((kind, confidence)));
    }
    if let Some(claimed) = hbms_pack::claims_part(name, gathered) {
        if head.is_empty() {
            gathered.error("empty", "has no content");
        }
        return Ok(claimed);
    }
    if let Some(confidence) = shbe::look(content, gathered)? {
        return Ok((FileKind::Shbe, confidence));
    }
    by_name_alone(name, head, content, gathered)
}

/// Nothing in the content is recognised. A name that promises a PDF or an XML makes it a broken one.
fn by_name_alone<R: Read + Seek>(
    name: &Name,
    head: &[u8],
    content: &mut R,
    gathered: &mut Gathered,
) -> io::Result<(FileKind, Confidence)> {
    if name.has_extension("PDF") {
        gathered.note("its name ends in .pdf");
        gathered.error("pdf-no-start", "is named as a PDF and does not begin with %PDF-");
        return Ok((FileKind::LaidPdf, Confidence::Guess));
    }
    if name.has_extension("XML") {
        gathered.note("its name ends in .xml");
        gathered.error("xml-not-well-formed", "is named as XML and does not begin with an element");
        return Ok((FileKind::LaidXml, Confidence::Guess));
    }
    if head.is_empty() {
        gathered.note("it is empty");
    } else if head.starts_with(b"-----BEGIN PGP") {
        gathered.note("it begins as an armoured OpenPGP message, which has to be opened first");
    } else if laid_xml::is_html(head) {
        gathered.note("it begins as a web page");
    } else if caseload_risk::is_table(content)? {
        gathered.note("it is comma-separated rows; only its name would make it Caseload Risk Data");
        return Ok((FileKind::Unknown, Confidence::Guess));
    } else {
        gathered.note("neither its name nor how it begins is that of a known kind");
    }
    Ok((FileKind::Unknown, Confidence::Likely))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    const LIMITS: Limits = Limits { members_max: 10, bytes_max: 1 << 20 };

    fn look_at(name: Option<&str>, content: &[u8]) -> Identified {
        identify(name, &mut Cursor::new(content), &LIMITS).unwrap()
    }

    #[test]
    fn what_nobody_knows_is_unknown() {
        for content in [&b""[..], b"hello", b"-----BEGIN PGP MESSAGE-----\n"] {
            let seen = look_at(None, content);
            assert_eq!(seen.kind, FileKind::Unknown);
            assert_eq!(seen.evidence.len(), 1);
        }
    }

    #[test]
    fn content_outweighs_the_extension() {
        assert_eq!(look_at(Some("claim.xml"), b"%PDF-1.4 startxref 0 %%EOF").kind, FileKind::LaidPdf);
        assert_eq!(look_at(Some("claim.pdf"), b"<?xml version='1.0'?><laid/>").kind, FileKind::LaidXml);
    }

    #[test]
    fn the_reader_may_stand_anywhere() {
        let mut content = Cursor::new(b"<?xml version='1.0'?><laid/>");
        content.set_position(10);
        assert_eq!(identify(None, &mut content, &LIMITS).unwrap().kind, FileKind::LaidXml);
    }

    /// Beginnings that reach every reader, names that reach every rule.
    fn beginning() -> impl Strategy<Value = Vec<u8>> {
        prop::sample::select(vec![
            &b""[..],
            b"%PDF-1.5\n1 0 obj<</Filter/FlateDecode>>stream\n\x78\x9C",
            b"<?xml version='1.0'?><a><LANumber>",
            b"\xFF\xFE<\0a\0>\0",
            b"PK\x03\x04\x14\0\0\0\x08\0",
            b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1",
            b"H|12302|30-03-2020|\nD|",
            b"a,b\n\"",
        ])
        .prop_map(<[u8]>::to_vec)
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic_and_nothing_of_the_content_is_repeated(
            name in prop::option::of(prop_oneof![
                "\\PC{0,40}",
                "(AOBWR|HB|LAID|é)?[A-Z0-9_. ]{0,20}(RISK|MI)?[.](csv|xls|xlsx|zip|xml|pdf|pgp)",
            ]),
            beginning in beginning(),
            rest in prop::collection::vec(prop::num::u8::ANY, 0..2000),
        ) {
            let marker = b"QQ123456C";
            let content = [&beginning[..], &rest, marker, b"\n%%EOF"].concat();
            let seen = look_at(name.as_deref(), &content);
            let said: String = seen.evidence.iter().chain(seen.findings.iter().map(|finding| &finding.says)).cloned().collect();
            prop_assert!(!said.contains("QQ123456C"));
            prop_assert!(seen.authority == seen.authorities.first().cloned());
        }
    }
}
