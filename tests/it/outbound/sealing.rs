//! What sealing makes: for folders, for mail, under which keys, once.

use hbcourier::domain::ReturnKind::{HbmsMi, Shbe};
use hbcourier::domain::Stage;
use hbcourier::domain::ledger::Event;
use hbcourier::effects::courier::Form;

use super::council::{Council, Way, extract, workbook};
use super::scripted::ScriptedCourier;

const APRIL: &str = "shbe/12302/2020-04";

#[test]
fn for_mail_an_armoured_mime_entity() {
    let courier = ScriptedCourier::new(Form::MimeEntity, []);
    let council = Council::new(&["12302"], "2020-04-14 09:00", Way::Scripted(courier.clone()));
    let content = extract("12302", "2020-04-14", "");
    council.put("12302", Shbe, "SHBE April.TXT", &content);
    council.look();
    let given = courier.passed().remove(0);
    assert!(given.bytes.starts_with(b"-----BEGIN PGP MESSAGE-----"));
    assert_eq!(given.file_name, "shbe_12302_2020-04.txt.pgp");
    let inside = String::from_utf8(council.opened_by_dwp(&given.bytes)).unwrap();
    let (headers, body) = inside.split_once("\r\n\r\n").unwrap();
    assert!(headers.contains("shbe_12302_2020-04.txt") && !headers.contains(".pgp"), "{headers}");
    assert_eq!(from_base64(body), content.as_bytes());
    let sealed = council.submission(APRIL).sealed.unwrap();
    assert_eq!(sealed.content, hbcourier::domain::Digest::of(content.as_bytes()), "of the file, not of the entity");
    assert!(sealed.message_id.ends_with("@la.example"));
}

/// RFC 2045 §6.8, the plain way.
fn from_base64(text: &str) -> Vec<u8> {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits: Vec<u32> =
        text.bytes().filter_map(|b| alphabet.iter().position(|a| *a == b)).map(|n| u32::try_from(n).unwrap()).collect();
    let mut bytes = Vec::new();
    for group in digits.chunks(4) {
        let bits = group.iter().enumerate().fold(0, |bits, (at, digit)| bits | digit << (18 - 6 * at));
        bytes.extend(&bits.to_be_bytes()[1..group.len()]);
    }
    bytes
}

#[test]
fn without_the_partners_certificate_it_waits_and_says_so() {
    let council = Council::without_partner_key(&["12302"], "2020-04-08 10:00", Way::Folders);
    council.put("12302", Shbe, "shbe.txt", extract("12302", "2020-04-08", ""));
    council.look();
    assert_eq!(council.stage(APRIL), Stage::Scheduled, "the file is not at fault");
    assert_eq!(council.alarms()["partner-dwp"], "CN-511");
    assert_eq!(council.left_in("12302", Shbe), 1);
    council.tick();
    let raised = council.ledger().into_iter().filter(|entry| entry.event == Event::AlarmRaised).count();
    assert_eq!(raised, 1);
    council.trust_dwp();
    council.tick();
    assert_eq!(council.stage(APRIL), Stage::Sealed);
    assert!(council.alarms().is_empty());
}

#[test]
fn nothing_readable_is_left_in_the_state_directory() {
    let council = Council::new(&["12302"], "2020-04-08 10:00", Way::Folders);
    council.put("12302", Shbe, "shbe.txt", extract("12302", "2020-04-08", "PLAINTEXT-MARK"));
    council.put("12302", HbmsMi, "mi.xlsx", workbook("PLAINTEXT-MARK"));
    council.look();
    let mut folders = vec![council.state_file("")];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            files += 1;
            let bytes = std::fs::read(&path).unwrap();
            let mark = b"PLAINTEXT-MARK";
            assert!(!bytes.windows(mark.len()).any(|window| window == mark), "{}", path.display());
        }
    }
    assert!(files > 5);
}

#[test]
fn the_message_id_is_the_same_whenever_it_is_made() {
    let ids = |council: &Council| {
        council.put("12302", Shbe, "shbe.txt", extract("12302", "2020-04-08", ""));
        council.put("12302", HbmsMi, "mi.xlsx", workbook("x"));
        council.look();
        let id = |key| council.submission(key).sealed.unwrap().message_id;
        (id(APRIL), id("hbms-mi/12302/2020-04"))
    };
    let (shbe, hbms_mi) = ids(&Council::new(&["12302"], "2020-04-08 10:00", Way::Folders));
    assert_ne!(shbe, hbms_mi);
    let (other_shbe, _) = ids(&Council::new(&["12302"], "2020-04-08 10:00", Way::Folders));
    assert_ne!(shbe, other_shbe, "another service's key");
}
