//! `hbcourier keys except`: an old algorithm that one partner may still use, for a time.

use jiff::civil::Date;

use super::{from, is_known, ordered};
use crate::cli::output::{CliError, Exit, Output};
use crate::cli::reading::end_of;
use crate::config::Settings;
use crate::domain::{LegacyAlgorithm, PartnerName};
use crate::operator::KeyOrder;

/// Except a partner from the rules about one old algorithm, for a time
///
/// Where keymasters are configured, two of them give the same order within 72 hours. Integrity protection is never waived,
/// and who may have signed stays as it is.
#[derive(Clone, Debug, clap::Args)]
pub struct ExceptArgs {
    /// The partner, as the configuration names it
    #[arg(value_name = "PARTNER")]
    pub partner: PartnerName,
    /// Which algorithm: sha1, 3des, cast5, idea, rsa1024 or dsa1024
    #[arg(long, value_name = "ALGORITHM")]
    pub allow: LegacyAlgorithm,
    /// The last day of it, at most twelve months from now
    #[arg(long, value_name = "DATE", required_unless_present = "end", conflicts_with = "end")]
    pub until: Option<Date>,
    /// The first day of it, at most 30 days back; today, if left out
    #[arg(long, value_name = "DATE", conflicts_with = "end")]
    pub from: Option<Date>,
    /// End it now
    #[arg(long)]
    pub end: bool,
    /// Why, without personal data
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Grants an exception, or ends it.
pub fn except(args: &ExceptArgs, settings: &Settings, out: &mut Output<'_>) -> Result<Exit, CliError> {
    is_known(&args.partner, settings)?;
    let (partner, allow, reason) = (args.partner.clone(), args.allow, args.reason.clone());
    let order = match args.until {
        Some(last_day) => KeyOrder::Except { partner, allow, from: from(args.from)?, until: end_of(last_day)?, reason },
        None => KeyOrder::EndException { partner, allow, reason },
    };
    ordered(order, settings, args.json, out)
}
