//! One full run through every workflow, with made-up personal data in everything that others choose: names of files, members and
//! attachments, subjects, senders, contents. Nothing that the program shows, writes or sends has any of it; only
//! `transfers names` shows names.

use std::fs;
use std::path::Path;
use std::process::Command;

use hbcourier::cli::demo::samples;
use hbcourier::store::Queries;

use super::{IN_NAMES, council, keeps, named, originals, says, transfers};
use crate::mail::alarms::{mailing, mails};
use crate::support::council::{Council, set};
use crate::support::maildir::Maildir;
use crate::support::partner::{Partner, SealOptions};
use crate::support::smtp::{Certificates, Postfix};
use crate::trouble::canary::{shown, state_files_with};

/// In contents, sealed or not.
const IN_CONTENT: [&str; 2] = ["QQ987654C", "Quillfeather"];
/// In the headers of mails.
const IN_HEADERS: [&str; 2] = ["QQ234567A", "Larkthistle"];

fn everything() -> Vec<&'static str> {
    [&IN_NAMES[..], &IN_CONTENT, &IN_HEADERS].concat()
}

fn told() -> String {
    IN_CONTENT.join(" ")
}

fn mail(parts: &str) -> Vec<u8> {
    let [subject, sender] = IN_HEADERS;
    format!(
        "From: {sender} <{sender}@partner.example>\nTo: hbms@council.example\nSubject: about {subject}\n\
         Message-ID: <{subject}@partner.example>\nMIME-Version: 1.0\n{parts}"
    )
    .into_bytes()
}

/// A mail with one sealed attachment.
fn attached(dwp: &Partner) -> Vec<u8> {
    let name = named("attached.xml");
    let content = format!("<?xml version=\"1.0\"?>\n<LAID><Claim mailed=\"{}\"/></LAID>\n", told());
    let sealed = dwp.seals(content.as_bytes(), &name, &SealOptions::armoured());
    mail(&format!(
        "Content-Type: multipart/mixed; boundary=b1\n\n--b1\nContent-Type: application/octet-stream; \
         name=\"{name}.asc\"\nContent-Disposition: attachment; filename=\"{name}.asc\"\n\n{}\n--b1--\n",
        String::from_utf8(sealed).unwrap()
    ))
}

/// What is dropped: delivered, held and rejected, for reasons that tempt to quote.
fn dropped(dwp: &Partner) -> Vec<Vec<u8>> {
    let told = told();
    let seal = |content: &[u8], name: &str| dwp.seals(content, name, &SealOptions::default());
    let pack = samples::archive(&[
        (&named("HBSA001.csv"), format!("REFERRAL,RULE\r\n{told},HBSA001\r\n").as_bytes()),
        ("AOBWR627_LAID_RISK.csv", format!("CLAIM_REF,SCORE\r\n{told},9\r\n").as_bytes()),
    ]);
    let without_integrity = SealOptions::with(&["--rfc2440", "--cipher-algo", "3DES", "--disable-mdc"]);
    let mut tampered = seal(format!("<LAID>{told}</LAID>").as_bytes(), &named("tampered.xml"));
    let at = tampered.len() - 60;
    tampered[at] ^= 1;
    vec![
        seal(
            format!("<?xml version=\"1.0\"?>\n<LAID><Claim nino=\"{told}\"/></LAID>\n").as_bytes(),
            &named("laid.xml"),
        ),
        seal(&pack.unwrap(), &named("HBMS_pack.zip")),
        seal(format!("CLAIM_REF,SCORE\r\n{told},1\r\n").as_bytes(), &format!("AOBWR627_LAID_RISK_{}", named("a.csv"))),
        seal(format!("<LAID><{}>{told}</LAID>", IN_CONTENT[1]).as_bytes(), &named("broken.xml")),
        dwp.seals(format!("<LAID>{told}</LAID>").as_bytes(), &named("old.xml"), &without_integrity),
        format!("not sealed at all: {told}").into_bytes(),
        tampered,
    ]
}

