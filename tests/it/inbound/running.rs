//! How the service starts, is the only one, does everything once, and ends.

use std::fs;

use super::{laid_xml, sealed_laids};
use crate::support::council::{Council, set, succeeded};
use crate::support::partner::{Algorithm, Partner, SealOptions};

/// A council that collects as soon as it looks.
fn impatient() -> (Partner, Council) {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let council = Council::new(&mut dwp);
    council.changes_drop_folders(|folder| drop(folder.insert("settle".into(), "200ms".into())));
    (dwp, council)
}

#[test]
fn once_does_everything_and_says_whether_anything_was_held() {
    let (dwp, council) = impatient();
    let once = || council.runs(&["run", "--once"]).status.code();
    assert_eq!(once(), Some(0), "there is nothing to do");
    council.drops("good.pgp", &dwp.seals(&laid_xml(1), "LAID.xml", &SealOptions::default()));
    assert_eq!(once(), Some(0));
    assert_eq!((council.delivered().len(), council.dropped().len()), (1, 0));
    let unsigned = SealOptions { sign: false, ..SealOptions::default() };
    council.drops("good.pgp", &dwp.seals(&laid_xml(2), "LAID.xml", &SealOptions::default()));
    council.drops("bad.pgp", &dwp.seals(&laid_xml(3), "LAID.xml", &unsigned));
    assert_eq!(once(), Some(1), "one is held anew");
    assert_eq!((council.delivered().len(), council.codes()), (2, vec!["CN-105"]));
    let entries = council.ledger().len();
    assert_eq!(once(), Some(0), "nothing is held anew");
    assert_eq!(council.ledger().len(), entries, "and nothing was done again");
    assert!(council.all_rest(3));
}

#[test]
fn once_says_what_was_deferred_and_which_alarms_stand() {
    let (dwp, council) = impatient();
    fs::rename(council.backoffice.join("laid"), council.backoffice.join("away")).unwrap();
    council.drops("1.pgp", &dwp.seals(&laid_xml(1), "LAID.xml", &SealOptions::default()));
    let once = council.runs(&["run", "--once"]);
    let says = String::from_utf8_lossy(&once.stdout);
    assert_eq!(once.status.code(), Some(0), "nothing is held: {says}");
    let id = council.consignments()[0].id;
    assert!(says.contains(&format!("Deferred: transfer {id}, because the destination folder is missing")), "{says}");
    assert!(says.contains("Alarm CN-507 about laid-12302: ") && says.contains("Next: "), "{says}");
}

#[test]
fn once_counts_a_return_that_is_held() {
    let (_dwp, council) = impatient();
    council.falls_due_today();
    fs::write(council.returns.join("shbe/extract.txt"), b"").unwrap();
    let once = || council.runs(&["run", "--once"]).status.code();
    assert_eq!(once(), Some(1), "it is held anew");
    assert_eq!(council.json(&["held", "list"])["held"][0]["code"], "CN-401");
    assert_eq!(once(), Some(0), "nothing is held anew");
    fs::remove_file(council.returns.join("shbe/extract.txt")).unwrap();
    assert_eq!(once(), Some(0));
    assert_eq!(council.json(&["held", "list"])["held"].as_array().unwrap().len(), 0, "it was taken out");
    assert_eq!((council.events("return-held"), council.events("hold-ended")), (1, 1));
}

#[test]
fn once_ends_while_somebody_goes_on_writing() {
    let (_dwp, council) = impatient();
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let path = council.dir.path().join(format!("council/drop/{}/endless.pgp", crate::support::council::LA));
        let stop = &stop;
        scope.spawn(move || {
            while !stop.load(std::sync::atomic::Ordering::SeqCst) {
                let mut file = fs::File::options().append(true).create(true).open(&path).unwrap();
                std::io::Write::write_all(&mut file, b"x").unwrap();
                std::thread::yield_now();
            }
        });
        let once = council.runs(&["run", "--once"]);
        stop.store(true, std::sync::atomic::Ordering::SeqCst);
        assert_eq!(once.status.code(), Some(0), "{once:?}");
    });
    assert_eq!((council.dropped().len(), council.consignments().len()), (1, 0), "what is being written is left");
}

#[test]
fn a_second_instance_is_refused_and_says_so() {
    let (_dwp, mut council) = impatient();
    council.start();
    for arguments in [&["run"][..], &["run", "--once"]] {
        let second = council.runs(arguments);
        let says = String::from_utf8_lossy(&second.stderr);
        assert_eq!(second.status.code(), Some(3), "{says}");
        assert!(says.contains("another hbcourier works with") && says.contains("stop it first"), "{says}");
    }
    assert!(council.answers(), "the first one goes on");
    council.stops_well();
    assert_eq!(council.runs(&["run", "--once"]).status.code(), Some(0), "the lock went with it");
}

#[test]
fn it_ends_in_good_order_when_told_to() {
    let (_dwp, mut council) = impatient();
    council.start();
    council.stops_well();
    let ledger = council.ledger();
    assert_eq!(ledger.last().unwrap()["event"], "service-stopped");
    assert!(ledger.iter().any(|entry| entry["event"] == "service-started"));
    assert!(!council.state.join("control.sock").exists());
    let status = council.json(&["status"]);
    assert!(status["service"].is_null() && status["well"] == false, "{status}");
}

