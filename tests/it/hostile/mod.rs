//! Hostile content of every kind, sealed as DWP would seal it, before one real service: what is done with each, under which
//! limit, with how much memory.
//!
//! `tests/hostile` prints the table; the README has it, and a row that is missing there fails.

mod archives;
mod documents;
mod mails;
mod messages;
mod quine;

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use hbcourier::domain::{Digest, Standing};

use crate::support::council::{Council, drop_into, set};
use crate::support::partner::{Algorithm, Partner, SealOptions};

/// Names the file into which the table is written, by tests/hostile.
const TABLE: &str = "HBCOURIER_HOSTILE_TABLE";
const MIB: usize = 1024 * 1024;
/// What the service may have in memory at any time. Hundreds of times as much comes out of the bombs, if one lets them.
const MEMORY_KIB_MAX: u64 = 128 * 1024;
/// Limits that are reached quickly.
const PLAINTEXT: &str = "32 MiB";
const ARCHIVE: &str = "4 MiB";

/// Something that nobody should send.
#[derive(Clone)]
struct Case {
    group: &'static str,
    what: &'static str,
    /// What bounds it: a key of `service.limits`, or what is checked.
    limit: &'static str,
    done: Done,
    files: Vec<Vec<u8>>,
    /// Its files are mails.
    mail: bool,
}

/// What is done with it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Done {
    /// Each is held, or rejected, under this code.
    Held(&'static str),
    /// These contents are delivered, and nothing else.
    Delivered(Vec<Digest>),
}

impl Done {
    fn delivered<'c>(contents: impl IntoIterator<Item = &'c [u8]>) -> Done {
        let mut digests: Vec<Digest> = contents.into_iter().map(Digest::of).collect();
        digests.sort_unstable();
        Done::Delivered(digests)
    }

    fn says(&self) -> String {
        match self {
            Done::Held(code) if code.starts_with("CN-2") => format!("rejected, {code}"),
            Done::Held(code) => format!("held, {code}"),
            Done::Delivered(_) => "delivered as it was signed".to_owned(),
        }
    }
}

/// A council that looks into two folders, one of them of mails, and DWP.
struct Scene {
    dwp: Partner,
    council: Council,
    mails: PathBuf,
}

impl Scene {
    fn new() -> Scene {
        let mut dwp = Partner::new(Algorithm::Curve25519);
        let council = Council::new(&mut dwp);
        let mails = council.dir.path().join("mails");
        fs::create_dir(&mails).unwrap();
        let path = mails.display().to_string();
        council.changes_settings(|settings| {
            set(settings, &["service", "limits", "plaintext_bytes_max"], PLAINTEXT);
            set(settings, &["service", "limits", "archive_bytes_max"], ARCHIVE);
            let authority = settings["authority"][0].as_table_mut().unwrap();
            let folders = authority["drop_folder"].as_array_mut().unwrap();
            let mut folder = folders[0].as_table().unwrap().clone();
            folder.insert("name".into(), "mails-12302".into());
            folder.insert("path".into(), path.into());
            folder.insert("carries".into(), "mail".into());
            folders.push(folder.into());
        });
        // What is cut short is given up quickly.
        council.changes_drop_folders(|folder| {
            folder.insert("settle".into(), "100ms".into());
            folder.insert("patience".into(), "1s".into());
        });
        Scene { dwp, council, mails }
    }

    fn seals(&self, content: &[u8], name: &str) -> Vec<u8> {
        self.dwp.seals(content, name, &SealOptions::default())
    }

    /// Puts it before the service, and waits until all of it rests: what was done with each, how much memory that took at
    /// most, and how long.
    fn meets(&mut self, case: &Case, before: usize) -> Met {
        let known = self.council.delivered_digests();
        let pid = self.council.pid();
        // The peak begins anew. proc(5), /proc/pid/clear_refs
        fs::write(format!("/proc/{pid}/clear_refs"), "5").unwrap();
        let began = Instant::now();
        for (number, file) in case.files.iter().enumerate() {
            let folder = if case.mail { &self.mails } else { &self.council.drop };
            drop_into(folder, &format!("{before}-{number}.pgp"), file);
        }
        let all = before + case.files.len();
        self.council.until(&format!("it rests: {}", case.what), |council| council.all_rest(all));
        let took = began.elapsed();
        let mut delivered = self.council.delivered_digests();
        for digest in known {
            let place = delivered.iter().position(|one| *one == digest).expect("what was delivered stays");
            delivered.remove(place);
        }
        Met { outcomes: self.outcomes(case), delivered, peak_kib: self.council.peak_kib(), took }
    }