/// Everything that the program shows of what came and went, besides what [`shown`] has; whatever of it this binary has.
fn told_by(council: &Council) -> Vec<(String, String)> {
    let mut commands: Vec<Vec<String>> = Vec::new();
    let mut add = |words: &[&str]| commands.push(words.iter().map(|word| (*word).to_owned()).collect());
    for id in transfers(council) {
        add(&["transfers", "show", &id]);
        add(&["transfers", "show", &id, "--json"]);
        add(&["transfers", "why", &id]);
        add(&["transfers", "why", &id, "--json"]);
        add(&["held", "show", &id]);
        add(&["audit", "log", "--transfer", &id]);
        add(&["audit", "prove", &id]);
    }
    let returns = council.json(&["returns", "list"]);
    for one in returns["returns"].as_array().unwrap() {
        let key = format!(
            "{}/{}/{}",
            one["return"].as_str().unwrap(),
            one["authority"].as_str().unwrap(),
            one["relevant_month"].as_str().unwrap()
        );
        add(&["returns", "show", &key]);
        add(&["transfers", "show", &key]);
        add(&["transfers", "why", &key]);
    }
    for words in [
        "transfers list",
        "returns list",
        "retention",
        "retention --json",
        "legal-hold list",
        "keys list",
        "keys list --json",
        "packs rules",
        "packs volumes",
        "audit log",
        "audit log --csv",
        "audit verify",
        "timetable next --authority 12302",
        "returns compliance --year 2020-21",
        "expectations --json",
        "expectations --overdue",
    ] {
        add(&words.split(' ').collect::<Vec<_>>());
    }
    commands
        .into_iter()
        .map(|words| {
            let output = council.runs(&words.iter().map(String::as_str).collect::<Vec<_>>());
            (words.join(" "), says(&output))
        })
        .collect()
}

/// What leaves for the auditor, if this binary can make it: every file of the export, every member of the evidence.
fn given_to_the_auditor(council: &Council) -> Vec<(String, String)> {
    let mut given = Vec::new();
    let has = |words: &[&str]| council.runs(&[words, &["--help"]].concat()).status.success();
    if has(&["audit", "export"]) {
        let folder = tempfile::tempdir_in(council.dir.path()).unwrap();
        let to = folder.path().join("export");
        let exported = council.runs(&["audit", "export", to.to_str().unwrap()]);
        assert!(exported.status.success(), "{}", says(&exported));
        let files = crate::support::council::files_below(&to);
        assert!(!files.is_empty());
        given.extend(files.iter().map(|path| (path.display().to_string(), lossy(path))));
    }
    if has(&["audit", "evidence"]) {
        for id in transfers(council) {
            let folder = tempfile::tempdir_in(council.dir.path()).unwrap();
            let to = folder.path().join("evidence.zip");
            let made = council.runs(&["audit", "evidence", &id, "--out", to.to_str().unwrap()]);
            assert!(made.status.success(), "{}", says(&made));
            let members = Command::new("python3").arg("-c").arg(MEMBERS).arg(&to).output().unwrap();
            assert!(members.status.success(), "{members:?}");
            given.push((format!("evidence of {id}"), says(&members)));
        }
    }
    given
}

/// Prints every member of a ZIP.
const MEMBERS: &str = "import sys, zipfile\nz = zipfile.ZipFile(sys.argv[1])\n\
                       for n in z.namelist(): sys.stdout.write(n + '\\n'); sys.stdout.flush(); sys.stdout.buffer.write(z.read(n))";

fn lossy(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned()
}

fn assert_none_in(outputs: &[(String, String)]) {
    for (what, text) in outputs {
        for canary in everything() {
            let line = text.lines().find(|line| line.contains(canary));
            assert!(line.is_none(), "{what} tells {canary}: {}", line.unwrap());
        }
    }
}

/// The ledger's lines, as they are stored.
fn ledger(council: &Council) -> (String, String) {
    let lines = council.store().unwrap().ledger(0, 1_000_000).unwrap();
    let text = lines.iter().map(|(_, line)| String::from_utf8_lossy(line).into_owned() + "\n").collect();
    ("the ledger".to_owned(), text)
}

