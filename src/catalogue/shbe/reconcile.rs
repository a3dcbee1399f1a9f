//! Which of the referrals that were received an extract tells the outcome of.
//!
//! In:  referral numbers and their rules, from packs; then the R records of an extract (fields 316 to 319, 175, 176).
//! Out: for each rule how many were received, have an outcome and have none; and R records that name no received referral.
//! Holds: of a referral number only a fingerprint is kept; a rule is told by its id, which has a fixed form.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read};

use serde::Serialize;

use super::claims::{ColumnError, read_columns};
use super::fingerprint::{FINGERPRINTS_MAX, Key};
use super::header::parse_header;
use super::lines::Lines;
use super::row::{Ends, Parted, Row};
use crate::catalogue::name::Name;
use crate::domain::RiskColumn;

/// Referrals as they were received.
#[derive(Debug, Default)]
pub struct Referrals {
    key: Key,
    /// By fingerprint: the rule, and whether an outcome is recorded.
    received: HashMap<u64, (u32, bool)>,
    rules: BTreeMap<String, u32>,
    repeated: u64,
}

/// What is told of one rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reconciled {
    /// Referrals received.
    pub received: u64,
    /// Those of which an R record tells an outcome.
    pub with_outcome: u64,
    /// Those of which none does.
    pub without_outcome: u64,
    /// R records of this rule that name a referral which was not received, or none.
    pub not_received: u64,
}

/// Under which rule something is told that names none.
const NO_RULE: &str = "none";

impl Referrals {
    /// Adds a table of referrals whose rule is `rule`, or stands in a column of its own.
    pub fn add<R: Read>(&mut self, table: R, number: &RiskColumn, rule: RuleAt<'_>) -> Result<(), ColumnError> {
        match rule {
            RuleAt::Told(rule) => {
                let rule = self.rule(rule.as_bytes());
                read_columns(table, [number], |record, [at]| self.receive(&record[*at], rule))
            }
            RuleAt::Column(column) => read_columns(table, [number, column], |record, [number, at]| {
                let rule = self.rule(&record[*at]);
                self.receive(&record[*number], rule);
            }),
        }
    }

    /// How many there are, and how many came twice.
    pub fn count(&self) -> (usize, u64) {
        (self.received.len(), self.repeated)
    }

    /// Whether no more are kept.
    pub fn is_full(&self) -> bool {
        self.received.len() >= FINGERPRINTS_MAX
    }

    fn receive(&mut self, number: &[u8], rule: u32) {
        let number = number.trim_ascii();
        if number.is_empty() || self.is_full() {
            return;
        }
        let before = self.received.insert(self.key.of(0, number), (rule, false));
        self.repeated += u64::from(before.is_some());
    }

    /// Only what has the form of a rule's id is told as such.
    fn rule(&mut self, id: &[u8]) -> u32 {
        let name = Name::new(&String::from_utf8_lossy(id));
        let id = name.rule().unwrap_or(NO_RULE).to_owned();
        let next = self.rules.len() as u32;
        *self.rules.entry(id).or_insert(next)
    }
}

