//! The messages and certificates that sequoia-openpgp is tested with, put before us.
//!
//! Each file is opened as it is, and again inside a good encryption to a key of ours. GnuPG has every key there is and
//! judges without any policy of ours; what the policy makes of what it saw is the verdict that we must give.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use hbcourier::domain::PartnerName;
use hbcourier::effects::pgp::trust::fingerprint_of;
use hbcourier::effects::pgp::{KeyAlgorithm, KeyRing, SecretKeyBytes};
use jiff::{SignedDuration, Timestamp};
use sequoia_openpgp::Cert;
use sequoia_openpgp::cert::CertParser;
use sequoia_openpgp::parse::Parse;
use sequoia_openpgp::serialize::SerializeInto;

use super::{ROOMY, Us, dwp};
use crate::support::container::{Container, encrypted_to};

/// Where cargo has unpacked the crate.
fn data() -> PathBuf {
    let asked = Command::new(env!("CARGO")).args(["metadata", "--format-version", "1", "--locked"]).output().unwrap();
    let told: serde_json::Value = serde_json::from_slice(&asked.stdout).unwrap();
    let packages = told["packages"].as_array().unwrap();
    let sequoia = packages.iter().find(|package| package["name"] == "sequoia-openpgp").unwrap();
    Path::new(sequoia["manifest_path"].as_str().unwrap()).with_file_name("tests").join("data")
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(files_below(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

/// GnuPG with every key of the corpus.
struct Gnupg(tempfile::TempDir);

/// What it says of a message.
#[derive(Debug, Default)]
struct Said {
    decrypted: bool,
    integrity: bool,
    good: usize,
    other: usize,
    hash: Option<u8>,
    signed_at: Option<Timestamp>,
    text: bool,
    content: Vec<u8>,
}

impl Gnupg {
    fn run(&self, arguments: &[&str]) -> std::process::Output {
        let quiet = ["--batch", "--no-tty", "--quiet", "--yes", "--pinentry-mode", "loopback", "--passphrase", ""];
        let mut gpg = Command::new("gpg");
        gpg.arg("--homedir").arg(self.0.path()).args(quiet).args([
            "--trust-model",
            "always",
            "--no-auto-check-trustdb",
        ]);
        gpg.args(["--max-output", "100000000"]).args(arguments).output().unwrap()
    }

    fn says(&self, message: &Path) -> Said {
        let output = self.run(&["--status-fd", "2", "--decrypt", message.to_str().unwrap()]);
        let status = String::from_utf8_lossy(&output.stderr);
        let mut said = Said { content: output.stdout, ..Said::default() };
        for line in status.lines().filter_map(|line| line.strip_prefix("[GNUPG:] ")) {
            let words: Vec<&str> = line.split(' ').collect();
            match words[0] {
                "DECRYPTION_OKAY" => said.decrypted = true,
                // GnuPG ends the lines of a text literal as this machine does. 0x74 is `t`.
                "PLAINTEXT" => said.text = words[1] == "74",
                "GOODMDC" => said.integrity = true,
                "VALIDSIG" => {
                    said.good += 1;
                    said.hash = words[8].parse().ok();
                    said.signed_at = words[3].parse().ok().and_then(|second| Timestamp::from_second(second).ok());
                }
                "BADSIG" | "ERRSIG" => said.other += 1,
                _ => {}
            }
        }
        said
    }
}

impl Drop for Gnupg {
    fn drop(&mut self) {
        let _ = Command::new("gpgconf").arg("--homedir").arg(self.0.path()).args(["--kill", "all"]).status();
    }
}

/// Ours, with every secret key that can be imported, and every certificate pinned for the one partner.
fn with_every_key(files: &[PathBuf], gnupg: &Gnupg) -> (Us, Cert, (usize, usize)) {
    let us = Us::since(KeyAlgorithm::Curve25519, "2017-01-01T00:00:00Z".parse().unwrap());
    let own = Cert::from_bytes(&us.ring.export_own().unwrap()).unwrap();
    let now = Timestamp::now();
    let (mut secret, mut pinned) = (0, 0);
    for file in files {
        gnupg.run(&["--import", file.to_str().unwrap()]);
        let Ok(certs) = CertParser::from_file(file) else { continue };
        for cert in certs.flatten() {
            if cert.is_tsk() && cert.as_tsk().to_vec().is_ok_and(|key| takes_in(&us.ring, key, now)) {
                secret += 1;
            }
            // Most have expired since.
            let made =
                Timestamp::try_from(cert.primary_key().key().creation_time()).unwrap() + SignedDuration::from_hours(24);
            let Ok(bytes) = cert.strip_secret_key_material().to_vec() else { continue };
            pinned +=
                usize::from(is_trusted(&us.ring, &dwp(), &bytes, now) || is_trusted(&us.ring, &dwp(), &bytes, made));
        }
    }
    (us, own, (secret, pinned))
}

fn takes_in(ring: &KeyRing, key: Vec<u8>, now: Timestamp) -> bool {
    ring.import_own(&SecretKeyBytes::from(key), now).is_ok()
}

fn is_trusted(ring: &KeyRing, partner: &PartnerName, bytes: &[u8], now: Timestamp) -> bool {
    fingerprint_of(bytes).is_ok_and(|fingerprint| ring.trust(partner, bytes, Some(&fingerprint), now).is_ok())
}

fn without_cr(content: &[u8]) -> Vec<u8> {
    content.iter().copied().filter(|&octet| octet != b'\r').collect()
}

/// Whether the policy lets in what GnuPG saw: one signature, by an algorithm that still holds, in an intact container.
// RFC 9580 §9.5: 1 is MD5, 2 is SHA-1, 3 is RIPEMD-160
fn policy_lets_in(said: &Said) -> bool {
    said.decrypted && said.integrity && said.good == 1 && said.other == 0 && said.hash.is_some_and(|hash| hash > 3)
}

/// One message before both: whether it is let in, as the policy has it, and as of when that was judged.
fn judged(us: &Us, gnupg: &Gnupg, message: &Path, of: &Path) -> (bool, Timestamp) {
    let said = gnupg.says(message);
    // Judged as if received a minute after it was signed, so that its age is no reason.
    let at = said.signed_at.map_or_else(Timestamp::now, |at| at + SignedDuration::from_mins(1));
    let ours = us.opens_at(&fs::read(message).unwrap(), at, ROOMY);
    let of = of.display();
    match &ours {
        Ok((verdict, opened)) => {
            assert!(policy_lets_in(&said), "{of} was let in; GnuPG saw {said:?}");
            let same = if said.text { without_cr(opened) == said.content } else { *opened == said.content };
            assert!(same, "{of} opened as other content than GnuPG's");
            assert!(verdict.signer.is_some(), "{of} was let in without a signer");
        }
        Err(error) => assert!(!policy_lets_in(&said), "{of} was refused: {error}; GnuPG saw {said:?}"),
    }
    (ours.is_ok(), at)
}

#[test]
fn each_of_sequoias_own_test_files_gets_the_verdict_of_the_policy() {
    let data = data();
    let files = files_below(&data);
    assert!(files.len() > 400, "only {} files below {}", files.len(), data.display());
    let gnupg = Gnupg(tempfile::Builder::new().prefix("gpg").tempdir().unwrap());
    let (us, own, (secret, pinned)) = with_every_key(&files, &gnupg);
    let key = us.state.path().join("keys/own").join(format!("{}.asc", own.fingerprint()));
    gnupg.run(&["--import", key.to_str().unwrap()]);
    let wrapped = tempfile::NamedTempFile::new().unwrap();
    let (mut plain, mut inside) = (0, 0);
    for file in &files {
        plain += usize::from(judged(&us, &gnupg, file, file).0);
        let bytes = fs::read(file).unwrap();
        // What is armoured is taken out of its armour, for inside there is none.
        let bytes = sequoia_openpgp::PacketPile::from_bytes(&bytes).and_then(|pile| pile.to_vec()).unwrap_or(bytes);
        fs::write(wrapped.path(), encrypted_to(&own, Container::V1, &bytes).unwrap()).unwrap();
        let (let_in, at) = judged(&us, &gnupg, wrapped.path(), file);
        inside += usize::from(let_in);
        // GnuPG of Debian 12 does not know the newer container.
        let newer = us.opens_at(&encrypted_to(&own, Container::V2, &bytes).unwrap(), at, ROOMY);
        assert_eq!(newer.is_ok(), let_in, "{} in the newer container", file.display());
    }
    println!(
        "{} files, {secret} secret keys, {pinned} certificates: {plain} let in as they are, {inside} inside an encryption; \
         each as the policy has it by what GnuPG saw",
        files.len()
    );
    assert!(inside > 0, "nothing was let in at all, so nothing was tried");
}
