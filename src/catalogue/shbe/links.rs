//! What ties records together: claim references and change numbers.
//!
//! In:  the rows, in any order. Out: findings, some as soon as a row is read, the rest at the end.
//! Holds: only fingerprints are kept, and those of members and errors only while what they belong to was not met.

use super::findings::{Findings, Place};
use super::fingerprint::{FINGERPRINTS_MAX, Fingerprints, Key};
use super::row::Row;
use crate::domain::ShbeRule;

/// The claim's references, housing benefit and council tax.
pub(super) const CLAIM_FIELDS: [u16; 2] = [2, 3];
const CHANGE_FIELD: u16 = 320;

/// What was met so far.
#[derive(Default)]
pub(super) struct Links {
    key: Key,
    /// Of D records, under field 2 and field 3.
    claims: Fingerprints,
    /// Of D records, by the first of those that is filled.
    main_claims: Fingerprints,
    changes: Fingerprints,
    /// S records whose claim was not met yet.
    members: Vec<([u64; 2], u64)>,
    /// E records whose change was not met yet.
    errors: Vec<(u64, u64)>,
    overflown: bool,
}

impl Links {
    /// A D record's references, also of one whose other fields cannot be trusted.
    pub(super) fn claim(&mut self, line: u64, record: usize, references: [&[u8]; 2], findings: &mut Findings<'_>) {
        let fingerprints = self.of_claim(references);
        for fingerprint in fingerprints.into_iter().filter(|one| *one != 0) {
            self.claims.add(fingerprint);
        }
        let main = fingerprints.into_iter().zip(CLAIM_FIELDS).find(|(one, _)| *one != 0);
        if let Some((fingerprint, field)) = main
            && !self.main_claims.add(fingerprint)
        {
            let place = Place { line, record: Some(record), field: Some(field) };
            findings.add(ShbeRule::DuplicateClaim, place, String::new);
        }
    }

    pub(super) fn member(&mut self, row: &Row<'_>) {
        let fingerprints = self.of_claim(CLAIM_FIELDS.map(|field| row.field(field)));
        // One without any reference is found as that.
        if fingerprints != [0, 0] && !fingerprints.iter().any(|one| self.claims.has(*one)) {
            self.overflown |= self.members.len() >= FINGERPRINTS_MAX;
            if !self.overflown {
                self.members.push((fingerprints, row.line));
            }
        }
    }

    pub(super) fn change(&mut self, row: &Row<'_>) {
        let number = row.field(CHANGE_FIELD);
        if !number.is_empty() {
            self.changes.add(self.key.of(CHANGE_FIELD, number));
        }
    }

    pub(super) fn error(&mut self, row: &Row<'_>) {
        let number = row.field(CHANGE_FIELD);
        let fingerprint = self.key.of(CHANGE_FIELD, number);
        if !number.is_empty() && !self.changes.has(fingerprint) {
            self.overflown |= self.errors.len() >= FINGERPRINTS_MAX;
            if !self.overflown {
                self.errors.push((fingerprint, row.line));
            }
        }
    }

    /// What was never met. Whether there were too many records to tell.
    pub(super) fn finish(self, member: usize, error: usize, findings: &mut Findings<'_>) -> bool {
        if self.overflown || [&self.claims, &self.main_claims, &self.changes].iter().any(|set| set.is_full()) {
            return true;
        }
        for (fingerprints, line) in self.members {
            if !fingerprints.iter().any(|one| self.claims.has(*one)) {
                let field = CLAIM_FIELDS[usize::from(fingerprints[0] == 0)];
                let place = Place { line, record: Some(member), field: Some(field) };
                findings.add(ShbeRule::MemberWithoutClaim, place, String::new);
            }
        }
        for (fingerprint, line) in self.errors {
            if !self.changes.has(fingerprint) {
                let place = Place { line, record: Some(error), field: Some(CHANGE_FIELD) };
                findings.add(ShbeRule::ErrorWithoutChange, place, String::new);
            }
        }
        false
    }

    /// 0 for one that is empty.
    fn of_claim(&self, references: [&[u8]; 2]) -> [u64; 2] {
        let [housing, tax] = CLAIM_FIELDS;
        let of = |field, value: &[u8]| if value.is_empty() { 0 } else { self.key.of(field, value) };
        [of(housing, references[0]), of(tax, references[1])]
    }
}
