//! What a leaf is, by its content.

use super::part::{Encoding, Part};
use super::{Doubt, ambiguous};

const BEGIN: &[u8] = b"-----BEGIN PGP MESSAGE-----";
const END: &[u8] = b"-----END PGP MESSAGE-----";
const SIGNED: &[u8] = b"-----BEGIN PGP SIGNED MESSAGE-----";
/// A signature beside what it signs.
// RFC 3156 §5
pub(super) const SIGNATURE: &str = "application/pgp-signature";
/// Enough to tell most of what is not sealed without decoding all of it.
const HEAD_BYTES: u64 = 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// An OpenPGP message, and nothing else.
    Sealed,
    /// An OpenPGP message among other things.
    SealedWithin,
    /// OpenPGP-signed in clear, or a signature of that kind.
    Signed,
    SMime,
    /// What may stand beside something sealed and is not used: a text for the reader, a picture in it, PGP/MIME's own part.
    Note,
    /// Anything else.
    Other,
}

impl Content {
    pub(super) fn of(part: &Part<'_>) -> Result<Content, Doubt> {
        let head = part.head(HEAD_BYTES);
        let text = head.trim_ascii_start();
        if text.starts_with(BEGIN) || is_openpgp(&head) {
            return whole(part);
        }
        if is_smime(part) {
            return Ok(Content::SMime);
        }
        if part.kind == SIGNATURE {
            return Ok(Content::Signed);
        }
        if part.kind.starts_with("text/") || text.starts_with(SIGNED) {
            let content = part.decoded()?;
            if contains(&content, BEGIN) {
                return Ok(Content::SealedWithin);
            }
            if contains(&content, SIGNED) {
                return Ok(Content::Signed);
            }
            if has_uuencoded(&content) {
                return Ok(Content::Other);
            }
        }
        Ok(if is_note(part, text) { Content::Note } else { Content::Other })
    }
}

/// It begins as an OpenPGP message: is it nothing else?
fn whole(part: &Part<'_>) -> Result<Content, Doubt> {
    let content = part.decoded()?;
    if is_openpgp(&content) {
        return Ok(Content::Sealed);
    }
    // One that has no end was cut off: opening it says so.
    let ends = content.trim_ascii_end().ends_with(END) || !contains(&content, END);
    Ok(if ends { Content::Sealed } else { Content::SealedWithin })
}

/// Whether it begins with the packet of a session key, for a key or for a passphrase.
// RFC 9580 §4.2, §5.1, §5.3
fn is_openpgp(content: &[u8]) -> bool {
    let Some((&first, rest)) = content.split_first() else { return false };
    let (tag, lengths) = match first {
        0xC1 | 0xC3 => (first & 0x3F, [1, 2, 5]),
        0x84..=0x86 | 0x8C..=0x8E => ((first >> 2) & 0x0F, [1, 2, 4]),
        _ => return false,
    };
    let octets = match (first, rest.first()) {
        (0x84..=0x8E, _) => lengths[usize::from(first & 3)],
        (_, Some(0..=191)) => lengths[0],
        (_, Some(192..=223)) => lengths[1],
        (_, Some(255)) => lengths[2],
        _ => return false,
    };
    let version = rest.get(octets);
    match tag {
        1 => matches!(version, Some(2 | 3 | 6)),
        _ => matches!(version, Some(4..=6)),
    }
}

fn is_smime(part: &Part<'_>) -> bool {
    let kinds = ["pkcs7-mime", "x-pkcs7-mime", "pkcs7-signature", "x-pkcs7-signature"];
    let named = |ending: &str| part.name.as_deref().is_some_and(|name| name.to_ascii_lowercase().ends_with(ending));
    part.kind.strip_prefix("application/").is_some_and(|kind| kinds.contains(&kind))
        || [".p7m", ".p7s", ".p7c"].into_iter().any(named)
}

fn is_note(part: &Part<'_>, text: &[u8]) -> bool {
    let is_text = matches!(part.kind.as_str(), "text/plain" | "text/html") && part.name.is_none();
    // In these, nothing that was looked for could have been found.
    let wide = ["utf-16", "utf-32", "utf-7", "utf16", "utf32", "utf7", "ucs-", "unicode"];
    let legible = !wide.iter().any(|charset| part.charset.contains(charset));
    let shown = (is_text && legible) || part.kind.starts_with("image/");
    // RFC 3156 §4
    let control = part.kind == "application/pgp-encrypted" || part.encoding == Encoding::Plain;
    (shown && !part.is_attachment) || (control && text.trim_ascii_end().eq_ignore_ascii_case(b"Version: 1"))
}

/// Whether a file is written into the text, the way it was done before MIME.
// POSIX uuencode: "begin <mode> <name>"
fn has_uuencoded(content: &[u8]) -> bool {
    content.split(|&byte| byte == b'\n').any(|line| {
        let digits = line.strip_prefix(b"begin ").unwrap_or_default();
        let count = digits.iter().take_while(|byte| matches!(byte, b'0'..=b'7')).count();
        (count == 3 || (count == 4 && digits[0] == b'0')) && digits.get(count) == Some(&b' ')
    })
}

/// Nothing sealed stands where readers do not look: before the first part of a container, behind the last, in a header.
pub(super) fn check_armour(mail: &[u8], leaves: &[Part<'_>]) -> Result<(), Doubt> {
    let count = |bytes: &[u8]| memchr::memmem::find_iter(bytes, BEGIN).count();
    let seen: usize = leaves.iter().map(|leaf| count(&mail[leaf.body.clone()])).sum();
    if seen == count(mail) { Ok(()) } else { Err(ambiguous("has a sealed message where no part is")) }
}

fn contains(content: &[u8], needle: &[u8]) -> bool {
    memchr::memmem::find(content, needle).is_some()
}
