//! `hbcourier keys generate`: a key of our own, named after the authorities.

use super::ordered;
use crate::cli::output::{CliError, Exit, Output};
use crate::config::Settings;
use crate::operator::{KeyOrder, OwnKeyAlgorithm};

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

/// Makes a key of our own.
pub fn generate(args: &GenerateArgs, settings: &Settings, out: &mut Output<'_>) -> Result<Exit, CliError> {
    let names = settings.authorities.iter().map(|one| format!("{} (LA number {})", one.name, one.number));
    let user_id = names.collect::<Vec<_>>().join(", ");
    ordered(KeyOrder::Generate { algorithm: args.algorithm, user_id }, settings, args.json, out)
}
