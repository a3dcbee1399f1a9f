//! A backup in the midst of a burst, restored into an empty folder while the back office has taken some of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use hbcourier::domain::{ConsignmentId, Digest, Standing};
use hbcourier::store::Queries;

use crate::support::council::{Council, set, succeeded};
use crate::support::partner::{Algorithm, Partner, SealOptions};

const FILES: usize = 1000;
/// So many are delivered before the backup.
const BEFORE: usize = 200;
/// `service.in_flight_max`, as it is by default.
const CARRIERS: usize = 64;

/// What is collected, and not looked into yet.
fn in_hand(council: &Council) -> Vec<ConsignmentId> {
    let all = council.consignments().into_iter();
    all.filter(|one| matches!(one.standing, Standing::Collected { .. })).map(|one| one.id).collect()
}

/// So many different LAIDs, sealed.
fn sealed(dwp: &Partner) -> Vec<Vec<u8>> {
    let next = AtomicUsize::new(0);
    let seal = || {
        let mut mine = Vec::new();
        loop {
            let n = next.fetch_add(1, Ordering::SeqCst);
            if n >= FILES {
                return mine;
            }
            let content = format!("<?xml version=\"1.0\"?><LAID n=\"{n}\"/>");
            mine.push(dwp.seals(content.as_bytes(), "LAID.xml", &SealOptions::default()));
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4).map(|_| scope.spawn(seal)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    })
}

#[test]
fn restored_elsewhere_the_ledger_verifies_nothing_comes_twice_and_the_gap_is_told() {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = Council::new(&mut dwp);
    let kept = council.dir.path().join("kept");
    fs::create_dir(&kept).unwrap();
    council.changes_settings(|settings| {
        let recipient = toml::toml! { name = "internal-audit" };
        let mut recipient: toml::Value = recipient.into();
        recipient.as_table_mut().unwrap().insert("folder".into(), kept.to_str().unwrap().into());
        set(settings, &["audit", "recipient"], toml::Value::Array(vec![recipient]));
    });
    let files = sealed(&dwp);
    // In the midst of it all carriers stand still, each with a file that is collected and not delivered.
    council.start_in(&[("FAILPOINTS", &format!("open.opened={BEFORE}*off->pause"))]);
    for (n, file) in files.iter().enumerate() {
        council.drops(&format!("LAID_{n}.xml.pgp"), file);
    }
    council.until("some is delivered, some in hand, some waits", |council| {
        council.delivered().len() == BEFORE && in_hand(council).len() >= CARRIERS
    });
    let in_hand = in_hand(&council);
    let backup = council.dir.path().join("backup.zip");
    let made = council.json(&["backup", backup.to_str().unwrap()]);
    assert_eq!(made["missing"], serde_json::json!([]));
    let manifest = made["manifest"].as_str().unwrap().to_owned();
    let in_backup = made["entries"].as_u64().unwrap();
    assert_eq!(council.delivered().len(), BEFORE, "the backup was made within the burst");
    council.kill();
    council.start();
    council.until("all of it is delivered", |council| council.all_rest(FILES) && council.delivered().len() == FILES);
    let later = council.json(&["audit", "checkpoint"])["size"].as_u64().unwrap();
    assert!(later > in_backup);
    council.kill();

    // The back office takes every second file, of those that were in hand too; then the machine is lost.
    let store = council.store().unwrap();
    let path_of = |id| store.deliveries(id).unwrap().remove(0).path;
    let theirs: Vec<PathBuf> = in_hand.iter().map(path_of).collect();
    let others = council.delivered().into_keys().filter(|path| !theirs.contains(path)).step_by(2);
    let mut taken: BTreeMap<_, Vec<u8>> = BTreeMap::new();
    for path in theirs.iter().step_by(2).cloned().chain(others) {
        taken.insert(path.clone(), fs::read(&path).unwrap());
        fs::remove_file(&path).unwrap();
    }
    drop(store);
    let elsewhere = council.dir.path().join("elsewhere");
    council.changes_settings(|settings| set(settings, &["service", "state"], elsewhere.to_str().unwrap()));
    council.state = elsewhere;
    let restored =
        council.json(&["restore", backup.to_str().unwrap(), "--old-service-is-off", "--manifest", &manifest]);
    assert_eq!(restored["entries"], in_backup);
    assert_eq!(
        (restored["known"].as_u64(), restored["lost_at_least"].as_u64()),
        (Some(later), Some(later - in_backup))
    );
    assert_eq!(restored["looked_up"], in_hand.len());

    council.start();
    let recorded = council.consignments().len();
    council.until("all that is in the backup rests", |council| council.all_rest(recorded));
    let mut all: Vec<Digest> = council.delivered().values().chain(taken.values()).map(|one| Digest::of(one)).collect();
    assert_eq!(all.len(), FILES, "lost or doubled");
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), FILES, "doubled");
    let held = council.codes();
    assert_eq!(held, vec!["CN-569"; in_hand.len().div_ceil(2)], "what was in hand and is not where it was delivered");
    let alarm = council.attention().into_iter().find(|(_, code)| code == "CN-570").unwrap();
    assert!(alarm.0.contains(&format!("at least {} entries", later - in_backup)), "{alarm:?}");
    assert_eq!((council.events("restored"), council.events("backed-up")), (1, 0), "it tells of no backup of itself");
    succeeded(council.runs(&["restore", "--settled", "--reason", "compared with the back office"]));
    assert!(!council.attention().iter().any(|(_, code)| code == "CN-570"));
    council.stops_well();
    eprintln!("{recorded} transfers in the backup, {} looked up, {} held", in_hand.len(), held.len());
}
