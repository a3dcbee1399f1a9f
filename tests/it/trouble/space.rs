//! A state directory whose disk fills up.

use std::fs;

use super::make_quick;
use crate::inbound::laid_xml;
use crate::support::council::{Council, set};
use crate::support::mount::Mount;
use crate::support::partner::{Algorithm, Partner, SealOptions};

#[test]
fn below_the_mark_nothing_new_is_collected_and_what_was_is_finished() {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let folder = tempfile::tempdir().unwrap();
    let mount_point = folder.path().join("disk");
    fs::create_dir(&mount_point).unwrap();
    let disk = Mount::over(&mount_point, 64 * 1024);
    let mut council = Council::at(tempfile::tempdir_in(&mount_point).unwrap(), &mut dwp);
    make_quick(&council);
    council.changes_settings(|settings| set(settings, &["service", "limits", "free_bytes_min"], "16 MiB"));
    let (laid, away) = (council.backoffice.join("laid"), council.backoffice.join("away"));
    fs::rename(&laid, &away).unwrap();
    council.start();
    council.drops("1.pgp", &dwp.seals(&laid_xml(1), "LAID.xml", &SealOptions::default()));
    council.until("the first waits for its destination", |council| council.deferred() == ["CN-303"]);

    disk.fills("ballast", 52 * 1024);
    council.until("the alarm names it", |council| council.is_alarmed("state", "CN-505"));
    council.drops("2.pgp", &dwp.seals(&laid_xml(2), "LAID.xml", &SealOptions::default()));
    fs::rename(&away, &laid).unwrap();
    council
        .until("the first is finished all the same", |council| council.all_rest(1) && council.delivered().len() == 1);
    let looks = |council: &Council| council.json(&["status"])["service"]["sources"][0].clone();
    council.until("the second is seen", |council| looks(council)["waiting"] == 1);
    let seen = looks(&council)["last_look"].clone();
    council.until("and seen again", |council| looks(council)["last_look"] != seen);
    assert_eq!((council.consignments().len(), council.dropped().len()), (1, 1), "it is left where it is");

    disk.frees("ballast");
    council.until("the second is delivered", |council| council.all_rest(2) && council.delivered().len() == 2);
    council.until("the alarm is over", |council| !council.is_alarmed("state", "CN-505"));
    council.stops_well();
    drop(council);
}
