//! The commands that are orders: `held retry|approve|reject`, `returns confirm|resend|waive|close`, `keys generate`, `keys trust`.

use std::fs::File;
use std::io::Read;

use super::held::{self, ApproveArgs, OrderArgs as HeldArgs};
use super::keys::{GenerateArgs, TrustArgs};
use super::order::give;
use super::output::{CliError, Exit, Output};
use super::returns::{CloseArgs, OrderArgs};
use super::run::with_causes;
use super::transfers::find::{self, Found};
use crate::config::Settings;
use crate::domain::{ReturnOrder, Standing};
use crate::operator::{Done, Order};
use crate::store::Queries;

/// A certificate with very many signatures is still smaller.
const CERTIFICATE_BYTES_MAX: u64 = 1 << 20;

/// Orders that a held item be tried again.
pub fn retry(
    args: &HeldArgs,
    settings: &Settings,
    queries: &dyn Queries,
    out: &mut Output<'_>,
) -> Result<Exit, CliError> {
    let transfer = find::consignment(&args.id, queries)?;
    let order = Order::Retry { transfer, by: args.by.clone(), reason: args.reason.clone() };
    carried_out(give(settings, order)?, args.json, out)
}

/// Orders that a held item is never delivered.
pub fn reject(
    args: &HeldArgs,
    settings: &Settings,
    queries: &dyn Queries,
    out: &mut Output<'_>,
) -> Result<Exit, CliError> {
    let transfer = find::consignment(&args.id, queries)?;
    let order = Order::Reject { transfer, by: args.by.clone(), reason: args.reason.clone() };
    carried_out(give(settings, order)?, args.json, out)
}

/// Approves the release of a held item, as it was shown or as it is on record now.
pub fn approve(
    args: &ApproveArgs,
    settings: &Settings,
    queries: &dyn Queries,
    out: &mut Output<'_>,
) -> Result<Exit, CliError> {
    let ApproveArgs { order: HeldArgs { id, by, reason, json }, sha256, code } = args;
    let consignment = match find::find(id, queries)? {
        Found::In(consignment, _) => consignment,
        Found::Out(submission) => return Err(CliError::none(held::no_return(&submission.key), held::INSTEAD)),
    };
    // What is not held has no code; the service says so, and records that it was asked.
    let on_record = match &consignment.standing {
        Standing::Held { reason, .. } => reason.notice().code,
        _ => "",
    };
    let order = Order::Approve {
        transfer: consignment.id,
        digest: sha256.unwrap_or(consignment.sealed_digest),
        code: code.clone().unwrap_or_else(|| on_record.to_owned()),
        by: by.clone(),
        reason: reason.clone(),
    };
    carried_out(give(settings, order)?, *json, out)
}

/// Decides about a return.
pub fn decide(
    decision: ReturnOrder,
    args: &OrderArgs,
    settings: &Settings,
    out: &mut Output<'_>,
) -> Result<Exit, CliError> {
    let (key, by, reason) = (args.key.clone(), args.by.clone(), args.reason.clone());
    carried_out(give(settings, Order::Return { key, decision, by, reason })?, args.json, out)
}

/// Ends the returns of an MI workbook.
pub fn close(args: &CloseArgs, settings: &Settings, out: &mut Output<'_>) -> Result<Exit, CliError> {
    let (workbook, by, reason) = (args.workbook.clone(), args.by.clone(), args.reason.clone());
    carried_out(give(settings, Order::CloseWorkbook { workbook, by, reason })?, args.json, out)
}

/// Makes a key of our own, named after the authorities.
pub fn generate(args: &GenerateArgs, settings: &Settings, out: &mut Output<'_>) -> Result<Exit, CliError> {
    let names = settings.authorities.iter().map(|one| format!("{} (LA number {})", one.name, one.number));
    let user_id = names.collect::<Vec<_>>().join(", ");
    let order = Order::GenerateKey { algorithm: args.algorithm, user_id };
    carried_out(give(settings, order)?, args.json, out)
}

/// Trusts a partner's certificate.
pub fn trust(args: &TrustArgs, settings: &Settings, out: &mut Output<'_>) -> Result<Exit, CliError> {
    if !settings.partners.iter().any(|partner| partner.name == args.partner) {
        let says = format!("The configuration has no partner `{}`.", args.partner);
        let known: Vec<&str> = settings.partners.iter().map(|partner| partner.name.as_str()).collect();
        return Err(CliError::new(Exit::Usage, says, format!("Name one of these: {}.", known.join(", "))));
    }
    let mut certificate = Vec::new();
    let read =
        File::open(&args.file).and_then(|file| file.take(CERTIFICATE_BYTES_MAX + 1).read_to_end(&mut certificate));
    read.map_err(|error| {
        let says = format!("Could not read the certificate {}: {}.", args.file.display(), with_causes(&error));
        CliError::new(Exit::CouldNot, says, "Check the path and that this account may read it.")
    })?;
    let (partner, fingerprint) = (args.partner.clone(), args.fingerprint.clone());
    carried_out(give(settings, Order::Trust { partner, certificate, fingerprint })?, args.json, out)
}

fn carried_out(done: Done, json: bool, out: &mut Output<'_>) -> Result<Exit, CliError> {
    out.answer(json, &done, |text| text.line(&done.says))?;
    Ok(Exit::Yes)
}
