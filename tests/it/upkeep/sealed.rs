//! Backups that are sealed: what GnuPG makes of them, and what is not restored.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Output;

use hbcourier::domain::Digest;
use hbcourier::store::{Queries, SqliteStore};
use serde_json::Value;

use crate::support::council::{Council, command, files_below, succeeded};
use crate::support::partner::{Algorithm, Partner, SealOptions};

/// A council that delivered something, and whoever keeps the private key of its backups.
struct Desk {
    council: Council,
    keeper: Partner,
    certificate: PathBuf,
    key: PathBuf,
}

impl Desk {
    fn new() -> Desk {
        let mut dwp = Partner::new(Algorithm::Curve25519);
        let council = Council::new(&mut dwp);
        council.drops("LAID_1.xml.pgp", &dwp.seals(b"<LAID/>", "LAID_1.xml", &SealOptions::default()));
        succeeded(council.runs(&["run", "--once"]));
        let keeper = Partner::new(Algorithm::Rsa3072);
        let [certificate, key] = ["keeper.asc", "keeper.key"].map(|name| council.dir.path().join(name));
        fs::write(&certificate, keeper.certificate()).unwrap();
        secretly(&key, &keeper.secret_key());
        fs::write(council.dir.path().join("own.asc"), &council.own_certificate).unwrap();
        Desk { council, keeper, certificate, key }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.council.dir.path().join(name)
    }

    fn backs_up(&self, name: &str) -> (PathBuf, Value) {
        let file = self.path(name);
        let made = self.council.json(&["backup", text(&file), "--seal-to", text(&self.certificate)]);
        (file, made)
    }

    /// Restores into a folder of this name.
    fn restores(&self, file: &Path, into: &str, more: &[&str]) -> (Output, PathBuf) {
        let into = self.path(into);
        let mut restore = command();
        restore.arg("--config").arg(&self.council.config).arg("restore").arg(file).arg("--old-service-is-off");
        (restore.arg("--into").arg(&into).args(more).output().unwrap(), into)
    }

    fn is_refused(&self, file: &Path, into: &str, more: &[&str], words: &str) {
        let (refused, into) = self.restores(file, into, more);
        let says = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && says.contains(words), "{words}: {says}");
        assert!(!into.exists(), "{words}: nothing is written");
    }
}

