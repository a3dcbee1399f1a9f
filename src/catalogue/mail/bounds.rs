//! Bounds on a mail, before any library builds a tree of it.
//!
//! Holds: what passes has so few parts and fields that a tree of it is small, whatever the mail's size.

use super::{Doubt, Unfit, doubt};

/// Lines that may begin a part.
const DASHED_LINES_MAX: usize = 2_000;
/// One entity's header.
const HEADER_BYTES_MAX: usize = 64 * 1024;

pub(super) fn check(mail: &[u8]) -> Result<(), Doubt> {
    let (mut dashed, mut header) = (0, Some(0));
    for line in mail.split_inclusive(|&byte| byte == b'\n') {
        // Whatever stands behind such a line may be read as a header, up to the next empty line.
        if line.starts_with(b"--") {
            dashed += 1;
            header = Some(0);
            continue;
        }
        header = match header {
            Some(_) if matches!(line, b"\n" | b"\r\n") => None,
            Some(bytes) => Some(bytes + line.len()),
            None => None,
        };
        if dashed > DASHED_LINES_MAX || header.is_some_and(|bytes| bytes > HEADER_BYTES_MAX) {
            return Err(doubt(Unfit::TooComplex, "has more lines that begin a part, or longer headers, than are read"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unfit(mail: &[u8]) -> Result<(), Unfit> {
        check(mail).map_err(|doubt| doubt.unfit)
    }

    #[test]
    fn many_parts_and_endless_headers_are_not_read() {
        let ok = [b"A: b\n\n".to_vec(), b"text\n".repeat(100_000), b"--b\nC: d\n\nx\n".repeat(500)].concat();
        assert_eq!(check(&ok), Ok(()));
        assert_eq!(unfit(&b"--b\n\n".repeat(DASHED_LINES_MAX + 2)), Err(Unfit::TooComplex));
        assert_eq!(unfit(&b"A: b\n".repeat(20_000)), Err(Unfit::TooComplex));
        assert_eq!(unfit(&[b"A: b\n\n--b\n".to_vec(), b"x\n".repeat(40_000)].concat()), Err(Unfit::TooComplex));
    }
}
