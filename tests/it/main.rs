//! The integration tests: one binary, a module per subject.

// What a test stands on fails loudly; the exemption for tests does not reach functions that tests call.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod pgp;
mod courier;
mod layering;
mod support;
mod timetable;
