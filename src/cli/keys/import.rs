//! `hbcourier keys import`: what a partner's certificate is and what it would change; proposed where two people decide.
//! `hbcourier keys import own`: an own key that was made elsewhere.

use std::path::PathBuf;

use jiff::civil::Date;

use super::{Holder, from, is_known, ordered, page, read};
use crate::cli::output::{CliError, Exit, Output};
use crate::cli::reading::Reading;
use crate::config::Settings;
use crate::domain::PartnerName;
use crate::operator::KeyOrder;

/// Say what a certificate would change, and propose it where two people decide; or take in an own key
///
/// Where keymasters are configured, the certificate is proposed, and another keymaster agrees with `hbcourier keys trust`
/// within 72 hours. Otherwise nothing is changed.
#[derive(Clone, Debug, clap::Args)]
pub struct ImportArgs {
    /// The partner, as the configuration names it; or `own`, for a secret key that was made elsewhere
    #[arg(value_name = "PARTNER")]
    pub holder: Holder,
    /// The file with the one certificate, or the one secret key
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The day from which on it shall count for what arrives
    #[arg(long, value_name = "DATE")]
    pub from: Option<Date>,
    /// Look at it with this account alone, and propose nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Orders that the certificate be looked at and proposed, or the own key taken in.
pub fn import(args: &ImportArgs, settings: &Settings, out: &mut Output<'_>) -> Result<Exit, CliError> {
    let order = match &args.holder {
        Holder::Own if args.from.is_some() => {
            let says = "An own key has no `--from`: what is sealed to it opens at once.";
            return Err(CliError::new(Exit::Usage, says, "Leave it out."));
        }
        Holder::Own => KeyOrder::ImportOwn { key: read(&args.file)?.into() },
        Holder::Partner(partner) => {
            is_known(partner, settings)?;
            KeyOrder::Import { partner: partner.clone(), certificate: read(&args.file)?, from: from(args.from)? }
        }
    };
    ordered(order, settings, args.json, out)
}

/// Looks at the certificate, and changes nothing.
pub fn look_at(args: &ImportArgs, reading: &Reading<'_>, out: &mut Output<'_>) -> Result<Exit, CliError> {
    let Holder::Partner(partner) = &args.holder else {
        let says = "An own key cannot be looked at without taking it in.";
        return Err(CliError::new(Exit::Usage, says, "Leave `--dry-run` out."));
    };
    is_known(partner, reading.settings)?;
    look(partner, args, reading, out)
}

fn look(
    partner: &PartnerName,
    args: &ImportArgs,
    reading: &Reading<'_>,
    out: &mut Output<'_>,
) -> Result<Exit, CliError> {
    let report = reading.keys.examine(partner, &read(&args.file)?, reading.now);
    let report = report.map_err(|error| {
        let says = format!("The certificate {} cannot be used: {error}.", args.file.display());
        CliError::new(Exit::No, says, "Ask the partner for their current certificate.")
    })?;
    out.answer(args.json, &report, |text| page::certificate(&report, text))?;
    Ok(Exit::Yes)
}
