//! The command line: one file per subcommand.

pub mod audit;
pub mod backup;
pub mod check;
#[cfg(test)]
mod council;
pub mod deadline;
pub mod demo;
pub mod dispatch;
pub mod doctor;
pub mod expectations;
pub mod for_others;
pub mod held;
pub mod identify;
pub mod init;
pub mod keys;
pub mod legal_hold;
pub mod man;
pub mod migrate;
pub mod order;
pub mod orders;
pub mod output;
pub mod packs;
pub mod reading;
pub mod restore;
pub mod retention;
pub mod returns;
pub mod risk;
pub mod roles;
pub mod run;
pub mod selftest;
pub mod setup;
pub mod shbe;
pub mod status;
pub mod timetable;
pub mod transfers;
pub mod unit;
