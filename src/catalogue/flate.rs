//! Inflating a zlib stream piece by piece, as the compressed parts of a PDF are stored.
//!
//! The ZIP library has the inflater; it is given the stream as the one member of an archive that never existed.

use std::cell::Cell;
use std::io::{self, Read};

use zip::ZipReadOptions;
use zip::read::read_zipfile_from_stream_with_options;

/// Whether two bytes are a zlib header of the deflate method.
// RFC 1950 §2.2
pub(super) fn is_zlib(header: [u8; 2]) -> bool {
    header[0] & 0x0F == 8 && u16::from_be_bytes(header).is_multiple_of(31) && header[1] & 0x20 == 0
}

/// Gives what `deflated`, read after its zlib header, becomes, until `each` says to stop. A stream that breaks off or is
/// damaged has given what there was of it; only a reader that fails is an error.
pub(super) fn inflate<R: Read>(deflated: R, mut each: impl FnMut(&[u8]) -> bool) -> io::Result<()> {
    let done = Cell::new(false);
    let mut member = local_header().chain(Lent { inner: deflated, done: &done, failed: None });
    pump(&mut member, &mut each, &done);
    match member.into_inner().1.failed {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

fn pump<R: Read>(member: &mut R, each: &mut impl FnMut(&[u8]) -> bool, done: &Cell<bool>) {
    let options = ZipReadOptions::new().ignore_crc32(true);
    if let Ok(Some(mut file)) = read_zipfile_from_stream_with_options(member, options) {
        let mut buffer = vec![0; 16 << 10];
        while let Ok(read) = file.read(&mut buffer) {
            if read == 0 || !each(&buffer[..read]) {
                break;
            }
        }
        // Dropping a member reads it to its claimed end; nothing beyond the stream is ours to read.
        done.set(true);
    }
}

/// A member of unknown CRC and of the largest size, deflated.
// APPNOTE.TXT 6.3.10 §4.3.7
fn local_header() -> &'static [u8] {
    b"PK\x03\x04\x14\0\0\0\x08\0\0\0\0\0\0\0\0\0\xFE\xFF\xFF\xFF\xFE\xFF\xFF\xFF\x01\0\0\0x"
}

/// A reader that can be declared at its end.
struct Lent<'a, R> {
    inner: R,
    done: &'a Cell<bool>,
    failed: Option<io::Error>,
}

impl<R: Read> Read for Lent<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.done.get() || self.failed.is_some() {
            return Ok(0);
        }
        match self.inner.read(buf) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                self.failed = Some(error);
                Ok(0)
            }
            read => read,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::{Cursor, Write};

    use zip::write::SimpleFileOptions;
    use zip::{CompressionMethod, ZipArchive, ZipWriter};

    use super::*;

    /// The zlib form of `plain`.
    pub(crate) fn deflate(plain: &[u8]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        writer.start_file("x", options).unwrap();
        writer.write_all(plain).unwrap();
        let mut archive = ZipArchive::new(writer.finish().unwrap()).unwrap();
        let mut zlib = vec![0x78, 0x9C];
        archive.by_index_raw(0).unwrap().read_to_end(&mut zlib).unwrap();
        zlib
    }

    #[test]
    fn gives_what_was_deflated_and_reads_no_further() {
        let plain: Vec<u8> = (0..200_000u32).flat_map(u32::to_le_bytes).collect();
        let mut zlib = deflate(&plain);
        assert!(is_zlib([zlib[0], zlib[1]]));
        zlib.resize(zlib.len() + (8 << 20), 0xAA);
        let mut rest = Cursor::new(&zlib[2..]);
        let mut got = Vec::new();
        inflate(&mut rest, |piece| {
            got.extend_from_slice(piece);
            true
        })
        .unwrap();
        assert!(got == plain);
        assert!(rest.position() < zlib.len() as u64 - (7 << 20));
    }

    #[test]
    fn damage_ends_it_and_a_failing_reader_is_an_error() {
        let mut pieces = 0;
        inflate(&[0xFF; 100][..], |_| {
            pieces += 1;
            true
        })
        .unwrap();
        assert_eq!(pieces, 0);
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::from_raw_os_error(5))
            }
        }
        assert!(inflate(Broken, |_| true).is_err());
    }

    #[test]
    fn stops_when_told() {
        let zlib = deflate(&vec![0; 50 << 20]);
        let mut seen = 0;
        inflate(&zlib[2..], |piece| {
            seen += piece.len();
            seen < 1 << 20
        })
        .unwrap();
        assert!(seen < 2 << 20);
    }
}
