//! Who may name whom: every path in the product's sources, held against the arrows of `src/ARCHITECTURE.md`.
//!
//! In:  every file below `src`, without comments, string literals and test modules.
//! Out: every arrow, crate or call that is not allowed, with its file and line.
//! Holds: the checks themselves are shown to notice what they forbid.

mod source;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use self::source::{Reference, Source};

/// What each top-level module may name besides itself. `main.rs` may name everything.
const ARROWS: [(&str, &[&str]); 19] = [
    ("domain", &[]),
    ("progress", &[]),
    ("durable", &["domain", "progress"]),
    ("catalogue", &["domain"]),
    ("config", &["domain"]),
    ("effects", &["domain", "durable", "progress"]),
    ("sandbox", &["config"]),
    ("store", &["domain", "durable"]),
    ("inbound", &["domain", "durable", "catalogue", "config", "effects", "store"]),
    ("outbound", &["domain", "durable", "catalogue", "config", "effects", "store"]),
    ("checkpoints", &["domain", "durable", "effects", "store"]),
    ("operator", &["domain", "durable", "catalogue", "config", "effects", "store", "checkpoints"]),
    ("foresight", &["domain", "durable", "catalogue", "config", "effects", "store"]),
    ("audit", &["domain", "durable", "catalogue", "config", "effects", "store"]),
    ("retention", &["domain", "durable", "catalogue", "config", "effects", "store"]),
    (
        "daemon",
        &[
            "domain",
            "progress",
            "durable",
            "catalogue",
            "config",
            "effects",
            "store",
            "checkpoints",
            "inbound",
            "outbound",
            "operator",
            "foresight",
            "retention",
            "sandbox",
        ],
    ),
    ("telemetry", &[]),
    (
        "cli",
        &[
            "domain",
            "durable",
            "catalogue",
            "config",
            "effects",
            "store",
            "checkpoints",
            "inbound",
            "outbound",
            "operator",
            "foresight",
            "audit",
            "retention",
            "sandbox",
            "daemon",
            "telemetry",
        ],
    ),
    ("lib", &[]),
];

/// Crates that only these places may name.
const OWNED_CRATES: [(&str, &[&str]); 6] = [
    ("sequoia_openpgp", &["effects/pgp/"]),
    ("rusqlite", &["store/"]),
    // The configuration holds addresses against the same grammar by which mail is made.
    ("lettre", &["effects/courier/", "config/check/exchange.rs"]),
    ("notify", &["effects/noticing.rs"]),
    ("landlock", &["sandbox/"]),
    ("seccompiler", &["sandbox/"]),
];

/// Modules whose code has no clock, no file system, no network and no environment of its own.
const CORE: [&str; 8] =
    ["domain", "catalogue", "checkpoints", "inbound", "outbound", "operator", "foresight", "retention"];

/// What core code may not name. An open [`std::fs::File`] may be handed to it; it opens none.
const NOT_IN_CORE: [&str; 14] = [
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::os::unix::net",
    "std::thread",
    "SystemTime::now",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
    "File::open",
    "File::create",
    "File::options",
    "rustix::fs",
];

#[test]
fn every_arrow_points_down() {
    let wrong: Vec<String> = sources().iter().flat_map(wrong_arrows).collect();
    assert!(wrong.is_empty(), "these may not name each other (see src/ARCHITECTURE.md):\n{}", wrong.join("\n"));
}

#[test]
fn effects_do_not_name_each_other() {
    let wrong: Vec<String> = sources().iter().flat_map(wrong_effects).collect();
    assert!(wrong.is_empty(), "effects are apart from each other:\n{}", wrong.join("\n"));
}

#[test]
fn some_crates_have_one_home() {
    let wrong: Vec<String> = sources().iter().flat_map(wrong_crates).collect();
    assert!(wrong.is_empty(), "these crates are named outside their home:\n{}", wrong.join("\n"));
}

#[test]
fn the_core_has_no_clock_and_no_file_system() {
    let wrong: Vec<String> = sources().iter().flat_map(wrong_in_core).collect();
    assert!(wrong.is_empty(), "this belongs behind an effect:\n{}", wrong.join("\n"));
}

#[test]
fn every_module_has_its_place_and_every_file_its_header() {
    let placed: BTreeSet<&str> = ARROWS.iter().map(|(module, _)| *module).collect();
    for source in sources() {
        let module = source.module.first().map_or("lib", String::as_str);
        assert!(placed.contains(module) || module == "main", "{module} has no place among the layers");
        assert!(source.header, "{} does not begin with //!", source.file);
    }
}

