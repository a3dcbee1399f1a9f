//! Documents: XML that unfolds, PDFs that act or are two things at once, tables and workbooks that act.

use std::fs;

use super::archives::zip;
use super::{Case, Done, MIB, Scene};
use crate::support::workbook;

/// Deflated, in zlib's wrapping.
// RFC 1950
fn zlib(bytes: &[u8]) -> Vec<u8> {
    let archive = zip(&[("x", bytes)]);
    let directory = archive.windows(4).rposition(|window| window == b"PK\x01\x02").unwrap();
    let size = u32::from_le_bytes(archive[directory + 20..directory + 24].try_into().unwrap()) as usize;
    let (mut low, mut high) = (1_u32, 0_u32);
    for byte in bytes {
        low = (low + u32::from(*byte)) % 65_521;
        high = (high + low) % 65_521;
    }
    let lengths = [26, 28].map(|at| usize::from(u16::from_le_bytes([archive[at], archive[at + 1]])));
    let start = 30 + lengths.iter().sum::<usize>();
    [&b"\x78\x9C"[..], &archive[start..start + size], &(high << 16 | low).to_be_bytes()].concat()
}

fn pdf(objects: &[&[u8]]) -> Vec<u8> {
    let head = &b"%PDF-1.5\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n"[..];
    let tail = &b"trailer\n<</Root 1 0 R/Size 4>>\nstartxref\n9\n%%EOF\n"[..];
    [head, &objects.concat(), tail].concat()
}

fn stream(dictionary: &str, data: &[u8]) -> Vec<u8> {
    let head = format!("5 0 obj\n<<{dictionary}/Length {}>>\nstream\n", data.len());
    [head.as_bytes(), data, b"\nendstream\nendobj\n"].concat()
}

fn laughs() -> Vec<u8> {
    let mut text = String::from("<?xml version=\"1.0\"?>\n<!DOCTYPE LAID [<!ENTITY l0 \"lol\">");
    for level in 1..10 {
        let ten = format!("&l{};", level - 1).repeat(10);
        text += &format!("<!ENTITY l{level} \"{ten}\">");
    }
    (text + "]><LAID>&l9;</LAID>").into_bytes()
}

