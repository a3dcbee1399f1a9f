//! What `src/ARCHITECTURE.md` names is there: functions, tests, dependencies.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn every_function_and_test_it_names_exists() {
    let sources = ["src", "tests/it"].map(|folder| text_of(&root().join(folder))).concat();
    let named = named_functions(&architecture());
    assert!(named.len() > 80, "hardly any name was found: {named:?}");
    let is_missing =
        |name: &&String| !sources.contains(&format!("fn {name}(")) && !sources.contains(&format!("fn {name}<"));
    let missing: Vec<_> = named.iter().filter(is_missing).collect();
    assert!(missing.is_empty(), "ARCHITECTURE.md names what is not there: {missing:#?}");
}

#[test]
fn every_dependency_is_justified_and_nothing_else() {
    let cargo: toml::Table = fs::read_to_string(root().join("Cargo.toml")).unwrap().parse().unwrap();
    let keys = |table: &str| cargo[table].as_table().unwrap().keys().cloned().collect::<Vec<_>>();
    let used: BTreeSet<String> = keys("dependencies").into_iter().chain(keys("dev-dependencies")).collect();
    let text = architecture();
    let table = text.split_once("## Dependencies").expect("there is a section on dependencies").1;
    let cells = table.lines().filter(|line| line.starts_with("| `")).filter_map(|line| line.split('|').nth(1));
    let justified: BTreeSet<String> =
        cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).map(str::to_owned).collect();
    assert_eq!(used, justified);
}

#[test]
fn every_code_of_the_readme_and_of_the_tables_is_used() {
    let product = text_of(&root().join("src"));
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    for code in codes(&readme).union(&codes(&architecture())) {
        assert!(product.contains(&format!("\"{code}\"")), "{code} is told of, and is no code of the program");
    }
}

#[test]
fn names_are_found_in_text() {
    let text = "`take()` and `Spool::take_two()`, `folder::a_test`, not `durable::step`'s `Kind::Other` nor `state/`";
    let named: Vec<_> = named_functions(text).into_iter().collect();
    assert_eq!(named, ["a_test", "step", "take", "take_two"]);
    assert_eq!(codes("CN-101 and CN-5012").into_iter().collect::<Vec<_>>(), ["CN-101"]);
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn architecture() -> String {
    fs::read_to_string(root().join("src/ARCHITECTURE.md")).unwrap()
}

/// The last part of everything in backquotes that is written `name()` or `place::name`.
fn named_functions(text: &str) -> BTreeSet<String> {
    let quoted = text.split('`').skip(1).step_by(2);
    let is_call = |name: &&str| name.ends_with("()") || name.contains("::");
    let last = |name: &str| name.trim_end_matches("()").rsplit("::").next().unwrap_or_default().to_owned();
    let snake = |name: &String| name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    quoted.filter(is_call).map(last).filter(snake).filter(|name| !name.is_empty()).collect()
}

fn codes(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    words.filter(|word| word.len() == 6 && word.starts_with("CN-")).map(str::to_owned).collect()
}

/// Every Rust file below the folder, one after the other.
fn text_of(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            text.push_str(&text_of(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
    text
}
