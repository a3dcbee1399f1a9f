//! Permissions that are taken away under the running service, whose account is not root, and given back: what was for the
//! folder waits and is told by its code, all else goes on, and in the end everything is there once.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use super::samples::Sample;
use super::scene::Scene;
use crate::support::council::{Council, LA};

/// Nobody's.
const ACCOUNT: u32 = 65_534;
const OTHER: &str = "16104";

#[derive(Clone, Copy, Debug)]
enum Way {
    /// By its mode: nobody may anything.
    Mode,
    /// It is root's, and root's alone.
    Owner,
}

/// A folder that is closed to the service.
struct Closed {
    folder: PathBuf,
    mode: u32,
}

impl Closed {
    fn to_the_service(folder: &Path, way: Way) -> Closed {
        let mode = fs::metadata(folder).unwrap().mode();
        if matches!(way, Way::Owner) {
            chown(folder, Some(0), Some(0)).unwrap();
        }
        let left = if matches!(way, Way::Owner) { 0o700 } else { 0 };
        fs::set_permissions(folder, Permissions::from_mode(left)).unwrap();
        Closed { folder: folder.to_owned(), mode }
    }

    fn gives_back(self) {
        chown(&self.folder, Some(ACCOUNT), Some(ACCOUNT)).unwrap();
        fs::set_permissions(&self.folder, Permissions::from_mode(self.mode)).unwrap();
    }
}

fn is_told(council: &Council, about: &str, code: &str) -> bool {
    council.attention().iter().any(|told| told.0.contains(about) && told.1 == code)
}

struct Office {
    scene: Scene,
    numbers: u32,
}

impl Office {
    fn open() -> Office {
        let mut scene = Scene::quick(&[LA, OTHER]);
        scene.council.start_as(ACCOUNT);
        Office { scene, numbers: 0 }
    }

    fn drops(&mut self) {
        self.numbers += 1;
        self.scene.drops(&Sample::xml(self.numbers, 3_000).sealed_by(&self.scene.dwp));
    }

    /// Closes the folder, has something come that it takes, and opens it again when that is told.
    fn tells(&mut self, folder: &Path, way: Way, comes: impl FnOnce(&mut Office), about: &str, code: &str) {
        let what = format!("{} closed by {way:?}", folder.display());
        let closed = Closed::to_the_service(folder, way);
        comes(self);
        self.scene.council.until(&format!("{what}: {about} {code}"), |council| is_told(council, about, code));
        assert!(!self.scene.rests(), "{what}: it waits");
        closed.gives_back();
        self.scene.comes_to_rest(&what);
        self.scene.council.until(&format!("{what}: that is over"), |council| !is_told(council, about, code));
    }
}

#[test]
fn each_is_told_and_waited_for() {
    let mut office = Office::open();
    let watch = office.scene.watched(false);
    let council = &office.scene.council;
    let (laid, dropped, spool) = (council.backoffice.join("laid"), council.drop.clone(), council.state.join("spool"));
    for way in [Way::Mode, Way::Owner] {
        office.tells(&laid, way, Office::drops, "laid-12302", "CN-507");
        office.tells(&dropped, way, Office::drops, "drop-12302", "CN-501");
        office.tells(&spool.join("tmp"), way, Office::drops, "state", "CN-517");
        office.tells(&spool.join("raw"), way, Office::drops, "state", "CN-517");
    }
    for (way, number) in [(Way::Mode, LA), (Way::Owner, OTHER)] {
        let root = office.scene.root();
        let hands_in = |office: &mut Office| office.scene.returns().hands_in_shbe(number);
        office.tells(&root.join("outgoing").join(number), way, hands_in, number, "CN-516");
        let hands_in = |office: &mut Office| office.scene.returns().hands_in_workbook(number);
        office.tells(&root.join("returns").join(number).join("hbms-mi"), way, hands_in, "hbms-mi", "CN-510");
    }
    office.scene.council.stops_well();
    println!("permissions: {}", office.scene.zeros(watch, 0, "each"));
}

#[test]
fn they_come_and_go_while_files_arrive() {
    let mut office = Office::open();
    let watch = office.scene.watched(false);
    let council = &office.scene.council;
    let (laid, state) = (council.backoffice.join("laid"), council.state.clone());
    let folders = [
        (laid, "laid-12302", "CN-507"),
        (state.join("spool/tmp"), "state", "CN-517"),
        (council.drop.clone(), "drop-12302", "CN-501"),
        (state.join("spool/raw"), "state", "CN-517"),
        (state.join("archive"), "archive", "CN-518"),
    ];
    for (round, (folder, about, code)) in folders.iter().cycle().take(10).enumerate() {
        let what = format!("{} {code}", folder.display());
        office.scene.council.until(&format!("{what} is over"), |council| !is_told(council, about, code));
        (0..2).for_each(|_| office.drops());
        let closed = Closed::to_the_service(folder, if round % 2 == 0 { Way::Mode } else { Way::Owner });
        office.drops();
        office.scene.council.until(&format!("{what} is told"), |council| is_told(council, about, code));
        closed.gives_back();
    }
    office.scene.comes_to_rest("all is given back");
    office.scene.council.stops_well();
    // What could not be removed from the spool at that moment goes at the next start.
    office.scene.council.start_as(ACCOUNT);
    office.scene.council.stops_well();
    println!("permissions: {}", office.scene.zeros(watch, 0, "many"));
}
