//! The second reading: the same mail by `mail-parser`, held against the first.
//!
//! Holds: both see the same containers, and leaves of the same kind in the same bytes, written in the same way; else what
//! one program checks is not what another one shows.

use std::ops::Range;
use std::panic::catch_unwind;

use mail_parser::{Encoding as Theirs, Message, MessageParser, MessagePart, MimeHeaders, PartType};

use super::part::{Encoding, Part, trimmed};
use super::{Doubt, ambiguous};

pub(super) fn check(mail: &[u8], first: &Part<'_>) -> Result<(), Doubt> {
    // A parser that panics costs this mail, not the service.
    let agree = catch_unwind(|| match MessageParser::default().parse(mail) {
        Some(second) => same(mail, first, &second, 0),
        None => false,
    });
    if agree.unwrap_or(false) {
        Ok(())
    } else {
        Err(ambiguous("is structured otherwise in one reading than in the other"))
    }
}

fn same(mail: &[u8], first: &Part<'_>, message: &Message<'_>, index: u32) -> bool {
    let Some(second) = message.part(index) else { return false };
    if !same_kind(&first.kind, second) {
        return false;
    }
    match &second.body {
        PartType::Multipart(children) => {
            first.is_multipart()
                && first.children.len() == children.len()
                && first.children.iter().zip(children).all(|(first, child)| same(mail, first, message, *child))
        }
        PartType::Message(inner) => match first.children.as_slice() {
            [forwarded] if first.is_forwarded() => same(mail, forwarded, inner, 0),
            _ => false,
        },
        _ => !first.is_multipart() && !first.is_forwarded() && same_leaf(mail, first, second),
    }
}

fn same_kind(first: &str, second: &MessagePart<'_>) -> bool {
    let (major, minor) = first.split_once('/').unwrap_or((first, ""));
    match second.content_type() {
        Some(kind) => {
            kind.ctype().eq_ignore_ascii_case(major) && kind.subtype().unwrap_or_default().eq_ignore_ascii_case(minor)
        }
        // RFC 2045 §5.2
        None => first == "text/plain",
    }
}

fn same_leaf(mail: &[u8], first: &Part<'_>, second: &MessagePart<'_>) -> bool {
    let (here, there) = (first.trimmed(), trimmed(mail, range(second, mail.len())));
    let encoding = match second.encoding {
        Theirs::None => Encoding::Plain,
        Theirs::QuotedPrintable => Encoding::QuotedPrintable,
        Theirs::Base64 => Encoding::Base64,
    };
    let same_place = here == there || (here.is_empty() && there.is_empty());
    // What it could not decode it takes as it stands, and says so; what stands as it is, it says so of if it has no end.
    same_place && encoding == first.encoding && (!second.is_encoding_problem || encoding == Encoding::Plain)
}

fn range(part: &MessagePart<'_>, end: usize) -> Range<usize> {
    let (from, to) = (part.raw_body_offset() as usize, part.raw_end_offset() as usize);
    from.min(end)..to.clamp(from.min(end), end)
}
