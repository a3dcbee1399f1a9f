//! How many referrals a member of a pack holds, under which rule.
//!
//! In:  a member's name and content. Out: a count for each rule, and what was odd about it; never a value.
//! The layout is not public: the rule is told by a column in which every row has a rule id, or else by the name. Where the
//! first row is a heading it is not counted.
// DWP A5/2020 Annex C; field.md §3

use std::collections::BTreeMap;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use csv::{ByteRecord, ErrorKind, ReaderBuilder};

use super::rules::rule;
use crate::catalogue::allowance::{Allowance, is_exceeded};
use crate::catalogue::finding::Finding;
use crate::catalogue::name::Name;
use crate::domain::RuleId;

const ROW_BYTES_MAX: u64 = 1 << 20;
/// Columns among which that of the rule ids is looked for.
const COLUMNS_MAX: usize = 256;
/// Rules counted in one member.
const RULES_MAX: usize = 1000;

/// What a member holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Referrals {
    /// By rule; `None` where the name tells the rule and the content cannot be counted.
    pub by_rule: BTreeMap<RuleId, Option<u64>>,
    /// What is odd about it.
    pub findings: Vec<Finding>,
}

/// Counts the referrals of a member. An error means that `content` could not be read.
pub fn referrals<R: Read + Seek>(name: &str, content: &mut R) -> io::Result<Referrals> {
    let named = Name::new(name).rule().and_then(|rule| rule.parse::<RuleId>().ok());
    let counted = count(content)?;
    let mut found = Referrals::default();
    match (&named, counted) {
        (_, Some(Counted { by_rule, .. })) if !by_rule.is_empty() => {
            found.by_rule = by_rule.into_iter().map(|(rule, rows)| (rule, Some(rows))).collect();
        }
        (Some(rule), counted) => drop(found.by_rule.insert(rule.clone(), counted.map(|counted| counted.rows))),
        (None, _) => {}
    }
    for id in found.by_rule.keys().filter(|id| rule(id).is_none()) {
        let says = format!("carries rule {id}, which DWP had not published by April 2020");
        found.findings.push(Finding::warning("hbms-rule-unknown", says));
    }
    if named.as_ref().is_some_and(|named| !found.by_rule.contains_key(named)) {
        let says = "is named after a rule that none of its rows has";
        found.findings.push(Finding::warning("hbms-rule-contradicted", says));
    }
    Ok(found)
}

struct Counted {
    /// Without a heading.
    rows: u64,
    /// By the column in which every row has a rule id; empty if there is none.
    by_rule: BTreeMap<RuleId, u64>,
}

/// `None`: it is no table of rows.
fn count<R: Read + Seek>(content: &mut R) -> io::Result<Option<Counted>> {
    content.seek(SeekFrom::Start(0))?;
    let (source, grant) = Allowance::new(BufReader::new(content), ROW_BYTES_MAX);
    let mut table = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(source);
    let (mut row, mut columns, mut rows) = (ByteRecord::new(), Columns::default(), 0u64);
    loop {
        grant.set(ROW_BYTES_MAX);
        match table.read_byte_record(&mut row) {
            Ok(false) => break,
            Ok(true) => {}
            Err(error) => return no_table(error),
        }
        if row.iter().any(|cell| cell.contains(&0)) {
            return Ok(None);
        }
        if rows == 0 && is_heading(&row) {
            columns.heading = true;
            rows += 1;
            continue;
        }
        columns.see(&row);
        rows += 1;
    }
    let rows = rows.saturating_sub(u64::from(columns.heading));
    Ok(Some(Counted { rows, by_rule: columns.by_rule() }))
}

/// What breaks the rows makes it no table; what keeps it from being read is not its fault.
fn no_table(error: csv::Error) -> io::Result<Option<Counted>> {
    match error.into_kind() {
        ErrorKind::Io(error) if !is_exceeded(&error) => Err(error),
        _ => Ok(None),
    }
}

