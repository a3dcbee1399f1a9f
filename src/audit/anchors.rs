//! Verification of the live store, also by checkpoints that were kept elsewhere.
//!
//! In:  the store, and notes that the reader's key has signed. Out: the store's own verdict, or that it is not the ledger
//! that was signed. Against somebody who rewrote the whole store nothing in the store helps; these do.

use crate::store::{Auditable, QueryError, Verification, verify};

use super::{Mark, Notes};

/// Verifies the store by itself, and then by the notes.
pub fn verify_with(store: &dyn Auditable, notes: &Notes) -> Result<Verification, QueryError> {
    let mut verification = verify(store)?;
    verification.checkpoints.extend(notes.marks().iter().map(|mark| mark.from.clone()));
    if !verification.ok {
        return Ok(verification);
    }
    let view = store.snapshot()?;
    let mut agreed = 0;
    for mark in notes.marks() {
        if mark.size > verification.entries {
            return Ok(refuse(verification, mark, Wrong::Beyond));
        }
        if view.root_of(mark.size)? != Some(mark.root) {
            return Ok(refuse(verification, mark, Wrong::Other { agreed }));
        }
        agreed = mark.size;
    }
    if notes.problems().is_empty() {
        if !notes.marks().is_empty() {
            let (says, covered) = (verification.says, notes.covered());
            verification.says =
                format!("{says} They agree with {} checkpoints, up to entry {covered}.", notes.marks().len());
        }
    } else {
        verification.ok = false;
        verification.says = format!("Not every checkpoint can be believed. {}", notes.problems().join(" "));
    }
    Ok(verification)
}

enum Wrong {
    /// There was more.
    Beyond,
    /// There was something else.
    Other { agreed: u64 },
}

fn refuse(verification: Verification, mark: &Mark, wrong: Wrong) -> Verification {
    let Mark { size, from, .. } = mark;
    let entries = verification.entries;
    let (at, says) = match wrong {
        Wrong::Beyond => (
            entries,
            format!(
                "Entry {entries} and those behind it are missing: the ledger was cut off, {from} of {size} entries was signed."
            ),
        ),
        Wrong::Other { agreed } => (
            agreed,
            format!(
                "The ledger was rewritten between entry {agreed} and entry {size}, and its hashes with it: it is not the \
                 one of {from}. Up to entry {agreed} it is as it was signed."
            ),
        ),
    };
    Verification { ok: false, first_bad: Some(at), says, ..verification }
}