#[cfg(feature = "failpoints")]
#[test]
fn told_to_end_while_it_is_starting_it_ends_in_good_order_too() {
    let (dwp, mut council) = impatient();
    council.start_in(&[("FAILPOINTS", "collect.directory-synced=return(kill)")]);
    council.drops("1.pgp", &dwp.seals(&laid_xml(1), "LAID.xml", &SealOptions::default()));
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&council.ends()), Some(9));
    fs::remove_file(council.state.join("control.sock")).unwrap();
    // What was spooled is recorded before anything else begins; this start is slow about it.
    council.start_with(&[("FAILPOINTS", "collect.recorded=1*sleep(3000)")]);
    council.until("it has begun to start", |council| council.state.join("control.sock").exists());
    council.stops_well();
    assert_eq!(council.ledger().last().unwrap()["event"], "service-stopped");
    council.start();
    council.until("it is delivered", |council| council.all_rest(1) && council.delivered().len() == 1);
    council.stops_well();
}

#[test]
fn told_to_end_with_two_hundred_files_in_flight_it_loses_none() {
    const FILES: usize = 200;
    let (dwp, mut council) = impatient();
    let sealed = sealed_laids(&dwp, FILES);
    council.start();
    for (number, (_, sealed)) in sealed.iter().enumerate() {
        council.drops(&format!("{number}.pgp"), sealed);
    }
    council.until("some are delivered", |council| council.delivered().len() >= 5);
    council.stops_well();
    let early = council.delivered().len();
    assert!(early < FILES, "all {FILES} were done before it ended: this shows nothing");
    let ours = council.consignments().len();
    assert_eq!(ours + council.dropped().len(), FILES, "each is either ours or still where it was");

    council.start();
    council.until("the rest is delivered", |council| council.delivered().len() == FILES);
    council.until("all rest", |council| council.all_rest(FILES));
    let mut expected: Vec<_> = sealed.iter().map(|(content, _)| hbcourier::domain::Digest::of(content)).collect();
    expected.sort_unstable();
    assert_eq!(council.delivered_digests(), expected, "each once");
    assert!(council.dropped().is_empty() && council.hidden_parts().is_empty());
    council.stops_well();
    assert_eq!((council.events("collected"), council.events("closed")), (FILES, FILES));
}

#[test]
fn a_wrong_configuration_is_refused_with_every_problem() {
    let (_dwp, council) = impatient();
    council.adds_authority("20101", "Somewhere");
    council.changes_settings(|settings| {
        settings["service"].as_table_mut().unwrap().insert("sweep_evry".into(), "1s".into());
        settings["service"].as_table_mut().unwrap().insert("attempts_max".into(), 0.into());
    });
    council.changes_drop_folders(|folder| drop(folder.insert("settle".into(), "soon".into())));
    let beside = council.config.with_file_name("conf.d").join("20101.toml");
    let text = fs::read_to_string(&beside).unwrap();
    fs::write(&beside, text.replace("20101\"\nname", "Twenty\"\nname")).unwrap();
    for arguments in [&["run"][..], &["run", "--once"], &["check"]] {
        let refused = council.runs(arguments);
        let says = String::from_utf8_lossy(&refused.stderr);
        assert_eq!(refused.status.code(), Some(78), "{arguments:?}: {says}");
        for (file, key) in [
            ("hbcourier.toml", "sweep_evry"),
            ("hbcourier.toml", "attempts_max"),
            ("hbcourier.toml", "settle"),
            ("20101.toml", "number"),
        ] {
            let named = says.lines().any(|line| line.contains(file) && line.contains(key));
            assert!(named, "{arguments:?}: no line names {file} and {key}:\n{says}");
        }
    }
    let refused = council.runs(&["check", "--json"]);
    assert_eq!(refused.status.code(), Some(78));
    let document: serde_json::Value = serde_json::from_slice(&refused.stdout).unwrap();
    let problems = document["problems"].as_array().unwrap();
    let of_sweep = problems.iter().find(|one| one["key"].as_str().unwrap().contains("sweep_evry")).unwrap();
    assert!(document["ok"] == false && problems.len() >= 4, "{document}");
    assert!(of_sweep["line"].is_u64() && of_sweep["file"].as_str().unwrap().ends_with("hbcourier.toml"), "{of_sweep}");
    assert!(["says", "next"].iter().all(|word| !of_sweep[word].as_str().unwrap().is_empty()), "{of_sweep}");
    assert!(!council.state.join("control.sock").exists());
    fs::remove_file(&beside).unwrap();
    council.changes_settings(|settings| {
        settings["service"].as_table_mut().unwrap().remove("sweep_evry");
        settings["service"].as_table_mut().unwrap().remove("attempts_max");
    });
    council.changes_drop_folders(|folder| drop(folder.insert("settle".into(), "200ms".into())));
    succeeded(council.runs(&["run", "--once"]));
}

#[test]
fn status_tells_of_a_service_that_runs_although_its_configuration_is_wrong_by_now() {
    let mut council = Council::new(&mut Partner::new(Algorithm::Curve25519));
    council.start();
    let socket = council.socket();
    council.changes_settings(|settings| set(settings, &["service", "sweeep_every"], "5s"));
    let status = council.runs(&["--socket", socket.to_str().unwrap(), "status"]);
    let says = String::from_utf8(status.stderr).unwrap();
    assert_eq!(status.status.code(), Some(78), "{says}");
    assert!(says.contains("The service runs") && says.contains("sweeep_every"), "{says}");
}
