//! Made-up personal data in risk data and workbooks: nothing that is printed of them is anybody's.

use std::path::Path;
use std::process::Output;

use hbcourier::cli::demo::samples;
use hbcourier::domain::Digest;

use crate::support::council::{Council, command};
use crate::support::partner::{Algorithm, Partner, SealOptions};
use crate::support::risk::{Desk, PROFILE, Written};
use crate::support::workbook;
use crate::trouble::canary::shown;

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

/// Workbooks with the canaries in their cells: whole, damaged, with macros, and with a text that is too long.
fn workbooks() -> Vec<Vec<u8>> {
    let rows = [
        workbook::row(1, &["HBSA002", "Outcome", CANARIES[0]]),
        workbook::row(2, &CANARIES),
        workbook::row(3, &[CANARIES[1], "HBSA003"]),
    ]
    .concat();
    let long = CANARIES[1].repeat(10_000);
    let whole = workbook::with_rows(&rows);
    vec![
        whole[..whole.len() - 30].to_vec(),
        whole,
        workbook::damaged(CANARIES[0]),
        workbook::with_macros(&rows),
        workbook::with_rows(&workbook::row(1, &[&long])),
        workbook::with_rows(&format!("{rows}<{}>", CANARIES[1])),
    ]
}

fn tells_nobody(output: Output) -> String {
    assert!(matches!(output.status.code(), Some(0 | 1)), "{output:?}");
    let told = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(!told.is_empty());
    for canary in CANARIES {
        assert!(!told.contains(canary), "{canary} in: {told}");
    }
    told
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
                tells_nobody(output);
            }
        }
    }
}

#[test]
fn no_canary_is_printed_by_identify() {
    let desk = Desk::profiled();
    let identify = |file: &Path, options: &[&str]| {
        tells_nobody(command().arg("identify").arg(file).args(options).output().unwrap())
    };
    let of_kind = |name: &str, contents: Vec<Vec<u8>>, kind: &str| {
        for content in contents {
            let file = desk.put(name, content);
            identify(&file, &[]);
            let told: serde_json::Value = serde_json::from_str(&identify(&file, &["--json"])).unwrap();
            assert_eq!(told["kind"], kind, "{told}");
        }
    };
    of_kind("AOBWR627_LAID_RISK.csv", files(), "caseload-risk");
    of_kind("AOBWR627_LAID_RISK.xlsx", workbooks(), "caseload-risk");
    of_kind("HBMS MI.xlsx", workbooks(), "hbms-mi");
    of_kind("HBMS MI.xls", vec![files().pop().unwrap()], "hbms-mi");
    let whole = desk.put("HBMS MI.xlsx", &workbooks()[1]);
    assert!(identify(&whole, &[]).contains("HBSA002 in 1"), "the cells were read");
}

#[test]
fn no_canary_of_a_pack_that_is_delivered_is_logged() {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = Council::new(&mut dwp);
    council.start_in(&[("HBCOURIER_LOG", "trace")]);
    let [workbook, macros] = [1, 3].map(|at| workbooks().swap_remove(at));
    let pack = |workbook: &[u8], rule: &str| {
        let risk = format!("NINO,SURNAME,CLAIM_REF,RISK_SCORE,ADDRESS,DATE,LINK,{rule}\n{}", row("Y").repeat(10));
        let referrals = format!("REFERRAL,RULE\r\n{},{rule}\r\n", CANARIES.join(" "));
        let members: [(&str, &[u8]); 4] = [
            ("HBMS_MI.xlsx", workbook),
            ("AOBWR627_LAID_RISK.csv", risk.as_bytes()),
            (&format!("{rule}.csv"), referrals.as_bytes()),
            ("AOBWR627_12302_RISK.xlsx", &workbooks()[1]),
        ];
        samples::archive(&members).unwrap()
    };
    for (name, content) in [("HBMS_1.zip", pack(&workbook, "HBSA002")), ("HBMS_2.zip", pack(&macros, "HBSA003"))] {
        council.drops(&format!("{name}.pgp"), &dwp.seals(&content, name, &SealOptions::default()));
    }
    council.until("both rest", |council| council.all_rest(2));
    assert_eq!(council.codes(), [""; 0], "{:#?}", council.held());
    let delivered = council.delivered_digests();
    assert_eq!(delivered.len(), 8);
    assert!(delivered.contains(&Digest::of(&workbook)));
    for (what, text) in shown(&council) {
        for canary in CANARIES {
            assert!(!text.contains(canary), "{what} tells {canary}");
        }
    }
    assert!(council.log().contains("workbook-macros"), "what is odd is logged");
    council.stops_well();
}
