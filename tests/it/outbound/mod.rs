//! Outbound on the real store, spool, keys and folders, under a clock that tests set.

mod council;
#[cfg(feature = "failpoints")]
mod crashes;
mod folders;
mod holds;
mod missed;
mod scripted;
mod sealing;
mod sending;
mod year;
