//! What people write, or DWP prints: the configuration, a timetable, a circular.

use std::cell::RefCell;
use std::io::{Seek, Write};
use std::path::Path;

use hbcourier::catalogue::circular;
use hbcourier::config::{self, calendars};
use hbcourier::domain::authorities::Authorities;
use hbcourier::domain::working_days::BankHolidays;
use tempfile::NamedTempFile;

thread_local! {
    static FILE: RefCell<NamedTempFile> = RefCell::new(NamedTempFile::with_suffix(".toml").expect("a place for it"));
    static KNOWN: (Authorities, BankHolidays) = (
        config::authorities::authorities(None).expect("the bundled authorities"),
        calendars::bank_holidays().expect("the bundled bank holidays"),
    );
}

pub fn look_at_circular(bytes: &[u8]) {
    let sources = [circular::Source { name: "circular.txt", bytes }];
    let year = circular::year(&sources[0]);
    KNOWN.with(|(authorities, bank_holidays)| {
        let year = year.unwrap_or_else(|| "2020-21".parse().expect("a year"));
        let _ = circular::read(&sources, &circular::Terms { year, authorities, bank_holidays });
    });
}

pub fn look_at_timetable(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(timetable) = config::timetable::read(Path::new("timetable.toml"), text) else { return };
    // What is good can be written out, and is the same when it is read again.
    let written = config::timetable::render(&timetable, "a case", &[]);
    let again = config::timetable::read(Path::new("timetable.toml"), &written).expect("what we wrote ourselves");
    assert_eq!(format!("{timetable:?}"), format!("{again:?}"));
}

pub fn look_at_configuration(bytes: &[u8]) {
    FILE.with_borrow_mut(|file| {
        let inner = file.as_file_mut();
        inner.rewind().and_then(|()| inner.set_len(0)).and_then(|()| inner.write_all(bytes)).expect("room for it");
        match config::load_with_env(file.path(), []) {
            Ok(_) => {}
            Err(problems) => assert!(!problems.to_string().is_empty()),
        }
    });
}
