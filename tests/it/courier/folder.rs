//! The courier that places files in a folder, on real file systems.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use hbcourier::domain::{DeferCause, Digest};
use hbcourier::effects::courier::folder::FolderCourier;
use hbcourier::effects::courier::{Courier, CourierError, Evidence, Form, Interrupted, Parcel, Reply};
use tempfile::TempDir;

use super::{NAME, Sealed};

struct Folder(TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    fn courier(&self) -> FolderCourier {
        FolderCourier::new(self.0.path().to_owned())
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn part(&self, sealed: &Sealed) -> PathBuf {
        self.file(&format!(".hbcourier-{}.part", &Digest::of(&sealed.bytes).to_string()[..16]))
    }

    fn names(&self) -> Vec<String> {
        names(self.0.path())
    }

    /// What an attempt records of where it places the file.
    fn place(&self) -> String {
        let other = Sealed::of(b"another parcel");
        let place = self.courier().prepare(other.parcel()).unwrap().place().unwrap();
        fs::remove_file(self.part(&other)).unwrap();
        place
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn arrived(evidence: &Evidence) -> bool {
    matches!(evidence, Evidence::Arrived(_))
}

#[test]
fn a_file_is_hidden_until_it_is_whole_and_then_placed() {
    let (folder, sealed) = (Folder::new(), Sealed::of(&[0x85; 700_000]));
    let courier = folder.courier();
    assert_eq!(courier.form(), Form::Bare);
    let ready = courier.prepare(sealed.parcel()).unwrap();
    let part = folder.part(&sealed);
    assert_eq!(folder.names(), [part.file_name().unwrap().to_str().unwrap()]);
    assert_eq!(mode(&part), 0o640, "what is in it is sealed");
    assert_eq!(ready.commit(), Reply::Accepted(format!("placed in the folder as {NAME}")));
    assert_eq!(folder.names(), [NAME]);
    assert_eq!(mode(&folder.file(NAME)), 0o640);
    assert!(fs::read(folder.file(NAME)).unwrap() == sealed.bytes);
}

#[test]
fn a_move_that_is_told_as_failed_may_have_been_done() {
    for other_there in [false, true] {
        let (folder, sealed) = (Folder::new(), Sealed::of(b"sealed bytes"));
        let courier = folder.courier();
        let ready = courier.prepare(sealed.parcel()).unwrap();
        // As where a share did it, its answer was lost, and the transport took the file before anybody looked.
        fs::remove_file(folder.part(&sealed)).unwrap();
        if other_there {
            fs::write(folder.file(NAME), "other bytes!").unwrap();
        }
        let reply = ready.commit();
        assert!(matches!(reply, Reply::Silence(_)), "it is never sent again by itself: {reply:?}");
    }
}

#[test]
fn the_evidence_after_a_crash() {
    let sealed = Sealed::of(b"sealed bytes");
    let after = |lay: &dyn Fn(&Folder), rebooted| {
        let folder = Folder::new();
        let place = folder.place();
        lay(&folder);
        let evidence = folder.courier().evidence(&sealed.parcel(), &Interrupted { rebooted, place: Some(&place) });
        (evidence, folder.names())
    };
    // A real interrupted attempt, not an imitation of one.
    let prepared = |folder: &Folder| drop(folder.courier().prepare(sealed.parcel()).unwrap());
    let committed = |folder: &Folder| {
        assert!(matches!(folder.courier().prepare(sealed.parcel()).unwrap().commit(), Reply::Accepted(_)));
    };
    let other = |folder: &Folder| fs::write(folder.file(NAME), "other bytes!").unwrap();

    assert_eq!(after(&prepared, false).0, Evidence::NotArrived);
    assert_eq!(after(&prepared, true).0, Evidence::Unknown);

    for rebooted in [false, true] {
        let (evidence, names) = after(&committed, rebooted);
        assert!(arrived(&evidence), "{evidence:?}");
        assert_eq!(names, [NAME]);
    }

    let taken = |folder: &Folder| {
        committed(folder);
        fs::remove_file(folder.file(NAME)).unwrap();
    };
    let (evidence, _) = after(&taken, false);
    assert!(matches!(&evidence, Evidence::Arrived(says) if says.contains("taken by the transport")), "{evidence:?}");
    assert_eq!(after(&taken, true).0, Evidence::Unknown, "the folder may not be mounted");

    let evidence_without_place =
        |folder: &Folder| folder.courier().evidence(&sealed.parcel(), &Interrupted { rebooted: false, place: None });
    let folder = Folder::new();
    taken(&folder);
    assert_eq!(evidence_without_place(&folder), Evidence::Unknown, "no place is on record");

    let half_moved = |folder: &Folder| {
        prepared(folder);
        fs::hard_link(folder.part(&sealed), folder.file(NAME)).unwrap();
    };
    let (evidence, names) = after(&half_moved, false);
    assert!(arrived(&evidence), "{evidence:?}");
    assert_eq!(names, [NAME], "the part does not stay behind");

    let half_moved_and_taken = |folder: &Folder| {
        prepared(folder);
        fs::set_permissions(folder.part(&sealed), fs::Permissions::from_mode(0o740)).unwrap();
    };
    assert_eq!(after(&half_moved_and_taken, false).0, Evidence::Unknown);

    let replaced = |folder: &Folder| {
        committed(folder);
        other(folder);
    };
    let conflict = |folder: &Folder| {
        prepared(folder);
        other(folder);
    };
    let damaged = |folder: &Folder| {
        prepared(folder);
        fs::write(folder.part(&sealed), "sealed").unwrap();
    };
    for lay in [&replaced as &dyn Fn(&Folder), &conflict, &damaged] {
        for rebooted in [false, true] {
            assert_eq!(after(lay, rebooted).0, Evidence::Unknown);
        }
    }
    let missing = FolderCourier::new(PathBuf::from("/nonexistent/outgoing"));
    assert_eq!(
        missing.evidence(&sealed.parcel(), &Interrupted { rebooted: false, place: None }),
        Evidence::Unknown,
        "an unmounted folder proves nothing"
    );
}

#[test]
fn an_attempt_after_an_interrupted_one_replaces_its_part() {
    let (folder, sealed) = (Folder::new(), Sealed::of(b"sealed bytes"));
    fs::write(folder.part(&sealed), "half of an earlier att").unwrap();
    let courier = folder.courier();
    drop(courier.prepare(sealed.parcel()).unwrap());
    assert!(matches!(courier.prepare(sealed.parcel()).unwrap().commit(), Reply::Accepted(_)));
    assert_eq!(folder.names(), [NAME]);
    // Ordered again before the transport took the first: there is still one file, the same.
    let ready = courier.prepare(sealed.parcel()).unwrap();
    assert!(matches!(ready.commit(), Reply::Accepted(_)));
    assert_eq!(folder.names(), [NAME]);
}

#[test]
fn another_file_of_that_name_is_left_alone() {
    let (folder, sealed) = (Folder::new(), Sealed::of(b"sealed bytes"));
    let courier = folder.courier();
    let ready = courier.prepare(sealed.parcel()).unwrap();
    fs::write(folder.file(NAME), "theirs").unwrap();
    let reply = ready.commit();
    assert!(
        matches!(&reply, Reply::TryLater(DeferCause::NameTaken, says) if says.contains(NAME) && says.contains("Next: ")),
        "{reply:?}"
    );
    let refused = courier.prepare(sealed.parcel()).err().unwrap();
    assert!(
        matches!(&refused, CourierError::TryLater { cause: DeferCause::NameTaken, says } if says.contains("another file")),
        "{refused:?}"
    );
    assert_eq!(fs::read(folder.file(NAME)).unwrap(), b"theirs");

    fs::remove_file(folder.file(NAME)).unwrap();
    let elsewhere = Folder::new();
    symlink(elsewhere.file("target"), folder.file(NAME)).unwrap();
    assert!(matches!(courier.prepare(sealed.parcel()), Err(CourierError::TryLater { .. })));
    assert_eq!(elsewhere.names().len(), 0, "nothing is written through a link");
}

#[test]
fn the_same_file_put_there_meanwhile_is_enough() {
    let (folder, sealed) = (Folder::new(), Sealed::of(b"sealed bytes"));
    let courier = folder.courier();
    let ready = courier.prepare(sealed.parcel()).unwrap();
    fs::write(folder.file(NAME), &sealed.bytes).unwrap();
    assert!(matches!(ready.commit(), Reply::Accepted(_)));
    assert_eq!(folder.names(), [NAME]);
}

#[test]
fn a_missing_folder_is_never_created() {
    let (folder, sealed) = (Folder::new(), Sealed::of(b"sealed bytes"));
    let missing = folder.file("outgoing");
    let courier = FolderCourier::new(missing.clone());
    let error = courier.prepare(sealed.parcel()).err().unwrap();
    let CourierError::TryLater { cause: DeferCause::DestinationMissing, says } = &error else { panic!("{error:?}") };
    assert!(says.contains("unmounted"), "{says}");
    assert!(courier.probe().is_err());
    assert!(!missing.exists());

    fs::create_dir(&missing).unwrap();
    let ready = courier.prepare(sealed.parcel()).unwrap();
    drop(ready);
    assert!(courier.probe().unwrap().contains("can be written"));
    assert_eq!(names(&missing).len(), 1, "the probe leaves nothing behind");
}

#[test]
fn only_the_bytes_that_were_sealed_are_placed() {
    let (folder, sealed) = (Folder::new(), Sealed::of(b"sealed bytes"));
    let other = Sealed::of(b"sealed_bytes");
    let parcels: [fn(Parcel<'_>) -> Parcel<'_>; 2] =
        [|parcel| Parcel { bytes: parcel.bytes - 1, ..parcel }, |parcel| Parcel { bytes: parcel.bytes + 1, ..parcel }];
    for altered in parcels {
        let error = folder.courier().prepare(altered(sealed.parcel())).err().unwrap();
        assert!(matches!(error, CourierError::TryLater { cause: DeferCause::SpoolUnreadable, .. }), "{error:?}");
    }
    let swapped = Parcel { sealed: other.parcel().sealed, ..sealed.parcel() };
    assert!(folder.courier().prepare(swapped).is_err());
    for name in ["", ".hidden", "a/b", "..", "nul\0"] {
        let odd = Parcel { file_name: name, ..sealed.parcel() };
        assert!(matches!(folder.courier().prepare(odd), Err(CourierError::TryLater { .. })), "{name:?}");
    }
    assert_eq!(folder.names().len(), 0);
}

#[test]
fn a_full_disk_leaves_no_trace_and_is_tried_later() {
    let folder = Folder::new();
    let small = folder.file("small");
    fs::create_dir(&small).unwrap();
    let _mounted = Mounted::tmpfs(&small, "64k");
    let courier = FolderCourier::new(small.clone());
    let error = courier.prepare(Sealed::of(&[7; 200_000]).parcel()).err().unwrap();
    let CourierError::TryLater { cause: DeferCause::DestinationFull, says } = &error else { panic!("{error:?}") };
    assert!(says.contains("make room"), "{says}");
    assert_eq!(names(&small).len(), 0);
    let fits = Sealed::of(&[7; 20_000]);
    assert!(matches!(courier.prepare(fits.parcel()).unwrap().commit(), Reply::Accepted(_)));
}

#[test]
fn a_file_system_that_went_away_is_not_taken_for_an_empty_folder() {
    let (folder, sealed) = (Folder::new(), Sealed::of(b"sealed bytes"));
    let share = folder.file("share");
    fs::create_dir(&share).unwrap();
    let mounted = Mounted::tmpfs(&share, "64k");
    let courier = FolderCourier::new(share.clone());
    let ready = courier.prepare(sealed.parcel()).unwrap();
    let place = ready.place();
    drop(ready);
    drop(mounted);
    // Also one that has not seen the mount.
    for courier in [&courier, &FolderCourier::new(share.clone())] {
        let interrupted = Interrupted { rebooted: false, place: place.as_deref() };
        assert_eq!(courier.evidence(&sealed.parcel(), &interrupted), Evidence::Unknown);
    }
    let error = courier.prepare(sealed.parcel()).err().unwrap();
    assert!(matches!(error, CourierError::TryLater { cause: DeferCause::DestinationMissing, .. }), "{error:?}");
    assert_eq!(names(&share).len(), 0);
}

/// A small file system of its own.
struct Mounted(PathBuf);

impl Mounted {
    fn tmpfs(at: &Path, size: &str) -> Mounted {
        let options = format!("size={size},mode=0755");
        let done = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(at).status().unwrap();
        assert!(done.success(), "mounting a tmpfs needs root");
        Mounted(at.to_owned())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // Lazily: the courier has the folder open.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
