//! The command line: one file per subcommand.

pub mod check;
pub mod held;
pub mod keys;
pub mod output;
pub mod reading;
pub mod status;
pub mod timetable;
pub mod transfers;
