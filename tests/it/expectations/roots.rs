//! The root elements of XML that a route accepts.

use std::fs;

use super::council::{BLACKPOOL, Council};

fn council(roots: &str) -> Council {
    let mut council = Council::new(&[(BLACKPOOL, "")], "2020-04-01 09:00");
    let config = fs::read_to_string(&council.config).unwrap();
    fs::write(&council.config, config.replace("destination = ", &format!("xml_roots = [{roots}]\ndestination = ")))
        .unwrap();
    council.restart();
    council
}

#[test]
fn xml_with_another_root_is_held_and_everything_else_is_not_asked() {
    let council = council("\"LAIDBatch\", \"{urn:example:laid}\"");
    council.comes(BLACKPOOL, "LAID_1.xml", b"<LAIDBatch/>");
    council.comes(BLACKPOOL, "LAID_2.xml", b"<x:Anything xmlns:x='urn:example:laid'/>");
    council.comes(BLACKPOOL, "LAID_3.pdf", &hbcourier::cli::demo::samples::laid_pdf());
    assert!(council.held().is_empty(), "{:?}", council.held());
    council.comes(BLACKPOOL, "LAID_4.xml", b"<LAID/>");
    council.comes(BLACKPOOL, "LAID_5.xml", b"<LAID xmlns='urn:example:other'/>");
    assert_eq!(council.held(), ["CN-155", "CN-155"]);
    let id = council.json(&["held", "list"])["held"][0]["id"].as_str().unwrap().to_owned();
    let why = String::from_utf8(council.runs(&["transfers", "why", &id]).stdout).unwrap();
    assert!(why.contains("CN-155") && !why.contains("CN-118"), "{why}");
}

#[test]
fn without_a_list_any_root_is_accepted() {
    let council = council("");
    council.comes(BLACKPOOL, "LAID_1.xml", b"<Whatever xmlns='urn:example:other'/>");
    assert!(council.held().is_empty(), "{:?}", council.held());
}
