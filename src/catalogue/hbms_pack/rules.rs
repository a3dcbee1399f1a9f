//! The HBMS rules that DWP has published, as data. Others appear, so an unknown one is let through and said.
//!
//! HBSA003 and HBSA004 are about over- and underpayment; the circular contradicts itself on which is which, so neither says.
// DWP A5/2020 Annex C, paragraph 41; field.md §3

use std::sync::LazyLock;

use crate::domain::RuleId;

const PUBLISHED: &str = include_str!("../../../config/hbms-rules.csv");

/// One published rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its id.
    pub id: RuleId,
    /// Whether it is one of the four about self-employed earnings.
    pub is_self_assessment: bool,
    /// What it looks for, in a few words.
    pub looks_for: String,
}

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let mut table = csv::Reader::from_reader(PUBLISHED.as_bytes());
    let rows = table.records().filter_map(Result::ok);
    rows.filter_map(|row| {
        let id = row.get(0)?.parse().ok()?;
        Some(Rule { id, is_self_assessment: row.get(1)? == "self-assessment", looks_for: row.get(2)?.to_owned() })
    })
    .collect()
});

/// Every published rule, in the circular's order.
pub fn published() -> &'static [Rule] {
    &RULES
}

/// The published rule of this id.
pub fn rule(id: &RuleId) -> Option<&'static Rule> {
    published().iter().find(|rule| rule.id == *id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_26_are_there_each_once_and_told_apart_by_group() {
        let ids: std::collections::BTreeSet<_> = published().iter().map(|rule| rule.id.clone()).collect();
        assert_eq!((published().len(), ids.len()), (26, 26));
        assert_eq!(published().iter().filter(|rule| rule.is_self_assessment).count(), 4);
        assert!(published().iter().all(|rule| !rule.looks_for.is_empty()));
        assert!(rule(&"HBZZ999".parse().unwrap()).is_none());
    }
}
