use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use tempfile::TempDir;

use super::*;

fn made() -> (TempDir, Maildir) {
    let dir = tempfile::tempdir().unwrap();
    for part in ["tmp", "new", "cur"] {
        std::fs::create_dir(dir.path().join(part)).unwrap();
    }
    let maildir = Maildir::new(dir.path().to_owned(), ".Processed".to_owned(), Arc::default());
    (dir, maildir)
}

fn put(dir: &TempDir, place: &str, content: &str) {
    std::fs::write(dir.path().join(place), content).unwrap();
}

fn names(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

fn processed(dir: &TempDir) -> Vec<String> {
    names(&dir.path().join(".Processed/cur"))
}

fn places(look: &Look) -> Vec<String> {
    let mut places: Vec<String> = look.mails.iter().map(Mail::place).collect();
    places.sort();
    places
}

fn read(mut mail: OpenMail) -> io::Result<String> {
    let mut text = String::new();
    mail.read_to_string(&mut text).map(|_| text)
}

#[test]
fn new_and_cur_are_looked_into_and_tmp_is_not() {
    let (dir, maildir) = made();
    for place in ["new/1.a", "cur/2.a:2,S", "tmp/3.a", "new/.hidden", "new/x.part"] {
        put(&dir, place, place);
    }
    std::fs::create_dir(dir.path().join("cur/folder")).unwrap();
    assert_eq!(maildir.look().unwrap().uncollectable, 0);
    symlink("1.a", dir.path().join("new/link")).unwrap();
    let odd = std::ffi::OsStr::from_bytes(b"\xff");
    std::fs::write(dir.path().join("cur").join(odd), "x").unwrap();
    let look = maildir.look().unwrap();
    // A mail's name says nothing about whether it is finished.
    assert_eq!(places(&look), ["cur/2.a:2,S", "new/1.a", "new/x.part"]);
    assert_eq!(look.uncollectable, 2);
    std::fs::remove_dir_all(dir.path().join("cur")).unwrap();
    assert!(maildir.look().is_err(), "a Maildir has both");
}

#[test]
fn a_mail_is_found_wherever_it_was_moved_meanwhile() {
    let (dir, maildir) = made();
    put(&dir, "new/1.a", "one");
    let seen = maildir.look().unwrap().mails.remove(0);
    std::fs::rename(dir.path().join("new/1.a"), dir.path().join("cur/1.a:2,")).unwrap();
    let open = maildir.open(&seen).unwrap().unwrap();
    std::fs::rename(dir.path().join("cur/1.a:2,"), dir.path().join("cur/1.a:2,FS")).unwrap();
    assert_eq!(read(open).unwrap(), "one", "while it is read, too");
    assert!(maildir.clear(&seen).unwrap());
    assert_eq!(processed(&dir), ["1.a:2,FS"]);
    assert!(!maildir.clear(&seen).unwrap() && maildir.open(&seen).unwrap().is_none(), "it is gone");
}

#[test]
fn another_mail_under_its_name_is_neither_read_nor_moved() {
    let (dir, maildir) = made();
    put(&dir, "new/1.a", "one");
    let seen = maildir.look().unwrap().mails.remove(0);
    put(&dir, "tmp/1.a", "another");
    std::fs::rename(dir.path().join("tmp/1.a"), dir.path().join("new/1.a")).unwrap();
    assert!(maildir.open(&seen).unwrap().is_none() && !maildir.clear(&seen).unwrap());
    assert_eq!((names(&dir.path().join("new")), processed(&dir).len()), (vec!["1.a".to_owned()], 0));
}

#[test]
fn one_that_changes_while_it_is_read_is_not_read_to_its_end() {
    let (dir, maildir) = made();
    put(&dir, "new/1.a", "one");
    let seen = maildir.look().unwrap().mails.remove(0);
    let mut open = maildir.open(&seen).unwrap().unwrap();
    let mut writer = std::fs::File::options().append(true).open(dir.path().join("new/1.a")).unwrap();
    writer.write_all(b" and more").unwrap();
    assert!(io::copy(&mut open, &mut io::sink()).is_err() && open.has_changed());
}

#[test]
fn the_processed_folder_is_made_as_mail_servers_know_it() {
    let (dir, maildir) = made();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o770)).unwrap();
    // A crash came while it was made.
    std::fs::create_dir(dir.path().join(".Processed")).unwrap();
    for (place, aside) in [("new/1.a", "1.a:2,"), ("cur/2.a:2,RS", "2.a:2,RS")] {
        put(&dir, place, place);
        let seen = maildir.look().unwrap().mails.remove(0);
        assert!(maildir.clear(&seen).unwrap());
        assert_eq!(std::fs::read_to_string(dir.path().join(".Processed/cur").join(aside)).unwrap(), place);
    }
    assert_eq!(names(&dir.path().join(".Processed")), ["cur", "maildirfolder", "new", "tmp"]);
    let mode = std::fs::metadata(dir.path().join(".Processed/cur")).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o770, "whoever reads the Maildir reads it too");
}

#[test]
fn a_processed_folder_that_is_a_link_is_refused() {
    let (dir, maildir) = made();
    let elsewhere = made();
    symlink(elsewhere.0.path(), dir.path().join(".Processed")).unwrap();
    put(&dir, "new/1.a", "one");
    let seen = maildir.look().unwrap().mails.remove(0);
    assert!(maildir.clear(&seen).is_err());
    assert_eq!((names(&dir.path().join("new")).len(), names(&elsewhere.0.path().join("cur")).len()), (1, 0));
}

#[test]
fn a_name_that_is_taken_is_not_overwritten() {
    let (dir, maildir) = made();
    for content in ["one", "two", "three"] {
        put(&dir, "cur/1.a:2,S", content);
        let seen = maildir.look().unwrap().mails.remove(0);
        assert!(maildir.clear(&seen).unwrap());
    }
    assert_eq!(processed(&dir), ["1.a.1:2,S", "1.a.2:2,S", "1.a:2,S"]);
    assert_eq!(std::fs::read_to_string(dir.path().join(".Processed/cur/1.a:2,S")).unwrap(), "one");
}

/// Where the file system has no move that keeps what is there, it is two steps.
#[test]
fn a_mail_that_a_crash_left_half_moved_is_moved_wholly() {
    let (dir, maildir) = made();
    put(&dir, "new/0.a", "first");
    assert!(maildir.clear(&maildir.look().unwrap().mails[0]).unwrap());
    put(&dir, "new/1.a", "one");
    std::fs::hard_link(dir.path().join("new/1.a"), dir.path().join("elsewhere")).unwrap();
    std::fs::rename(dir.path().join("elsewhere"), dir.path().join(".Processed/cur/1.a:2,")).unwrap();
    let seen = maildir.look().unwrap().mails.remove(0);
    assert!(maildir.clear(&seen).unwrap());
    assert_eq!((names(&dir.path().join("new")).len(), processed(&dir)), (0, vec!["0.a:2,".into(), "1.a:2,".into()]));
}
