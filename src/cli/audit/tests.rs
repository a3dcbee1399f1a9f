//! The ledger as people and scripts see it.

use std::cell::RefCell;
use std::path::PathBuf;

use clap::Parser;
use openssl::pkey::{Id, PKey, Private};
use openssl::sign::Signer;
use serde_json::Value;

use super::*;
use crate::domain::HoldReason;
use crate::domain::checkpoint::Checkpoint;
use crate::store::samples::{at, collect, held, id, owe, remark, staged, tamper};
use crate::store::{Change, Queries, Recorder, SqliteStore};

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    args: Args,
}

/// A state directory, and a key that signs checkpoints of it whenever one is asked for.
struct Here {
    state: tempfile::TempDir,
    key: PKey<Private>,
    notes: RefCell<Vec<String>>,
    verified: RefCell<Vec<bool>>,
}

impl Here {
    fn new() -> Here {
        let state = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(state.path()).unwrap();
        let mut held = held(1, 0);
        held.facts.code = Some(HoldReason::Unsigned.notice().code.into());
        let tomorrow = Change { at: at(86_400), ..remark() };
        for change in [collect(1), collect(2), held, owe("shbe/12302/2020-04"), tomorrow, remark()] {
            store.recorder().record(change).unwrap();
        }
        let key = PKey::private_key_from_raw_bytes(&[7; 32], Id::ED25519).unwrap();
        Here { state, key, notes: RefCell::default(), verified: RefCell::default() }
    }

    fn record(&self, change: Change) {
        SqliteStore::open(self.state.path()).unwrap().recorder().record(change).unwrap();
    }

    fn key(&self) -> Vkey {
        Vkey::new("hbcourier/12302", self.key.raw_public_key().unwrap().try_into().unwrap()).unwrap()
    }

    fn key_file(&self) -> PathBuf {
        let path = self.state.path().join("given.vkey");
        std::fs::write(&path, self.key().to_string()).unwrap();
        path
    }

    fn said(&self, line: &str) -> (Exit, String) {
        self.says(line).unwrap()
    }

    fn says(&self, line: &str) -> Result<(Exit, String), CliError> {
        let line = Line::try_parse_from(["audit"].into_iter().chain(line.split(' '))).unwrap();
        let (mut streamed, mut answered) = (Vec::new(), Vec::new());
        let exit = run(&line.args, self, &mut streamed, &mut Output::to(&mut answered))?;
        Ok((exit, String::from_utf8([streamed, answered].concat()).unwrap()))
    }

    fn seqs(&self, line: &str) -> Vec<u64> {
        let lines = self.said(format!("log --json {line}").trim_end()).1;
        lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["seq"].as_u64().unwrap()).collect()
    }
}

impl Installation for Here {
    fn settings(&self) -> Result<Settings, CliError> {
        panic!("nothing here asks for settings")
    }

    fn ledger(&self) -> Result<Box<dyn Auditable>, CliError> {
        Ok(Box::new(SqliteStore::read_only(self.state.path()).unwrap()))
    }

    fn notes(&self) -> Result<Vec<String>, CliError> {
        Ok(self.notes.borrow().clone())
    }

    fn last_note(&self) -> Result<Option<String>, CliError> {
        Ok(self.notes.borrow().last().cloned())
    }

    fn vkey(&self) -> Result<Option<Vkey>, CliError> {
        Ok(Some(self.key()))
    }

    fn make_checkpoint(&self) -> Result<(), CliError> {
        let head = SqliteStore::read_only(self.state.path()).unwrap().head().unwrap();
        let checkpoint = Checkpoint { origin: "hbcourier/12302".into(), size: head.entries, root: head.root };
        let mut signer = Signer::new_without_digest(&self.key).unwrap();
        let signature = signer.sign_oneshot_to_vec(checkpoint.to_string().as_bytes()).unwrap();
        self.notes.borrow_mut().push(checkpoint.note(&self.key(), &signature.try_into().unwrap()));
        Ok(())
    }

    fn was_verified(&self, holds: bool) {
        self.verified.borrow_mut().push(holds);
    }
}

#[test]
fn a_line_has_every_promised_key_and_the_facts() {
    let here = Here::new();
    let lines: Vec<Value> = here.said("log --json").1.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 6);
    for line in &lines {
        for key in ["seq", "at", "event", "actor", "transfer", "return", "code", "leaf"] {
            assert!(line.get(key).is_some(), "{key} in {line}");
        }
    }
    assert_eq!(lines[2]["event"], "held");
    assert_eq!((&lines[2]["transfer"], &lines[2]["code"]), (&id(1).to_string().into(), &"CN-105".into()));
    assert_eq!((&lines[3]["return"], &lines[3]["transfer"]), (&"shbe/12302/2020-04".into(), &Value::Null));
    assert_eq!(lines[0]["source"], "drop-12302");
    assert_eq!(lines[0].as_object().unwrap().values().filter(|value| *value == &lines[0]["leaf"]).count(), 1);
}

