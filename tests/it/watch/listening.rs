//! The listener: what is there, who may listen where, what keeps the service from being ready, and what is never told.

use std::fs;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;

use super::{ask, figure, get, says, socket, watched};
use crate::support::council::{files_below, set};
use crate::support::partner::SealOptions;

const LAID: &[u8] = b"<?xml version=\"1.0\"?><LAID/>";

#[test]
fn three_pages_are_there_and_nothing_can_be_ordered() {
    let (_dwp, mut council) = watched();
    council.start();
    council.until("it is ready", |council| says(council, "/readyz", 200));
    assert_eq!(get(&council, "/healthz"), Some((200, "ok\n".to_owned())));
    assert!(get(&council, "/metrics").unwrap().1.contains("hbcourier_build_info{version=\""));
    assert_eq!(get(&council, "/").unwrap().0, 404);
    assert_eq!(get(&council, "/../state/store.sqlite").unwrap().0, 404);
    let to = || UnixStream::connect(socket(&council)).unwrap();
    let post = "POST /healthz HTTP/1.1\r\nHost: watched\r\nContent-Length: 2\r\n\r\nno";
    assert_eq!(ask(to(), post).unwrap().0, 405);
    let long = format!("GET /healthz HTTP/1.1\r\nHost: watched\r\nX-Long: {}\r\n\r\n", "x".repeat(64 * 1024));
    assert_ne!(ask(to(), &long).map(|(status, _)| status), Some(200), "a request has a bound");
    let headers = format!("GET /healthz HTTP/1.1\r\nHost: watched\r\n{}\r\n", "X: y\r\n".repeat(100));
    assert_ne!(ask(to(), &headers).map(|(status, _)| status), Some(200), "so have its headers");
    assert_ne!(ask(to(), "garbage\r\n\r\n").map(|(status, _)| status), Some(200));
    assert!(says(&council, "/healthz", 200));
    council.stops_well();
    assert!(!socket(&council).exists(), "the socket goes with the service");
}

/// Peers that connect and say nothing use up the places, for their time and no longer.
#[test]
fn silent_peers_are_given_up() {
    let (_dwp, mut council) = watched();
    council.start();
    council.until("it is ready", |council| says(council, "/readyz", 200));
    let silent: Vec<UnixStream> = (0..20).map(|_| UnixStream::connect(socket(&council)).unwrap()).collect();
    (&silent[0]).write_all(b"GET /heal").unwrap();
    council.until("others are answered while they wait", |council| says(council, "/healthz", 200));
    drop(silent);
    council.stops_well();
}

#[test]
fn what_keeps_it_from_its_work_is_said_plainly() {
    let (_dwp, mut council) = watched();
    council.start();
    council.until("it is ready", |council| says(council, "/readyz", 200));
    let (drop_folder, away) = (council.drop.clone(), council.dir.path().join("away"));
    fs::rename(&drop_folder, &away).unwrap();
    council.until("it is not ready", |council| says(council, "/readyz", 503));
    assert_eq!(get(&council, "/readyz").unwrap().1, "drop-12302 cannot be looked at\n");
    assert!(says(&council, "/healthz", 200), "it makes progress all the same");
    assert_eq!(figure(&council, "hbcourier_source_up{source=\"drop-12302\"}"), Some(0.0));
    fs::rename(&away, &drop_folder).unwrap();
    council.until("it is ready again", |council| says(council, "/readyz", 200));
    let keys = files_below(&council.state.join("keys/partner/dwp"));
    assert!(!keys.is_empty());
    keys.iter().for_each(|key| fs::remove_file(key).unwrap());
    council.until("it is not ready without DWP's certificate", |council| says(council, "/readyz", 503));
    let (_, says) = get(&council, "/readyz").unwrap();
    assert_eq!(says, "there is no certificate of dwp that can be used\n");
    council.stops_well();
}

