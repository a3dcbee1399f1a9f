use std::io::Cursor;

use super::super::flate::tests::deflate;
use super::*;
use crate::catalogue::{Identified, identify};

const LIMITS: Limits = Limits { members_max: 10, bytes_max: 4 << 20 };

fn pdf(objects: &[&[u8]]) -> Vec<u8> {
    let mut bytes =
        b"%PDF-1.5\n%\xE2\xE3\xCF\xD3\n1 0 obj\n<</Type/Catalog/Pages 2 0 R/OpenAction[3 0 R/Fit]>>\nendobj\n".to_vec();
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
    let chance = stream("/Filter/DCTDecode", b"\xFF\xD8 /JS /AA /XFA ");
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
fn one_that_is_a_zip_too_is_refused() {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("a.csv", zip::write::SimpleFileOptions::default()).unwrap();
    let _ = zip.set_comment("x".repeat(60_000));
    let zip = zip.finish().unwrap().into_inner();
    let both = [pdf(&[]), zip.clone(), pdf(&[])].concat();
    assert_eq!(codes(&look_at(both)), ["pdf-and-zip"]);
    let attached = [pdf(&[&stream("", &zip)]), vec![b' '; 70_000], pdf(&[])].concat();
    assert!(!codes(&look_at(attached)).contains(&"pdf-and-zip"), "too far from the end for a reader of ZIPs");
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
    for dictionary in ["/Type/ObjStm/Filter/LZWDecode", "/Type/ObjStm/DecodeParms<</Predictor 12>>/Filter/FlateDecode"]
    {
        assert_eq!(codes(&look_at(pdf(&[&stream(dictionary, &packed)]))), ["pdf-hidden"], "{dictionary}");
    }
    let twice = deflate(&packed);
    for dictionary in [
        "/Type/ObjStm/Filter[/FlateDecode/FlateDecode]",
        "/Type/ObjStm/Filter[/Fl/Fl]",
        "/Type/ObjStm/Filter 9 0 R",
        "/Type/ObjStm/Filter[/AHx/Fl]",
    ] {
        assert_eq!(codes(&look_at(pdf(&[&stream(dictionary, &twice)]))), ["pdf-hidden"], "{dictionary}");
    }
    let locked = pdf(&[&stream("/Type/ObjStm", &packed), b"trailer<</Encrypt 9 0 R>>\n"]);
    assert_eq!(codes(&look_at(locked)), ["pdf-hidden"]);
    let locked = look_at(pdf(&[b"trailer<</Encrypt 9 0 R>>\n"]));
    assert_eq!(codes(&locked), ["pdf-locked"]);
    assert!(locked.is_sound());
}

/// A comment or a string before an object, that looks as if a stream began there.
#[test]
fn a_false_beginning_hides_no_stream() {
    let acts = deflate(b"4 0 <</S/JavaScript/JS(x)>>");
    for before in ["%stream\n", "(a stream \n)", "<</A(endstream stream\n)>>"] {
        let plain = [before.as_bytes(), &stream("/Filter/FlateDecode", &acts)].concat();
        assert_eq!(codes(&look_at(pdf(&[&plain]))), ["pdf-active"], "{before}");
        let packed = [before.as_bytes(), &stream("/Type/ObjStm/Filter/FlateDecode", &deflate(b"4 0 <<>>"))].concat();
        assert_eq!(codes(&look_at(pdf(&[&packed]))), ["pdf-hidden"], "{before}");
    }
}

#[test]
fn beginnings_are_found_however_the_bytes_are_cut_up() {
    let bytes = b"stream\nx endstream\n stream stream\r\n streams xstream\t endstreamstream \nstream";
    let found = |size: usize| {
        let (mut finder, mut found) = (StreamFinder::default(), Vec::new());
        bytes.chunks(size).for_each(|piece| finder.find(piece, |at| found.push(at)));
        found
    };
    let whole = found(bytes.len());
    assert_eq!(whole, [6, 26, 33, 51, 68]);
    for size in 1..20 {
        assert_eq!(found(size), whole, "in pieces of {size}");
    }
}

#[test]
fn a_bomb_is_not_inflated_beyond_the_limit() {
    let bomb = stream("/Filter/FlateDecode", &deflate(&vec![b' '; 16 << 20]));
    assert_eq!(codes(&look_at(pdf(&[&bomb]))), ["pdf-too-large"]);
}

/// Many streams that begin apart and run on into one long stretch of nothing.
#[test]
fn overlapping_streams_are_not_read_over_and_over() {
    let mut starts = Vec::new();
    let mut nothing = Vec::new();
    for _ in 0..400_000 {
        nothing.extend_from_slice(b"\0\0\0\xFF\xFF");
    }
    for n in (0..1000u16).rev() {
        let rest = n * 26;
        starts.extend_from_slice(b"stream\n\x78\x01\0");
        starts.extend_from_slice(&(rest + 12).to_le_bytes());
        starts.extend_from_slice(&(!(rest + 12)).to_le_bytes());
        starts.extend_from_slice(b" endstream  ");
    }
    let mut bytes = pdf(&[&starts, &nothing]);
    bytes.extend_from_slice(b"startxref\n9\n%%EOF\n");
    struct Counting(Cursor<Vec<u8>>, u64);
    impl Read for Counting {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            let read = self.0.read(buf)?;
            self.1 += read as u64;
            Ok(read)
        }
    }
    impl Seek for Counting {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.0.seek(to)
        }
    }
    let length = bytes.len() as u64;
    let mut content = Counting(Cursor::new(bytes), 0);
    let limits = Limits { bytes_max: 1 << 30, ..LIMITS };
    let seen = identify(Some("doc.pdf"), &mut content, &limits).unwrap();
    assert_eq!(codes(&seen), ["pdf-too-large"]);
    assert!(content.1 < 3 * length + 1000 * READ_AHEAD_BYTES, "{} of {length}", content.1);
}