#[test]
fn filters_choose_entries() {
    let here = Here::new();
    assert_eq!(here.seqs(&format!("--transfer {}", id(1))), [0, 2]);
    assert_eq!(here.seqs("--event held --event scheduled"), [2, 3]);
    assert_eq!(here.seqs("--from 4"), [4, 5]);
    // at(0) is 2020-04-27 in London; the clock was set back before the last entry.
    assert_eq!(here.seqs("--since 2020-04-28"), [4]);
    assert_eq!(here.seqs("--until 2020-04-27"), [0, 1, 2, 3, 5]);
    assert_eq!(here.seqs("--since 2020-04-27 --until 2020-04-28"), [0, 1, 2, 3, 4, 5]);
    assert_eq!(here.seqs("--code CN-105"), [2]);
    assert_eq!(here.seqs("--return shbe/12302/2020-04"), [3]);
    assert_eq!(here.seqs("--actor service --event held"), [2]);
    assert!(here.seqs("--actor root").is_empty());
}

#[test]
fn whose_and_of_which_kind_choose_everything_about_a_transfer() {
    let here = Here::new();
    here.record(staged(2, 0, 5));
    assert_eq!(
        here.seqs("--authority 12302"),
        [0, 1, 2, 3, 6],
        "returns and transfers, and nothing of the service's own"
    );
    assert!(here.seqs("--authority 101809").is_empty());
    assert_eq!(here.seqs("--kind laid-pdf"), [1, 6], "its collection too, which does not tell the kind");
    assert_eq!(here.seqs("--kind shbe"), [3]);
    assert_eq!(here.seqs("--kind laid-pdf --authority 12302 --event staged"), [6]);
}

#[test]
fn an_export_answers_the_same_questions_without_the_store() {
    let here = Here::new();
    let folder = here.state.path().join("export");
    let folder = folder.to_str().unwrap();
    assert_eq!(here.said(&format!("export {folder}")).0, Exit::Yes);
    for filter in ["", "--event held --event scheduled", "--authority 12302", "--csv --code CN-105"] {
        let form = if filter.contains("csv") { "" } else { "--json " };
        let live = here.said(format!("log {form}{filter}").trim_end()).1;
        let offline = here.said(format!("log {form}{filter} --export {folder}").replace("  ", " ").trim_end()).1;
        assert!(live == offline && !live.is_empty(), "{filter}: {live} {offline}");
    }
}

#[test]
fn a_table_has_no_formulas() {
    let here = Here::new();
    let mut ordered = remark();
    ordered.facts.about = Some("=HYPERLINK(\"http://x\")".into());
    ordered.facts.why = Some("+1+1, \"as agreed\"".into());
    here.record(ordered);
    let table = here.said("log --csv --from 6").1;
    let mut rows = csv::Reader::from_reader(table.as_bytes());
    let names = rows.headers().unwrap().clone();
    let row = rows.records().next().unwrap().unwrap();
    let cell = |name: &str| &row[names.iter().position(|column| column == name).unwrap()];
    assert_eq!((cell("about"), cell("why")), ("'=HYPERLINK(\"http://x\")", "'+1+1, \"as agreed\""));
    assert_eq!((cell("seq"), cell("event"), cell("actor")), ("6", "service-started", "service"));
}

#[test]
fn people_read_a_line_an_entry() {
    let text = Here::new().said("log --event held").1;
    assert_eq!(text.lines().count(), 1);
    assert!(text.contains("2020-04-27 16:06:40 BST") && text.contains("CN-105"), "{text}");
}

#[test]
fn an_unknown_event_is_wrong_usage_and_says_which_there_are() {
    let error = Line::try_parse_from(["audit", "log", "--event", "hold"]).unwrap_err().to_string();
    assert!(error.contains("`held`"), "{error}");
}

