//! The sandbox of the running service: that it is in one, that it still works there, and what `selftest` says of it.

mod folders;
mod running;
mod selftest;

use crate::support::council::Council;
use crate::support::partner::{Algorithm, Partner};

/// A council that collects as soon as it looks.
fn impatient() -> (Partner, Council) {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let council = Council::new(&mut dwp);
    council.changes_drop_folders(|folder| drop(folder.insert("settle".into(), "200ms".into())));
    (dwp, council)
}
