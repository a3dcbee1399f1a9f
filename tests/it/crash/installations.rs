//! Several installations that deliver into one folder, and what earlier versions left there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use hbcourier::domain::{DeliveryId, Digest, InstallationId, Standing};
use hbcourier::store::{ConsignmentFilter, Queries};

use super::samples::{Sample, Sealed};
use super::scene::kill;
use crate::support::council::{Council, succeeded};
use crate::support::partner::{Algorithm, Partner};

/// A step of the way that is gone as an earlier version went it: its parts tell no installation.
const EARLIER: &str = "check.of-an-earlier-version=return";

/// A council and what DWP sends it.
struct Site {
    dwp: Partner,
    council: Council,
    sent: BTreeSet<Digest>,
}

impl Site {
    fn new() -> Site {
        let mut dwp = Partner::new(Algorithm::Curve25519);
        let council = Council::new(&mut dwp);
        Site { dwp, council, sent: BTreeSet::new() }
    }

    /// One that delivers into the other's back office.
    fn into_that_of(other: &Site) -> Site {
        let site = Site::new();
        let (own, shared) = (site.council.backoffice.clone(), other.council.backoffice.clone());
        site.council.changes_routes(|route| {
            let folder = shared.join(Path::new(route["folder"].as_str().unwrap()).strip_prefix(&own).unwrap());
            route.insert("folder".into(), folder.to_str().unwrap().into());
        });
        site
    }

    fn drops(&mut self, sample: &Sample) {
        let Sealed { name, bytes, parts, .. } = sample.sealed_by(&self.dwp);
        self.sent.extend(parts);
        self.council.drops(&name, &bytes);
    }

    /// The service passes this step, as an earlier version if need be, and is killed there.
    fn dies_at(&mut self, failpoints: &str) {
        self.council.start_with(&[("FAILPOINTS", failpoints)]);
        assert!(!self.council.ends().success(), "{failpoints} is not passed");
    }

    /// One is under way: killed at this step, with its part lying there.
    fn is_interrupted(&mut self, failpoints: &str) -> PathBuf {
        self.drops(&Sample::pdf(1));
        self.dies_at(failpoints);
        let parts = self.council.hidden_parts();
        assert_eq!(parts.len(), 1, "{parts:?}");
        parts[0].clone()
    }

    fn runs_once(&self) {
        succeeded(self.council.runs(&["run", "--once"]));
    }

    fn installation(&self) -> InstallationId {
        self.council.store().unwrap().installation().unwrap().unwrap()
    }

    /// All it was sent lies there, each once, and nothing hidden does.
    fn has_delivered(&self) {
        assert_eq!(self.council.delivered_digests(), self.sent.iter().copied().collect::<Vec<_>>());
        assert!(self.council.hidden_parts().is_empty(), "{:?}", self.council.hidden_parts());
        self.council.ledger();
    }
}

fn tells(part: &Path) -> DeliveryId {
    let name = part.file_name().unwrap().to_str().unwrap();
    name.strip_prefix(".hbcourier-").unwrap().strip_suffix(".part").unwrap().parse().unwrap()
}

/// Two servers of a shared service: one is killed and started over and over while the other delivers large files.
#[test]
fn two_on_one_folder_leave_each_other_alone() {
    const FILES: u32 = 24;
    let mut live = Site::new();
    let mut other = Site::into_that_of(&live);
    for number in 0..FILES {
        live.drops(&Sample::xml(number, 6_000_000));
    }
    // Long enough for the other to start while parts lie there.
    live.council.start_with(&[("FAILPOINTS", "stage.synced=sleep(3000)")]);
    let (mut starts, mut met) = (0, false);
    while !live.council.all_rest(FILES as usize) {
        other.drops(&Sample::xml(1000 + starts, 2_000_000));
        other.council.start();
        let id = live.installation();
        met |= live.council.hidden_parts().iter().any(|part| tells(part).is_of(&id));
        other.council.kill();
        starts += 1;
    }
    live.council.stops_well();
    other.runs_once();
    assert!(met && starts > 1, "{starts} starts, none of them while a part lay there");
    live.sent.append(&mut other.sent.clone());
    live.has_delivered();
    assert!(other.council.all_rest(starts as usize) && live.council.codes().is_empty());
    assert_eq!(live.council.events("delivered-taken") + other.council.events("delivered-taken"), 0);
    other.council.ledger();
}

#[test]
fn anothers_staged_part_stays_and_is_delivered() {
    for step in ["stage.recorded", "stage.directory-synced"] {
        let mut live = Site::new();
        let mut trial = Site::into_that_of(&live);
        let part = live.is_interrupted(&kill(step));
        trial.drops(&Sample::pdf(2));
        trial.runs_once();
        assert!(part.exists(), "{step}: it is the other's");
        live.runs_once();
        live.sent.append(&mut trial.sent.clone());
        live.has_delivered();
    }
}