/// Where the rule of a referral is told.
#[derive(Clone, Copy, Debug)]
pub enum RuleAt<'a> {
    /// By the name of its file.
    Told(&'a str),
    /// In this column.
    Column(&'a RiskColumn),
}

/// Why nothing can be told of an extract.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// It is none.
    #[error("it is no extract: it does not have a header with a date in field 3 and data lines of 341 fields below it")]
    NoExtract,
    /// The file could not be read.
    #[error("it could not be read")]
    Read(#[from] io::Error),
}

/// Reads the R records of an extract. What is told, by rule.
pub fn reconcile<R: Read>(
    extract: R,
    mut referrals: Referrals,
) -> Result<BTreeMap<String, Reconciled>, ReconcileError> {
    let (mut lines, mut ends) = (Lines::new(extract), Ends::new());
    let mut foreign: BTreeMap<u32, u64> = BTreeMap::new();
    let mut has_data = false;
    while let Some(line) = lines.next()? {
        if line.number == 1 {
            let date = parse_header(line.bytes).and_then(|header| header.reference_date);
            date.ok_or(ReconcileError::NoExtract)?;
            continue;
        }
        let is_review = line.bytes.starts_with(b"R|");
        if (is_review || !has_data)
            && let Parted::Row(row) = ends.part(line.number, line.bytes)
        {
            has_data = true;
            if is_review {
                review(&row, &mut referrals, &mut foreign);
            }
        }
    }
    if !has_data {
        return Err(ReconcileError::NoExtract);
    }
    let names: BTreeMap<u32, String> = referrals.rules.into_iter().map(|(id, rule)| (rule, id)).collect();
    let mut told: BTreeMap<String, Reconciled> = BTreeMap::new();
    let name = |rule: &u32| names.get(rule).cloned().unwrap_or_default();
    for (rule, has_outcome) in referrals.received.values() {
        let one = told.entry(name(rule)).or_default();
        one.received += 1;
        one.with_outcome += u64::from(*has_outcome);
        one.without_outcome += u64::from(!has_outcome);
    }
    for (rule, count) in &foreign {
        told.entry(name(rule)).or_default().not_received += count;
    }
    Ok(told)
}

fn review(row: &Row<'_>, referrals: &mut Referrals, foreign: &mut BTreeMap<u32, u64>) {
    let (number, rule) = (row.field(316), row.field(317));
    // An activity that no data match led to.
    if number.is_empty() && rule.is_empty() && row.code(173) != b"2" {
        return;
    }
    let has_outcome = !row.field(319).is_empty() || !(row.field(175).is_empty() || row.field(176).is_empty());
    let fingerprint = referrals.key.of(0, number);
    match referrals.received.get_mut(&fingerprint).filter(|_| !number.is_empty()) {
        Some((_, known)) => *known |= has_outcome,
        None => *foreign.entry(referrals.rule(rule)).or_default() += 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn activity(fields: &[(usize, &str)]) -> String {
        let mut cells = vec![""; super::super::FIELDS];
        cells[0] = "R";
        for (field, value) in fields {
            cells[field - 1] = value;
        }
        cells.join("|") + "\n"
    }

    #[test]
    fn referrals_are_counted_by_rule_and_outcome() {
        let mut referrals = Referrals::default();
        let (number, rule) = ("REFERRAL".parse().unwrap(), "RULE".parse().unwrap());
        let table = "REFERRAL,X\n1,a\n2,b\n3,c\n3,c\n";
        referrals.add(table.as_bytes(), &number, RuleAt::Told("HBSA002")).unwrap();
        referrals.add(&b"RULE,REFERRAL\nhbis005,4\nnonsense,5\n"[..], &number, RuleAt::Column(&rule)).unwrap();
        assert_eq!(referrals.count(), (5, 1));
        let extract = [
            "H||01-04-2020\n".to_owned(),
            activity(&[(173, "2"), (175, "01-04-2020"), (176, "1"), (316, "1"), (317, "HBSA002")]),
            activity(&[(173, "2"), (316, "2"), (317, "HBSA002"), (319, "3")]),
            activity(&[(173, "2"), (175, "01-04-2020"), (316, "4"), (317, "HBIS005")]),
            activity(&[(173, "2"), (316, "99"), (317, "HBSA002"), (319, "3")]),
            activity(&[(173, "2")]),
            activity(&[(173, "1"), (174, "Y")]),
            "Z|6\n".to_owned(),
        ];
        let told = reconcile(extract.concat().as_bytes(), referrals).unwrap();
        let row = |received, with_outcome, without_outcome, not_received| Reconciled {
            received,
            with_outcome,
            without_outcome,
            not_received,
        };
        let expected = [("HBIS005", row(1, 0, 1, 0)), ("HBSA002", row(3, 2, 1, 1)), ("none", row(1, 0, 1, 1))];
        assert!(told.iter().map(|(id, one)| (id.as_str(), one.clone())).eq(expected), "{told:?}");
    }

    #[test]
    fn what_is_no_extract_is_not_reconciled() {
        let review = activity(&[(173, "1"), (174, "Y")]);
        let without_date = format!("H||no date\n{review}Z|1\n");
        let odd = ["", "word", "H||01-04-2020\nZ|0\n", "H||01-04-2020\nR|1|2\nZ|0\n", &review, &without_date];
        for text in odd {
            let told = reconcile(text.as_bytes(), Referrals::default());
            assert!(matches!(told, Err(ReconcileError::NoExtract)), "{text:.20}");
        }
    }
}
