//! A ZIP: its directory, and every member written out.
//!
//! Holds: never more than the limit comes out, and no member's path leads anywhere.

use std::io::{self, Cursor, Write};

use hbcourier::catalogue::{Archive, Limits, archive};

const LIMITS: Limits = Limits { members_max: 100, bytes_max: 1 << 20 };

/// Counts what comes out.
struct Counted(u64);

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub fn look(content: &[u8]) {
    let _ = archive::is_zip_complete(&mut Cursor::new(content));
    let Ok(mut zip) = Archive::open(Cursor::new(content), &LIMITS) else { return };
    assert!(zip.members().len() <= LIMITS.members_max as usize);
    let mut out = Counted(0);
    for index in 0..zip.members().len() {
        let member = &zip.members()[index];
        assert!(!member.name.is_empty() && !member.name.contains(['/', '\\', '\0']) && member.name != "..");
        assert!(!member.path.starts_with('/') && member.path.split('/').all(|part| part != ".."));
        if zip.extract(index, &mut out).is_err() {
            break;
        }
    }
    assert!(out.0 <= LIMITS.bytes_max, "the limit was passed: {}", out.0);
}
