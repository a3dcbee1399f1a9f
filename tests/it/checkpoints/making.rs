//! One at the first start, one when a return is sent, one by order; and the key that is made for them.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use hbcourier::cli::demo::samples;

use super::{Audited, council, name, vkey};
use crate::support::council::succeeded;

#[test]
fn the_first_is_made_at_the_first_start_and_is_over_what_was_recorded() {
    let mut audited = Audited::new();
    audited.council.start();
    audited.council.until("a checkpoint was made and left", |council| {
        ["checkpoint-made", "checkpoint-left"].iter().all(|event| council.events(event) == 1)
    });
    audited.council.stops_well();
    let [note] = &audited.notes()[..] else { panic!("one note") };
    let made = audited.council.ledger().into_iter().find(|entry| entry["event"] == "checkpoint-made").unwrap();
    assert_eq!(made["size"], note.checkpoint().size);
    assert_eq!(made["content"], note.checkpoint().root.to_string());
    assert_eq!(made["vkey"], vkey(&audited.council).to_string());
    assert_eq!(made["actor"], "service");
    // Nothing that matters comes, so the next start of the same day makes none.
    audited.council.start();
    audited.council.stops_well();
    succeeded(audited.council.runs(&["run", "--once"]));
    assert_eq!(audited.council.events("checkpoint-made"), 1);
}

#[test]
fn one_is_made_at_once_when_a_return_was_sent() {
    let mut audited = Audited::new();
    let today = audited.council.falls_due_today();
    audited.council.start();
    audited.council.until("the day's is made", |council| council.events("checkpoint-left") == 1);
    fs::write(audited.council.returns.join("shbe/extract.txt"), samples::shbe_extract(today)).unwrap();
    audited.council.until("the return's is made", |council| council.events("checkpoint-left") == 2);
    audited.council.stops_well();
    let sent = audited.council.ledger().into_iter().find(|entry| entry["event"] == "sent").unwrap();
    let notes = audited.notes();
    assert!(notes[0].checkpoint().size <= sent["seq"].as_u64().unwrap());
    assert!(notes[1].checkpoint().size > sent["seq"].as_u64().unwrap(), "the latest is over it");
    assert_eq!(audited.assert_chained(), 2);
}

#[test]
fn one_is_made_by_order_with_and_without_the_service() {
    let mut audited = Audited::new();
    audited.council.start();
    let order = ["audit", "checkpoint", "--by", "A. Auditor", "--reason", "before the year's end"];
    let made = audited.council.json(&order);
    assert_eq!(made["left"][0], "internal-audit", "{made}");
    assert_eq!(made["to_leave"].as_array().unwrap().len(), 0, "{made}");
    audited.council.stops_well();
    let again = audited.council.json(&["audit", "checkpoint"]);
    assert!(again["size"].as_u64() > made["size"].as_u64() && again["left"][0] == "internal-audit", "{again}");
    for one in [&made, &again] {
        let note = vkey(&audited.council).verify(one["note"].as_str().unwrap()).unwrap();
        let said = (note.checkpoint().size.into(), note.checkpoint().root.to_string().into());
        assert_eq!((one["size"].clone(), one["root"].clone()), said);
    }
    let ordered = audited.council.ledger().into_iter().find(|entry| entry["why"] == "before the year's end").unwrap();
    assert_eq!((&ordered["event"], &ordered["about"]), (&"checkpoint-made".into(), &"A. Auditor".into()));
    assert!(ordered["actor"]["account"]["uid"].is_number(), "{ordered}");
    assert!(audited.assert_chained() >= 2);
    let text = String::from_utf8(succeeded(audited.council.runs(&["audit", "checkpoint"]))).unwrap();
    assert!(text.contains("Left to internal-audit."), "{text}");
}

#[test]
fn init_makes_the_key_and_gives_its_public_half() {
    let council = council();
    let vkey = vkey(&council);
    assert_eq!(vkey.name(), name());
    let given = fs::read_to_string(council.config.with_file_name("keys").join("ledger.vkey")).unwrap();
    assert_eq!(given.trim(), vkey.to_string());
    let keys = council.state.join("keys");
    let mode = |file: &str| fs::metadata(keys.join(file)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("ledger.key"), mode("ledger.vkey")), (0o600, 0o644));
    let text = String::from_utf8(succeeded(council.runs(&["audit", "vkey"]))).unwrap();
    assert_eq!(text.trim(), vkey.to_string());
}

#[test]
fn without_anybody_who_keeps_them_that_is_said() {
    let council = council();
    let says = |council: &crate::support::council::Council| {
        let probes = council.json(&["check"])["probes"].as_array().unwrap().clone();
        probes
            .into_iter()
            .filter(|probe| probe["probe"] == "audit")
            .map(|probe| probe["says"].to_string())
            .collect::<String>()
    };
    assert!(says(&council).contains("leave to nobody"), "{}", says(&council));
    let text = String::from_utf8(succeeded(council.runs(&["audit", "checkpoint"]))).unwrap();
    assert!(text.contains("It stays here") && text.contains(&format!("\u{2014} {} ", name())), "{text}");
    let audited = Audited::new();
    assert!(!says(&audited.council).contains("leave to nobody") && says(&audited.council).contains("can be written"));
    fs::remove_dir(&audited.folder).unwrap();
    assert!(says(&audited.council).contains("cannot be written"), "{}", says(&audited.council));
}
