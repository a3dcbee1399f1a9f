//! Destinations that are full, gone, or hold somebody else's file of the same name.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use hbcourier::cli::demo::samples;

use super::quick;
use crate::inbound::laid_xml;
use crate::support::council::{command, files_below, succeeded};
use crate::support::mount::Mount;
use crate::support::partner::SealOptions;

fn laid(council: &crate::support::council::Council) -> PathBuf {
    council.backoffice.join("laid")
}

/// A LAID of some 200 KB that does not compress away.
fn large_laid() -> Vec<u8> {
    let claims: String = (0..6000).map(|n| format!("<Claim reference=\"MADE-UP-{:08}\"/>\n", n * 7919)).collect();
    format!("<?xml version=\"1.0\"?>\n<LAID>\n{claims}</LAID>\n").into_bytes()
}

/// Looks at every visible file of a folder until told to stop. Whether each was `whole` whenever it was there.
fn always_whole(folder: &Path, ignored: &str, whole: &[u8], stop: &AtomicBool) -> bool {
    while !stop.load(Ordering::SeqCst) {
        for path in files_below(folder) {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if name != ignored && !name.starts_with('.') && fs::read(&path).is_ok_and(|content| content != whole) {
                return false;
            }
        }
        std::thread::yield_now();
    }
    true
}

#[test]
fn a_full_one_is_waited_for_while_others_go_on() {
    let (dwp, mut council) = quick();
    let disk = Mount::over(&laid(&council), 256);
    disk.fills("ballast", 128);
    let (content, risk) = (large_laid(), samples::caseload_risk(40));
    assert!(content.len() > 130_000 && content.len() < 250_000);
    let (stop, folder) = (AtomicBool::new(false), laid(&council));
    std::thread::scope(|scope| {
        let watching = scope.spawn(|| always_whole(&folder, "ballast", &content, &stop));
        council.start();
        council.drops("laid.pgp", &dwp.seals(&content, "LAID.xml", &SealOptions::default()));
        council.until("it waits for space", |council| council.deferred() == ["CN-304"]);
        council.drops("risk.pgp", &dwp.seals(&risk, "AOBWR627_LAID_RISK.csv", &SealOptions::default()));
        council.until("the alarm names it", |council| council.is_alarmed("laid-12302", "CN-507"));
        council.until("the other destination goes on", |council| {
            council.delivered().values().any(|delivered| *delivered == risk)
        });
        council.until("it was tried several times", |council| council.events("deferred") >= 3);
        assert_eq!(council.deferred(), ["CN-304"]);
        disk.frees("ballast");
        council.until("both are delivered", |council| council.all_rest(2));
        stop.store(true, Ordering::SeqCst);
        assert!(watching.join().unwrap(), "a visible file was not whole");
    });
    assert_eq!(council.delivered_digests(), super::digests([&content, &risk]));
    assert!(council.hidden_parts().is_empty());
    council.until("the alarm is over", |council| !council.is_alarmed("laid-12302", "CN-507"));
    council.stops_well();
    assert_eq!(council.events("delivered"), 2);
}

#[test]
fn a_missing_one_is_waited_for_and_named() {
    let (dwp, mut council) = quick();
    let away = council.backoffice.join("away");
    fs::rename(laid(&council), &away).unwrap();
    council.start();
    council.drops("1.pgp", &dwp.seals(&laid_xml(1), "LAID.xml", &SealOptions::default()));
    council.until("it waits", |council| council.deferred() == ["CN-303"]);
    council.until("the alarm names it", |council| council.is_alarmed("laid-12302", "CN-507"));
    let check = council.runs(&["check"]);
    assert!(!check.status.success() && String::from_utf8_lossy(&check.stdout).contains("laid-12302"), "{check:?}");
    assert!(!laid(&council).exists(), "it is not made anew");
    fs::rename(&away, laid(&council)).unwrap();
    council.until("it is delivered", |council| council.all_rest(1) && council.delivered().len() == 1);
    council.until("the alarm is over", |council| !council.is_alarmed("laid-12302", "CN-507"));
    council.stops_well();
}

#[test]
fn one_that_is_gone_is_told_before_anything_comes_for_it() {
    let (_, mut council) = quick();
    let (folder, away) = (laid(&council), council.backoffice.join("away"));
    fs::rename(&folder, &away).unwrap();
    council.start();
    let about = folder.to_str().unwrap();
    council.until("it is told", |council| council.is_alarmed(about, "CN-507"));
    fs::rename(&away, &folder).unwrap();
    council.until("that is over", |council| !council.is_alarmed(about, "CN-507"));
    council.stops_well();
}

#[test]
fn a_partner_of_whom_no_certificate_is_there_needs_attention() {
    let (_, council) = quick();
    fs::remove_dir_all(council.state.join("keys/partner/dwp")).unwrap();
    assert!(council.attention().iter().any(|(about, _)| about == "dwp"), "{:?}", council.attention());
}

