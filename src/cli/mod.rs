//! The command line: one file per subcommand.

pub mod audit;
pub mod demo;
pub mod dispatch;
pub mod identify;
pub mod init;
pub mod order;
pub mod output;
pub mod returns;
pub mod run;
pub mod setup;
pub mod timetable;
pub mod init;
