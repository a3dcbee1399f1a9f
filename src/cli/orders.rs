//! The commands that are orders: `held retry|approve|reject`, `returns confirm|resend|waive|close`.

use super::for_others;
use super::held::{self, ApproveArgs, OrderArgs as HeldArgs};
use super::order::give;
use super::output::{CliError, Exit, Output};
use super::returns::{CloseArgs, OrderArgs};
use crate::config::Settings;
use crate::domain::{ReturnOrder, SubmissionKey};
use crate::operator::{Done, Order};

/// Orders that a held item be tried again.
pub fn retry(args: &HeldArgs, settings: &Settings, out: &mut Output<'_>) -> Result<Exit, CliError> {
    let transfer = for_others::consignment(&args.id, settings)?;
    let order = Order::Retry { transfer, by: args.by.clone(), reason: args.reason.clone() };
    carried_out(give(settings, order)?, args.json, out)
}

/// Orders that a held item is never delivered.
pub fn reject(args: &HeldArgs, settings: &Settings, out: &mut Output<'_>) -> Result<Exit, CliError> {
    let transfer = for_others::consignment(&args.id, settings)?;
    let order = Order::Reject { transfer, by: args.by.clone(), reason: args.reason.clone() };
    carried_out(give(settings, order)?, args.json, out)
}

/// Approves the release of a held item, as it was shown or as it is on record now.
pub fn approve(args: &ApproveArgs, settings: &Settings, out: &mut Output<'_>) -> Result<Exit, CliError> {
    let ApproveArgs { order: HeldArgs { id, by, reason, json }, sha256, code } = args;
    if let Ok(key) = id.parse::<SubmissionKey>() {
        return Err(CliError::none(held::no_return(&key), held::INSTEAD));
    }
    let transfer = for_others::consignment(id, settings)?;
    let on_record = for_others::held(&transfer, settings)?;
    let order = Order::Approve {
        transfer,
        digest: sha256.unwrap_or(on_record.sealed),
        code: code.clone().unwrap_or(on_record.code),
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

fn carried_out(done: Done, json: bool, out: &mut Output<'_>) -> Result<Exit, CliError> {
    out.answer(json, &done, |text| text.line(&done.says))?;
    Ok(Exit::Yes)
}
