//! The integration tests: one binary, a module per subject.

mod outbound;
mod support;
mod timetable;