fn secretly(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn root(state: &Path) -> (u64, Digest) {
    let head = SqliteStore::read_only(state).unwrap().head().unwrap();
    (head.entries, head.root)
}

#[test]
fn gnupg_opens_it_and_has_a_backup_in_clear() {
    let mut desk = Desk::new();
    let (file, made) = desk.backs_up("sealed.zip.gpg");
    assert_eq!(made["sealed_to"], desk.keeper.fingerprint().to_string());
    let sealed = fs::read(&file).unwrap();
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let layers = String::from_utf8_lossy(&desk.keeper.gpg(&["--list-packets"], &sealed)).into_owned();
    assert_eq!(layers.matches(":pubkey enc packet:").count(), 1, "{layers}");
    let own = desk.council.own_certificate.clone();
    desk.keeper.trusts(&own);
    let opened = desk.keeper.opens(&sealed);
    assert!(opened.good_signature && opened.signer.unwrap().to_string() == made["signed_by"].as_str().unwrap());
    assert_eq!(opened.file_name, "hbcourier.zip");
    let clear = desk.path("opened.zip");
    fs::write(&clear, &opened.content).unwrap();
    let manifest = made["manifest"].as_str().unwrap();
    let (restored, plain) = desk.restores(&clear, "plain", &["--manifest", manifest]);
    succeeded(restored);
    let (restored, direct) =
        desk.restores(&file, "direct", &["--secret-key", text(&desk.key), "--signed-by", text(&desk.path("own.asc"))]);
    succeeded(restored);
    for path in files_below(&plain) {
        let name = path.strip_prefix(&plain).unwrap().to_owned();
        assert!(direct.join(&name).exists(), "{}", name.display());
        if name.starts_with("keys/own") || name.starts_with("archive") {
            assert_eq!(fs::read(&path).unwrap(), fs::read(direct.join(&name)).unwrap(), "{}", name.display());
        }
    }
    assert_eq!(made["entries"].as_u64().map(|entries| entries < root(&direct).0), Some(true), "`restored` came after");
    // Everybody else's tool reads it too.
    let listed = std::process::Command::new("python3").args(["-m", "zipfile", "-t"]).arg(&clear).output().unwrap();
    assert!(listed.status.success(), "{listed:?}");
}

#[test]
fn nothing_in_clear_lies_beside_it() {
    let desk = Desk::new();
    let folder = desk.path("backups");
    fs::create_dir(&folder).unwrap();
    let made = desk.council.json(&["backup", text(&folder), "--seal-to", text(&desk.certificate)]);
    let file = PathBuf::from(made["file"].as_str().unwrap());
    assert!(text(&file).ends_with(".zip.gpg"));
    assert_eq!(files_below(&folder), std::slice::from_ref(&file));
    let bytes = fs::read(&file).unwrap();
    for clear in [&b"SQLite format 3"[..], b"store.sqlite", b"PGP PRIVATE KEY", b"hbcourier.toml"] {
        assert!(!bytes.windows(clear.len()).any(|window| window == clear), "{}", String::from_utf8_lossy(clear));
    }
    assert!(files_below(&desk.council.state.join(".backup")).is_empty());
}

#[test]
fn what_is_not_whole_or_for_another_key_or_not_signed_by_us_is_refused_and_nothing_is_written() {
    let mut desk = Desk::new();
    let (file, _) = desk.backs_up("sealed.zip.gpg");
    let sealed = fs::read(&file).unwrap();
    let own = desk.path("own.asc");
    let right = ["--secret-key", text(&desk.key), "--signed-by", text(&own)];
    let mut altered = sealed.clone();
    altered[sealed.len() / 2] ^= 1;
    let more = [&sealed[..], b"more"].concat();
    for (name, bytes) in [("altered", &altered[..]), ("cut", &sealed[..sealed.len() - 30]), ("longer", &more)] {
        let damaged = desk.path(&format!("{name}.gpg"));
        fs::write(&damaged, bytes).unwrap();
        desk.is_refused(&damaged, name, &right, "it is incomplete or was altered");
    }
    desk.is_refused(&file, "none", &[], "is sealed");
    let (stranger, other) = (Partner::new(Algorithm::Curve25519), desk.path("other.key"));
    secretly(&other, &stranger.secret_key());
    desk.is_refused(&file, "other", &["--secret-key", text(&other)], "it is not sealed to this key");
    fs::set_permissions(&other, fs::Permissions::from_mode(0o644)).unwrap();
    desk.is_refused(&file, "open", &["--secret-key", text(&other)], "is open to other accounts");
    let strangers = desk.path("stranger.asc");
    fs::write(&strangers, stranger.certificate()).unwrap();
    let by_another = ["--secret-key", text(&desk.key), "--signed-by", text(&strangers)];
    desk.is_refused(&file, "signer", &by_another, "it is not signed by");
    // Whoever has the certificate alone can seal another archive to it.
    let clear = desk.path("clear.zip");
    succeeded(desk.council.runs(&["backup", text(&clear)]));
    let certificate = desk.keeper.certificate();
    desk.keeper.trusts(&certificate);
    let unsigned = SealOptions { sign: false, ..SealOptions::default() };
    for (name, options) in [("forged", SealOptions::default()), ("unsigned", unsigned)] {
        let forged = desk.path(&format!("{name}.gpg"));
        fs::write(&forged, desk.keeper.seals(&fs::read(&clear).unwrap(), "x.zip", &options)).unwrap();
        desk.is_refused(&forged, name, &right, "it is not signed by");
    }
    desk.is_refused(&clear, "in-clear", &["--signed-by", text(&own)], "is not sealed");
    succeeded(desk.restores(&file, "right", &right).0);
}

#[test]
fn a_certificate_that_cannot_be_sealed_to_makes_no_backup() {
    let desk = Desk::new();
    let (expired, file) = (desk.path("expired.asc"), desk.path("none.gpg"));
    for (bytes, words) in [
        (Partner::expired().certificate(), "it has expired"),
        (desk.keeper.secret_key(), "private key"),
        (b"no certificate".to_vec(), "cannot be sealed to"),
    ] {
        fs::write(&expired, bytes).unwrap();
        let refused = desk.council.runs(&["backup", text(&file), "--seal-to", text(&expired)]);
        let says = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(refused.status.code() == Some(3) && says.contains(words), "{words}: {says}");
        assert!(!file.exists());
    }
}

/// Two servers keep their backups in one folder.
#[test]
fn an_unfinished_backup_of_another_installation_stays() {
    let desk = Desk::new();
    let installation = desk.council.store().unwrap().installation().unwrap().unwrap();
    let ours = desk.path(&format!(".hbcourier-{installation}.weekly.gpg.part"));
    let theirs = desk.path(".hbcourier-00112233aabb.weekly.gpg.part");
    fs::write(&ours, b"keys").unwrap();
    fs::write(&theirs, b"keys").unwrap();
    desk.backs_up("monthly.gpg");
    assert!(!ours.exists() && theirs.exists());
}
