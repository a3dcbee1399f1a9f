//! What is opened, as it is recognised and checked: packs, LAID files, risk data, extracts.

use std::io::{self, Cursor};

use hbcourier::catalogue::{Limits, caseload_risk, hbms_pack, identify, shbe};
use hbcourier::domain::RiskProfile;
use hbcourier::domain::risk_layout::{LayoutColumn, LayoutEncoding, RiskLayout};

const LIMITS: Limits = Limits { members_max: 100, bytes_max: 1 << 20 };

/// The name that comes with a file, and the file: apart by a line.
fn named(data: &[u8]) -> (&str, &[u8]) {
    let end = data.iter().position(|&byte| byte == b'\n').unwrap_or(0);
    match std::str::from_utf8(&data[..end]) {
        Ok(name) => (name, &data[end..]),
        Err(_) => ("", data),
    }
}

/// Under a name that comes first, and under none.
pub fn look_at_file(data: &[u8]) {
    let (name, content) = named(data);
    let _ = identify(Some(name), &mut Cursor::new(content), &LIMITS);
    let once = format!("{:?}", identify(None, &mut Cursor::new(data), &LIMITS));
    assert_eq!(once, format!("{:?}", identify(None, &mut Cursor::new(data), &LIMITS)), "recognised the same twice");
    let _ = hbms_pack::referrals(name, &mut Cursor::new(data));
}

pub fn look_at_xml(data: &[u8]) {
    let whole = [b"<?xml version=\"1.0\"?>", data].concat();
    let _ = identify(None, &mut Cursor::new(&whole), &LIMITS);
    let _ = identify(Some("LAID.xml"), &mut Cursor::new(data), &LIMITS);
}

/// As risk data, by what an authority may have said of its columns.
pub fn look_at_table(data: &[u8]) {
    let profile = RiskProfile {
        claim: "1".parse().ok(),
        score: "Score".parse().ok(),
        high_risk: "3".parse().ok(),
        high_risk_values: vec!["Y".to_owned()],
        header: None,
    };
    let _ = caseload_risk::report(&mut Cursor::new(data), Some(&profile));
    let _ = caseload_risk::learn(&mut Cursor::new(data));
    let _ = hbms_pack::referrals("HBMS_pack.csv", &mut Cursor::new(data));
    let column = |from: &str| LayoutColumn { from: from.parse().expect("a column"), to: Some(from.to_owned()) };
    let layout = RiskLayout {
        columns: vec![column("2"), column("1")],
        encoding: LayoutEncoding::Windows1252,
        delimiter: b';',
        quote_formulas: true,
    };
    let _ = caseload_risk::derive(&mut Cursor::new(data), &layout, None, &mut io::sink());
}

pub fn look_at_extract(data: &[u8]) {
    let policy = Default::default();
    let report = shbe::check(data, &shbe::Terms::form_only(&policy)).expect("memory can be read");
    let again = shbe::check(data, &shbe::Terms::form_only(&policy)).expect("memory can be read");
    assert_eq!(format!("{report:?}"), format!("{again:?}"), "checked the same twice");
}
