//! Every mail of `tests/data/mail`, through the real way in, at a time at which its signatures are fresh: each verdict is
//! the table's.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hbcourier::config;
use hbcourier::daemon::build::build_with;
use hbcourier::domain::ledger::{Entry, Event};
use hbcourier::domain::{Digest, Standing};
use hbcourier::store::{ConsignmentFilter, Queries};
use serde::Deserialize;

use crate::support::council::{LA, command, drop_into, files_below, set, succeeded};
use crate::support::virtual_clock::VirtualClock;

/// The mails were sealed an hour before.
const RECEIVED: &str = "2020-04-20 11:00";

#[derive(Debug, Deserialize)]
struct Row {
    file: String,
    verdict: String,
    files: String,
    note: String,
}

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/mail")
}

/// A council with the corpus's keys, whose drop folder has mails and whose every kind of file is routed.
struct Desk {
    dir: tempfile::TempDir,
    config: PathBuf,
}

impl Desk {
    fn new() -> Desk {
        let dir = tempfile::tempdir().unwrap();
        let keys = data().join("keys");
        let mut init = command();
        init.arg("init").arg(dir.path().join("council")).args(["--authority", LA, "--partner-cert"]);
        succeeded(init.arg(keys.join("dwp.asc")).output().unwrap());
        let desk = Desk { config: dir.path().join("council/hbcourier.toml"), dir };
        let own = desk.at("state/keys/own");
        files_below(&own).iter().for_each(|made| fs::remove_file(made).unwrap());
        let council = succeeded_fingerprint(&keys.join("council.asc"));
        let key = own.join(format!("{council}.asc"));
        fs::copy(keys.join("council-secret.asc"), &key).unwrap();
        fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let mut settings: toml::Table = fs::read_to_string(&desk.config).unwrap().parse().unwrap();
        set(&mut settings, &["service", "limits", "free_bytes_min"], "1 MiB");
        let authority = settings["authority"][0].as_table_mut().unwrap();
        authority["drop_folder"][0].as_table_mut().unwrap().insert("carries".into(), "mail".into());
        let mut all = authority["route"][0].as_table().unwrap().clone();
        all.insert("kinds".into(), toml::Value::Array(every_kind()));
        authority.insert("route".into(), toml::Value::Array(vec![all.into()]));
        fs::write(&desk.config, settings.to_string()).unwrap();
        desk
    }

    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join("council").join(name)
    }

    /// What becomes of one mail: `delivers` with digests, or the code.
    fn verdict(&self, mail: &[u8]) -> (String, Vec<Digest>) {
        for folder in ["state/spool", "state/archive", "state/sealed"] {
            let _ = fs::remove_dir_all(self.at(folder));
        }
        for file in files_below(&self.at("state")).iter().filter(|file| file.to_string_lossy().contains("store.sqlite"))
        {
            fs::remove_file(file).unwrap();
        }
        let clock = Arc::new(VirtualClock::showing(RECEIVED));
        let service = build_with(config::load(&self.config).unwrap(), clock).unwrap();
        drop_into(&self.at("drop").join(LA), "1587376800.M1P1.mail", mail);
        let source = &service.inbound.sources[0];
        let sighting = source.folder().unwrap().look().unwrap().sightings.remove(0);
        service.inbound.carry(source, &sighting).unwrap();
        let consignments = service.inbound.queries.consignments(&ConsignmentFilter::default()).unwrap();
        let [consignment] = consignments.as_slice() else { panic!("one mail is one transfer") };
        let deliveries = service.inbound.queries.deliveries(&consignment.id).unwrap();
        let delivered = files_below(&self.at("backoffice"));
        let mut found: Vec<_> = delivered.iter().map(|file| Digest::of(&fs::read(file).unwrap())).collect();
        delivered.iter().for_each(|file| fs::remove_file(file).unwrap());
        let verdict = match &consignment.standing {
            Standing::Closed { .. } => "delivers".to_owned(),
            Standing::Held { reason, .. } => reason.notice().code.to_owned(),
            Standing::Rejected { reason, .. } => reason.notice().code.to_owned(),
            other => panic!("it does not rest: {other:?}"),
        };
        // A pack is delivered member by member; the table tells of what came out of the mail.
        let mut expected: Vec<_> = deliveries.iter().map(|delivery| delivery.digest).collect();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, if verdict == "delivers" { expected } else { Vec::new() }, "{verdict}");
        (verdict, accepted(&service.inbound.queries))
    }
}

/// The contents that were accepted, in their order, as the ledger tells of them.
fn accepted(queries: &Arc<dyn Queries>) -> Vec<Digest> {
    let lines = queries.ledger(0, 1000).unwrap().into_iter();
    let entries = lines.map(|(_, line)| serde_json::from_slice::<Entry>(&line).unwrap());
    let staged = entries.filter(|entry| entry.event == Event::Staged);
    staged.flat_map(|entry| entry.facts.content.into_iter().chain(entry.facts.contents)).collect()
}

fn every_kind() -> Vec<toml::Value> {
    ["laid-pdf", "laid-xml", "hbms-pack", "caseload-risk", "hbms-mi", "shbe", "unknown"].map(toml::Value::from).to_vec()
}

fn succeeded_fingerprint(certificate: &Path) -> String {
    let mut gpg = std::process::Command::new("gpg");
    gpg.args(["--batch", "--with-colons", "--import-options", "show-only", "--import"]).arg(certificate);
    let home = tempfile::tempdir().unwrap();
    let listed = String::from_utf8(succeeded(gpg.env("GNUPGHOME", home.path()).output().unwrap())).unwrap();
    let line = listed.lines().find(|line| line.starts_with("fpr:")).unwrap();
    line.split(':').nth(9).unwrap().to_owned()
}

/// The table's words for the service's codes.
fn code(verdict: &str) -> &str {
    match verdict {
        "plain" => "CN-131",
        "s-mime" => "CN-132",
        "signed-only" => "CN-133",
        "partly-sealed" => "CN-134",
        "ambiguous" => "CN-135",
        "limit" => "CN-136",
        other => other,
    }
}

#[test]
fn every_verdict_is_the_tables() {
    let desk = Desk::new();
    let mut table = csv::Reader::from_path(data().join("verdicts.csv")).unwrap();
    let rows: Vec<Row> = table.deserialize().collect::<Result<_, _>>().unwrap();
    assert!(rows.len() >= 60, "{} mails", rows.len());
    let (mut wrong, mut counts) = (Vec::new(), BTreeMap::new());
    for row in &rows {
        let (verdict, digests) = desk.verdict(&fs::read(data().join(&row.file)).unwrap());
        let files: Vec<String> = digests.iter().map(ToString::to_string).collect();
        let files = if verdict == "delivers" { files.join(";") } else { String::new() };
        *counts.entry(verdict.clone()).or_insert(0) += 1;
        if verdict != code(&row.verdict) || files != row.files {
            wrong.push(format!("{} ({}): {} instead of {}", row.file, row.note, verdict, row.verdict));
        }
    }
    assert!(wrong.is_empty(), "{} of {}, {counts:?}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
    let known: usize = fs::read_dir(data())
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|ending| ending == "eml"))
        .count();
    assert_eq!(known, rows.len(), "every mail has its row");
}
