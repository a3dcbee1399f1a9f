//! What is refused in the configuration of risk data, each with its key.

use crate::support::risk::Desk;

/// What is said when the configuration is read with this added.
fn refused(added: &str) -> String {
    let desk = Desk::with(added);
    let output = desk.risk("report", &[desk.config()], &[]);
    assert_eq!(output.status.code(), Some(78), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn profiles_that_cannot_be_meant() {
    for (added, told) in [
        ("[risk]\nscore = \"0\"\n", "`0` names no column"),
        ("[risk]\nhigh_risk = \"3\"\nhigh_risk_values = []\n", "no value marks a claim"),
        ("[risk]\nscore = \"SCORE\"\nheader = \"absent\"\n", "there is said to be no header"),
        ("[risk]\nscores = \"3\"\n", "scores"),
    ] {
        let words = refused(&format!("\n{added}"));
        assert!(words.contains(told), "{added}: {words}");
    }
}

#[test]
fn copies_that_cannot_be_meant() {
    let authority = "\n[[authority]]\nnumber = \"101809\"\nname = \"Glasgow\"\n[[authority.route]]\n\
        kinds = [\"caseload-risk\"]\ndestination = \"risk-101809\"\nfolder = \"/srv/x\"\n[authority.route.derived]\n";
    let column = "[[authority.route.derived.column]]\nfrom = \"1\"\n";
    let place = "destination = \"copy\"\nfolder = \"/srv/x\"\n";
    for (derived, told) in [
        (place.to_owned(), "the copy has no columns"),
        (format!("{place}file_name = \"{{id}}.csv\"\n{column}"), "does not tell that it is a derived copy"),
        (format!("{place}{column}{column}to = \"B\"\n"), "some columns of the copy have a name"),
        (format!("destination = \"risk-12302\"\nfolder = \"/srv/x\"\n{column}"), "risk-12302"),
    ] {
        let words = refused(&format!("{authority}{derived}"));
        assert!(words.contains(told), "{derived}: {words}");
    }
}
