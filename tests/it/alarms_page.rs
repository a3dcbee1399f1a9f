//! `config/alarms.md`: every code that people are told, what it says, and what to do.
//!
//! In:  the notices of the program, and those that are written out where they are raised.
//! Out: the page; a page that has drifted, and a code without an entry, fail.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use hbcourier::operator::permission::{NO_ROLE, NOT_ALLOWED};

use super::notices::{each_hold, notices, sources};

const HEAD: &str = "# Codes and what to do

Every code that hbcourier tells: in `hbcourier status`, in alarm mails, in the log, in the ledger, and as a label of
`hbcourier_alarms` in `/metrics`. Each has what it says and the next step, which `status` and mails tell too. This page is made
from the program; a test fails if it has drifted. Names such as `drop-12302`, numbers and dates in it are examples.

";

/// What a code's first digit tells.
const KINDS: [(char, &str, &str); 5] = [
    ('1', "Held", "A received file waits for a person: `hbcourier held list`."),
    ('2', "Rejected", "A received file is never delivered."),
    ('3', "Deferred", "Something is tried again by itself."),
    ('4', "Returns held", "A file that was left as a return is not it: `hbcourier returns list --open`."),
    ('5', "Alarms and refusals", "Raised until the cause is gone: `hbcourier status`."),
];

/// What each code says, in each form it has, and the next step of that form.
type Entries = BTreeMap<String, BTreeSet<(String, String)>>;

#[test]
fn the_page_is_what_the_program_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/alarms.md");
    let page = page(&entries());
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == page, "config/alarms.md has drifted: run this test with UPDATE_REFERENCE=1");
}

#[test]
fn every_code_in_the_program_has_an_entry() {
    let entries = entries();
    let mut found = 0;
    for path in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        if path.to_str().is_some_and(|path| path.contains("tests")) {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        // Unit tests make codes up.
        let product = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        for (at, _) in product.match_indices("\"CN-") {
            let code = &product[at + 1..at + 7];
            found += 1;
            assert!(entries.contains_key(code), "{code} of {} is not on the page", path.display());
        }
    }
    assert!(found > 80, "hardly any code was found: {found}");
}

fn entries() -> Entries {
    let mut entries = Entries::new();
    let mut add = |code: &str, says: String, next: String| {
        entries.entry(code.to_owned()).or_default().insert((says, next));
    };
    for notice in notices().into_iter().chain(each_hold().iter().map(hbcourier::domain::HoldReason::notice)) {
        add(notice.code, notice.says, notice.next.to_owned());
    }
    for file in ["src/outbound/alarm.rs", "src/outbound/round.rs"] {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
        for (at, _) in text.match_indices("\"CN-") {
            let mut literals = literals(&text[at..]);
            let mut next = || literals.next().expect("a code, what it says, the next step");
            let (code, says, step) = (next(), next(), next());
            add(&code, filled(&says), step);
        }
    }
    let refused = "An account gave an order, or wanted to read something, that takes a role which it does not have.";
    add(NOT_ALLOWED, refused.to_owned(), "`hbcourier roles` shows who may do what, and which group to ask.".to_owned());
    let nobody = "An account without any role asked for something.";
    add(
        NO_ROLE,
        nobody.to_owned(),
        "`hbcourier roles` shows which groups give one; the ledger has who asked, and when.".to_owned(),
    );
    entries
}

/// The string literals of a piece of source, in order.
fn literals(source: &str) -> impl Iterator<Item = String> + '_ {
    let mut rest = source;
    std::iter::from_fn(move || {
        let from = rest.find('"')? + 1;
        let mut end = from;
        while !rest[end..].starts_with('"') {
            end += if rest[end..].starts_with('\\') { 2 } else { rest[end..].chars().next()?.len_utf8() };
        }
        let literal = rest[from..end].to_owned();
        rest = &rest[end + 1..];
        Some(literal)
    })
}

/// What is filled in later, by an example or by nothing.
fn filled(says: &str) -> String {
    let mut says = says.to_owned();
    for (what, example) in [
        ("{about}", "shbe/12302/2020-04"),
        ("{this}", "shbe of LA 12302"),
        ("{quiet}", "3"),
        ("{workbook}", "12302/2020-04"),
        (": {says}", ""),
    ] {
        says = says.replace(what, example);
    }
    let first = if says.starts_with("{}") { says.replacen("{}", "shbe/12302/2020-04", 1) } else { says };
    first.replace("{}", "")
}

fn page(entries: &Entries) -> String {
    let mut page = HEAD.to_owned();
    for (digit, kind, what) in KINDS {
        let _ = write!(page, "## {kind}\n\n{what}\n\n");
        for (code, forms) in entries.iter().filter(|(code, _)| code.chars().nth(3) == Some(digit)) {
            let _ = write!(page, "### {code}\n\n");
            for (says, next) in forms {
                assert!(!says.contains('{') && !next.contains('{'), "something is not filled in: {code} {says} {next}");
                let _ = write!(page, "{says}\n\n**Next:** {next}\n\n");
            }
        }
    }
    page.truncate(page.trim_end().len());
    page.push('\n');
    page
}
