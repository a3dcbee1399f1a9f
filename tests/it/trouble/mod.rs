//! Trouble: slow writers, lost notifications, folders that go away, full disks, broken keys, bombs. Nothing is lost,
//! nothing half-written is visible, each trouble is named, and all goes on by itself once it is over.

mod bombs;
pub(crate) mod canary;
mod destinations;
mod folders;
mod keys;
mod memory;
mod noticing;
mod oddities;
mod read_only;
mod slow;
mod space;

use hbcourier::domain::Digest;

use crate::support::council::Council;
use crate::support::partner::{Algorithm, Partner};

/// On good terms with GnuPG on Curve25519, and quick to try again.
fn quick() -> (Partner, Council) {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let council = Council::new(&mut dwp);
    make_quick(&council);
    (dwp, council)
}

fn make_quick(council: &Council) {
    council.changes_settings(|settings| {
        crate::support::council::set(settings, &["service", "retry_after"], "200ms");
        crate::support::council::set(settings, &["service", "retry_after_max"], "500ms");
        crate::support::council::set(settings, &["service", "attempts_max"], 100);
    });
}

/// Sets a key of every drop folder.
fn folder_key(council: &Council, key: &str, value: &str) {
    council.changes_drop_folders(|folder| drop(folder.insert(key.into(), value.into())));
}

fn digests<'a>(contents: impl IntoIterator<Item = &'a Vec<u8>>) -> Vec<Digest> {
    let mut digests: Vec<_> = contents.into_iter().map(|content| Digest::of(content)).collect();
    digests.sort_unstable();
    digests
}
