//! hbcourier carries Housing Benefit files between UK local authorities and DWP, unattended, and can prove what it did.
//!
//! Inbound, it takes what arrives in drop folders into a spool, opens and verifies it, recognises and checks it, and
//! delivers it to the back office. Outbound, it knows which return is owed on which transfer date, picks it up, checks
//! it, seals it to DWP and sends it on its day. Everything it does is an entry in a ledger.
//!
//! The library exists for the program and its tests; it is not an interface for others. Start with
//! `src/ARCHITECTURE.md`: the parts, what must always hold, and what a crash leaves.

// Those rules are the product's; unit tests build the world around it.
#![cfg_attr(test, allow(clippy::disallowed_methods))]

pub mod audit;
pub mod catalogue;
pub mod checkpoints;
pub mod cli;
pub mod config;
pub mod daemon;
pub mod domain;
pub mod durable;
pub mod effects;
pub mod foresight;
pub mod inbound;
pub mod operator;
pub mod outbound;
pub mod progress;
pub mod retention;
pub mod sandbox;
pub mod store;
pub mod telemetry;
