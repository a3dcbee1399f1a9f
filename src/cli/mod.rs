//! The command line: one file per subcommand.

pub mod returns;
pub mod timetable;
pub mod audit;
pub mod identify;
