//! Legal holds: what is under one stays, however old it is, and a person can see it.

use super::{closed, council, drops_laid, entries, keeps, originals, says, transfers};

#[test]
fn what_is_under_a_legal_hold_is_not_erased_until_it_is_lifted() {
    let (dwp, mut council) = council();
    (1..=2).for_each(|number| drops_laid(&dwp, &council, number));
    council.start();
    council.until("both are closed", |council| closed(council) == 2);
    let ids = transfers(&council);
    let order = |words: &[&str]| council.runs(&[&["legal-hold"], words].concat());
    assert_eq!(order(&["place", "--reason", "x"]).status.code(), Some(2), "of what?");
    assert_eq!(order(&["place", &ids[0], "--authority", "12302", "--reason", "x"]).status.code(), Some(2));
    let placed = order(&["place", &ids[0], "--reason", "an investigation"]);
    assert!(placed.status.success(), "{}", says(&placed));
    assert_eq!(order(&["place", &ids[0], "--reason", "again"]).status.code(), Some(1));
    assert_eq!(order(&["place", "--authority", "20101", "--reason", "whose?"]).status.code(), Some(1));
    assert_eq!(order(&["lift", &ids[1], "--reason", "none stands"]).status.code(), Some(1));
    let listed = council.json(&["legal-hold", "list"]);
    assert_eq!(listed["legal_holds"][0]["on"], ids[0].as_str());
    assert_eq!(council.json(&["status"])["legal_holds"], listed["legal_holds"]);
    assert!(says(&council.runs(&["status"])).contains(&ids[0]));
    council.stops_well();

    keeps(&council, "0s");
    let outlook = council.json(&["retention"]);
    assert_eq!((&outlook["under_hold"], &outlook["due"][0]["count"]), (&1.into(), &1.into()), "{outlook}");
    council.runs(&["run", "--once"]);
    assert_eq!(originals(&council), [council.state.join(format!("archive/{}.pgp", ids[0]))]);
    let lifted = council.runs(&["legal-hold", "lift", &ids[0], "--reason", "it is over"]);
    assert!(lifted.status.success(), "{}", says(&lifted));
    let placed = council.runs(&["legal-hold", "place", "--authority", "12302", "--reason", "everything now"]);
    assert!(placed.status.success(), "{}", says(&placed));
    council.runs(&["run", "--once"]);
    assert_eq!(originals(&council).len(), 1);
    council.runs(&["legal-hold", "lift", "--authority", "12302", "--reason", "over too"]);
    council.runs(&["run", "--once"]);
    assert!(originals(&council).is_empty());
    let told = ["legal-hold-placed", "legal-hold-lifted", "order-refused"].map(|event| entries(&council, event).len());
    assert_eq!(told, [2, 2, 3]);
    council.ledger();
}