    fn outcomes(&self, case: &Case) -> Vec<String> {
        let all = self.council.consignments();
        let of = |file: &Vec<u8>| {
            let sealed = Digest::of(file);
            let one = all.iter().find(|one| one.sealed_digest == sealed).expect("it was collected");
            match &one.standing {
                Standing::Held { reason, .. } => reason.notice().code.to_owned(),
                Standing::Rejected { reason, .. } => reason.notice().code.to_owned(),
                other => other.word().to_owned(),
            }
        };
        case.files.iter().map(of).collect()
    }
}

/// What became of a case.
struct Met {
    outcomes: Vec<String>,
    delivered: Vec<Digest>,
    peak_kib: u64,
    took: Duration,
}

impl Met {
    /// What is not as it should be.
    fn wrong(&self, case: &Case) -> Option<String> {
        let (outcome, delivered) = match &case.done {
            Done::Held(code) => (*code, Vec::new()),
            Done::Delivered(digests) => ("closed", digests.clone()),
        };
        let right = self.outcomes.iter().all(|one| one == outcome) && self.delivered == delivered;
        if right && self.peak_kib <= MEMORY_KIB_MAX {
            return None;
        }
        let (outcomes, files) = (&self.outcomes, self.delivered.len());
        Some(format!(
            "{} / {}: {outcomes:?} with {files} files delivered, in {} KiB, instead of {outcome} with {}",
            case.group,
            case.what,
            self.peak_kib,
            delivered.len()
        ))
    }
}

/// The part of a row that is the same at each run.
fn row(case: &Case) -> String {
    let many = if case.files.len() > 1 { format!(" ({} files)", case.files.len()) } else { String::new() };
    format!("| {} | {}{many} | {} | {} |", case.group, case.what, case.done.says(), case.limit)
}

#[test]
fn every_case_is_met_as_the_table_says_in_bounded_memory() {
    let mut scene = Scene::new();
    let cases: Vec<Case> =
        [archives::cases(&scene), documents::cases(&scene), messages::cases(&scene), mails::cases(&scene)]
            .into_iter()
            .flatten()
            .collect();
    scene.council.start();
    let (mut wrong, mut rows, mut count, mut most) = (Vec::new(), Vec::new(), 0, 0);
    for case in &cases {
        let met = scene.meets(case, count);
        count += case.files.len();
        most = most.max(met.peak_kib);
        wrong.extend(met.wrong(case));
        rows.push(format!("{} {} MiB | {} ms |", row(case), met.peak_kib.div_ceil(1024), met.took.as_millis()));
    }
    let head = "| what | hostile content | what is done | limit, or what is checked | memory | time |\n|---|---|---|---|---|---|";
    let sum = format!("{} cases, {count} files, at most {} MiB.", cases.len(), most.div_ceil(1024));
    let table = format!("{head}\n{}\n\n{sum}\n", rows.join("\n"));
    println!("{table}");
    if let Some(path) = std::env::var_os(TABLE) {
        fs::write(path, &table).unwrap();
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert!(scene.council.hidden_parts().is_empty(), "nothing is left half delivered");
    let good = crate::inbound::laid_xml(4711);
    scene.council.drops("good.pgp", &scene.seals(&good, "LAID.xml"));
    scene.council.until("a good file is delivered after all of it", |council| council.all_rest(count + 1));
    assert!(scene.council.delivered_digests().contains(&Digest::of(&good)));
    scene.council.ledger();
    scene.council.stops_well();
    if std::env::var_os(TABLE).is_none() {
        let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
        let missing: Vec<String> = cases.iter().map(row).filter(|row| !readme.contains(row)).collect();
        assert!(missing.is_empty(), "put the table into the README by tests/hostile --write: {missing:#?}");
    }
}