fn utf16(text: &str) -> Vec<u8> {
    format!("\u{FEFF}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect()
}

pub(super) fn cases(scene: &Scene) -> Vec<Case> {
    [xml(scene), pdfs(scene), tables(scene), workbooks(scene)].into_iter().flatten().collect()
}

fn case(
    scene: &Scene,
    (group, name): (&'static str, &str),
    what: &'static str,
    limit: &'static str,
    done: Done,
    contents: &[Vec<u8>],
) -> Case {
    let files = contents.iter().map(|content| scene.seals(content, name)).collect();
    Case { group, what, limit, done, files, mail: false }
}

fn xml(scene: &Scene) -> Vec<Case> {
    let case = |what, limit, done, texts: &[&str]| {
        let texts: Vec<Vec<u8>> = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
        case(scene, ("XML", "LAID.xml"), what, limit, done, &texts)
    };
    let broken = || Done::Held("CN-117");
    let attributes: String = (0..1000).map(|n| format!(" a{n}='x'")).collect();
    let external = "<!DOCTYPE LAID [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><LAID>&x;</LAID>";
    let remote = "<!DOCTYPE LAID SYSTEM 'http://127.0.0.1:9/x.dtd'><LAID/>";
    let wide = utf16("<?xml version='1.0' encoding='UTF-16'?><LAID><Claim reference='MADE-UP-1'/></LAID>");
    let mut cases = vec![
        case(
            "entities that unfold (\"billion laughs\")",
            "no DOCTYPE",
            broken(),
            &[&String::from_utf8(laughs()).unwrap()],
        ),
        case("external entities, a DTD elsewhere", "no DOCTYPE", broken(), &[external, remote]),
        case(
            "XInclude",
            "no inclusion",
            broken(),
            &["<LAID xmlns:x='http://www.w3.org/2001/XInclude'><x:include href='/etc/passwd'/></LAID>"],
        ),
        case("100,000 elements in each other", "depth", broken(), &[&format!("<LAID>{}", "<a>".repeat(100_000))]),
        case("1,000 attributes", "attributes of one element", broken(), &[&format!("<LAID{attributes}/>")]),
        case(
            "UTF-7, which hides brackets",
            "encodings that are read",
            broken(),
            &["<?xml version='1.0' encoding='UTF-7'?><LAID>+ADw-a+AD4-</LAID>"],
        ),
        case(
            "cut short; two roots; control bytes",
            "well-formed",
            broken(),
            &["<LAID><a>", "<LAID/><LAID/>", "<LAID>\u{1}</LAID>"],
        ),
    ];
    let named = |what, limit, done, content: &[u8]| {
        self::case(scene, ("XML", "LAID.xml"), what, limit, done, &[content.to_vec()])
    };
    cases.push(named(
        "bytes that are not UTF-8",
        "the encoding it tells",
        broken(),
        b"<?xml version='1.0'?><LAID>\xC0\xAF</LAID>",
    ));
    cases.push(named("UTF-16", "encodings that are read", Done::delivered([&wide[..]]), &wide));
    let text = |mib: usize| [&b"<LAID>"[..], &vec![b'x'; mib * MIB], b"</LAID>"].concat();
    cases.push(named("a text of 31 MiB in one element", "a text: 8 MiB", broken(), &text(31)));
    cases.push(named("a text of 7 MiB in one element", "a text: 8 MiB", Done::delivered([&text(7)[..]]), &text(7)));
    cases
}

fn pdfs(scene: &Scene) -> Vec<Case> {
    let case =
        |what, limit, pdfs: &[Vec<u8>]| case(scene, ("PDF", "LAID.pdf"), what, limit, Done::Held("CN-117"), pdfs);
    let acting = [
        &b"4 0 obj<</S/JavaScript/JS(app.alert(1))>>endobj\n"[..],
        b"4 0 obj<</S/J#61v#61Script/JS(x)>>endobj\n",
        b"4 0 obj<</S/Launch/F(cmd.exe)>>endobj\n",
        b"4 0 obj<</AcroForm<</XFA 5 0 R>>>>endobj\n",
        b"4 0 obj<</S/SubmitForm/F(http://127.0.0.1:9)>>endobj\n",
    ];
    let acting: Vec<Vec<u8>> = acting.iter().map(|object| pdf(&[object])).collect();
    let packed = zlib(b"4 0 <</S/JavaScript/JS(x)>>");
    let twice = zlib(&packed);
    vec![
        case("scripts, programs, forms that send", "names of what acts", &acting),
        case("an attached file", "names of what acts", &[pdf(&[b"4 0 obj<</Type/EmbeddedFile>>endobj\n"])]),
        case(
            "a script in a compressed object; compressed twice; encrypted",
            "compressed parts are looked into once",
            &[
                pdf(&[&stream("/Type/ObjStm/Filter/FlateDecode", &packed)]),
                pdf(&[&stream("/Type/ObjStm/Filter[/FlateDecode/FlateDecode]", &twice)]),
                pdf(&[&stream("/Type/ObjStm/Filter/FlateDecode", &packed), b"trailer<</Encrypt 9 0 R>>\n"]),
            ],
        ),
        case(
            "a stream that unfolds to 16 MiB",
            "`archive_bytes_max`",
            &[pdf(&[&stream("/Filter/FlateDecode", &zlib(&vec![b' '; 16 * MIB]))])],
        ),
        case("a PDF that is a ZIP too", "no ZIP's end in a PDF's", &[[pdf(&[]), zip(&[("a.csv", b"a,b\n")])].concat()]),
        case(
            "a web page before the PDF; no end",
            "begins with %PDF-, ends with %%EOF",
            &[[&b"GIF89a/*"[..], &pdf(&[])].concat(), pdf(&[])[..60].to_vec()],
        ),
    ]
}

fn tables(scene: &Scene) -> Vec<Case> {
    let case = |what, limit, done, tables: &[Vec<u8>]| {
        case(scene, ("CSV", "AOBWR627_LAID_RISK.csv"), what, limit, done, tables)
    };
    let formulas =
        b"CLAIM,SCORE,NOTE\nA1,9,=cmd|' /C calc'!A0\nA2,8,@SUM(1)\nA3,7,\"=HYPERLINK(\"\"http://127.0.0.1:9\"\")\"\n"
            .to_vec();
    let long_row = [b"a,b\n".to_vec(), vec![b'x'; 2 * MIB], b",1\n".to_vec()].concat();
    vec![
        case(
            "formulas, in risk data",
            "the original stays as signed; a `derived` copy disarms them",
            Done::delivered([&formulas[..]]),
            std::slice::from_ref(&formulas),
        ),
        case(
            "rows of unlike width, NUL bytes, a quotation without end",
            "a table",
            Done::Held("CN-117"),
            &[b"a,b\nc,d,e\n".to_vec(), b"a,b\n1,\0\n".to_vec(), [b"a,b\n1,\"".to_vec(), b"x\n".repeat(MIB)].concat()],
        ),
        case(
            "a row of 2 MiB; 300 columns",
            "a row, its columns",
            Done::Held("CN-117"),
            &[long_row, format!("{}\n{}\n", vec!["a"; 300].join(","), vec!["1"; 300].join(",")).into_bytes()],
        ),
    ]
}

fn workbooks(scene: &Scene) -> Vec<Case> {
    let case = |name, what, limit, done, books: &[Vec<u8>]| case(scene, ("workbook", name), what, limit, done, books);
    let risk = "AOBWR627_LAID_RISK.xlsx";
    let data = |name: &str| fs::read(format!("{}/tests/data/workbooks/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let row = workbook::row(1, &["A", "B"]);
    let unfolding = row.replace("<row", "<!DOCTYPE x [<!ENTITY y 'z'>]><row");
    let macros = workbook::with_macros(&row);
    vec![
        case(
            risk,
            "risk data with macros, old and new",
            "no macros",
            Done::Held("CN-151"),
            &[data("risk-macros.xls"), data("risk-macros.xlsm")],
        ),
        case(
            "HBMS MI return.xlsx",
            "an MI workbook with macros",
            "told in the log: whether DWP's own has some is not public",
            Done::delivered([&macros[..]]),
            std::slice::from_ref(&macros),
        ),
        case(
            risk,
            "risk data with a cell that unfolds to 16 MiB",
            "a cell: 64 KiB",
            Done::Held("CN-117"),
            &[workbook::with_rows(&workbook::row(1, &[&"A".repeat(16 * MIB)]))],
        ),
        case(
            risk,
            "entities in a sheet; cut short",
            "parts that can be read",
            Done::Held("CN-117"),
            &[workbook::with_rows(&unfolding), workbook::with_rows(&row)[..400].to_vec()],
        ),
    ]
}
