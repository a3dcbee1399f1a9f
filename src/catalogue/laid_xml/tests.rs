use std::io::Cursor;

use super::*;
use crate::catalogue::{Identified, Limits, identify};
use crate::domain::LaNumber;

const LIMITS: Limits = Limits { members_max: 10, bytes_max: 1 << 20 };

fn look_at(name: &str, bytes: impl Into<Vec<u8>>) -> Identified {
    identify(Some(name), &mut Cursor::new(bytes.into()), &LIMITS).unwrap()
}

fn code(text: &str) -> &'static str {
    let seen = look_at("claims.xml", text);
    assert_eq!(seen.kind, FileKind::LaidXml, "{text}");
    assert!(!seen.is_sound(), "{text}");
    seen.findings[0].code
}

#[test]
fn a_document_with_its_authority() {
    let text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- nightly -->\n<LAIDBatch xmlns=\"urn:example:laid\">\
                <LANumber> 12302 </LANumber><Claim la_number='101809'><Name>A &amp; B &#233;</Name></Claim></LAIDBatch>\n";
    let seen = look_at("20200420.xml", text);
    assert_eq!((seen.kind, seen.confidence), (FileKind::LaidXml, Confidence::Certain));
    assert!(seen.findings.is_empty(), "{:?}", seen.findings);
    assert_eq!(seen.authority.as_ref().unwrap().as_str(), "12302");
    assert_eq!(seen.authorities.iter().map(LaNumber::as_str).collect::<Vec<_>>(), ["12302", "101809"]);
    assert!(seen.evidence.iter().any(|note| note.contains("<LAIDBatch> in the namespace urn:example:laid")));
    assert!(!seen.evidence.concat().contains("20200420"));
}

#[test]
fn a_number_is_read_however_it_is_written() {
    for number in ["<![CDATA[101809]]>", "&#49;01809", "&#x31;01<![CDATA[809]]>", "<!-- x -->101809"] {
        let seen = look_at("x.xml", format!("<LAID><LANumber>{number}</LANumber></LAID>"));
        assert_eq!(seen.authorities.iter().map(LaNumber::as_str).collect::<Vec<_>>(), ["101809"], "{number}");
    }
}

#[test]
fn numbers_elsewhere_are_not_authorities() {
    let seen =
        look_at("a.xml", "<LAID><Date>200420</Date><LANumber>99</LANumber><LANumber><b/>12302</LANumber></LAID>");
    assert_eq!(seen.authority, None);
}

#[test]
fn what_could_do_harm_is_refused() {
    assert_eq!(code("<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>"), "xml-doctype");
    assert_eq!(code("<a>&b;</a>"), "xml-entity");
    assert_eq!(code("<a b='&c;'/>"), "xml-entity");
    assert_eq!(code("<a xmlns:x='http://www.w3.org/2001/XInclude'/>"), "xml-include");
    assert_eq!(code(&"<a>".repeat(1000)), "xml-depth");
    let attributes: String = (0..1000).map(|n| format!(" a{n}='x'")).collect();
    assert_eq!(code(&format!("<a{attributes}/>")), "xml-attributes");
    assert_eq!(code("<?xml version='1.0' encoding='UTF-7'?><a/>"), "xml-encoding");
}

#[test]
fn what_is_not_well_formed_is_refused() {
    for text in [
        "<a>",
        "<a></b>",
        "<a/><b/>",
        "<a/>text",
        "<a b='1' b='2'/>",
        "<a b='<'/>",
        "<a>\u{1}</a>",
        "<a>]]></a>",
        "<1a/>",
        "<a>&#0;</a>",
        "<a>&#1;</a>",
        "<a><!-- -- --></a>",
        " <?xml version='1.0'?><a/><?xml version='1.0'?>",
        "<!-- only -->",
        "<?xml version='1.0'?>",
        "<a>& b</a>",
        "<a",
        "not xml",
        "",
    ] {
        assert_eq!(code(text), "xml-not-well-formed", "{text}");
    }
    assert!(!look_at("a.xml", b"<a>caf\xE9</a>".to_vec()).is_sound());
}

#[test]
fn other_encodings_are_read() {
    let utf16: Vec<u8> = "\u{FEFF}<?xml version='1.0' encoding='UTF-16'?><laid LACode='12302'/>"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let seen = look_at("a.xml", utf16);
    assert!(seen.is_sound(), "{:?}", seen.findings);
    assert_eq!(seen.authority.unwrap().as_str(), "12302");
    let latin1 = b"<?xml version='1.0' encoding='ISO-8859-1'?><laid>caf\xE9</laid>".to_vec();
    assert!(look_at("a.xml", latin1).is_sound());
}

#[test]
fn web_pages_and_brackets_are_unknown() {
    assert_eq!(look_at("x", "<!DOCTYPE html><html><br></html>").kind, FileKind::Unknown);
    assert_eq!(look_at("x", "<name@example.org> wrote:").kind, FileKind::Unknown);
}

/// Gives `length` bytes of one text without holding them.
struct Endless {
    at: u64,
    length: u64,
}

impl Read for Endless {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.length - self.at).unwrap().min(buf.len());
        buf[..left].fill(b'x');
        if self.at == 0 {
            buf[..3].copy_from_slice(b"<a>");
        }
        self.at += left as u64;
        Ok(left)
    }
}

impl Seek for Endless {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let SeekFrom::Start(at) = to else { return Err(io::ErrorKind::Unsupported.into()) };
        self.at = at;
        Ok(at)
    }
}

#[test]
fn one_endless_text_is_not_kept_in_memory() {
    let mut endless = Endless { at: 0, length: 1 << 40 };
    let seen = identify(Some("a.xml"), &mut endless, &LIMITS).unwrap();
    assert_eq!(seen.findings[0].code, "xml-piece-long");
    assert!(endless.at < 2 * PIECE_BYTES_MAX);
}

#[test]
fn a_disk_that_fails_is_not_a_finding() {
    struct Failing(u32);
    impl Read for Failing {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            self.0 += 1;
            if self.0 > 2 {
                return Err(io::Error::from_raw_os_error(5));
            }
            buf[..3].copy_from_slice(b"<a>");
            Ok(3)
        }
    }
    impl Seek for Failing {
        fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
            Ok(0)
        }
    }
    assert!(identify(Some("a.xml"), &mut Failing(0), &LIMITS).is_err());
}

#[test]
fn the_root_element_is_told_with_its_namespace_and_only_of_sound_xml() {
    let root = |text: &str| look_at("LAID.xml", text).root.map(|root| (root.name, root.namespace));
    let named = |name: &str, namespace: Option<&str>| Some((name.to_owned(), namespace.map(str::to_owned)));
    assert_eq!(root("<LAID/>"), named("LAID", None));
    assert_eq!(root("<LAID xmlns='urn:x'><a xmlns='urn:y'/></LAID>"), named("LAID", Some("urn:x")));
    assert_eq!(root("<x:LAID xmlns:x='urn:x' xmlns='urn:y'/>"), named("LAID", Some("urn:x")));
    assert_eq!(root("<LAID xmlns=''/>"), named("LAID", None));
    assert_eq!(root("<LAID><a></LAID>"), None);
    let long = "n".repeat(2000);
    let (name, _) = root(&format!("<{long}/>")).unwrap();
    assert!(name.len() > 500 && name.len() < 600, "cut, and so long that it is on no list");
}
