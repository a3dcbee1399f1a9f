//! The configuration: file to checked settings, every problem at once.

pub mod timetable;
