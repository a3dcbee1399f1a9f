//! What is due: offered to the carriers, oldest first.
//!
//! In:  the store, and the folders that did not answer at the start. Out: jobs in the queue.
//! Holds: what waits for a folder that hangs is passed over, however much of it there is, and keeps nothing younger waiting.

use super::carriers::{Job, Queue};
use crate::inbound::{Critical, Inbound};
use crate::progress;
use crate::store::ConsignmentFilter;

/// Taken from the store at once.
const PAGE: usize = 4096;

/// Offers what is due now, at most so many transfers.
pub(super) fn offer(inbound: &Inbound, queue: &Queue, at_most: usize) -> Result<(), Critical> {
    inbound.late_folders().into_iter().for_each(|folder| queue.offer(Job::CatchUp(folder)));
    let due = Some(inbound.due(inbound.clock.now()));
    let (mut after, mut offered) = (None, 0);
    while offered < at_most {
        progress::made();
        let limit = Some(PAGE.min(at_most));
        let page = inbound.queries.consignments(&ConsignmentFilter { due, after, limit, ..Default::default() })?;
        let Some(last) = page.last() else { break };
        after = Some((last.received_at, last.id));
        for consignment in page {
            if !inbound.waits_for_folder(&consignment)? {
                queue.offer(Job::Advance(consignment.id));
                offered += 1;
            }
        }
    }
    Ok(())
}
