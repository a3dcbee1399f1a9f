//! e-Transfer LAID as PDF: whole, and nothing in it that acts by itself.
//!
//! Out: a finding for everything that could run, launch, fetch or carry another file, also inside compressed parts.
//! Holds: memory is bounded whatever the size; what compressed parts become is bounded by the caller's limit.

use std::io::{self, BufReader, Read, Seek, SeekFrom};

use super::flate::{inflate, is_zlib};
use super::name::Name;
use super::pdf_names::{Met, Scanner};
use super::{Confidence, Gathered, Limits};
use crate::domain::FileKind;

/// Readers accept an end mark within the last kilobyte; the offset line stands before it.
// ISO 32000-1 Annex H, implementation note 18
const TAIL_BYTES: u64 = 2048;
const CHUNK_BYTES: usize = 64 << 10;
const STREAMS_MAX: usize = 100_000;

/// Names of what acts by itself or carries something else.
// ISO 32000-1 §12.6.4 (actions), §7.11.4 (embedded files), §12.7.8 (XFA)
const ACTIVE: [&str; 10] = [
    "JavaScript",
    "Launch",
    "EmbeddedFile",
    "EmbeddedFiles",
    "RichMedia",
    "Rendition",
    "ImportData",
    "SubmitForm",
    "GoToE",
    "XFA",
];
/// Short enough to occur by chance in compressed bytes, so counted only outside of them. It needs one of the above to act.
const ACTIVE_OUTSIDE_STREAMS: &str = "JS";
/// Ways of storing a stream that are not looked through. Pictures have others, and cannot hold objects.
const OPAQUE: [&str; 6] = ["LZWDecode", "ASCIIHexDecode", "ASCII85Decode", "RunLengthDecode", "Crypt", "Predictor"];

pub(super) fn look<R: Read + Seek>(
    name: &Name,
    head: &[u8],
    content: &mut R,
    limits: &Limits,
    gathered: &mut Gathered,
) -> io::Result<(FileKind, Confidence)> {
    gathered.note("it begins with %PDF-");
    if head.len() < b"%PDF-1.4".len() || !head[5].is_ascii_digit() {
        gathered.warning("pdf-version", "does not say which version of PDF it is");
    }
    let whole = has_end(content)?;
    if whole {
        gathered.note("it ends with startxref and %%EOF");
    } else {
        gathered.error("pdf-no-end", "does not end as a PDF does (startxref, %%EOF): it was cut short or damaged");
    }
    let mut contents = Contents::default();
    let streams = contents.scan(content)?;
    contents.look_into(&streams, content, limits.bytes_max)?;
    contents.report(gathered);
    let named = name.contains("LAID");
    Ok((FileKind::LaidPdf, if whole && named { Confidence::Certain } else { Confidence::Likely }))
}

fn has_end<R: Read + Seek>(content: &mut R) -> io::Result<bool> {
    let length = content.seek(SeekFrom::End(0))?;
    content.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    let mut tail = Vec::new();
    content.take(TAIL_BYTES).read_to_end(&mut tail)?;
    let last = |needle: &[u8]| tail.windows(needle.len()).rposition(|bytes| bytes == needle);
    Ok(last(b"startxref").zip(last(b"%%EOF")).is_some_and(|(offset, end)| offset < end))
}

#[derive(Debug, Default)]
struct Contents {
    active: Vec<&'static str>,
    locked: bool,
    packed_objects: bool,
    /// Objects are packed in a way that is not looked through.
    hidden: bool,
    /// What the object being read has said of itself so far.
    object: Object,
    too_many_streams: bool,
    too_large: bool,
}

#[derive(Debug, Default)]
struct Object {
    packs_objects: bool,
    opaque: bool,
}

impl Contents {
    /// Looks at every byte as it stands. The offsets at which streams begin.
    fn scan<R: Read + Seek>(&mut self, content: &mut R) -> io::Result<Vec<u64>> {
        content.seek(SeekFrom::Start(0))?;
        let mut streams = Vec::new();
        let mut scanner = Scanner::default();
        let mut chunk = vec![0; CHUNK_BYTES];
        let mut at = 0u64;
        loop {
            let read = match content.read(&mut chunk) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            for &byte in &chunk[..read] {
                scanner.push(byte, |met| match met {
                    Met::Name(name) => self.name(&name),
                    Met::NameInStream(name) => self.name_in_stream(&name),
                    Met::Object => self.object = Object::default(),
                    Met::Stream => {
                        self.hidden |= self.object.packs_objects && self.object.opaque;
                        if streams.len() < STREAMS_MAX { streams.push(at) } else { self.too_many_streams = true }
                    }
                });
                at += 1;
            }
        }
        // A name may be the last thing in the file.
        scanner.push(b' ', |met| {
            if let Met::Name(name) = met {
                self.name(&name)
            }
        });
        Ok(streams)
    }

