//! What was found in an extract: where, by which rule, how much it weighs. Never what stands there.
//!
//! Holds: of each rule the first findings are kept and all are counted, so that memory does not grow with the faults.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Serialize;

use super::profile::RECORD_TYPES;
use crate::catalogue::Severity;
use crate::domain::{RuleLevel, ShbeFault, ShbePolicy, ShbeRule};

/// Findings of one rule that are kept.
pub(super) const SHOWN_PER_RULE: usize = 100;

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which rule.
    pub rule: ShbeRule,
    /// How much it weighs.
    pub severity: Severity,
    /// Counts from 1.
    pub line: u64,
    /// The record type, on a data line of a known one.
    pub record: Option<char>,
    /// Counts from 1.
    pub field: Option<u16>,
    /// What is wrong, with the shape of what stands there where that helps.
    pub says: String,
}

/// How often a rule was broken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleCount {
    /// Which rule.
    pub rule: ShbeRule,
    /// How much it weighs.
    pub severity: Severity,
    /// How often.
    pub count: u64,
    /// How many of them are among the findings.
    pub shown: u64,
}

/// A rule that was not tried, or not to the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotTried {
    /// Which rule.
    pub rule: ShbeRule,
    /// Why.
    pub why: &'static str,
}

/// What the check of one extract came to.
#[derive(Clone, Debug)]
pub struct Report {
    /// The layout that it was held against.
    pub profile: &'static str,
    /// What its characters are written in.
    pub encoding: &'static str,
    /// The date in the header.
    pub reference_date: Option<Date>,
    /// Data lines by record type.
    pub records: BTreeMap<char, u64>,
    /// In the order of the lines.
    pub findings: Vec<Finding>,
    /// The rules that were broken, errors first.
    pub rules: Vec<RuleCount>,
    /// The rules that were not tried.
    pub not_tried: Vec<NotTried>,
}

impl Report {
    /// How many findings of this weight there are, kept or not.
    pub fn count(&self, severity: Severity) -> u64 {
        self.rules.iter().filter(|rule| rule.severity == severity).map(|rule| rule.count).sum()
    }

    /// Whether it may leave.
    pub fn is_accepted(&self) -> bool {
        self.count(Severity::Error) == 0
    }

    /// The D records: claims that are live.
    pub fn live_claims(&self) -> u64 {
        self.records.get(&'D').copied().unwrap_or(0)
    }

    /// The first errors, as they are recorded.
    pub fn first_errors(&self, most: usize) -> Vec<ShbeFault> {
        let errors = self.findings.iter().filter(|finding| finding.severity == Severity::Error).take(most);
        let fault = |one: &Finding| ShbeFault { rule: one.rule, line: one.line, record: one.record, field: one.field };
        errors.map(fault).collect()
    }
}

/// Where something is wrong.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) line: u64,
    /// Index into [`RECORD_TYPES`].
    pub(super) record: Option<usize>,
    pub(super) field: Option<u16>,
}

/// Findings as they are made.
pub(super) struct Findings<'a> {
    policy: &'a ShbePolicy,
    kept: Vec<Finding>,
    counts: Vec<u64>,
}

impl<'a> Findings<'a> {
    pub(super) fn new(policy: &'a ShbePolicy) -> Findings<'a> {
        Findings { policy, kept: Vec::new(), counts: vec![0; ShbeRule::ALL.len()] }
    }

    /// `detail` is added to what the rule says.
    pub(super) fn add(&mut self, rule: ShbeRule, place: Place, detail: impl FnOnce() -> String) {
        let Some(severity) = self.severity(rule) else { return };
        let count = &mut self.counts[rule as usize];
        *count += 1;
        if *count > SHOWN_PER_RULE as u64 {
            return;
        }
        let record = place.record.map(|record| char::from(RECORD_TYPES[record]));
        let says = match detail() {
            detail if detail.is_empty() => rule.says().to_owned(),
            detail => format!("{} {detail}", rule.says()),
        };
        self.kept.push(Finding { rule, severity, line: place.line, record, field: place.field, says });
    }

    /// The rule was broken so often besides, at places that are not kept: there are as many before as are shown.
    pub(super) fn count_more(&mut self, rule: ShbeRule, count: u64) {
        if self.severity(rule).is_some() {
            self.counts[rule as usize] += count;
        }
    }

    /// All of them, and how often each rule was broken.
    pub(super) fn finish(mut self) -> (Vec<Finding>, Vec<RuleCount>) {
        self.kept.sort_by_key(|finding| (finding.line, finding.field, finding.rule));
        let broken = ShbeRule::ALL.iter().filter(|rule| self.counts[**rule as usize] > 0);
        let mut counts: Vec<RuleCount> = broken
            .filter_map(|rule| {
                let count = self.counts[*rule as usize];
                let shown = count.min(SHOWN_PER_RULE as u64);
                Some(RuleCount { rule: *rule, severity: self.severity(*rule)?, count, shown })
            })
            .collect();
        counts.sort_by_key(|count| std::cmp::Reverse(count.severity));
        (self.kept, counts)
    }

    fn severity(&self, rule: ShbeRule) -> Option<Severity> {
        match self.policy.level(rule) {
            RuleLevel::Error => Some(Severity::Error),
            RuleLevel::Warning => Some(Severity::Warning),
            RuleLevel::Off => None,
        }
    }
}
