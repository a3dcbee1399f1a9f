//! Timetable files: what is read, and what is said about what cannot be.

use std::error::Error as _;
use std::fs;
use std::path::PathBuf;

use hbcourier::config::timetable::{FILE_BYTES_MAX, TimetableFileError, load, read, render};
use hbcourier::domain::ReturnKind;
use tempfile::TempDir;

use super::date;

const GOOD: &str = r#"
year = "2026-27"
source = "a letter"
breaks = ["2026-12-21"]

[[group]]
week = 1
weekday = "Monday"
dates = [
  { relevant_month = "2026-04", extract_from = "2026-04-06", transfer_on = "2026-04-13" },
  { relevant_month = "2026-05", extract_from = "2026-05-04", transfer_on = "2026-05-11" },
]
hbms_mi = [{ relevant_month = "2026-05", transfer_on = "2026-05-15" }]
authorities = [["12302", "Blackpool"]]
"#;

fn file(text: &str) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("2026-27.toml");
    fs::write(&path, text).unwrap();
    (dir, path)
}

fn problems(text: &str) -> Vec<String> {
    let (_dir, path) = file(text);
    match load(&path) {
        Err(TimetableFileError::Problems { problems, .. }) => problems,
        other => panic!("problems expected, not {other:?}"),
    }
}

#[test]
fn the_bundled_file_can_be_loaded_as_an_operators() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("config/timetables/2020-21.toml");
    assert_eq!(load(&path).unwrap(), super::year_2020());
}

#[test]
fn what_is_rendered_reads_back_as_the_same_timetable() {
    let (_dir, path) = file(GOOD);
    for timetable in [load(&path).unwrap(), super::year_2020()] {
        let remarks = ["one\nline".to_owned(), String::new()];
        let text = render(&timetable, "a \"letter\"", &remarks);
        assert_eq!(read(&path, &text).unwrap(), timetable);
        assert!(text.starts_with("# one line\n#\n"), "{text}");
    }
}

#[test]
fn a_return_with_dates_of_its_own_keeps_those_and_the_other_the_shared_ones() {
    let (_dir, path) = file(GOOD);
    let timetable = load(&path).unwrap();
    let blackpool = "12302".parse().unwrap();
    assert_eq!(timetable.obligations(&blackpool, ReturnKind::Shbe).len(), 2);
    let mi = timetable.obligations(&blackpool, ReturnKind::HbmsMi);
    assert_eq!(mi.len(), 1);
    assert_eq!(mi[0].transfer_on, date("2026-05-15"));
}

#[test]
fn every_problem_is_named_with_its_place() {
    let text = GOOD
        .replace(
            "[\"12302\", \"Blackpool\"]",
            "[\"6104\", \"Dover\"], [\"12302\", \"Blackpool\"], [\"12302\", \"Again\"]",
        )
        .replace("2026-05-04", "04/05/2026")
        .replace("extract_from = \"2026-04-06\", ", "")
        .replace("2026-12-21", "2026-12-32")
        .replace("{ relevant_month = \"2026-05\", transfer_on", "{ relevant_month = \"2026-5\", transfer_on");
    assert_eq!(
        problems(&text),
        [
            "breaks: `2026-12-32` is not a date: write it as 2020-04-14",
            "week 1 Monday, 2026-05: `04/05/2026` is not a date: write it as 2020-04-14",
            "week 1 Monday, 2026-5: `2026-5` is not a month: write it as 2020-04",
            "week 1 Monday: shbe, 2026-04: `extract_from` is missing",
            "week 1 Monday: `6104` is not an LA number: five or six digits are needed, as in 12302 (Blackpool)",
            "LA number 12302 is in week 1 Monday and again in week 1 Monday: an authority belongs to one group",
        ]
    );
}

#[test]
fn what_has_no_effect_is_a_problem() {
    let shbe = "shbe = [{ relevant_month = \"2026-05\", extract_from = \"2026-05-08\", transfer_on = \"2026-05-15\" }]\nhbms_mi";
    assert_eq!(
        problems(&GOOD.replace("hbms_mi", shbe)),
        ["week 1 Monday: `dates` is not used, because `shbe` and `hbms_mi` are both given"]
    );
    let extraction =
        GOOD.replace("transfer_on = \"2026-05-15\"", "extract_from = \"2026-05-08\", transfer_on = \"2026-05-15\"");
    assert_eq!(problems(&extraction), ["week 1 Monday: hbms_mi, 2026-05: `extract_from` belongs to the SHBE alone"]);
    let (_dir, path) = file(&GOOD.replace("week = 1", "week = 1\nwekday = \"Monday\""));
    let fault = load(&path).unwrap_err();
    assert!(matches!(fault, TimetableFileError::Form { .. }), "{fault:?}");
    assert!(fault.source().unwrap().to_string().contains("wekday"), "the unknown key is named");
}

#[test]
fn a_wrong_weekday_and_a_wrong_year_are_said_so() {
    let says = problems(&GOOD.replace("\"Monday\"", "\"Mon\"").replace("2026-27", "2026-28"));
    assert_eq!(
        says,
        [
            "year: `2026-28` is not a timetable year: write it as 2020-21",
            "week 1 Mon: `Mon` is not a day of the week: write it as Monday",
        ]
    );
}

#[test]
fn a_file_over_the_limit_is_not_read_and_a_missing_one_is_named() {
    let (dir, path) = file(GOOD);
    let filler = "#\n".repeat(usize::try_from(FILE_BYTES_MAX).unwrap() / 2);
    fs::write(&path, format!("{GOOD}{filler}")).unwrap();
    assert!(matches!(load(&path), Err(TimetableFileError::TooLarge { .. })));
    let fault = load(&dir.path().join("absent.toml")).unwrap_err();
    assert!(fault.to_string().contains("absent.toml"), "{fault}");
}