    fn name(&mut self, name: &[u8]) {
        self.name_in_stream(name);
        if name == ACTIVE_OUTSIDE_STREAMS.as_bytes() {
            self.meet(ACTIVE_OUTSIDE_STREAMS);
        }
        match name {
            b"Encrypt" => self.locked = true,
            b"ObjStm" => {
                self.packed_objects = true;
                self.object.packs_objects = true;
            }
            _ => self.object.opaque |= OPAQUE.iter().any(|opaque| opaque.as_bytes() == name),
        }
    }

    fn name_in_stream(&mut self, name: &[u8]) {
        if let Some(known) = ACTIVE.iter().find(|known| known.as_bytes() == name) {
            self.meet(known);
        }
    }

    fn meet(&mut self, known: &'static str) {
        if !self.active.contains(&known) {
            self.active.push(known);
        }
    }

    /// Inflates every stream that can be, whatever its object says of it, and looks at what comes out. A stream ends where
    /// its compression says, not where the file says.
    fn look_into<R: Read + Seek>(&mut self, streams: &[u64], content: &mut R, bytes_max: u64) -> io::Result<()> {
        let mut left = bytes_max;
        for &start in streams {
            content.seek(SeekFrom::Start(start))?;
            let mut reader = BufReader::with_capacity(4096, &mut *content);
            let mut header = [0; 2];
            match reader.read_exact(&mut header) {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => continue,
                other => other?,
            }
            if !is_zlib(header) {
                continue;
            }
            let mut scanner = Scanner::inside_a_stream();
            inflate(reader, |piece| {
                left = left.saturating_sub(piece.len() as u64);
                for &byte in piece {
                    scanner.push(byte, |met| match met {
                        Met::Name(name) | Met::NameInStream(name) => self.name_in_stream(&name),
                        Met::Object | Met::Stream => {}
                    });
                }
                left > 0
            })?;
            scanner.push(b' ', |met| {
                if let Met::NameInStream(name) = met {
                    self.name_in_stream(&name)
                }
            });
            if left == 0 {
                self.too_large = true;
                break;
            }
        }
        Ok(())
    }