#[test]
fn other_machines_can_never_reach_it() {
    let (_dwp, council) = watched();
    for (listen, words) in [
        ("0.0.0.0:9617", "other machines could reach 0.0.0.0:9617"),
        ("[::]:9617", "other machines could reach"),
        ("watch.sock", "no place on this machine"),
    ] {
        council.changes_settings(|settings| set(settings, &["watch", "listen"], listen));
        for command in ["check", "run"] {
            let refused = council.runs(&[command]);
            assert_eq!(refused.status.code(), Some(78), "{command}: {refused:?}");
            let said = String::from_utf8([refused.stdout, refused.stderr].concat()).unwrap();
            assert!(said.contains("watch.listen") && said.contains(words), "{command}: {said}");
        }
    }
}

#[test]
fn a_place_that_is_taken_is_an_alarm_and_files_are_carried_all_the_same() {
    let (dwp, mut council) = watched();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    council.changes_settings(|settings| set(settings, &["watch", "listen"], address.to_string().as_str()));
    council.start();
    council.until("it is said", |council| council.is_alarmed("watch", "CN-566"));
    council.drops("LAID_0001.xml.pgp", &dwp.seals(LAID, "LAID_0001.xml", &SealOptions::default()));
    council.until("the file is delivered", |council| council.delivered().len() == 1);
    drop(taken);
    council.until("it listens once it can", |council| !council.is_alarmed("watch", "CN-566"));
    let request = "GET /healthz HTTP/1.1\r\nHost: watched\r\n\r\n";
    assert_eq!(ask(TcpStream::connect(address).unwrap(), request), Some((200, "ok\n".to_owned())));
    council.stops_well();
}

/// A second name is no close: the kernel tells of nothing, and the sweep has to find it.
#[test]
fn what_only_the_sweep_found_is_counted() {
    let (dwp, mut council) = watched();
    let missed = "hbcourier_source_missed_by_watch_total{source=\"drop-12302\"}";
    let sealed = |number: u8| {
        let laid = format!("<?xml version=\"1.0\"?><LAID n=\"{number}\"/>");
        dwp.seals(laid.as_bytes(), "LAID.xml", &SealOptions::default())
    };
    council.start();
    council.until("it is ready", |council| says(council, "/readyz", 200));
    council.drops("told.pgp", &sealed(1));
    council.until("what was told of is delivered", |council| council.delivered().len() == 1);
    let beside = council.drop.with_file_name("beside");
    fs::write(&beside, sealed(2)).unwrap();
    fs::hard_link(&beside, council.drop.join("silent.pgp")).unwrap();
    fs::remove_file(&beside).unwrap();
    council.until("the other is found", |council| council.delivered().len() == 2);
    council.until("and counted", |council| figure(council, missed) == Some(1.0));
    council.stops_well();
}

/// Whatever a file holds or is called: it is nobody's business who watches.
#[test]
fn no_canary_is_told_to_who_watches() {
    const CANARIES: [&str; 2] = ["QQ112233A", "Wrenthistle"];
    let (dwp, mut council) = watched();
    let name = |what: &str| format!("{}_{}_{what}", CANARIES[0], CANARIES[1]);
    let content = format!("<?xml version=\"1.0\"?><LAID>{}</LAID>", CANARIES.join(" "));
    council.start_in(&[("HBCOURIER_LOG", "trace")]);
    let good = dwp.seals(content.as_bytes(), &name("laid.xml"), &SealOptions::default());
    council.drops(&name("good.pgp"), &good);
    council.drops(&name("clear.xml"), content.as_bytes());
    let link = council.drop.join(name("link"));
    std::os::unix::fs::symlink("/nowhere", link).unwrap();
    council.until("all rest", |council| council.all_rest(2) && council.is_alarmed("drop-12302", "CN-502"));
    council.until("it is told", |council| figure(council, "hbcourier_held") == Some(1.0));
    let pages = ["/metrics", "/readyz", "/healthz"].map(|page| get(&council, page).unwrap().1);
    for canary in CANARIES {
        assert!(pages.iter().all(|page| !page.contains(canary)), "{canary} in {pages:?}");
        assert!(!council.log().contains(canary), "{canary} in the log");
    }
    council.stops_well();
}
