//! Names that others chose: withheld by every reading command, shown by an order that is on record first.

use super::{IN_NAMES, closed, council, drops_laid, entries, keeps, named, says, transfers};

#[test]
fn are_shown_by_an_order_that_is_recorded_before_and_by_nothing_else() {
    let (dwp, mut council) = council();
    drops_laid(&dwp, &council, 1);
    council.start();
    council.until("it is closed", |council| closed(council) == 1);
    let id = transfers(&council).remove(0);
    let shown = council.json(&["transfers", "show", &id]);
    assert_eq!(shown["name"], "(name withheld)");
    let folder = council.backoffice.join("laid");
    assert_eq!(shown["parts"][0]["delivered_to"], folder.join("(name withheld)").to_str().unwrap());
    for reading in [&["transfers", "show", &id][..], &["transfers", "why", &id], &["transfers", "list", "--json"]] {
        let told = says(&council.runs(reading));
        assert!(!told.is_empty() && IN_NAMES.iter().all(|canary| !told.contains(canary)), "{reading:?}: {told}");
    }

    let ask = |more: &[&str]| council.runs(&[&["transfers", "names", &id], more].concat());
    assert_eq!(ask(&[]).status.code(), Some(2), "a reason is needed");
    assert_eq!(ask(&["--reason", " "]).status.code(), Some(1), "and not an empty one");
    assert_eq!(entries(&council, "order-refused").len(), 1);
    assert!(entries(&council, "names-read").is_empty());

    let told = ask(&["--reason", "DWP asks what it sent", "--by", "an officer", "--json"]);
    assert!(told.status.success(), "{}", says(&told));
    let told: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(told["at_source"], format!("{}.pgp", named("1.xml")));
    assert!(told["parts"][0]["path"].as_str().unwrap().ends_with(&named("1.xml")), "{told}");
    let read = entries(&council, "names-read").remove(0);
    assert_eq!((&read["transfer"], &read["why"]), (&told["transfer"], &"DWP asks what it sent".into()));
    assert!(read["actor"]["account"]["name"].is_string(), "the account that asked: {read}");

    council.stops_well();
    let alone = council.runs(&["transfers", "names", &id, "--reason", "without the service"]);
    assert!(says(&alone).contains(&named("1.xml")), "{}", says(&alone));
    assert_eq!(entries(&council, "names-read").len(), 2);
    assert!(IN_NAMES.iter().all(|canary| !council.log().contains(canary)));

    keeps(&council, "0s");
    council.runs(&["run", "--once"]);
    let gone = council.runs(&["transfers", "names", &id, "--reason", "too late"]);
    assert_eq!(gone.status.code(), Some(1));
    assert!(says(&gone).contains("were erased, as ledger entry"), "{}", says(&gone));
    assert_eq!(council.json(&["transfers", "show", &id])["name"], "(name erased)");
    council.ledger();
}

#[test]
fn that_are_our_own_are_shown() {
    let (dwp, mut council) = council();
    council.changes_routes(|route| drop(route.remove("file_name")));
    drops_laid(&dwp, &council, 1);
    council.start();
    council.until("it is closed", |council| closed(council) == 1);
    let id = transfers(&council).remove(0);
    let delivered_to = council.json(&["transfers", "show", &id])["parts"][0]["delivered_to"].clone();
    assert!(std::path::Path::new(delivered_to.as_str().unwrap()).is_file(), "{delivered_to}");
}
