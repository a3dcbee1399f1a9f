//! `hbcourier keys`: own keys and partners' certificates, what they are good for and until when.
//!
//! In:  the keys on disk, the timetables. Out: one JSON document, or text for people.
//! Holds: lists only; making and trusting keys is described here and carried out by the service.

mod list;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

pub use list::{ListArgs, list};

use crate::domain::{Fingerprint, PartnerName};
use crate::operator::OwnKeyAlgorithm;

/// See and change own keys and trusted certificates
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// What can be done about keys.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Command {
    /// List own keys and partners' certificates
    List(ListArgs),
    /// Make a key of our own; older ones stay, for opening what is still sealed to them
    Generate(GenerateArgs),
    /// Trust a partner's certificate, after its fingerprint was read over the telephone
    Trust(TrustArgs),
}

/// Make a key of our own; older ones stay, for opening what is still sealed to them
#[derive(Clone, Debug, clap::Args)]
pub struct GenerateArgs {
    /// What kind of key
    #[arg(long, value_name = "ALGORITHM", default_value = "rsa3072")]
    pub algorithm: OwnKeyAlgorithm,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Trust a partner's certificate, after its fingerprint was read over the telephone
#[derive(Clone, Debug, clap::Args)]
pub struct TrustArgs {
    /// The partner, as the configuration names it
    #[arg(value_name = "PARTNER")]
    pub partner: PartnerName,
    /// The file with the one certificate
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The full fingerprint that the partner read out
    #[arg(long, value_name = "FPR")]
    pub fingerprint: Fingerprint,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}
