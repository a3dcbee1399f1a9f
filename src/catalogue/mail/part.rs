//! The first reading: a mail as a tree of parts, by `mailparse`.
//!
//! Holds: parts point into the mail; nothing is decoded before it is asked for.

use std::borrow::Cow;
use std::io::{self, Read};
use std::ops::Range;
use std::panic::catch_unwind;

use base64::engine::general_purpose::STANDARD;
use base64::read::DecoderReader;
use mailparse::body::Body;
use mailparse::{DispositionType, MailHeaderMap, ParsedContentType, ParsedMail};

use super::{Doubt, Unfit, ambiguous, bounds, doubt};

/// Forwarded mails within each other that are read.
const FORWARDS_MAX: usize = 1;

const NOT_QUOTED: &str = "has a part whose quoted-printable is not that";

/// How a leaf is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// As it is.
    Plain,
    QuotedPrintable,
    Base64,
    /// In a way that nobody knows.
    Unknown,
}

#[derive(Debug)]
pub(super) struct Part<'m> {
    mail: &'m [u8],
    /// Where its header stands, and then its body.
    pub header: Range<usize>,
    pub body: Range<usize>,
    /// `text/plain` and the like, in small letters.
    pub kind: String,
    pub boundary: Option<String>,
    pub encoding: Encoding,
    pub is_attachment: bool,
    /// How its text is written, if it is one; in small letters.
    pub charset: String,
    pub name: Option<String>,
    /// The parts of a multipart, or the one mail that is forwarded in it.
    pub children: Vec<Part<'m>>,
}

pub(super) fn read(mail: &[u8]) -> Result<Part<'_>, Doubt> {
    read_within(mail, 0..mail.len(), 0)
}

fn read_within(mail: &[u8], within: Range<usize>, forwards: usize) -> Result<Part<'_>, Doubt> {
    let bytes = &mail[within];
    // A parser that panics costs this mail, not the service.
    let parsed = catch_unwind(|| mailparse::parse_mail(bytes).ok())
        .ok()
        .flatten()
        .ok_or(ambiguous("cannot be read as a mail"))?;
    part(mail, &parsed, forwards)
}

fn part<'m>(mail: &'m [u8], parsed: &ParsedMail<'_>, forwards: usize) -> Result<Part<'m>, Doubt> {
    let start = offset(mail, parsed.raw_bytes);
    let raw_body = raw_body(parsed);
    let begins = offset(mail, raw_body);
    let body = begins..begins + raw_body.len();
    let field = |name: &str| parsed.headers.get_first_value(name);
    let disposition = field("Content-Disposition").map(|value| mailparse::parse_content_disposition(&value));
    let named = disposition.as_ref().and_then(|disposition| disposition.params.get("filename"));
    let name = named.or(parsed.ctype.params.get("name")).filter(|name| !name.is_empty()).cloned();
    let mut part = Part {
        mail,
        header: start..begins,
        body: body.clone(),
        kind: parsed.ctype.mimetype.to_ascii_lowercase(),
        boundary: parsed.ctype.params.get("boundary").cloned(),
        encoding: encoding(field("Content-Transfer-Encoding").as_deref()),
        // RFC 2183 §2.8: what is unknown is an attachment.
        is_attachment: disposition.is_some_and(|one| one.disposition != DispositionType::Inline),
        charset: parsed.ctype.charset.to_ascii_lowercase(),
        name,
        children: Vec::new(),
    };
    if part.is_multipart() {
        for child in &parsed.subparts {
            part.children.push(self::part(mail, child, forwards)?);
        }
    } else if part.is_forwarded() {
        if forwards >= FORWARDS_MAX {
            return Err(doubt(Unfit::TooComplex, "has a forwarded mail within a forwarded mail"));
        }
        bounds::check(&mail[body.clone()])?;
        part.children.push(read_within(mail, body, forwards + 1)?);
    }
    Ok(part)
}

fn encoding(field: Option<&str>) -> Encoding {
    match field.map(|value| value.trim().to_ascii_lowercase()).as_deref() {
        None | Some("7bit" | "8bit" | "binary") => Encoding::Plain,
        Some("quoted-printable") => Encoding::QuotedPrintable,
        Some("base64") => Encoding::Base64,
        Some(_) => Encoding::Unknown,
    }
}

