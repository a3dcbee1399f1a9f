//! How many referrals a member of a pack holds, under which rule.
//!
//! In:  a member's name and content. Out: a count for each rule, and what was odd about it; never a value.
//! The layout is not public: the rule is told by a column in which every row has a rule id, or else by the name. Titles, a
//! heading and empty rows are not counted.
// DWP A5/2020 Annex C; field.md §3

use std::collections::BTreeMap;
use std::io::{self, Read, Seek};

use csv::StringRecord;

use super::rules::rule;
use crate::catalogue::caseload_risk::{each_row, is_heading};
use crate::catalogue::finding::Finding;
use crate::catalogue::name::Name;
use crate::domain::RuleId;

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
    let mut tally = Tally::default();
    let is_table = each_row(content, &mut |row| tally.see(row))?;
    Ok(is_table.then(|| tally.conclude()))
}

/// What the rows so far tell.
#[derive(Default)]
struct Tally {
    /// The first row that is no title: a heading, or a referral.
    first: Option<StringRecord>,
    /// Those after it.
    rows: u64,
    /// The columns in which every one of those has a rule id.
    of_rules: Vec<(usize, BTreeMap<RuleId, u64>)>,
}

impl Tally {
    fn see(&mut self, row: &StringRecord) {
        let filled = row.iter().filter(|cell| !cell.trim().is_empty()).count();
        let is_title = self.first.is_none() && filled < 2;
        if filled == 0 || is_title {
            return;
        }
        if self.first.is_none() {
            self.first = Some(row.clone());
            return;
        }
        if self.rows == 0 {
            let with_rule = (0..row.len().min(COLUMNS_MAX)).filter(|column| rule_in(row, *column).is_some());
            self.of_rules = with_rule.map(|column| (column, BTreeMap::new())).collect();
        }
        self.rows += 1;
        self.of_rules.retain_mut(|(column, counts)| match rule_in(row, *column) {
            Some(rule) => {
                *counts.entry(rule).or_default() += 1;
                counts.len() <= RULES_MAX
            }
            None => false,
        });
    }

    fn conclude(self) -> Counted {
        let Some(first) = self.first else { return Counted { rows: 0, by_rule: BTreeMap::new() } };
        let only = || (0..first.len().min(COLUMNS_MAX)).find(|column| rule_in(&first, *column).is_some());
        let (column, mut by_rule) = match self.of_rules.into_iter().next() {
            Some((column, counts)) => (Some(column), counts),
            None if self.rows == 0 => (only(), BTreeMap::new()),
            None => (None, BTreeMap::new()),
        };
        match column {
            // Where all others have a rule in it, a row without one is the heading.
            Some(column) => {
                rule_in(&first, column).into_iter().for_each(|rule| *by_rule.entry(rule).or_default() += 1);
                Counted { rows: by_rule.values().sum(), by_rule }
            }
            None => Counted { rows: self.rows + u64::from(!is_heading(&first)), by_rule },
        }
    }
}

fn rule_in(row: &StringRecord, column: usize) -> Option<RuleId> {
    row.get(column)?.trim().parse().ok()
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
        assert_eq!(counts("HBSA002.csv", b""), [("HBSA002".into(), None)], "nothing at all is no table");
        assert_eq!(counts("HBSA002.csv", b"Reference,Address Line 1,Postcode\n"), [("HBSA002".into(), Some(0))]);
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
    fn titles_headings_with_digits_and_empty_rows_are_not_counted() {
        for (table, count) in [
            ("Reference,Address Line 1,Postcode\n1,a,b\n2,c,d\n", 2),
            ("REF,NAME,\n1,a,\n2,b,\n", 2),
            ("1,a\n2,b\n,,\n", 2),
            ("Referrals of April,\nREF,NAME\n1,a\n", 1),
            ("\u{feff}REF,NAME\n1,a\n", 1),
            ("REF;NAME\n1;a\n", 1),
        ] {
            assert_eq!(counts("HBSA002.csv", table.as_bytes()), [("HBSA002".into(), Some(count))], "{table}");
        }
        let by_rule = b"RULE,REF,ADDRESS_1\nHBUC007,1,a\nHBUC007,2,b\n";
        assert_eq!(counts("all.csv", by_rule), [("HBUC007".into(), Some(2))]);
        assert_eq!(counts("all.csv", b"\xEF\xBB\xBFHBUC007,1\nHBUC007,2\n"), [("HBUC007".into(), Some(2))]);
        assert_eq!(counts("all.csv", b"HBUC007,1\n"), [("HBUC007".into(), Some(1))]);
        let utf16: Vec<u8> = "\u{feff}REF,NAME\n1,a\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(counts("HBSA002.csv", &utf16), [("HBSA002".into(), Some(1))]);
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