/// The predecessor went on after the backup, and was killed with a part that the backup does not know of.
#[test]
fn a_restored_copy_removes_what_its_predecessor_left() {
    let mut site = Site::new();
    site.drops(&Sample::pdf(2));
    site.runs_once();
    let file = site.council.dir.path().join("backup.zip");
    succeeded(site.council.runs(&["backup", file.to_str().unwrap()]));
    let id = site.installation();
    let part = site.is_interrupted(&kill("stage.directory-synced"));
    let old = site.council.state.with_file_name("old");
    fs::rename(&site.council.state, &old).unwrap();
    succeeded(site.council.runs(&["restore", file.to_str().unwrap(), "--old-service-is-off"]));
    assert_eq!(site.installation(), id);
    site.runs_once();
    assert!(!part.exists());
}

#[test]
fn an_upgrade_goes_on_with_what_an_earlier_version_staged() {
    let mut site = Site::new();
    let part = site.is_interrupted(&format!("{EARLIER};{}", kill("stage.recorded")));
    assert!(!tells(&part).is_of(&site.installation()));
    site.runs_once();
    assert_eq!(site.council.events("delivered-recovered"), 1);
    site.has_delivered();
}

#[test]
fn an_upgrade_removes_what_an_earlier_version_left_and_stages_it_anew() {
    for damaged in [false, true] {
        let mut site = Site::new();
        let step = if damaged { "stage.recorded" } else { "stage.directory-synced" };
        let part = site.is_interrupted(&format!("{EARLIER};{}", kill(step)));
        if damaged {
            fs::write(&part, b"damaged").unwrap();
        }
        site.council.start();
        site.council.until("it is delivered", |council| council.all_rest(1));
        site.council.stops_well();
        site.has_delivered();
    }
}

/// What nobody here can have made is left there, and told of.
#[test]
fn an_earlier_versions_part_of_another_installation_stays() {
    let mut live = Site::new();
    let mut trial = Site::into_that_of(&live);
    let part = live.is_interrupted(&format!("{EARLIER};{}", kill("stage.recorded")));
    trial.drops(&Sample::pdf(2));
    trial.council.start();
    trial.council.until("it is delivered", |council| council.all_rest(1));
    trial.council.stops_well();
    assert!(part.exists() && trial.council.log().contains("1 hidden files"), "{}", trial.council.log());
    live.runs_once();
    live.sent.append(&mut trial.sent.clone());
    live.has_delivered();
}

/// A version that knows nothing of installations finds the parts by the ids that the store has.
#[test]
fn the_store_names_every_part_by_the_id_that_it_has() {
    let mut site = Site::new();
    let part = site.is_interrupted(&kill("stage.recorded"));
    let store = site.council.store().unwrap();
    let staged = store.consignments(&ConsignmentFilter::default()).unwrap().remove(0);
    assert!(matches!(staged.standing, Standing::Staged { .. }));
    assert_eq!(store.deliveries(&staged.id).unwrap()[0].id, tells(&part));
}

/// Nobody delivers there meanwhile: it is the service that comes back to it.
#[test]
fn a_folder_that_was_away_at_the_start_is_rid_of_our_parts_when_it_is_back() {
    let mut site = Site::new();
    site.drops(&Sample::pdf(1));
    site.runs_once();
    let store = site.council.store().unwrap();
    let delivered = store.consignments(&ConsignmentFilter::default()).unwrap().remove(0);
    let delivery = store.deliveries(&delivered.id).unwrap().remove(0);
    let ours = delivery.path.with_file_name(format!(".hbcourier-{}.part", delivery.id));
    let text = delivery.id.to_string();
    let last = if text.ends_with('0') { '1' } else { '0' };
    let theirs = delivery.path.with_file_name(format!(".hbcourier-{}{last}.part", &text[..text.len() - 1]));
    assert!(tells(&ours).is_of(&site.installation()) && !tells(&theirs).is_of(&site.installation()));
    [&ours, &theirs].into_iter().for_each(|part| fs::write(part, b"part").unwrap());

    let folder = ours.parent().unwrap();
    let away = folder.with_file_name("away");
    fs::rename(folder, &away).unwrap();
    site.council.start();
    let about = folder.display().to_string();
    site.council.until("it is told that the folder is gone", |council| council.is_alarmed(&about, "CN-507"));
    fs::rename(&away, folder).unwrap();
    site.council.until("our part is removed", |_| !ours.exists());
    site.council.stops_well();
    assert!(theirs.exists() && delivery.path.exists());
    site.council.ledger();
}