/// What it forbids is noticed: otherwise silence would mean nothing.
#[test]
fn what_is_forbidden_is_noticed() {
    let noticed = |file: &str, text: &str, check: fn(&Source) -> Vec<String>| check(&Source::read(file, text)).len();
    let grouped = "use crate::{domain::Digest, store::{Queries, Recorder}};";
    assert_eq!(noticed("catalogue/shbe.rs", grouped, wrong_arrows), 2);
    assert_eq!(noticed("inbound/mod.rs", "fn f() { crate::outbound::tick() }", wrong_arrows), 1);
    assert_eq!(noticed("outbound/send.rs", "use super::super::inbound::Terms;", wrong_arrows), 1);
    assert_eq!(noticed("outbound/send.rs", "use super::due; // crate::inbound", wrong_arrows), 0);
    assert_eq!(noticed("domain/kind.rs", "#[cfg(test)]\nmod tests { use crate::store::X; }", wrong_arrows), 0);
    assert_eq!(noticed("effects/spool.rs", "use super::{clock::Clock, pgp};", wrong_effects), 2);
    assert_eq!(noticed("effects/pgp/open.rs", "use super::helper::Helper;", wrong_effects), 0);
    assert_eq!(noticed("effects/courier/mod.rs", "use crate::effects::pgp::Sealer;", wrong_effects), 1);
    assert_eq!(noticed("inbound/open.rs", "use sequoia_openpgp as openpgp;", wrong_crates), 1);
    assert_eq!(noticed("inbound/open.rs", "const S: &str = \"sequoia_openpgp::x\";", wrong_crates), 0);
    assert_eq!(noticed("cli/audit.rs", "use rusqlite::Connection;", wrong_crates), 1);
    assert_eq!(noticed("outbound/due.rs", "fn f() { std::fs::rename(a, b); Timestamp::now(); }", wrong_in_core), 2);
    assert_eq!(noticed("outbound/due.rs", "use std::fs::File; use std::io::{self, Read};", wrong_in_core), 0);
    assert_eq!(noticed("outbound/due.rs", "use std::{fs, io};", wrong_in_core), 1);
    assert_eq!(noticed("daemon/run.rs", "use std::fs;", wrong_in_core), 0);
}

fn wrong_arrows(source: &Source) -> Vec<String> {
    let Some(from) = source.module.first().filter(|module| *module != "main") else { return Vec::new() };
    let Some((_, allowed)) = ARROWS.iter().find(|(module, _)| module == from) else { return Vec::new() };
    let is_wrong = |to: &str| to != from && is_module(to) && !allowed.contains(&to);
    let inside = source.inside.iter().filter(|reference| reference.path.first().is_some_and(|to| is_wrong(to)));
    inside.map(|reference| told(source, reference)).collect()
}

fn wrong_effects(source: &Source) -> Vec<String> {
    let [first, own, ..] = source.module.as_slice() else { return Vec::new() };
    let is_wrong = |path: &[String]| matches!(path, [to, other, ..] if to == "effects" && other != own);
    let inside = source.inside.iter().filter(|reference| first == "effects" && is_wrong(&reference.path));
    inside.map(|reference| told(source, reference)).collect()
}

fn wrong_crates(source: &Source) -> Vec<String> {
    let is_home = |homes: &[&str]| homes.iter().any(|home| source.file.starts_with(home));
    let is_wrong = |name: &str| OWNED_CRATES.iter().any(|(owned, homes)| *owned == name && !is_home(homes));
    let outside = source.outside.iter().filter(|reference| reference.path.first().is_some_and(|name| is_wrong(name)));
    outside.map(|reference| told(source, reference)).collect()
}

fn wrong_in_core(source: &Source) -> Vec<String> {
    if !source.module.first().is_some_and(|module| CORE.contains(&module.as_str())) {
        return Vec::new();
    }
    let is_wrong = |path: &str| {
        let inner = format!("::{path}");
        path != "std::fs::File"
            && NOT_IN_CORE.iter().any(|not| path.starts_with(not) || inner.ends_with(&format!("::{not}")))
    };
    let outside = source.outside.iter().filter(|reference| is_wrong(&reference.path.join("::")));
    outside.map(|reference| told(source, reference)).collect()
}

fn is_module(name: &str) -> bool {
    ARROWS.iter().any(|(module, _)| *module == name)
}

fn told(source: &Source, reference: &Reference) -> String {
    format!("src/{}:{}: {}", source.file, reference.line, reference.path.join("::"))
}

/// Every file of the product, without those that only tests compile.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    list(&root, &mut files);
    let read = |path: &PathBuf| {
        let file = path.strip_prefix(&root).unwrap().to_str().unwrap();
        Source::read(file, &fs::read_to_string(path).unwrap())
    };
    let all: Vec<Source> = files.iter().map(read).collect();
    let for_tests: BTreeSet<PathBuf> = all.iter().flat_map(|source| source.test_files.clone()).collect();
    let is_for_tests =
        |file: &str| Path::new(file).ancestors().any(|part| for_tests.contains(&part.with_extension("")));
    let product: Vec<Source> = all.into_iter().filter(|source| !is_for_tests(&source.file)).collect();
    assert!(product.len() > 100, "the sources were not found");
    product
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            list(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}
