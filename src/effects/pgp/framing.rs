//! The octets that begin a packet: its tag and how long it is.
//!
//! In:  the first octets of a packet, as many as there are.
//! Out: tag and length, or that more octets are needed, or that no packet begins like this.
//! Sequoia reads packets; it does not say where a file broke off. Telling a cut file from an altered one needs this much.

/// How long a packet's body, or the next piece of it, is.
// RFC 9580 §4.2
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    /// This many octets, and then the packet is over.
    Whole(u64),
    /// This many octets, and then another length.
    Part(u64),
    /// To the end of the file.
    ToTheEnd,
}

/// What the first octets of a packet say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// The packet type.
    pub tag: u8,
    /// Its length.
    pub length: Length,
}

/// What some octets turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look<T> {
    /// This, and it took so many octets.
    Is(T, usize),
    /// Not enough octets to say.
    Short,
    /// Nothing that OpenPGP knows.
    Not,
}

/// The most octets a header takes.
pub(super) const HEADER_OCTETS_MAX: usize = 6;

/// Reads the header of a packet.
pub(super) fn header(octets: &[u8]) -> Look<Header> {
    let Some((&first, rest)) = octets.split_first() else { return Look::Short };
    if first & 0x80 == 0 {
        return Look::Not;
    }
    let (tag, length) = match first & 0x40 {
        0 => ((first >> 2) & 0x0f, legacy_length(first & 3, rest)),
        _ => (first & 0x3f, length(rest)),
    };
    match length {
        _ if tag == 0 => Look::Not,
        Look::Is(Length::Part(_), _) if !is_data(tag) => Look::Not,
        Look::Is(length, used) => Look::Is(Header { tag, length }, used + 1),
        Look::Short => Look::Short,
        Look::Not => Look::Not,
    }
}

/// Reads a length as it follows a tag, or a piece of a body.
// RFC 9580 §4.2.1
pub(super) fn length(octets: &[u8]) -> Look<Length> {
    match octets {
        [n @ 0..=191, ..] => Look::Is(Length::Whole(u64::from(*n)), 1),
        [n @ 192..=223, m, ..] => Look::Is(Length::Whole(((u64::from(*n) - 192) << 8) + u64::from(*m) + 192), 2),
        [n @ 224..=254, ..] => Look::Is(Length::Part(1 << (n & 0x1f)), 1),
        [255, a, b, c, d, ..] => Look::Is(Length::Whole(u64::from(u32::from_be_bytes([*a, *b, *c, *d]))), 5),
        _ => Look::Short,
    }
}

// RFC 9580 §4.2.2
fn legacy_length(kind: u8, octets: &[u8]) -> Look<Length> {
    match (kind, octets) {
        (0, [a, ..]) => Look::Is(Length::Whole(u64::from(*a)), 1),
        (1, [a, b, ..]) => Look::Is(Length::Whole(u64::from(u16::from_be_bytes([*a, *b]))), 2),
        (2, [a, b, c, d, ..]) => Look::Is(Length::Whole(u64::from(u32::from_be_bytes([*a, *b, *c, *d]))), 4),
        (3, _) => Look::Is(Length::ToTheEnd, 0),
        _ => Look::Short,
    }
}

/// Whether a packet of this type may come in pieces: compressed, encrypted and literal data.
fn is_data(tag: u8) -> bool {
    matches!(tag, 8 | 9 | 11 | 18 | 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(tag: u8, octets: u64, used: usize) -> Look<Header> {
        Look::Is(Header { tag, length: Length::Whole(octets) }, used)
    }

    // The examples of RFC 9580 §4.2.1.4.
    #[test]
    fn lengths_of_the_specification() {
        assert_eq!(length(&[0x64]), Look::Is(Length::Whole(100), 1));
        assert_eq!(length(&[0xC5, 0xFB]), Look::Is(Length::Whole(1723), 2));
        assert_eq!(length(&[0xFF, 0x00, 0x01, 0x86, 0xA0]), Look::Is(Length::Whole(100_000), 5));
        assert_eq!(length(&[0xEF]), Look::Is(Length::Part(32768), 1));
        assert_eq!(length(&[0xC5]), Look::Short);
    }

    #[test]
    fn both_formats_of_header() {
        assert_eq!(header(&[0x85, 0x01, 0x0C]), whole(1, 268, 3));
        assert_eq!(header(&[0xD2, 0x64]), whole(18, 100, 2));
        assert_eq!(header(&[0xA3]), Look::Is(Header { tag: 8, length: Length::ToTheEnd }, 1));
        assert_eq!(header(&[0xC1, 0xE1]), Look::Not, "an encrypted session key never comes in pieces");
        assert_eq!(header(b"PK"), Look::Not);
        assert_eq!(header(&[0xC0, 0x01]), Look::Not, "tag 0 is reserved");
    }
}
