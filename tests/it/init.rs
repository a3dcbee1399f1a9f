//! `hbcourier init`: what it lays out loads, and it never touches a folder that holds anything.

use std::cell::RefCell;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use clap::Parser;
use hbcourier::cli::init::{self, KeyFault, KeyMaking, OwnCertificate};
use hbcourier::config;
use hbcourier::domain::checkpoint::Vkey;
use hbcourier::domain::{FileKind, LaNumber, PartnerName};

#[derive(clap::Parser)]
struct InitLine {
    #[command(flatten)]
    args: init::Args,
}

/// Keys that are only remembered: the real ones are shown by the tests of the whole program.
#[derive(Default)]
struct Remembered {
    user_ids: RefCell<Vec<String>>,
    trusted: RefCell<Vec<(PartnerName, Vec<u8>)>>,
    refuses: bool,
}

impl KeyMaking for Remembered {
    fn generate(&self, state: &Path, user_id: &str) -> Result<OwnCertificate, KeyFault> {
        assert_eq!(fs::metadata(state)?.permissions().mode() & 0o777, 0o700);
        self.user_ids.borrow_mut().push(user_id.to_owned());
        let fingerprint = "0123456789ABCDEF0123456789ABCDEF01234567".parse()?;
        Ok(OwnCertificate { fingerprint, armoured: b"-----BEGIN".to_vec() })
    }

    fn ledger(&self, _: &Path, name: &str) -> Result<Vkey, KeyFault> {
        Ok(Vkey::new(name, [7; 32])?)
    }

    fn trust(&self, _: &Path, partner: &PartnerName, certificate: &[u8]) -> Result<(), KeyFault> {
        if self.refuses {
            return Err("it holds secret keys".into());
        }
        self.trusted.borrow_mut().push((partner.clone(), certificate.to_vec()));
        Ok(())
    }
}

fn blackpool(number: &LaNumber) -> Option<String> {
    (number.as_str() == "12302").then(|| "Blackpool".to_owned())
}

fn run_init(line: &[&str], keys: &Remembered) -> Result<String, init::InitError> {
    let args = InitLine::try_parse_from([&["init"], line].concat()).unwrap().args;
    let mut out = Vec::new();
    init::run(&args, &blackpool, keys, &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}

#[test]
fn init_lays_out_a_set_up_that_loads_and_prints_its_paths() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().canonicalize().unwrap().join("new \"quoted\"");
    let cert = folder.path().join("dwp.asc");
    fs::write(&cert, "theirs").unwrap();
    let keys = Remembered::default();
    let line = [dir.to_str().unwrap(), "--authority", "12302", "--partner-cert", cert.to_str().unwrap(), "--json"];
    let printed: serde_json::Value = serde_json::from_str(&run_init(&line, &keys).unwrap()).unwrap();
    let paths = [
        ("config", "hbcourier.toml"),
        ("state", "state"),
        ("drop", "drop/12302"),
        ("backoffice", "backoffice/12302"),
        ("returns", "returns/12302"),
        ("outgoing", "outgoing/12302"),
        ("own_cert", "keys/own.asc"),
        ("ledger_vkey", "keys/ledger.vkey"),
    ];
    for (key, path) in paths {
        assert_eq!(printed[key], dir.join(path).to_str().unwrap(), "{key}");
        assert!(dir.join(path).exists(), "{path}");
    }
    assert_eq!(printed.as_object().unwrap().len(), paths.len() + 2);
    let vkey = fs::read_to_string(dir.join("keys/ledger.vkey")).unwrap();
    assert!(vkey.starts_with("hbcourier/12302+") && printed["vkey"] == vkey.trim(), "{vkey}");
    assert_eq!(printed["own_fingerprint"], "0123456789ABCDEF0123456789ABCDEF01234567");
    assert_eq!(*keys.user_ids.borrow(), ["Blackpool (LA number 12302)"]);
    assert_eq!(*keys.trusted.borrow(), [("dwp".parse().unwrap(), b"theirs".to_vec())]);

    let settings = config::load_with_env(&dir.join("hbcourier.toml"), []).unwrap();
    let authority = &settings.authorities[0];
    assert_eq!(authority.name, "Blackpool");
    assert!(authority.drop_folders.iter().all(|folder| folder.path.is_dir()));
    let routed: Vec<FileKind> = authority.routes.iter().flat_map(|route| route.kinds.clone()).collect();
    use FileKind::*;
    assert_eq!(routed, [LaidPdf, LaidXml, HbmsPack, HbmsMi, CaseloadRisk]);
    assert!(authority.routes.iter().all(|route| route.folder.is_dir()));
    assert_eq!(authority.returns.len(), 2);
    assert!(authority.returns.iter().all(|owed| owed.pick_up.is_dir()));
    let text = fs::read_to_string(dir.join("hbcourier.toml")).unwrap();
    assert!(text.contains("#sweep_every = \"30s\""), "every key is explained in it");
}

#[test]
fn init_refuses_a_folder_that_holds_anything_and_a_number_nobody_has() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_str().unwrap();
    let keys = Remembered::default();
    let unknown = run_init(&[dir, "--authority", "99999"], &keys).unwrap_err();
    assert!(unknown.to_string().contains("99999") && unknown.to_string().contains("timetable list"), "{unknown}");
    assert_eq!(fs::read_dir(dir).unwrap().count(), 0, "nothing was laid out");
    fs::write(folder.path().join("something"), "").unwrap();
    let full = run_init(&[dir, "--authority", "12302"], &keys).unwrap_err();
    assert!(matches!(full, init::InitError::NotEmpty(_)), "{full}");
    assert_eq!(fs::read_dir(dir).unwrap().count(), 1);
    assert!(keys.user_ids.borrow().is_empty());
}

#[test]
fn init_says_what_remains_if_the_partners_certificate_is_not_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let (dir, cert) = (folder.path().join("set-up"), folder.path().join("dwp.asc"));
    let line = [dir.to_str().unwrap(), "--authority", "12302", "--partner-cert", cert.to_str().unwrap()];
    let keys = Remembered { refuses: true, ..Remembered::default() };
    let missing = run_init(&line, &keys).unwrap_err();
    assert!(matches!(missing, init::InitError::Certificate { .. }) && !dir.exists(), "{missing}");
    fs::write(&cert, "theirs").unwrap();
    let refused = run_init(&line, &keys).unwrap_err();
    assert!(refused.to_string().contains("keys trust dwp FILE --fingerprint FPR"), "{refused}");
    assert!(config::load_with_env(&dir.join("hbcourier.toml"), []).is_ok());
}
