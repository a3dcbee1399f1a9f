//! `hbcourier keys retire`: a certificate counts no longer, from a day on.

use jiff::civil::Date;

use super::{Holder, from, is_known, ordered};
use crate::cli::output::{CliError, Exit, Output};
use crate::config::Settings;
use crate::domain::Fingerprint;
use crate::operator::KeyOrder;

/// Let a certificate count no longer
///
/// A partner's verifies nothing that arrives from then on, and nothing is sealed to it. One of our own signs nothing and is
/// given out no more; it still opens what was sealed to it.
#[derive(Clone, Debug, clap::Args)]
pub struct RetireArgs {
    /// The partner, as the configuration names it; or `own`
    #[arg(value_name = "PARTNER")]
    pub holder: Holder,
    /// The full fingerprint of the certificate
    #[arg(value_name = "FPR")]
    pub fingerprint: Fingerprint,
    /// The day from which on; now, if left out
    #[arg(long, value_name = "DATE")]
    pub from: Option<Date>,
    /// The day since which somebody else may have had the key: lists what was accepted with it since
    #[arg(long, value_name = "DATE")]
    pub compromised_since: Option<Date>,
    /// Why, without personal data
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Retires a certificate.
pub fn retire(args: &RetireArgs, settings: &Settings, out: &mut Output<'_>) -> Result<Exit, CliError> {
    let partner = match &args.holder {
        Holder::Own => None,
        Holder::Partner(partner) => {
            is_known(partner, settings)?;
            Some(partner.clone())
        }
    };
    let order = KeyOrder::Retire {
        partner,
        fingerprint: args.fingerprint.clone(),
        from: from(args.from)?,
        compromised_since: from(args.compromised_since)?,
        reason: args.reason.clone(),
    };
    ordered(order, settings, args.json, out)
}