/// A heading names columns: no cell has a digit, and none is empty.
fn is_heading(row: &ByteRecord) -> bool {
    row.iter().all(|cell| !cell.trim_ascii().is_empty() && !cell.iter().any(u8::is_ascii_digit))
}

/// The columns in which every row so far has a rule id.
#[derive(Default)]
struct Columns {
    heading: bool,
    seen: bool,
    of_rules: Vec<(usize, BTreeMap<RuleId, u64>)>,
}

impl Columns {
    fn see(&mut self, row: &ByteRecord) {
        let rule_in =
            |column: usize| -> Option<RuleId> { std::str::from_utf8(row.get(column)?.trim_ascii()).ok()?.parse().ok() };
        if !self.seen {
            self.seen = true;
            let with_rule = (0..row.len().min(COLUMNS_MAX)).filter(|column| rule_in(*column).is_some());
            self.of_rules = with_rule.map(|column| (column, BTreeMap::new())).collect();
        }
        self.of_rules.retain_mut(|(column, counts)| {
            let Some(rule) = rule_in(*column) else { return false };
            *counts.entry(rule).or_default() += 1;
            counts.len() <= RULES_MAX
        });
    }

    fn by_rule(self) -> BTreeMap<RuleId, u64> {
        self.of_rules.into_iter().next().map(|(_, counts)| counts).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    fn counts(name: &str, content: &[u8]) -> Vec<(String, Option<u64>)> {
        let found = referrals(name, &mut Cursor::new(content)).unwrap();
        found.by_rule.into_iter().map(|(rule, count)| (rule.to_string(), count)).collect()
    }

    fn codes(name: &str, content: &[u8]) -> Vec<&'static str> {
        let found = referrals(name, &mut Cursor::new(content)).unwrap();
        found.findings.into_iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn by_its_name_with_and_without_a_heading() {
        assert_eq!(counts("HBSA002.csv", b"reference,name\n1,a\n2,b\n"), [("HBSA002".into(), Some(2))]);
        assert_eq!(counts("HBSA002.csv", b"1,a\n2,b\n3,c\n"), [("HBSA002".into(), Some(3))]);
        assert_eq!(counts("HBSA002.csv", b""), [("HBSA002".into(), Some(0))]);
        assert_eq!(counts("readme.txt", b"1,a\n"), []);
    }

    #[test]
    fn by_a_column_in_which_every_row_has_a_rule() {
        let table = b"rule,reference\nHBSA002,1\nHBUC007,2\nHBSA002,3\n";
        assert_eq!(counts("all.csv", table), [("HBSA002".into(), Some(2)), ("HBUC007".into(), Some(1))]);
        assert_eq!(counts("all.csv", b"HBSA002,1\nx,2\n"), [], "one row has none");
        assert_eq!(codes("HBIS005.csv", table), ["hbms-rule-contradicted"]);
        assert_eq!(codes("HBSA002.csv", table), [""; 0]);
    }

    #[test]
    fn what_is_no_table_is_there_and_uncounted() {
        assert_eq!(counts("HBSA002.pdf", b"%PDF-1.4\0binary"), [("HBSA002".into(), None)]);
    }

    #[test]
    fn an_unknown_rule_is_counted_and_said() {
        assert_eq!(codes("HBZZ999.csv", b"1,a\n"), ["hbms-rule-unknown"]);
        assert_eq!(counts("HBZZ999.csv", b"1,a\n"), [("HBZZ999".into(), Some(1))]);
    }

    proptest! {
        #[test]
        fn no_content_makes_it_panic_or_is_repeated(content in prop::collection::vec(prop::num::u8::ANY, 0..2000)) {
            let content = [b"QQ123456C,".as_slice(), &content].concat();
            let found = referrals("HBSA002.csv", &mut Cursor::new(content)).unwrap();
            let said: String = found.findings.iter().map(|finding| finding.says.as_str()).collect();
            prop_assert!(!said.contains("QQ123456C"));
        }
    }
}
