//! hbcourier carries Housing Benefit files between UK local authorities and DWP, unattended, and can prove what it did.
//!
//! Start with `src/ARCHITECTURE.md`.

pub mod catalogue;
pub mod cli;
pub mod config;
pub mod daemon;
pub mod domain;
pub mod durable;
pub mod effects;
pub mod inbound;
pub mod operator;
pub mod outbound;
pub mod store;
pub mod telemetry;
