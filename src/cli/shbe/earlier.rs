//! What the store tells an extract by: the month before, and whether the same content was sealed already.
//!
//! Holds: where the store tells nothing, nothing is supposed; the rule is then listed as not tried.

use std::fs::File;
use std::path::Path;

use crate::catalogue::shbe::Earlier;
use crate::domain::SubmissionKey;
use crate::domain::submission::live_claims_before;
use crate::durable::copy_and_digest;
use crate::store::{Queries, SubmissionFilter};

/// The live claims of the month before, if one was sealed.
pub(super) fn claims_before(store: &dyn Queries, key: &SubmissionKey) -> Option<u64> {
    live_claims_before(&store.submissions(&SubmissionFilter::default()).ok()?, key)
}

/// Whether what is in the file was sealed for another month. Of a pipe, which can be read only once, that is not known.
pub(super) fn same_content(store: &dyn Queries, key: &SubmissionKey, path: &Path) -> Earlier {
    let known = || {
        let mut file = File::open(path).ok().filter(|file| file.metadata().is_ok_and(|about| about.is_file()))?;
        let digest = copy_and_digest(&mut file, &mut std::io::sink(), u64::MAX).ok()?.digest;
        store.sealed_before(key.kind, &key.authority, &digest).ok()
    };
    match known() {
        None => Earlier::Unknown,
        Some(before) => {
            before.filter(|before| before != key).map_or(Earlier::Never, |before| Earlier::SealedFor(before.month))
        }
    }
}