/// A folder that gives its own group to what is made in it, and a service whose account is not of that group.
#[test]
fn one_of_another_group_takes_large_files_too() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
    use std::os::unix::process::CommandExt;
    const ACCOUNT: u32 = 65_534;
    const GROUP: u32 = 65_533;
    let (dwp, council) = quick();
    super::folder_key(&council, "settle", "200ms");
    let contents = [laid_xml(1), large_laid().repeat(5)[..].to_vec()];
    // Larger than what is staged from memory, and a document only up to its end.
    let contents = contents.map(|content| samples::laid_pdf().into_iter().chain(content).collect::<Vec<u8>>());
    for (number, content) in contents.iter().enumerate() {
        let whole = [content, &b"\nstartxref\n9\n%%EOF\n"[..]].concat();
        council.drops(&format!("{number}.pgp"), &dwp.seals(&whole, "LAID.pdf", &SealOptions::default()));
    }
    // Where that account can run it, wherever this was built.
    let program = council.dir.path().join("hbcourier");
    fs::copy(command().get_program(), &program).unwrap();
    for path in everything_below(council.dir.path()) {
        chown(&path, Some(ACCOUNT), Some(ACCOUNT)).unwrap();
    }
    chown(laid(&council), Some(ACCOUNT), Some(GROUP)).unwrap();
    fs::set_permissions(laid(&council), fs::Permissions::from_mode(0o2750)).unwrap();
    let mut run = std::process::Command::new(program);
    run.uid(ACCOUNT).gid(ACCOUNT).arg("--config").arg(&council.config).args(["run", "--once"]);
    succeeded(run.output().unwrap());
    let delivered = council.delivered();
    assert_eq!(delivered.len(), 2, "{:?} {:?}", council.deferred(), council.held());
    assert!(delivered.keys().all(|path| fs::metadata(path).unwrap().gid() == GROUP));
}

fn everything_below(folder: &Path) -> Vec<PathBuf> {
    let below = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let below = below.flat_map(|path| if path.is_dir() { everything_below(&path) } else { vec![path] });
    below.chain([folder.to_owned()]).collect()
}

#[test]
fn somebody_elses_file_of_that_name_is_never_overwritten() {
    let (dwp, mut council) = quick();
    council.changes_routes(|route| drop(route.insert("file_name".into(), "{name}".into())));
    let theirs = laid(&council).join("LAID_0001.xml");
    fs::write(&theirs, "somebody else's").unwrap();
    council.start();
    let sealed = |number| dwp.seals(&laid_xml(number), "LAID_0001.xml", &SealOptions::default());
    council.drops("1.pgp", &sealed(1));
    council.until("it is held", |council| council.codes() == ["CN-120"]);
    assert_eq!(fs::read(&theirs).unwrap(), b"somebody else's");
    assert!(council.hidden_parts().is_empty(), "nothing of it is left there");
    fs::rename(&theirs, theirs.with_file_name("kept.txt")).unwrap();
    let id = council.held()[0]["id"].as_str().unwrap().to_owned();
    succeeded(council.runs(&["held", "retry", &id, "--reason", "the other file is moved away"]));
    council.until("it is delivered", |council| council.all_rest(1) && council.codes().is_empty());
    assert_eq!(fs::read(&theirs).unwrap(), laid_xml(1));
    // Another message whose file has the same name.
    council.drops("2.pgp", &sealed(2));
    council.until("it is held too", |council| council.all_rest(2) && council.codes() == ["CN-120"]);
    assert_eq!(fs::read(&theirs).unwrap(), laid_xml(1));
    council.stops_well();
}

#[cfg(feature = "failpoints")]
#[test]
fn one_that_is_gone_when_a_staged_file_is_to_be_published_is_waited_for() {
    let (dwp, mut council) = quick();
    council.start_in(&[("FAILPOINTS", "stage.recorded=return(kill)")]);
    council.drops("1.pgp", &dwp.seals(&laid_xml(1), "LAID.xml", &SealOptions::default()));
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&council.ends()), Some(9));
    let away = council.backoffice.join("away");
    fs::rename(laid(&council), &away).unwrap();
    council.start();
    council.until("the alarm names it", |council| council.is_alarmed("laid-12302", "CN-507"));
    assert_eq!(council.deferred(), ["CN-303"]);
    fs::rename(&away, laid(&council)).unwrap();
    council.until("it is delivered", |council| council.all_rest(1) && council.delivered().len() == 1);
    assert!(!council.is_alarmed("laid-12302", "CN-507"), "the alarm ends with the delivery");
    assert!(council.hidden_parts().is_empty());
    council.stops_well();
    assert_eq!((council.events("delivered"), council.events("delivered-recovered")), (0, 1));
}
