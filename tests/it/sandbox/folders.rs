//! Folders that come, go and are mounted while the service runs: those below a folder of the council's own are reached as
//! before; of one that lies directly in a folder of the machine's people are told that it takes a restart.

use std::fs;
use std::path::{Path, PathBuf};

use super::impatient;
use crate::inbound::laid_xml;
use crate::support::council::{Council, drop_into, set};
use crate::support::mount::Mount;
use crate::support::partner::{Partner, SealOptions};

fn drops(dwp: &Partner, folder: &Path, number: usize) {
    drop_into(folder, &format!("{number}.pgp"), &dwp.seals(&laid_xml(number), "LAID.xml", &SealOptions::default()));
}

fn delivered(council: &mut Council, count: usize) {
    council.until(&format!("{count} are delivered"), |council| council.delivered().len() == count);
}

#[test]
fn a_share_that_is_mounted_after_the_start_and_once_more_is_collected_from() {
    let (dwp, mut council) = impatient();
    council.changes_drop_folders(|folder| drop(folder.insert("noticing".into(), "poll".into())));
    council.start();
    drops(&dwp, &council.drop, 1);
    delivered(&mut council, 1);
    for number in 2..4 {
        let share = Mount::over(&council.drop, 1024);
        drops(&dwp, &council.drop, number);
        delivered(&mut council, number);
        drop(share);
    }
    assert!(!council.log().contains("CN-561"), "{}", council.log());
    council.stops_well();
}

#[test]
fn a_share_with_the_folders_in_it_is_delivered_to_after_it_was_mounted_once_more() {
    let (dwp, mut council) = impatient();
    let laid = council.backoffice.join("laid");
    let share = Mount::over(&laid, 1024);
    council.start();
    drops(&dwp, &council.drop, 1);
    delivered(&mut council, 1);
    drop(share);
    let _share = Mount::over(&laid, 1024);
    drops(&dwp, &council.drop, 2);
    delivered(&mut council, 1);
    council.until("both have come to rest", |council| council.all_rest(2));
    assert_eq!(council.codes(), Vec::<&str>::new());
    council.stops_well();
}

/// A folder directly in /var/tmp, which is the machine's.
struct InCommon(PathBuf);

impl InCommon {
    fn new() -> InCommon {
        let path = tempfile::Builder::new().prefix("hbcourier-test-").tempdir_in("/var/tmp").unwrap().keep();
        InCommon(path)
    }

    fn is_replaced(&self) {
        let aside = self.0.with_extension("aside");
        fs::create_dir(&aside).unwrap();
        fs::remove_dir(&self.0).unwrap();
        fs::rename(&aside, &self.0).unwrap();
    }
}

impl Drop for InCommon {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn one_in_a_folder_of_the_machines_that_is_replaced_takes_a_restart_and_that_is_told() {
    let (dwp, mut council) = impatient();
    let common = InCommon::new();
    let path = common.0.to_str().unwrap().to_owned();
    council.changes_drop_folders(|folder| drop(folder.insert("path".into(), path.clone().into())));
    council.changes_settings(|settings| set(settings, &["service", "sweep_every"], "200ms"));
    council.start();
    drops(&dwp, &common.0, 1);
    delivered(&mut council, 1);
    common.is_replaced();
    council.until("it is told", |council| council.is_alarmed("sandbox-drop-12302", "CN-561"));
    assert!(council.log().contains(&format!("keeps the service out of {path}")), "{}", council.log());
    drops(&dwp, &common.0, 2);
    council.stops_well();
    council.start();
    delivered(&mut council, 2);
    council.until("that is over", |council| !council.is_alarmed("sandbox-drop-12302", "CN-561"));
    council.stops_well();
}

#[test]
fn neither_the_configuration_nor_what_lies_beside_it_is_written_to() {
    let (_dwp, council) = impatient();
    let beside = council.config.with_file_name("beside");
    fs::create_dir(&beside).unwrap();
    let path = beside.to_str().unwrap().to_owned();
    council.changes_drop_folders(|folder| drop(folder.insert("path".into(), path.clone().into())));
    let before = fs::metadata(&council.config).unwrap().modified().unwrap();
    let tried = council.json(&["selftest", "--sandbox"]);
    let trial = |what: &str| {
        let trials = tried["trials"].as_array().unwrap();
        trials.iter().find(|trial| trial["what"] == what).unwrap_or_else(|| panic!("{what}: {tried}"))["outcome"]
            .clone()
    };
    assert_eq!(trial("write in the folder of drop-12302"), "done");
    assert_eq!(trial("write beside the configuration"), "refused");
    assert_eq!(fs::metadata(&council.config).unwrap().modified().unwrap(), before);
}
