//! The Single Housing Benefit Extract: pipe-delimited, a header line, data lines of 341 fields, a trailer line.
//!
//! In:  the content. Out: whether it is an extract and what its header says ([`header()`]); a [`Report`] of every rule that
//! it breaks ([`check()`]); which referrals it tells the outcome of ([`reconcile()`]).
//! Holds: it is read once, line by line; of claims only keyed fingerprints are kept; nothing that stands in a field comes out.

mod activity;
mod check;
mod claims;
mod delimiters;
mod fields;
mod findings;
mod fingerprint;
mod header;
mod lines;
mod links;
mod mask;
mod profile;
mod reconcile;
mod row;

pub use check::{Earlier, Terms, Whose, check};
pub use claims::{ClaimSet, ColumnError, read_claims};
pub use findings::{Finding, NotTried, Report, RuleCount};
pub use header::{FIELDS, Header, header};
pub use profile::{Field, Form, Profile};
pub use reconcile::{ReconcileError, Reconciled, Referrals, RuleAt, reconcile};

pub(super) use header::look;

#[cfg(test)]
mod tests;
