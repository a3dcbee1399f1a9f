//! Deciding what a file is: the content first, the name where the content leaves it open.

use std::io::{self, Read, Seek, SeekFrom};

use super::name::Name;
use super::{Confidence, Gathered, Identified, Limits};
use super::{caseload_risk, hbms_mi, hbms_pack, laid_pdf, laid_xml, shbe};
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
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
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
    Ok(by_name_alone(name, head, content, gathered)?)
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
