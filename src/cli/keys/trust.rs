//! `hbcourier keys trust`: a partner's certificate, after its fingerprint was read over the telephone.

use std::path::PathBuf;

use jiff::civil::Date;

use super::{from, is_known, ordered, read};
use crate::cli::output::{CliError, Exit, Output};
use crate::config::Settings;
use crate::domain::{Fingerprint, PartnerName};
use crate::operator::KeyOrder;

/// Trust a partner's certificate, after its fingerprint was read over the telephone
///
/// Where keymasters are configured this agrees to what another one proposed with `hbcourier keys import`, and FILE may be
/// left out.
#[derive(Clone, Debug, clap::Args)]
pub struct TrustArgs {
    /// The partner, as the configuration names it
    #[arg(value_name = "PARTNER")]
    pub partner: PartnerName,
    /// The file with the one certificate
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// The full fingerprint that the partner read out
    #[arg(long, value_name = "FPR")]
    pub fingerprint: Fingerprint,
    /// The day from which on it shall count for what arrives
    #[arg(long, value_name = "DATE")]
    pub from: Option<Date>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Trusts a partner's certificate.
pub fn trust(args: &TrustArgs, settings: &Settings, out: &mut Output<'_>) -> Result<Exit, CliError> {
    is_known(&args.partner, settings)?;
    let certificate = args.file.as_deref().map(read).transpose()?;
    let (partner, fingerprint, from) = (args.partner.clone(), args.fingerprint.clone(), from(args.from)?);
    ordered(KeyOrder::Trust { partner, certificate, fingerprint, from }, settings, args.json, out)
}
