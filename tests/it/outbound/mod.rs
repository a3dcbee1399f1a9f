//! Outbound on the real store, spool, keys and folders, under a clock that tests set.

mod answers;
pub mod council;
#[cfg(feature = "failpoints")]
mod crashes;
mod folders;
mod holds;
mod late;
mod missed;
mod orders;
mod resets;
mod scripted;
mod sealing;
mod sending;
mod side_by_side;
mod workbooks;
mod year;
