//! A drop folder that the service may not change.

use super::quick;
use crate::inbound::laid_xml;
use crate::support::council::Council;
use crate::support::mount::Mount;
use crate::support::partner::SealOptions;

#[test]
fn it_is_said_once_and_the_file_is_read_again_once() {
    let (dwp, mut council) = quick();
    let disk = Mount::over(&council.drop, 1024);
    council.drops("1.pgp", &dwp.seals(&laid_xml(1), "LAID.xml", &SealOptions::default()));
    disk.is_read_only(true);
    council.start();
    council.until("it is delivered all the same", |council| council.all_rest(1) && council.delivered().len() == 1);
    council.until("the alarm names it", |council| council.is_alarmed("drop-12302", "CN-504"));
    let looked = |council: &Council| council.json(&["status"])["service"]["sources"][0]["last_look"].clone();
    for _ in 0..4 {
        let before = looked(&council);
        council.until("the next look", |council| looked(council) != before);
    }
    let told = council.log().lines().filter(|line| line.contains("Left a file in")).count();
    assert_eq!(told, 1, "{}", council.log());
    assert!(council.log().contains("A file still lies in"), "it was tried again");
    assert_eq!(council.events("source-cleared-again"), 1, "read and recorded once");
    assert_eq!((council.consignments().len(), council.dropped().len()), (1, 1));

    disk.is_read_only(false);
    council.until("it is removed", |council| council.dropped().is_empty());
    council.until("the alarm is over", |council| !council.is_alarmed("drop-12302", "CN-504"));
    assert_eq!(council.events("source-cleared-again"), 1);
    council.stops_well();
    drop(council);
}
