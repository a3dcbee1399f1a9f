//! The partner's side, DWP for instance: real GnuPG in a home of its own.
//!
//! In:  what to encrypt and sign, and for whom. Out: what GnuPG made of it, or read in what we made.
//! Holds: the agent it starts is ended when the partner is dropped.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use hbcourier::domain::Fingerprint;
use tempfile::TempDir;

/// The keys a partner has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    Rsa3072,
    Curve25519,
}

/// How the partner seals.
#[derive(Clone, Debug)]
pub struct SealOptions {
    /// Text instead of binary.
    pub armour: bool,
    /// Signed, as it should be.
    pub sign: bool,
    /// For whom; empty: for everyone the partner trusts.
    pub to: Vec<String>,
    /// What the partner's clock says, as `20200101T000000`.
    pub clock: Option<String>,
    /// Further arguments for GnuPG.
    pub extra: Vec<String>,
}

impl Default for SealOptions {
    fn default() -> SealOptions {
        SealOptions { armour: false, sign: true, to: Vec::new(), clock: None, extra: Vec::new() }
    }
}

impl SealOptions {
    /// Sealed as it should be, armoured.
    pub fn armoured() -> SealOptions {
        SealOptions { armour: true, ..SealOptions::default() }
    }

    /// Sealed as it should be, with further arguments for GnuPG.
    pub fn with(extra: &[&str]) -> SealOptions {
        SealOptions { extra: extra.iter().map(ToString::to_string).collect(), ..SealOptions::default() }
    }
}

/// What GnuPG read.
#[derive(Debug)]
pub struct OpenedByGpg {
    pub content: Vec<u8>,
    /// The signer's primary key, if the signature is good.
    pub signer: Option<Fingerprint>,
    pub good_signature: bool,
    /// The name in the literal packet.
    pub file_name: String,
}

/// Somebody who uses GnuPG.
pub struct Partner {
    home: TempDir,
    fingerprint: Fingerprint,
    trusted: Vec<String>,
}

impl Partner {
    /// With fresh keys, valid for two years from now.
    pub fn new(algorithm: Algorithm) -> Partner {
        Partner::made(algorithm, None, "2y")
    }

    /// With keys made when the clock said `made` (`20200101T000000`), and valid for as long as `expire` says (`10d`).
    pub fn made(algorithm: Algorithm, made: Option<&str>, expire: &str) -> Partner {
        let (sign, encrypt) = match algorithm {
            Algorithm::Rsa3072 => ("rsa3072", "rsa3072"),
            Algorithm::Curve25519 => ("ed25519", "cv25519"),
        };
        Partner::of((sign, encrypt), made, expire)
    }

    /// With fresh keys of these kinds, as GnuPG names them.
    pub fn with_keys(sign: &str, encrypt: &str) -> Partner {
        Partner::of((sign, encrypt), None, "2y")
    }

    fn of((sign, encrypt): (&str, &str), made: Option<&str>, expire: &str) -> Partner {
        let home = tempfile::Builder::new().prefix("gpg").tempdir().unwrap();
        let clock = clock(made);
        let user = "Transfers <transfers@partner.test>";
        run(home.path(), &[&clock[..], &["--quick-gen-key", user, sign, "sign,cert", expire]].concat(), b"");
        let listed = run(home.path(), &["--with-colons", "--list-keys"], b"").stdout;
        let fingerprint = field(&listed, "fpr", 9);
        run(home.path(), &[&clock[..], &["--quick-add-key", &fingerprint, encrypt, "encr", expire]].concat(), b"");
        Partner { home, fingerprint: fingerprint.parse().unwrap(), trusted: Vec::new() }
    }

    /// Whose keys were made in January 2020 and lasted ten days. Seals only with a `clock` of those days.
    pub fn expired() -> Partner {
        Partner::made(Algorithm::Curve25519, Some("20200101T000000"), "10d")
    }

    /// The public certificate, armoured.
    pub fn certificate(&self) -> Vec<u8> {
        run(self.home.path(), &["--armor", "--export", &self.fingerprint.to_string()], b"").stdout
    }

    /// The secret key, armoured: what a partner must never send.
    pub fn secret_key(&self) -> Vec<u8> {
        run(self.home.path(), &["--armor", "--export-secret-keys", &self.fingerprint.to_string()], b"").stdout
    }

    /// The primary key.
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    /// Takes in our certificates, to seal for them.
    pub fn trusts(&mut self, certificates: &[u8]) {
        run(self.home.path(), &["--import"], certificates);
        let listed = run(self.home.path(), &["--with-colons", "--show-keys"], certificates).stdout;
        self.trusted.push(field(&listed, "fpr", 9));
    }

