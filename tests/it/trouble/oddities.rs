//! What lies in a drop folder and is never taken: links, devices, second names, unfinished and unreadable names.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;

use super::{digests, folder_key, quick};
use crate::inbound::laid_xml;
use crate::support::council::{Council, set};
use crate::support::partner::SealOptions;

#[test]
fn links_devices_and_second_names_are_left_and_named() {
    let (dwp, mut council) = quick();
    folder_key(&council, "settle", "100ms");
    folder_key(&council, "patience", "1s");
    council.changes_settings(|settings| set(settings, &["service", "sweep_every"], "300ms"));
    let seal = |number| dwp.seals(&laid_xml(number), "x.xml", &SealOptions::default());
    let beside = council.dir.path().join("beside");
    fs::create_dir(&beside).unwrap();
    for (number, name) in [(1, "linked"), (2, "second")] {
        fs::write(beside.join(name), seal(number)).unwrap();
    }
    symlink(beside.join("linked"), council.drop.join("linked.pgp")).unwrap();
    symlink(&beside, council.drop.join("folder.pgp")).unwrap();
    fs::hard_link(beside.join("second"), council.drop.join("second.pgp")).unwrap();
    let pipe = council.drop.join("pipe.pgp");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    fs::create_dir(council.drop.join("sub.pgp")).unwrap();
    fs::write(council.drop.join("sub.pgp/inner.pgp"), seal(3)).unwrap();
    for (number, name) in [(4, &b"odd-\xff.pgp"[..]), (5, b".hidden.pgp"), (6, b"upload.pgp.part"), (7, b"~lock.pgp")] {
        fs::write(council.drop.join(std::ffi::OsStr::from_bytes(name)), seal(number)).unwrap();
    }
    let lying = || fs::read_dir(&council.drop).unwrap().count();
    assert_eq!(lying(), 9);
    let (drop_folder, count) = (council.drop.clone(), lying());
    council.start();
    council.drops("good.pgp", &seal(100));
    council.until("the good one is delivered", |council| council.all_rest(1));
    council.until("the alarm names the folder", |council| council.is_alarmed("drop-12302", "CN-502"));
    let looked = |council: &Council| council.json(&["status"])["service"]["sources"][0]["last_look"].clone();
    let mut looks = std::collections::BTreeSet::new();
    council.until("it has looked past all patience", |council| {
        looks.insert(looked(council).to_string());
        looks.len() == 8
    });
    assert_eq!(fs::read_dir(&drop_folder).unwrap().count(), count, "all of it is still there");
    assert_eq!(council.delivered_digests(), digests([&laid_xml(100)]));
    assert!(council.consignments().len() == 1 && beside.join("linked").exists());

    // A file with one name again is like any other.
    fs::remove_file(beside.join("second")).unwrap();
    council.until("it is delivered", |council| council.all_rest(2));
    assert_eq!(council.delivered_digests(), digests([&laid_xml(2), &laid_xml(100)]));
    council.stops_well();
}

#[test]
fn a_file_that_cannot_be_collected_does_not_keep_the_service_busy() {
    let (dwp, mut council) = quick();
    folder_key(&council, "settle", "100ms");
    folder_key(&council, "patience", "1s");
    let beside = council.dir.path().join("second");
    fs::write(&beside, dwp.seals(&laid_xml(1), "x.xml", &SealOptions::default())).unwrap();
    fs::hard_link(&beside, council.drop.join("second.pgp")).unwrap();
    council.start();
    let looked = |council: &Council| council.json(&["status"])["service"]["sources"][0]["last_look"].clone();
    let moment = |look: &serde_json::Value| look.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    // Its patience is over after a second; from then on only the sweep, every second, looks at it.
    let said = |council: &Council| council.log().matches("Left a file in").count();
    let tried = |council: &Council| said(council) + council.log().matches("A file still lies in").count();
    council.until("its patience is over", |council| tried(council) >= 3);
    let first = looked(&council);
    let before = tried(&council);
    council.until("some sweeps have come", |council| {
        moment(&looked(council)).as_second() >= moment(&first).as_second() + 5
    });
    let more = tried(&council) - before;
    assert!(more <= 10, "it was tried {more} times in some five sweeps");
    assert_eq!(said(&council), 1, "the same is said once");
    council.stops_well();
}
