//! Keys in a backup for which nobody vouches.
//!
//! In:  the ledger in the backup, the list of its files, the fingerprints that a person knows. Out: the keys that neither names.
//! A backup that somebody altered may hold a key of theirs, with its list of files made anew: only an entry, the digest of the
//! list that was written down when the backup was made, or a person who knows the fingerprint tells that it is ours.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::cli::backup::Manifest;
use crate::domain::ledger::Event;
use crate::domain::{Fingerprint, KeyStep};
use crate::store::{Queries, QueryError};

/// Entries read at a time.
const PAGE: usize = 1024;

#[derive(Deserialize)]
struct Told {
    event: Event,
    fingerprint: Option<Fingerprint>,
}

/// The keys and certificates of the backup that are in no entry, and that nobody named.
pub(super) fn unvouched(
    queries: &dyn Queries,
    manifest: &Manifest,
    named: &[Fingerprint],
) -> Result<Vec<String>, QueryError> {
    let mut known: BTreeSet<(Option<String>, String)> = own(queries)?;
    for (_, _, step) in queries.key_steps()? {
        if let KeyStep::Trusted { partner, fingerprint, .. } = step {
            known.insert((Some(partner.to_string()), fingerprint.to_string()));
        }
    }
    let named: BTreeSet<String> = named.iter().map(ToString::to_string).collect();
    let certificates = manifest.files.iter().filter_map(|member| member.certificate());
    let unknown = certificates.filter(|(partner, fingerprint)| {
        !named.contains(*fingerprint) && !known.contains(&(partner.map(str::to_owned), (*fingerprint).to_owned()))
    });
    let told = |(partner, fingerprint): (Option<&str>, &str)| match partner {
        Some(partner) => format!("{fingerprint} of the partner {partner}"),
        None => format!("{fingerprint}, an own key"),
    };
    Ok(unknown.map(told).collect())
}

/// The own keys that the ledger tells of.
fn own(queries: &dyn Queries) -> Result<BTreeSet<(Option<String>, String)>, QueryError> {
    let (mut known, mut from) = (BTreeSet::new(), 0);
    loop {
        let page = queries.ledger(from, PAGE)?;
        let Some((last, _)) = page.last() else { return Ok(known) };
        from = last + 1;
        for (_, line) in &page {
            let told: Told = serde_json::from_slice(line).map_err(|error| QueryError(error.to_string()))?;
            if let (Event::KeyGenerated | Event::KeyImported, Some(fingerprint)) = (told.event, told.fingerprint) {
                known.insert((None, fingerprint.to_string()));
            }
        }
    }
}
