//! Made-up personal data in risk data: nothing that is printed of them is anybody's.

use crate::support::risk::{Desk, PROFILE, Written};

/// Shaped like a National Insurance number, a name, a reference, a score, an address, a date and a formula.
const CANARIES: [&str; 8] =
    ["QQ987654C", "Quillfeather", "HB7731904", "0.917355", "17 Wrenthistle Row", "1963-11-23", "HYPERLINK", "7731904"];

fn row(mark: &str) -> String {
    "QQ987654C,Quillfeather,HB7731904,0.917355,17 Wrenthistle Row,1963-11-23,=HYPERLINK(7731904),".to_owned()
        + mark
        + "\n"
}

/// Files in which the canaries stand wherever something might be quoted: as a header, as values, in broken rows.
fn files() -> Vec<Vec<u8>> {
    let head = "NINO,SURNAME,CLAIM_REF,RISK_SCORE,ADDRESS,DATE,LINK,HIGH\n";
    let ten = row("Y").repeat(10);
    let words = "Quillfeather,QQ987654C\n".repeat(20) + "HB7731904,High,Risk,Claim,0.917355\n";
    let texts = [
        ten.clone(),
        format!("{head}{ten}"),
        format!("{head}{ten}{}0.917355", row("N").trim_end()),
        words,
        format!("{head}\"QQ987654C Quillfeather"),
        format!("Quillfeather,High Risk,Claim,17 Wrenthistle Row\n{}", "HB7731904,0.917355,Y,x\n".repeat(9)),
        format!("CLAIM_REFERENCE,RISK_SCORE,Quillfeather,0.917355\n{ten}"),
        format!("{}\n{ten}", CANARIES.join(";")),
    ];
    let mut files: Vec<Vec<u8>> = texts.iter().map(|text| text.clone().into_bytes()).collect();
    files.extend(texts.iter().map(|text| Written::Utf16LeMarked.bytes(text)));
    files.push([b"PK\x03\x04", texts[0].as_bytes()].concat());
    files.push([&b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"[..], texts[0].as_bytes()].concat());
    files
}

#[test]
fn no_canary_is_printed() {
    for profile in ["", PROFILE, "\n[risk]\nclaim = \"3\"\nscore = \"1\"\nhigh_risk = \"2\"\nheader = \"present\"\n"] {
        let desk = Desk::with(profile);
        for content in files() {
            let file = desk.put("AOBWR627_LAID_RISK.csv", &content);
            for (verb, options) in
                [("report", &[][..]), ("report", &["--json"]), ("learn", &[]), ("learn", &["--json"])]
            {
                let output = desk.risk(verb, &[&file], options);
                assert!(matches!(output.status.code(), Some(0 | 1)), "{output:?}");
                let told = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
                for canary in CANARIES {
                    assert!(!told.contains(canary), "{canary} in: {told}");
                }
            }
        }
    }
}
