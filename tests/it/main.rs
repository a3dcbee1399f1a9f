//! The integration tests: one binary, a module per subject.

mod courier;
mod support;
mod timetable;
