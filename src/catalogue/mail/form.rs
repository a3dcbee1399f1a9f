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

/// `around`: the boundaries of the containers around it.
pub(super) fn check(part: &Part<'_>, around: &mut Vec<String>, depth: usize) -> Result<(), Doubt> {
    if depth > DEPTH_MAX || count(part) > PARTS_MAX {
        return Err(doubt(Unfit::TooComplex, "has more parts, or deeper ones, than are read"));
    }
    check_header(part)?;
    if part.is_multipart() {
        let boundary = part.boundary.clone().filter(|boundary| !boundary.is_empty());
        let boundary = boundary.ok_or(ambiguous("has a container without a boundary"))?;
        let confusable = |outer: &String| outer.starts_with(&boundary) || boundary.starts_with(outer.as_str());
        if part.children.is_empty() || part.encoding != Encoding::Plain || around.iter().any(confusable) {
            return Err(ambiguous("has a container that is empty, encoded, or whose boundary could be another's"));
        }
        around.push(boundary);
    } else if part.encoding == Encoding::Unknown || (part.is_forwarded() && part.encoding != Encoding::Plain) {
        return Err(ambiguous("has a part in an encoding that is unknown or not for its kind"));
    }
    for child in &part.children {
        check(child, around, depth + 1)?;
    }
    if part.is_multipart() {
        around.pop();
    }
    Ok(())
}

/// No container goes on after its end, and headers and boundaries have the same line end throughout; what a part holds may
/// have its own.
pub(super) fn check_boundaries(mail: &[u8], root: &Part<'_>) -> Result<(), Doubt> {
    let lines = || mail.split_inclusive(|&byte| byte == b'\n');
    // Each with the line before it: that one's end belongs to the boundary.
    let dashed: Vec<_> = lines().skip(1).zip(lines()).filter(|(line, _)| line.starts_with(b"--")).collect();
    let (mut boundaries, mut structure) = (Vec::new(), Vec::new());
    gather(root, &mut boundaries, &mut structure);
    for boundary in boundaries {
        let ours = || dashed.iter().filter(|(line, _)| line[2..].starts_with(boundary.as_bytes()));
        if ours().skip_while(|(line, _)| !line[2 + boundary.len()..].starts_with(b"--")).nth(1).is_some() {
            return Err(ambiguous("has a container that goes on after its end"));
        }
        ours().for_each(|(line, before)| {
            structure.extend_from_slice(&before[before.len().saturating_sub(2)..]);
            structure.extend_from_slice(line);
        });
    }
    check_line_ends(&structure)
}

fn gather<'p>(part: &'p Part<'_>, boundaries: &mut Vec<&'p str>, headers: &mut Vec<u8>) {
    boundaries.extend(part.boundary.as_deref().filter(|_| part.is_multipart()));
    headers.extend_from_slice(part.header());
    part.children.iter().for_each(|child| gather(child, boundaries, headers));
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
