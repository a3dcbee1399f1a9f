//! The command line: one file per subcommand.

pub mod timetable;
pub mod identify;
