//! Risk data that somebody saved as a workbook, as an office program writes them.

use serde_json::json;

use crate::support::risk::{Desk, codes, workbook};

#[test]
fn old_and_new_workbooks_give_the_report_of_the_table_in_them() {
    let desk = Desk::profiled();
    for form in ["xls", "xlsx"] {
        let file = desk.put(&format!("AOBWR627_101809_RISK.{form}"), workbook(&format!("risk.{form}")));
        let (exit, report) = desk.report(&file);
        assert_eq!(exit, Some(0), "{report}");
        assert_eq!((&report["form"], &report["authority"]), (&json!(form), &json!("101809")));
        assert_eq!(
            (&report["rows"], &report["high_risk"], &report["ranked"]),
            (&json!(3000), &json!(168), &json!(true))
        );
        assert_eq!(report["columns"], json!(["CLAIM_REFERENCE", "RISK_SCORE", "HIGH_RISK", "TENURE"]));
    }
}

#[test]
fn what_is_odd_in_a_workbook_is_named_by_row_and_column() {
    let desk = Desk::profiled();
    let report = |name: &str| desk.report(&desk.put("AOBWR627_LAID_RISK.xlsx", workbook(name)));
    let (exit, formula) = report("risk-formula.xlsx");
    let found = &formula["findings"][0];
    assert_eq!((exit, codes(&formula)), (Some(0), vec!["risk-formula"]), "{formula}");
    assert_eq!((&found["rows"], &found["column"]), (&json!([11]), &json!(2)));

    let (exit, ragged) = report("risk-ragged.xlsx");
    assert_eq!((exit, codes(&ragged)), (Some(1), vec!["csv-columns"]), "{ragged}");
    assert_eq!((&ragged["findings"][0]["rows"], &ragged["rows"]), (&json!([9]), &json!(20)));

    let (exit, second) = report("risk-two-sheets.xlsx");
    assert_eq!((exit, &second["rows"]), (Some(0), &json!(20)), "{second}");
}

#[test]
fn a_workbook_with_macros_is_not_read() {
    let desk = Desk::profiled();
    for name in ["risk-macros.xlsm", "risk-macros.xls"] {
        let (exit, report) = desk.report(&desk.put(name, workbook(name)));
        assert_eq!((exit, codes(&report)), (Some(1), vec!["workbook-macros"]), "{report}");
        assert_eq!(report["rows"], 0);
    }
}
