//! What DWP reads of reviews, changes and payment errors: that it is there, and fits together.
// DWP A5/2020 paragraphs 28 and 34 to 36

use super::check::Terms;
use super::fields;
use super::findings::{Findings, Place};
use super::links::CLAIM_FIELDS;
use super::mask::Shape;
use super::row::Row;
use crate::catalogue::hbms_pack::published;
use crate::domain::ShbeRule;

/// What a change record must tell where a review found it.
const OF_A_CHANGE: [u16; 6] = [50, 248, 251, 253, 255, 320];
/// Which referral an activity was for.
const OF_A_REFERRAL: [u16; 3] = [316, 317, 318];
const OF_AN_ERROR: [u16; 6] = [320, 337, 338, 339, 340, 341];

fn place(row: &Row<'_>, field: u16) -> Place {
    Place { line: row.line, record: Some(row.record), field: Some(field) }
}

fn filled(row: &Row<'_>, wanted: &[u16], rule: ShbeRule, findings: &mut Findings<'_>) {
    for field in wanted.iter().filter(|field| row.field(**field).is_empty()) {
        findings.add(rule, place(row, *field), String::new);
    }
}

/// An R record: fraud and error activity.
pub(super) fn review(row: &Row<'_>, terms: &Terms<'_>, findings: &mut Findings<'_>) {
    match row.code(173) {
        b"1" => by_score(row, terms, findings),
        b"2" => filled(row, &OF_A_REFERRAL, ShbeRule::ReferralUntold, findings),
        _ => {}
    }
    let rule = row.field(317);
    if !rule.is_empty() && !published().iter().any(|known| known.id.as_str().as_bytes() == rule) {
        let shape = || format!("It has the form {}.", Shape(rule));
        findings.add(ShbeRule::ReferralRule, place(row, 317), shape);
    }
    let (completed, outcome) = (row.field(175), row.field(176));
    if completed.is_empty() != outcome.is_empty() {
        let empty = if completed.is_empty() { 175 } else { 176 };
        findings.add(ShbeRule::OutcomeHalf, place(row, empty), String::new);
    }
    if let (Some(begun), Some(completed)) = (fields::date(row.field(171)), fields::date(completed))
        && completed < begun
    {
        findings.add(ShbeRule::OutcomeBeforeStart, place(row, 175), String::new);
    }
}

/// A full case review, for a claim that the risk data named.
fn by_score(row: &Row<'_>, terms: &Terms<'_>, findings: &mut Findings<'_>) {
    if row.field(174) != b"Y" {
        findings.add(ShbeRule::ReviewNotFull, place(row, 174), String::new);
    }
    let references = CLAIM_FIELDS.map(|field| row.field(field));
    let named = references.iter().any(|reference| !reference.is_empty());
    if let Some(risk) = terms.risk
        && named
        && !references.iter().any(|reference| risk.has(reference))
    {
        findings.add(ShbeRule::ReviewNotInRisk, place(row, 173), String::new);
    }
}

/// A T record. Which ones a review led to is told by field 254 alone.
pub(super) fn change(row: &Row<'_>, findings: &mut Findings<'_>) {
    if row.code(254) == b"8" {
        filled(row, &OF_A_CHANGE, ShbeRule::ChangeIncomplete, findings);
    }
}

/// An E record.
pub(super) fn payment_error(row: &Row<'_>, findings: &mut Findings<'_>) {
    filled(row, &OF_AN_ERROR, ShbeRule::ErrorIncomplete, findings);
}
