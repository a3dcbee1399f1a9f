//! Whether the first row of a table names its columns.
//!
//! In:  the first row. Out: the names, where nothing speaks against it; else nothing.
//! Holds: a claim's row is not taken for names. Names are printed, so what might be a value is not one.

use csv::StringRecord;

use crate::catalogue::finding::Finding;

/// Words that names of columns are made of.
const WORDS: [&str; 62] = [
    "ADDRESS",
    "AMOUNT",
    "AUTHORITY",
    "BAND",
    "BIRTH",
    "CASE",
    "CLAIM",
    "CLAIMANT",
    "CODE",
    "DATE",
    "DECILE",
    "DOB",
    "END",
    "FLAG",
    "FORENAME",
    "FULL",
    "GROUP",
    "HB",
    "HIGH",
    "ID",
    "IND",
    "INDICATOR",
    "LA",
    "LAID",
    "LANDLORD",
    "LAST",
    "LINE",
    "LOCAL",
    "LOW",
    "MARK",
    "MEDIUM",
    "MONTH",
    "NAME",
    "NATIONAL",
    "NINO",
    "NO",
    "NUM",
    "NUMBER",
    "OF",
    "PARTNER",
    "PERCENT",
    "PERCENTILE",
    "POSTCODE",
    "PROBABILITY",
    "RANK",
    "RANKING",
    "REF",
    "REFERENCE",
    "REVIEW",
    "RISK",
    "RISKS",
    "SCORE",
    "START",
    "STATUS",
    "SURNAME",
    "TENURE",
    "TITLE",
    "TOP",
    "TYPE",
    "VALUE",
    "WEEKLY",
    "YEAR",
];
const NAME_CHARS_MAX: usize = 40;
/// Digits that a name may have, as `ADDRESS_LINE_2` has.
const NAME_DIGITS_MAX: usize = 2;

/// The names of the columns, if the row is certainly one of names: each cell could be one, no two are the same, and at
/// least two are made of nothing but words that such names are made of. A claim's row has its score in it, which is no
/// name. A cell with any other word in it is a name that is not told.
pub(super) fn names(row: &StringRecord) -> Option<Vec<Option<String>>> {
    let cells: Vec<&str> = row.iter().map(str::trim).collect();
    let known = cells.iter().filter(|cell| is_known(cell)).count();
    let distinct = |at: usize| cells[..at].iter().all(|cell| !cell.eq_ignore_ascii_case(cells[at]));
    let all = cells.iter().all(|cell| could_be_name(cell)) && (0..cells.len()).all(distinct);
    let told = |cell: &str| is_known(cell).then(|| cell.to_owned());
    (all && known >= 2).then(|| cells.into_iter().map(told).collect())
}

/// Whether a cell could be a column's name rather than anybody's value.
fn could_be_name(cell: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '_' | '-' | '/' | '.' | '(' | ')' | '#' | '%');
    let digits = cell.bytes().filter(u8::is_ascii_digit).count();
    let letters = cell.bytes().filter(u8::is_ascii_alphabetic).count();
    cell.len() <= NAME_CHARS_MAX && cell.chars().all(plain) && letters >= 2 && digits <= NAME_DIGITS_MAX
}

/// Whether every word of it is known; a number within is none, as in `ADDRESS_LINE_2`.
fn is_known(cell: &str) -> bool {
    let upper = cell.to_ascii_uppercase();
    let words = || upper.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| !word.is_empty());
    words().next().is_some() && words().all(|word| WORDS.contains(&word))
}

/// A first row without any number, which no claim has, and which is not certainly one of names.
pub(super) fn doubtful() -> Finding {
    let says = "has a first row without a number: it was taken for names of columns, which `[risk] header` can say for certain";
    Finding::warning("risk-header-doubtful", says)
}

/// Whether the row has a cell that is nothing but a number, so that it is no row of names whatever anybody says.
pub(super) fn has_number(row: &StringRecord) -> bool {
    row.iter().any(|cell| super::number(cell).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_of(row: &str) -> Option<Vec<String>> {
        let names = names(&row.split(',').collect())?;
        Some(names.into_iter().map(|name| name.unwrap_or_else(|| "-".to_owned())).collect())
    }

    #[test]
    fn a_row_of_names_is_known() {
        assert_eq!(names_of("CLAIM_REF, Risk Score,High").unwrap(), ["CLAIM_REF", "Risk Score", "High"]);
        let told = names_of("LA Number,Claim reference,Score (%),Address line 2,Wrenthistle").unwrap();
        assert_eq!(told, ["LA Number", "Claim reference", "Score (%)", "Address line 2", "-"]);
    }

    #[test]
    fn a_claims_row_is_not() {
        for row in [
            "HB1234567,0.91,Y",
            "QQ123456C,Quillfeather,0.5",
            "Quillfeather,Claim,High,7",
            "Quillfeather,High,Claim,",
            "Claim,Claim",
            "Wren Quillfeather,Flat A,High",
            "A,B,C",
            "2020-04-01,CLAIM,RISK",
            "O'Quill,CLAIM,RISK",
        ] {
            assert_eq!(names_of(row), None, "{row}");
        }
    }
}
