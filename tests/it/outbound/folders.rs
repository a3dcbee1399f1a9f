//! Pick-up folders: missing ones, files still being written, files nobody owes.

use hbcourier::domain::ReturnKind::{HbmsMi, Shbe};
use hbcourier::domain::Stage;

use super::council::{Council, SETTLE, Way, extract, workbook};

const APRIL: &str = "shbe/12302/2020-04";

#[test]
fn a_missing_folder_is_said_and_keeps_nothing_else() {
    let council = Council::new(&["12302"], "2020-04-08 10:00", Way::Folders);
    std::fs::remove_dir(council.folder("12302", Shbe)).unwrap();
    council.put("12302", HbmsMi, "mi.xlsx", workbook("x"));
    council.look();
    assert_eq!(council.stage("hbms-mi/12302/2020-04"), Stage::Sealed, "the rest goes on");
    assert_eq!(council.alarms()["returns-12302-shbe"], "CN-510");
    assert!(!council.folder("12302", Shbe).exists(), "the service makes no folders of others");
    std::fs::create_dir(council.folder("12302", Shbe)).unwrap();
    council.tick();
    assert!(council.alarms().is_empty());
}

#[test]
fn a_file_still_being_written_is_not_taken() {
    let council = Council::new(&["12302"], "2020-04-08 10:00", Way::Folders);
    let whole = extract("12302", "2020-04-08", "long");
    for length in [10, 20, 30, whole.len()] {
        council.put("12302", Shbe, "shbe.txt", &whole[..length]);
        council.tick();
        council.clock.advance(SETTLE / 2);
        council.tick();
        assert_eq!(council.stage(APRIL), Stage::Scheduled);
    }
    council.clock.advance(SETTLE / 2);
    council.tick();
    assert_eq!(council.submission(APRIL).sealed.unwrap().content, hbcourier::domain::Digest::of(whole.as_bytes()));
}

#[test]
fn unfinished_names_folders_and_links_are_left_alone() {
    let council = Council::new(&["12302"], "2020-04-08 10:00", Way::Folders);
    let folder = council.folder("12302", Shbe);
    for name in ["shbe.txt.part", ".shbe.txt", "~shbe.txt", "a.crdownload"] {
        council.put("12302", Shbe, name, extract("12302", "2020-04-08", name));
    }
    std::fs::create_dir(folder.join("old")).unwrap();
    std::os::unix::fs::symlink(council.state_file("store.sqlite"), folder.join("link.txt")).unwrap();
    council.look();
    assert_eq!(council.stage(APRIL), Stage::Scheduled);
    std::fs::rename(folder.join("shbe.txt.part"), folder.join("shbe.txt")).unwrap();
    council.look();
    assert_eq!(council.stage(APRIL), Stage::Sealed);
    assert_eq!(council.left_in("12302", Shbe), 5);
}

#[test]
fn a_file_that_nothing_asks_for_is_said() {
    let council = Council::new(&["12302"], "2021-03-02 10:00", Way::Folders);
    council.put("12302", Shbe, "shbe.txt", extract("12302", "2021-03-01", ""));
    council.look();
    assert_eq!(council.alarms()["returns-12302-shbe"], "CN-537");
    std::fs::remove_file(council.folder("12302", Shbe).join("shbe.txt")).unwrap();
    council.tick();
    assert!(council.alarms().is_empty());
}

#[test]
fn stopping_stops_between_returns() {
    let council = Council::new(&["12302", "16104"], "2020-04-08 10:00", Way::Folders);
    council.tick_stopping_after(3);
    assert!(council.submissions().len() < 48);
    council.tick();
    assert_eq!(council.submissions().len(), 48, "the next tick does the rest");
}
