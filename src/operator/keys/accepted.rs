//! What was accepted by one signer: the list that is needed when a key turns out to have been in other hands.
//!
//! In:  the store. Out: ids, times, kinds, LA numbers; no names.
//! Holds: at most [`ACCEPTED_MAX`] are listed, and whether there are more is said.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::{ConsignmentId, FileKind, Fingerprint, LaNumber};
use crate::store::{ConsignmentFilter, Queries, QueryError};

/// Transfers listed at once.
const ACCEPTED_MAX: usize = 1000;

/// What was accepted by one signer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// Whose signature.
    pub signer: Fingerprint,
    /// Received at or after this time; from ever, if `None`.
    pub since: Option<Timestamp>,
    /// Which transfers, oldest first.
    pub transfers: Vec<AcceptedTransfer>,
    /// There are more than these.
    pub more: bool,
}

/// A transfer that was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptedTransfer {
    /// Which one.
    pub id: ConsignmentId,
    /// When it came.
    pub received_at: Timestamp,
    /// Whose it is.
    pub authority: LaNumber,
    /// What it brought.
    pub kinds: Vec<FileKind>,
    /// Where it stands.
    pub state: String,
}

/// What was accepted with a signature of this certificate, oldest first.
pub fn accepted_since(
    queries: &dyn Queries,
    signer: &Fingerprint,
    since: Option<Timestamp>,
) -> Result<Accepted, QueryError> {
    let filter = ConsignmentFilter {
        signer: Some(signer.clone()),
        since,
        limit: Some(ACCEPTED_MAX + 1),
        ..ConsignmentFilter::default()
    };
    let mut found = queries.consignments(&filter)?;
    let more = found.len() > ACCEPTED_MAX;
    found.truncate(ACCEPTED_MAX);
    let transfer = |consignment: crate::domain::Consignment| {
        let mut kinds: Vec<FileKind> = queries.deliveries(&consignment.id)?.iter().map(|part| part.kind).collect();
        kinds.sort_by_key(ToString::to_string);
        kinds.dedup();
        Ok(AcceptedTransfer {
            id: consignment.id,
            received_at: consignment.received_at,
            authority: consignment.authority,
            kinds,
            state: consignment.standing.word().to_owned(),
        })
    };
    let transfers = found.into_iter().map(transfer).collect::<Result<_, QueryError>>()?;
    Ok(Accepted { signer: signer.clone(), since, transfers, more })
}