    fn report(&self, gathered: &mut Gathered) {
        if self.active.is_empty() {
            gathered.note("nothing in it acts by itself");
        } else {
            let names: Vec<String> = self.active.iter().map(|name| format!("/{name}")).collect();
            gathered.error("pdf-active", format!("has content that acts or carries other files: {}", names.join(", ")));
        }
        if self.hidden || (self.locked && self.packed_objects) {
            gathered.error("pdf-hidden", "packs its objects in a way that cannot be looked into");
        } else if self.locked {
            gathered.warning("pdf-locked", "is encrypted with a PDF password; who opens it may need that");
        }
        if self.too_large || self.too_many_streams {
            gathered.error("pdf-too-large", "unpacks to more than is allowed, so it was not looked at to its end");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::super::flate::tests::deflate;
    use super::*;
    use crate::catalogue::{Identified, identify};

    const LIMITS: Limits = Limits { members_max: 10, bytes_max: 4 << 20 };

    fn pdf(objects: &[&[u8]]) -> Vec<u8> {
        let mut bytes =
            b"%PDF-1.5\n%\xE2\xE3\xCF\xD3\n1 0 obj\n<</Type/Catalog/Pages 2 0 R/OpenAction[3 0 R/Fit]>>\nendobj\n"
                .to_vec();
        objects.iter().for_each(|object| bytes.extend_from_slice(object));
        bytes.extend_from_slice(b"trailer\n<</Root 1 0 R/Size 4>>\nstartxref\n9\n%%EOF\n");
        bytes
    }

    fn stream(dictionary: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = format!("7 0 obj\n<<{dictionary}/Length {}>>\nstream\r\n", data.len()).into_bytes();
        bytes.extend_from_slice(data);
        bytes.extend_from_slice(b"\nendstream\nendobj\n");
        bytes
    }

    fn look_at(bytes: Vec<u8>) -> Identified {
        identify(Some("doc.pdf"), &mut Cursor::new(bytes), &LIMITS).unwrap()
    }

    fn codes(seen: &Identified) -> Vec<&'static str> {
        seen.findings.iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn a_plain_document_is_sound() {
        let page = stream("/Filter/FlateDecode", &deflate(b"BT (claim) Tj ET"));
        let chance = stream("/Filter/DCTDecode", b"\xFF\xD8 /JS /AA ");
        let seen = look_at(pdf(&[&page, &chance]));
        assert_eq!(seen.kind, FileKind::LaidPdf);
        assert!(seen.findings.is_empty(), "{:?}", seen.findings);
        assert_eq!(seen.authority, None);
    }

    #[test]
    fn a_document_cut_short_is_not() {
        let whole = pdf(&[&stream("", &[b'x'; 5000])]);
        for length in [whole.len() - 8, whole.len() / 2, 9] {
            assert!(codes(&look_at(whole[..length].to_vec())).contains(&"pdf-no-end"), "{length}");
        }
        assert_eq!(codes(&look_at(b"PDF".to_vec())), ["pdf-no-start"]);
    }

    #[test]
    fn whatever_acts_is_found() {
        for object in [
            &b"4 0 obj<</S/JavaScript/JS(app.alert(1))>>endobj\n"[..],
            b"4 0 obj<</S/J#61v#61Script>>endobj\n",
            b"4 0 obj<</S/Launch/F(cmd.exe)>>endobj\n",
            b"4 0 obj<</Type/EmbeddedFile>>endobj\n",
            b"4 0 obj<</Names<</EmbeddedFiles 5 0 R>>>>endobj\n",
            b"4 0 obj<</AcroForm<</XFA 5 0 R>>>>endobj\n",
            b"4 0 obj<</A 1/JS 5 0 R>>endobj\n",
            b"%stream\n 4 0 obj<</S/JavaScript>>endobj\n",
            b"(stream\n) 4 0 obj<</S/JavaScript>>endobj\n",
        ] {
            assert_eq!(codes(&look_at(pdf(&[object]))), ["pdf-active"], "{}", String::from_utf8_lossy(object));
        }
    }

    #[test]
    fn whatever_acts_is_found_in_compressed_parts() {
        let hidden = deflate(b"4 0 <</S/JavaScript/JS(x)>>");
        assert_eq!(codes(&look_at(pdf(&[&stream("/Type/ObjStm/Filter/FlateDecode", &hidden)]))), ["pdf-active"]);
        assert_eq!(codes(&look_at(pdf(&[&stream("/Type 9 0 R", &hidden)]))), ["pdf-active"]);
        // Inside stored bytes of the deflate stream stands a false end.
        let mut long = vec![0x78, 0x01, 0x00];
        let first = b"endstream endobj ";
        long.extend_from_slice(&[first.len() as u8, 0, !(first.len() as u8), 0xFF]);
        long.extend_from_slice(first);
        long.extend_from_slice(&deflate(b" 4 0 <</S/Launch>>")[2..]);
        assert_eq!(codes(&look_at(pdf(&[&stream("/Type/ObjStm", &long)]))), ["pdf-active"]);
    }

    #[test]
    fn objects_packed_out_of_sight_are_refused() {
        let packed = deflate(b"4 0 <<>>");
        for dictionary in
            ["/Type/ObjStm/Filter/LZWDecode", "/Type/ObjStm/DecodeParms<</Predictor 12>>/Filter/FlateDecode"]
        {
            assert_eq!(codes(&look_at(pdf(&[&stream(dictionary, &packed)]))), ["pdf-hidden"], "{dictionary}");
        }
        let locked = pdf(&[&stream("/Type/ObjStm", &packed), b"trailer<</Encrypt 9 0 R>>\n"]);
        assert_eq!(codes(&look_at(locked)), ["pdf-hidden"]);
        let locked = look_at(pdf(&[b"trailer<</Encrypt 9 0 R>>\n"]));
        assert_eq!(codes(&locked), ["pdf-locked"]);
        assert!(locked.is_sound());
    }

    #[test]
    fn a_bomb_is_not_inflated_beyond_the_limit() {
        let bomb = stream("/Filter/FlateDecode", &deflate(&vec![b' '; 16 << 20]));
        assert_eq!(codes(&look_at(pdf(&[&bomb]))), ["pdf-too-large"]);
    }
}