#[test]
fn the_verdict_is_yes_then_no() {
    let here = Here::new();
    let (exit, text) = here.said("verify --json");
    let verdict: Value = serde_json::from_str(&text).unwrap();
    assert!(exit == Exit::Yes && verdict["ok"] == true && verdict["entries"] == 6 && verdict["first_bad"].is_null());
    tamper(here.state.path(), "DELETE FROM ledger WHERE seq = 3");
    let (exit, text) = here.said("verify --json");
    let verdict: Value = serde_json::from_str(&text).unwrap();
    assert!(exit == Exit::No && verdict["ok"] == false && verdict["first_bad"] == 3, "{verdict}");
    let mut keys: Vec<&String> = verdict.as_object().unwrap().keys().collect();
    keys.sort_unstable();
    assert_eq!(keys, ["checkpoints", "entries", "first_bad", "ok", "root", "says"]);
    assert!(here.said("verify").1.contains("Entry 3 is missing"));
    assert_eq!(*here.verified.borrow(), [true, false, false], "what the nightly verification leaves");
}

#[test]
fn an_export_ends_with_its_last_checkpoint_and_verifies() {
    let here = Here::new();
    let (folder, key) = (here.state.path().join("export"), here.key_file());
    let (exit, told) = here.said(&format!("export --json {}", folder.display()));
    let lines: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let files: Vec<&str> = lines.iter().filter_map(|line| line["file"].as_str()).collect();
    assert_eq!(files, ["entries.jsonl", "leaves.txt", "checkpoints/6.txt", "vkey", "verify.py", "README.md"]);
    let whole = lines.last().unwrap();
    assert!(exit == Exit::Yes && whole["entries"] == 6 && whole["uncovered"] == 0 && whole["ok"] == true, "{whole}");
    let verify = format!("verify --json --export {} --vkey {}", folder.display(), key.display());
    let (exit, verdict) = here.said(&verify);
    assert!(exit == Exit::Yes && verdict.contains(r#""entries":6"#), "{verdict}");
    let again = here.says(&format!("export {}", folder.display())).unwrap_err();
    assert!(again.exit == Exit::Usage && again.says.contains("not empty"), "{again}");
}

#[test]
fn a_store_that_was_rewritten_whole_is_found_by_checkpoints_kept_elsewhere() {
    let here = Here::new();
    let anchors = here.state.path().join("anchors");
    std::fs::create_dir(&anchors).unwrap();
    here.make_checkpoint().unwrap();
    std::fs::write(anchors.join("6.txt"), here.notes.borrow().last().unwrap()).unwrap();
    here.notes.borrow_mut().clear();
    let verify = format!("verify --json --anchors {}", anchors.display());
    assert_eq!(here.said(&verify).0, Exit::Yes);
    // Another ledger in its place, whole in itself.
    let other = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(other.path()).unwrap();
    for change in [collect(1), collect(2), remark(), remark(), remark(), remark(), remark()] {
        store.recorder().record(change).unwrap();
    }
    drop(store);
    assert!(here.verified.borrow().is_empty(), "what is held against given files says nothing of the night");
    let replaced =
        Here { state: other, key: here.key.clone(), notes: RefCell::default(), verified: RefCell::default() };
    assert_eq!(replaced.said("verify --json").0, Exit::Yes, "by itself it is whole");
    let (exit, text) = replaced.said(&verify);
    let verdict: Value = serde_json::from_str(&text).unwrap();
    assert!(exit == Exit::No && verdict["first_bad"] == 0, "{verdict}");
    assert!(verdict["says"].as_str().unwrap().contains("between entry 0 and entry 6"), "{verdict}");
}

#[test]
fn a_proof_shows_one_transfer_and_checks_and_evidence_does_too() {
    let here = Here::new();
    here.record(staged(2, 0, 5));
    let key = here.key_file();
    let (file, zip) = (here.state.path().join("proof.json"), here.state.path().join("evidence.zip"));
    std::fs::write(&file, here.said(&format!("prove {}", id(2))).1).unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains(&id(2).to_string()) && !text.contains(&id(1).to_string()), "{text}");
    let check = |path: &Path| here.said(&format!("check-proof --json {} --vkey {}", path.display(), key.display()));
    let (exit, checked) = check(&file);
    assert!(exit == Exit::Yes && checked.contains(r#""entries":2"#) && checked.contains(r#""size":7"#), "{checked}");
    std::fs::write(&file, text.replace("drop-12302", "drop-12303")).unwrap();
    let (exit, checked) = check(&file);
    assert!(exit == Exit::No && checked.contains(r#""first_bad":1"#), "{checked}");
    here.said(&format!("evidence {} --out {}", id(2), zip.display()));
    assert_eq!(check(&zip).0, Exit::Yes);
    let twice = here.says(&format!("evidence {} --out {}", id(2), zip.display()));
    assert_eq!(twice.unwrap_err().exit, Exit::CouldNot, "what is there is not overwritten");
    let nothing = here.says(&format!("prove {}", id(9))).unwrap_err();
    assert_eq!(nothing.exit, Exit::No, "{nothing}");
}
