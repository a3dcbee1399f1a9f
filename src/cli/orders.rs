//! The commands that are orders: `held retry`, `returns confirm|resend|waive|close`.

use super::for_others;
use super::held::RetryArgs;
use super::order::give;
use super::output::{CliError, Exit, Output};
use super::returns::{CloseArgs, OrderArgs};
use crate::config::Settings;
use crate::domain::ReturnOrder;
use crate::operator::{Done, Order};

/// Orders that a held item be tried again.
pub fn retry(args: &RetryArgs, settings: &Settings, out: &mut Output<'_>) -> Result<Exit, CliError> {
    let transfer = for_others::consignment(&args.id, settings)?;
    let order = Order::Retry { transfer, by: args.by.clone(), reason: args.reason.clone() };
    carried_out(give(settings, order)?, args.json, out)
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
