//! The integration tests: one binary, a module per subject.

// A test fails by panicking, in the functions it calls too.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod config;
mod courier;
mod inbound;
mod init;
mod outbound;
mod pgp;
mod returns_out;
mod support;
mod timetable;
mod trouble;
