//! A writer that takes ten seconds over one file.

use std::io::Write;
use std::time::Duration;

use super::{folder_key, quick};
use crate::support::partner::SealOptions;

const PIECES: usize = 100;

#[test]
fn is_never_overtaken_with_notifications() {
    is_never_overtaken("notify");
}

#[test]
fn is_never_overtaken_with_polling() {
    is_never_overtaken("poll");
}

/// The file rests longer than `settle` now and then, and is closed after every piece: only that it is incomplete tells.
fn is_never_overtaken(noticing: &str) {
    let (dwp, mut council) = quick();
    folder_key(&council, "noticing", noticing);
    folder_key(&council, "settle", "300ms");
    council.changes_settings(|settings| crate::support::council::set(settings, &["service", "sweep_every"], "200ms"));
    let content = b"|".iter().cycle().take(300_000).copied().collect::<Vec<_>>();
    let uncompressed = SealOptions::with(&["--compress-algo", "none"]);
    let sealed = dwp.seals(&content, "AOBWR999_REPORT.dat", &uncompressed);
    council.start();
    let path = council.drop.join("AOBWR999_REPORT.dat.pgp");
    for (number, piece) in sealed.chunks(sealed.len().div_ceil(PIECES)).enumerate() {
        assert!(council.consignments().is_empty(), "taken after {number} of {PIECES} pieces");
        let mut file = std::fs::File::options().create(true).append(true).open(&path).unwrap();
        file.write_all(piece).unwrap();
        drop(file);
        // This is the writer's slowness, not a wait for anything.
        std::thread::sleep(Duration::from_millis(if number % 20 == 10 { 700 } else { 75 }));
    }
    council.until("it is delivered", |council| council.delivered().len() == 1);
    council.until("it rests", |council| council.all_rest(1));
    assert!(council.delivered().values().all(|delivered| *delivered == content), "byte for byte");
    council.stops_well();
    assert_eq!(council.events("collected"), 1);
}