#[test]
fn nothing_of_anybody_is_told_by_any_way_and_names_by_one_order_only() {
    let certificates = Certificates::new();
    let postfix = Postfix::start(&certificates);
    let maildir = Maildir::new();
    let (dwp, mut council) = council();
    council.falls_due_today();
    mailing(&council, &certificates, postfix.port);
    council.changes_settings(|settings| {
        let text = |value: &str| toml::Value::from(value);
        let source = toml::Table::from_iter([
            ("name".to_owned(), text("maildir-12302")),
            ("path".to_owned(), text(maildir.path().to_str().unwrap())),
            ("partners".to_owned(), toml::Value::Array(vec![text("dwp")])),
        ]);
        let authority = settings["authority"][0].as_table_mut().unwrap();
        authority.insert("maildir".into(), toml::Value::Array(vec![source.into()]));
    });
    council.changes_drop_folders(|folder| set(folder, &["patience"], "2s"));
    let files = dropped(&dwp);
    council.start_in(&[("HBCOURIER_LOG", "trace")]);
    for (number, sealed) in files.iter().enumerate() {
        council.drops(&named(&format!("{number}.pgp")), sealed);
    }
    std::os::unix::fs::symlink("nowhere", council.drop.join(named("link.pgp"))).unwrap();
    maildir.delivers(&format!("new/1.{}", IN_NAMES[0]), &attached(&dwp));
    maildir.delivers("new/2.made-up", &mail(&format!("\nAbout {}, in clear.\n", told())));
    let today = jiff::Zoned::now().with_time_zone(hbcourier::effects::clock::london()).date();
    let extract = String::from_utf8(samples::shbe_extract(today)).unwrap().replace("DEMO-0001", &told());
    fs::write(council.returns.join("shbe").join(named("extract.txt")), extract).unwrap();
    fs::write(council.returns.join("hbms-mi").join(named("workbook.xlsx")), told()).unwrap();

    let count = files.len() + 2;
    council.until("all rest", |council| council.all_rest(count));
    council.until("one return is sent and one is held", |council| {
        let returns = council.json(&["returns", "list"]).to_string();
        returns.contains("\"sent\"") && returns.contains("\"held\"")
    });
    council.until("the link is mailed about", |_| mails(&postfix).iter().any(|mail| mail.contains("CN-502")));
    assert_eq!(council.delivered().len(), 5, "{:?}", council.held());
    assert!(council.codes().contains(&"CN-201"), "one is rejected: {:?}", council.codes());
    let held = council.held();
    let retried = held.iter().find(|item| item["direction"] == "in").unwrap()["id"].as_str().unwrap().to_owned();
    let order = council.runs(&["held", "retry", &retried, "--reason", "once more"]);
    assert!(order.status.success(), "{}", says(&order));
    council.until("all rest again", |council| council.all_rest(count));

    let running = |council: &Council| {
        let alarms = mails(&postfix).into_iter().map(|mail| ("a mail about alarms".to_owned(), mail));
        let mut outputs: Vec<_> = shown(council).into_iter().chain(told_by(council)).chain(alarms).collect();
        outputs.extend(given_to_the_auditor(council));
        outputs.push(ledger(council));
        outputs
    };
    assert_none_in(&running(&council));
    let names = transfers(&council)
        .into_iter()
        .map(|id| says(&council.runs(&["transfers", "names", &id, "--reason", "the audit of made-up data"])));
    let names: String = names.collect();
    assert!(IN_NAMES.iter().all(|canary| names.contains(canary)), "only the order shows them: {names}");
    assert!(IN_CONTENT.iter().chain(&IN_HEADERS).all(|canary| !names.contains(canary)));
    assert_none_in(&running(&council));
    council.stops_well();
    let held = council.held().iter().filter(|item| item["direction"] == "in").count();

    keeps(&council, "0s");
    council.start_in(&[("HBCOURIER_LOG", "trace")]);
    council.until("what is over is erased", |council| originals(council).len() == held);
    council.until("and overwritten", |council| council.json(&["retention"])["due"].as_array().unwrap().is_empty());
    council.stops_well();
    council.start();
    assert_none_in(&running(&council));
    council.stops_well();
    assert_none_in(&[("the log".to_owned(), council.log())]);
    council.ledger();
    // What waits for a person is kept as it came: its name in the store, what came in clear in the spool.
    let in_files = state_files_with(&council, &everything());
    let waits =
        |path: &std::path::PathBuf| path.starts_with("spool/raw") || path.to_string_lossy().starts_with("store");
    assert!(in_files.iter().all(waits), "beside what waits for a person: {in_files:?}");
}
