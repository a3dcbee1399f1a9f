//! `hbcourier keys`: own keys and partners' certificates, what they are good for and until when; exceptions.
//!
//! In:  the keys on disk, the timetables, the store; a certificate's file. Out: one JSON document, or text for people.
//! Holds: reads only; what changes something is an order, described here and carried out by the service.

mod check;
mod except;
mod generate;
mod import;
mod list;
mod page;
mod retire;
#[cfg(test)]
mod tests;
mod trust;

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;

pub use check::{CheckArgs, check};
pub use except::{ExceptArgs, except};
pub use generate::{GenerateArgs, generate};
pub use import::{ImportArgs, import, look_at};
pub use list::{ListArgs, list};
pub use retire::{RetireArgs, retire};
pub use trust::{TrustArgs, trust};

use super::order::give;
use super::output::{CliError, Exit, Output};
use super::reading::beginning_of;
use crate::config::Settings;
use crate::domain::PartnerName;
use crate::domain::causes::with_causes;
use crate::domain::naming::NotAName;
use crate::operator::{KeyOrder, Order};

/// A certificate with very many signatures is still smaller.
const KEY_BYTES_MAX: u64 = 1 << 20;

/// See and change own keys, trusted certificates and exceptions
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
    /// Say everything about keys that needs attention, or what was accepted with a certificate
    Check(CheckArgs),
    /// Make a key of our own; older ones stay, for opening what is still sealed to them
    Generate(GenerateArgs),
    /// Say what a certificate would change, and propose it where two people decide; or take in an own key
    Import(ImportArgs),
    /// Trust a partner's certificate, after its fingerprint was read over the telephone
    Trust(TrustArgs),
    /// Let a certificate count no longer
    Retire(RetireArgs),
    /// Except a partner from the rules about one old algorithm, for a time
    Except(ExceptArgs),
}

/// Whose key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// Our own.
    Own,
    /// A partner's.
    Partner(PartnerName),
}

impl FromStr for Holder {
    type Err = NotAName;

    fn from_str(text: &str) -> Result<Self, NotAName> {
        if text == "own" { Ok(Holder::Own) } else { text.parse().map(Holder::Partner) }
    }
}

/// Gives an order about keys, and prints what it did.
fn ordered(order: KeyOrder, settings: &Settings, json: bool, out: &mut Output<'_>) -> Result<Exit, CliError> {
    let done = give(settings, Order::Keys(order))?;
    out.answer(json, &done, |text| page::done(&done, text))?;
    Ok(Exit::Yes)
}

/// Refuses a partner that the configuration does not name.
fn is_known(partner: &PartnerName, settings: &Settings) -> Result<(), CliError> {
    if settings.partners.iter().any(|known| known.name == *partner) {
        return Ok(());
    }
    let says = format!("The configuration has no partner `{partner}`.");
    let known: Vec<&str> = settings.partners.iter().map(|partner| partner.name.as_str()).collect();
    Err(CliError::new(Exit::Usage, says, format!("Name one of these: {}.", known.join(", "))))
}

/// The bytes of a key or certificate file.
fn read(file: &Path) -> Result<Vec<u8>, CliError> {
    let mut bytes = Vec::new();
    let read = File::open(file).and_then(|file| file.take(KEY_BYTES_MAX + 1).read_to_end(&mut bytes));
    read.map_err(|error| {
        let says = format!("Could not read the certificate {}: {}.", file.display(), with_causes(&error));
        CliError::new(Exit::CouldNot, says, "Check the path and that this account may read it.")
    })?;
    Ok(bytes)
}

/// The beginning of a day that may be left out.
fn from(day: Option<Date>) -> Result<Option<Timestamp>, CliError> {
    day.map(beginning_of).transpose()
}
