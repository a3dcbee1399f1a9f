//! The integration tests: one binary, a module per subject.

// What a test stands on fails loudly; the exemption for tests does not reach functions that tests call.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
// Those rules are the product's; a test is the world around it.
#![allow(clippy::disallowed_methods)]

mod alarms_page;
mod architecture;
mod audit;
mod checkpoints;
mod config;
mod courier;
mod crash;
mod deadline;
mod demo;
mod expectations;
mod fuzz;
mod hostile;
mod inbound;
mod init;
mod keys;
mod layering;
mod mail;
mod notices;
mod outbound;
mod pgp;
mod privacy;
mod release;
mod returns_out;
mod risk;
mod roles;
mod sandbox;
mod scan;
mod shbe;
#[cfg(feature = "failpoints")]
mod simulation;
mod stored_words;
mod support;
mod timetable;
mod trouble;
mod upkeep;
mod watch;
