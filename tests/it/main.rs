//! The integration tests: one binary, a module per subject.

// What a test stands on fails loudly; the exemption for tests does not reach functions that tests call.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod pgp;
// A test fails by panicking, in the functions it calls too.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod courier;
mod layering;
mod config;
mod init;
mod support;
mod timetable;
