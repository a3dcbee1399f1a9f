//! `hbcourier transfers show`: everything about one transfer, its ledger entries included.

use serde::Serialize;

use super::answers::{self, ShownAnswer};
use super::entries::{self, Happened};
use super::find::{Found, find};
use super::released::{Released, released};
use super::transfer::Transfer;
use crate::cli::output::{CliError, Exit, Output, Text, moment};
use crate::domain::consignment::{NAME_ERASED, NAME_WITHHELD};
use crate::store::Queries;

/// Show one transfer with its ledger entries
#[derive(Clone, Debug, clap::Args)]
pub struct ShowArgs {
    /// The transfer's id, or as much of its beginning as no other has; or a return's key, such as shbe/12302/2020-04
    #[arg(value_name = "ID")]
    pub id: String,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// One transfer and all that is known of it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Shown {
    /// As in the list.
    #[serde(flatten)]
    pub transfer: Transfer,
    /// Of a return: the sealed file's name. Of what came: that the name it had at its source is withheld, or was erased; nothing
    /// if it had none.
    pub name: Option<String>,
    /// Of a return: the message's id.
    pub message_id: Option<String>,
    /// What came back about it, if it is a return; what it tells of a return, if it is a mail about one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<ShownAnswer>,
    /// By whom it was released, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub released: Option<Released>,
    /// What the ledger says of it.
    pub entries: Vec<Happened>,
}

pub(super) fn show(args: &ShowArgs, queries: &dyn Queries, out: &mut Output<'_>) -> Result<Exit, CliError> {
    let shown = shown(&find(&args.id, queries)?, queries)?;
    out.answer(args.json, &shown, |text| write_text(&shown, text))?;
    Ok(Exit::Yes)
}

/// All that is known of it.
pub(crate) fn shown(found: &Found, queries: &dyn Queries) -> Result<Shown, CliError> {
    let (mut transfer, name, message_id) = match found {
        Found::In(consignment, name) => {
            let name = match (name.as_deref(), queries.names_erased(&consignment.id)?) {
                (_, Some(_)) => Some(NAME_ERASED.to_owned()),
                (None | Some(""), None) => None,
                (Some(_), None) => Some(NAME_WITHHELD.to_owned()),
            };
            (Transfer::inbound(consignment, &queries.deliveries(&consignment.id)?), name, None)
        }
        Found::Out(submission) => {
            let sealed = submission.sealed.as_ref();
            let name = sealed.map(|sealed| sealed.file_name.clone());
            (Transfer::outbound(submission), name, sealed.map(|sealed| sealed.message_id.clone()))
        }
    };
    let entries = entries::about(&transfer.id, queries)?;
    if transfer.signer.is_none() {
        transfer.signer = entries.iter().rev().find_map(|entry| entry.fingerprint.clone());
    }
    let answers = answers::about(found, queries)?;
    let released = released(&entries);
    Ok(Shown { transfer, name, message_id, answers, released, entries })
}

/// Writes it for people.
pub(crate) fn write_text(shown: &Shown, text: &mut Text) {
    let Shown { transfer, name, message_id, answers, released, entries } = shown;
    let again =
        transfer.until.map(|until| format!("{} (attempts so far: {})", moment(until), transfer.attempts.unwrap_or(0)));
    text.facts([
        ("Transfer", Some(transfer.id.clone())),
        ("State", Some(transfer.state.to_owned())),
        ("Authority", Some(transfer.authority.to_string())),
        ("Kind", Some(transfer.kind.to_string())),
        ("Source", transfer.source.as_ref().map(ToString::to_string)),
        ("Name", name.clone()),
        ("Received", transfer.received_at.map(moment)),
        ("Finished", transfer.finished_at.map(moment)),
        ("Sealed", transfer.sealed_sha256.map(|digest| digest.to_string())),
        ("Size", transfer.sealed_size.map(|bytes| format!("{bytes} bytes"))),
        ("Signer", transfer.signer.as_ref().map(ToString::to_string)),
        ("Released", released.as_ref().map(Released::sentence)),
        ("Message-ID", message_id.clone()),
        ("Reason", transfer.code.zip(transfer.says.as_ref()).map(|(code, says)| format!("{code} {says}"))),
        ("Next", transfer.next.map(str::to_owned)),
        ("Tried again", again),
    ]);
    for (number, part) in transfer.parts.iter().enumerate() {
        text.gap();
        text.facts([
            ("Part", Some((number + 1).to_string())),
            ("Kind", Some(part.kind.to_string())),
            ("SHA-256", Some(part.sha256.to_string())),
            ("Size", part.size.map(|bytes| format!("{bytes} bytes"))),
            ("Delivered to", part.delivered_to.clone()),
        ]);
    }
    answers::write(answers, text);
    text.gap();
    entries::write(entries, text);
}
