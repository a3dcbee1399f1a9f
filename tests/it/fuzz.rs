//! Every seed, and every case that a fuzzer ever found, passes what reads bytes from outside. `tests/fuzz/run` looks for more.

#[path = "../fuzz/looks/mod.rs"]
mod looks;

use std::fs;
use std::path::{Path, PathBuf};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::support::shbe::Extract;

/// Cases that are made rather than kept: their target, their name, their bytes.
fn made() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let mut made = vec![
        ("ledger", "export", looks::ledger::seed()),
        ("zip", "stored.zip", pack(CompressionMethod::Stored)),
        ("zip", "deflated.zip", pack(CompressionMethod::Deflated)),
        ("files", "pack.zip", pack(CompressionMethod::Deflated)),
        ("config", "every-key.toml", include_bytes!("../../config/hbcourier.toml").to_vec()),
        ("config", "minimal.toml", include_bytes!("../../config/hbcourier.minimal.toml").to_vec()),
        ("timetable", "2020-21.toml", include_bytes!("../../config/timetables/2020-21.toml").to_vec()),
    ];
    for (name, extract) in [
        ("extract.txt", Extract::new("12302", "2020-04-08")),
        ("western.txt", Extract::new("12302", "2020-04-08").western()),
        ("cut.txt", Extract::new("12302", "2020-04-08").fault("truncated")),
    ] {
        made.push(("shbe", name, extract.claims(1).bytes().0));
    }
    made
}

fn pack(method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    for (name, content) in [("HBMS_12302_R1.csv", "Rule,Reference\r\nR1,CASE-1\r\n"), ("below/LAID.xml", "<LAID/>")] {
        zip.start_file(name, options).unwrap();
        std::io::Write::write_all(&mut zip, content.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect();
    files.sort();
    files
}

/// With `HBCOURIER_FUZZ_CORPUS`, a folder, each target's cases are also laid down there, for the fuzzer to begin with.
#[test]
fn every_seed_and_every_finding_passes() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let corpus = std::env::var_os("HBCOURIER_FUZZ_CORPUS").map(PathBuf::from);
    for target in looks::TARGETS {
        let folders = target.seeds.iter().map(|seeds| tests.join(seeds));
        let findings = tests.join("fuzz/findings").join(target.name);
        let kept = folders.chain([findings]).flat_map(|folder| files_below(&folder));
        let mut cases: Vec<(String, Vec<u8>)> = kept
            .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap()))
            .collect();
        let made = made().into_iter().filter(|(of, ..)| *of == target.name);
        cases.extend(made.map(|(_, name, bytes)| (name.to_owned(), bytes)));
        assert!(!cases.is_empty(), "{} has no case", target.name);
        for (name, bytes) in cases {
            println!("{}: {name}", target.name);
            (target.look)(&bytes);
            if let Some(corpus) = &corpus {
                fs::create_dir_all(corpus.join(target.name)).unwrap();
                fs::write(corpus.join(target.name).join(name), bytes).unwrap();
            }
        }
    }
}

/// A look that lets everything pass finds nothing.
#[test]
fn the_seeds_reach_what_they_are_for() {
    assert!(looks::named("openpgp").is_some() && looks::named("").is_none());
    assert!(looks::openpgp::opens(include_bytes!("../fuzz/seeds/openpgp/whole.pgp")));
    assert!(!looks::openpgp::opens(include_bytes!("../fuzz/seeds/openpgp/stranger.pgp")));
    assert!(looks::openpgp::opens_inside(include_bytes!("../fuzz/seeds/openpgp-inside/plain")));
    assert!(looks::ledger::verifies(&looks::ledger::seed()));
    let altered = String::from_utf8(looks::ledger::seed()).unwrap().replacen("12302", "12303", 1);
    assert!(!looks::ledger::verifies(altered.as_bytes()));
    for line in ["status", "read", "retry", "approve", "return"] {
        let path = format!("{}/tests/fuzz/seeds/control/{line}.json", env!("CARGO_MANIFEST_DIR"));
        assert!(looks::control::is_request(&fs::read(path).unwrap()), "{line}");
    }
}