fn raw_body<'p>(parsed: &'p ParsedMail<'p>) -> &'p [u8] {
    match parsed.get_body_encoded() {
        Body::Base64(body) | Body::QuotedPrintable(body) => body.get_raw(),
        Body::SevenBit(body) | Body::EightBit(body) => body.get_raw(),
        Body::Binary(body) => body.get_raw(),
    }
}

/// Where a piece of the mail stands in it.
fn offset(mail: &[u8], piece: &[u8]) -> usize {
    (piece.as_ptr() as usize).saturating_sub(mail.as_ptr() as usize).min(mail.len())
}

impl<'m> Part<'m> {
    pub(super) fn is_multipart(&self) -> bool {
        self.kind.starts_with("multipart/")
    }

    pub(super) fn is_forwarded(&self) -> bool {
        matches!(self.kind.as_str(), "message/rfc822" | "message/global")
    }

    /// Its header as it stands.
    pub(super) fn header(&self) -> &'m [u8] {
        &self.mail[self.header.clone()]
    }

    pub(super) fn has_file_name(&self) -> bool {
        self.is_attachment || self.name.is_some()
    }

    /// Its body without the line ends that belong to what follows it.
    pub(super) fn trimmed(&self) -> Range<usize> {
        trimmed(self.mail, self.body.clone())
    }

    pub(super) fn into_leaves(self, leaves: &mut Vec<Part<'m>>) {
        if self.children.is_empty() {
            return leaves.push(self);
        }
        for child in self.children {
            child.into_leaves(leaves);
        }
    }

    /// The first bytes of its content.
    pub(super) fn head(&self, bytes: u64) -> Vec<u8> {
        let mut head = Vec::new();
        // What cannot be decoded is an error where all of it is wanted.
        let _ = match self.encoding {
            Encoding::Base64 => self.base64().take(bytes).read_to_end(&mut head).map(drop),
            _ => {
                let end = self.body.end.min(self.body.start.saturating_add(4 * bytes as usize));
                self.decode(self.body.start..end)
                    .map(|decoded| head = decoded.into_owned())
                    .map_err(|_| io::ErrorKind::Other.into())
            }
        };
        head
    }

    /// Its content, as it was before it was written for transport.
    pub(super) fn decoded(&self) -> Result<Cow<'m, [u8]>, Doubt> {
        self.decode(self.body.clone())
    }

    fn decode(&self, body: Range<usize>) -> Result<Cow<'m, [u8]>, Doubt> {
        let raw = &self.mail[body];
        match self.encoding {
            Encoding::Plain => Ok(Cow::Borrowed(raw)),
            Encoding::Base64 => {
                let mut decoded = Vec::with_capacity(raw.len() / 4 * 3);
                // Strict: what other readers might skip, or read on behind, is no base64 here.
                self.base64()
                    .read_to_end(&mut decoded)
                    .map(|_| Cow::Owned(decoded))
                    .map_err(|_| ambiguous("has a part whose base64 is not strictly that"))
            }
            Encoding::QuotedPrintable => {
                let kind = ParsedContentType::default();
                match Body::new(raw, &kind, &Some("quoted-printable".to_owned())) {
                    Body::QuotedPrintable(body) => {
                        body.get_decoded().map(Cow::Owned).map_err(|_| ambiguous(NOT_QUOTED))
                    }
                    _ => Err(ambiguous(NOT_QUOTED)),
                }
            }
            Encoding::Unknown => Err(ambiguous("has a part in an encoding that nobody knows")),
        }
    }

    fn base64(&self) -> impl Read {
        DecoderReader::new(WithoutSpace(&self.mail[self.body.clone()]), &STANDARD)
    }
}

pub(super) fn trimmed(mail: &[u8], mut body: Range<usize>) -> Range<usize> {
    while body.start < body.end && matches!(mail[body.end - 1], b'\r' | b'\n') {
        body.end -= 1;
    }
    body
}

/// Reads everything but spaces and line ends.
struct WithoutSpace<'a>(&'a [u8]);

impl Read for WithoutSpace<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len()
            && let Some((&byte, rest)) = self.0.split_first()
        {
            self.0 = rest;
            if !matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
                buffer[filled] = byte;
                filled += 1;
            }
        }
        Ok(filled)
    }
}
