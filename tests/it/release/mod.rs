//! Releasing what is held: two people, one finding, the same bytes.

pub(crate) mod crashes;
mod desk;
mod mails;
mod never;
mod orders;
pub(crate) mod people;
mod tampering;
mod walked;

use hbcourier::domain::Consignment;

use crate::support::council::Council;

/// The one consignment that is held.
fn the_held_one(council: &Council) -> Consignment {
    let held: Vec<_> = council.consignments().into_iter().filter(|one| one.standing.word() == "held").collect();
    assert_eq!(held.len(), 1, "{:?}", council.codes());
    held.into_iter().next().unwrap()
}

/// What the ledger says of this consignment, in order.
fn events_of(council: &Council, one: &Consignment) -> Vec<String> {
    let id = one.id.to_string();
    let about = council.entries().into_iter().filter(|entry| entry["transfer"] == id.as_str());
    about.map(|entry| entry["event"].as_str().unwrap().to_owned()).collect()
}
