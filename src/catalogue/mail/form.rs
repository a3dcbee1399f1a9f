//! What makes a mail doubtful although both readings may agree: other programs might not.
//!
//! Holds: a mail that passes has no field of its form twice, and boundaries and line ends that cannot be mistaken.

use super::header::{fields, parameters};
use super::part::{Encoding, Part};
use super::{Doubt, Unfit, ambiguous, doubt};

const DEPTH_MAX: usize = 8;
const PARTS_MAX: usize = 100;

/// The fields that say how an entity is to be read.
const OF_FORM: [&str; 3] = ["content-type", "content-transfer-encoding", "content-disposition"];

const LINE_ENDS: &str = "ends some lines with CRLF and some with LF";

/// No lone CR and no NUL.
// RFC 5322 §2.3
pub(super) fn check_octets(mail: &[u8]) -> Result<(), Doubt> {
    let lone = |pair: &[u8]| pair[0] == b'\r' && pair[1] != b'\n';
    let doubtful = mail.contains(&b'\0') || mail.ends_with(b"\r") || mail.windows(2).any(lone);
    if doubtful { Err(ambiguous("has a NUL, or a CR that is not before an LF")) } else { Ok(()) }
}

/// The same line end throughout.
pub(super) fn check_line_ends(text: &[u8]) -> Result<(), Doubt> {
    let ends = || memchr::memchr_iter(b'\n', text);
    let with_cr = ends().filter(|&at| at > 0 && text[at - 1] == b'\r').count();
    if with_cr == 0 || with_cr == ends().count() { Ok(()) } else { Err(ambiguous(LINE_ENDS)) }
}

pub(super) fn check(part: &Part<'_>, depth: usize) -> Result<(), Doubt> {
    if depth > DEPTH_MAX || count(part) > PARTS_MAX {
        return Err(doubt(Unfit::TooComplex, "has more parts, or deeper ones, than are read"));
    }
    check_header(part)?;
    if !is_kind(&part.kind) {
        return Err(ambiguous("has a part whose kind is none"));
    }
    if part.is_multipart() {
        let bounded = part.boundary.as_deref().is_some_and(|boundary| !boundary.is_empty());
        if !bounded || part.children.is_empty() || part.encoding != Encoding::Plain {
            return Err(ambiguous("has a container that is empty, encoded, or without a boundary"));
        }
    } else if part.encoding == Encoding::Unknown || (part.is_forwarded() && part.encoding != Encoding::Plain) {
        return Err(ambiguous("has a part in an encoding that is unknown or not for its kind"));
    }
    part.children.iter().try_for_each(|child| check(child, depth + 1))
}

/// No boundary could be another's, no container goes on after its end, and headers and boundaries have the same line end
/// throughout; what a part holds may have its own.
pub(super) fn check_boundaries(mail: &[u8], root: &Part<'_>) -> Result<(), Doubt> {
    let lines = || mail.split_inclusive(|&byte| byte == b'\n');
    // Each with the line before it: that one's end belongs to the boundary.
    let dashed: Vec<_> = lines().skip(1).zip(lines()).filter(|(line, _)| line.starts_with(b"--")).collect();
    let (mut boundaries, mut structure) = (Vec::new(), Vec::new());
    gather(root, &mut boundaries, &mut structure);
    // Sorted, what begins another stands before it.
    boundaries.sort_unstable();
    if boundaries.windows(2).any(|pair| pair[1].starts_with(pair[0])) {
        return Err(ambiguous("has containers of which one's boundary could be another's"));
    }
    for boundary in boundaries {
        let ours = || dashed.iter().filter(|(line, _)| line[2..].starts_with(boundary.as_bytes()));
        if ours().skip_while(|(line, _)| !line[2 + boundary.len()..].starts_with(b"--")).nth(1).is_some() {
            return Err(ambiguous("has a container that goes on after its end"));
        }
        ours().for_each(|(line, before)| {
            structure.extend_from_slice(end(before));
            structure.extend_from_slice(end(line));
        });
    }
    check_line_ends(&structure)
}

/// The last bytes of a line: with a line's length, times the number of containers, a mail would grow in memory.
fn end(line: &[u8]) -> &[u8] {
    &line[line.len().saturating_sub(2)..]
}

fn gather<'p>(part: &'p Part<'_>, boundaries: &mut Vec<&'p str>, headers: &mut Vec<u8>) {
    boundaries.extend(part.boundary.as_deref().filter(|_| part.is_multipart()));
    headers.extend_from_slice(part.header());
    part.children.iter().for_each(|child| gather(child, boundaries, headers));
}

/// `type/subtype`, without the comments and quotes that only some programs see through.
// RFC 2045 §5.1
fn is_kind(kind: &str) -> bool {
    let is_token = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&byte))
    };
    kind.split_once('/').is_some_and(|(major, minor)| is_token(major) && is_token(minor))
}

fn count(part: &Part<'_>) -> usize {
    1 + part.children.iter().map(count).sum::<usize>()
}

fn check_header(part: &Part<'_>) -> Result<(), Doubt> {
    let fields = fields(part.header())?;
    for name in OF_FORM {
        let mut values = fields.iter().filter(|(field, _)| field == name).map(|(_, value)| value);
        let (Some(value), more) = (values.next(), values.next()) else { continue };
        let mut parameters = parameters(value);
        parameters.sort_unstable();
        // What RFC 2231 and RFC 2047 do is for texts that people read; some programs do it everywhere.
        let is_encoded = |(name, value): &(String, String)| {
            name.starts_with("boundary*") || (name == "boundary" && value.contains("=?"))
        };
        let encoded = parameters.iter().any(is_encoded);
        let twice = parameters.windows(2).any(|pair| pair[0].0 == pair[1].0);
        if more.is_some() || twice || encoded {
            return Err(ambiguous("has a Content field, or a parameter of one, twice or encoded"));
        }
    }
    Ok(())
}