    /// Revokes the own keys, from now on and for all that was ever signed.
    pub fn revokes(&self) {
        let made = self.home.path().join("openpgp-revocs.d").join(format!("{}.rev", self.fingerprint));
        let armoured = std::fs::read_to_string(made).unwrap().replace(":-----BEGIN", "-----BEGIN");
        run(self.home.path(), &["--import"], armoured.as_bytes());
    }

    /// Makes the own keys last longer.
    pub fn renews(&self, expire: &str) {
        run(self.home.path(), &["--quick-set-expire", &self.fingerprint.to_string(), expire], b"");
        run(self.home.path(), &["--quick-set-expire", &self.fingerprint.to_string(), expire, "*"], b"");
    }

    /// Makes a second key that also signs, and says which.
    pub fn second_signer(&self) -> String {
        run(self.home.path(), &["--quick-gen-key", "Second <second@partner.test>", "ed25519", "sign,cert", "2y"], b"");
        let listed = run(self.home.path(), &["--with-colons", "--list-keys", "second@partner.test"], b"").stdout;
        field(&listed, "fpr", 9)
    }

    /// Seals something.
    pub fn seals(&self, content: &[u8], file_name: &str, options: &SealOptions) -> Vec<u8> {
        let fingerprint = self.fingerprint.to_string();
        let mut arguments = clock(options.clock.as_deref());
        arguments.extend(["--set-filename", file_name, "--encrypt"]);
        if options.sign {
            arguments.extend(["--sign", "-u", &fingerprint]);
        }
        if options.armour {
            arguments.push("--armor");
        }
        let to = if options.to.is_empty() { &self.trusted } else { &options.to };
        to.iter().for_each(|recipient| arguments.extend(["-r", recipient]));
        arguments.extend(options.extra.iter().map(String::as_str));
        run(self.home.path(), &arguments, content).stdout
    }

    /// Sends files by mutt, signed and encrypted for whom the partner trusts: the mail as it leaves.
    pub fn mails(&self, to: &str, files: &[std::path::PathBuf]) -> Vec<u8> {
        std::fs::write(self.home.path().join("gpg.conf"), "trust-model always\n").unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/mutt_send.py");
        let mut mutt = Command::new("/usr/bin/python3");
        mutt.arg(script).arg(self.home.path()).arg(self.fingerprint.to_string()).arg(&self.trusted[0]).arg(to);
        let output = mutt.args(files).stdin(Stdio::null()).output().unwrap();
        let says = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "the mail tests need mutt (apt-get install mutt): {says}");
        output.stdout
    }

    /// Runs GnuPG on something, for what nobody should send us.
    pub fn gpg(&self, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        run(self.home.path(), arguments, input).stdout
    }

    /// Opens and verifies something.
    pub fn opens(&self, sealed: &[u8]) -> OpenedByGpg {
        let output = run(self.home.path(), &["--status-fd", "2", "--decrypt"], sealed);
        let status = String::from_utf8_lossy(&output.stderr);
        let line = |word: &str| {
            let start = format!("[GNUPG:] {word} ");
            status.lines().find_map(|line| line.strip_prefix(&start).map(str::to_owned))
        };
        let signer = line("VALIDSIG").and_then(|facts| facts.split(' ').nth(9)?.parse().ok());
        let file_name = line("PLAINTEXT").and_then(|facts| facts.split(' ').nth(2).map(str::to_owned));
        OpenedByGpg {
            content: output.stdout,
            signer,
            good_signature: line("GOODSIG").is_some(),
            file_name: file_name.unwrap_or_default(),
        }
    }
}

impl Drop for Partner {
    fn drop(&mut self) {
        let ended = Command::new("gpgconf").arg("--homedir").arg(self.home.path()).args(["--kill", "all"]).status();
        assert!(std::thread::panicking() || ended.is_ok_and(|status| status.success()), "the agent was not ended");
    }
}

fn clock(at: Option<&str>) -> Vec<&str> {
    at.map_or(Vec::new(), |at| vec!["--faked-system-time", at])
}

/// A field of the first record of this kind in GnuPG's colon format.
fn field(listed: &[u8], record: &str, index: usize) -> String {
    let listed = String::from_utf8_lossy(listed);
    let found = listed.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|fields| fields[0] == record);
    found.unwrap_or_else(|| panic!("GnuPG lists no {record}"))[index].to_owned()
}

fn run(home: &Path, arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new("gpg")
        .arg("--homedir")
        .arg(home)
        .args(["--batch", "--no-tty", "--quiet", "--yes", "--pinentry-mode", "loopback", "--passphrase", ""])
        .args(["--trust-model", "always", "--no-auto-check-trustdb"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // GnuPG writes while it reads.
    let feeding = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    let fed = feeding.join().unwrap();
    let says = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && fed.is_ok(), "gpg {arguments:?} failed: {says}");
    output
}
