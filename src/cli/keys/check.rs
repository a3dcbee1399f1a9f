//! `hbcourier keys check`: everything about keys that needs attention, against every transfer date that is known.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{from, page};
use crate::cli::check::keys::probe_keys;
use crate::cli::check::{Outcome, Probe};
use crate::cli::output::{CliError, Exit, Output, Table, Text, Tone, moment};
use crate::cli::reading::Reading;
use crate::domain::{Fingerprint, KeyStep, LegacyAlgorithm, PartnerName};
use crate::effects::pgp::{KeyFacts, KeyListing};
use crate::foresight::EXCEPTION_ENDS_DAYS;
use crate::operator::accepted_since;

/// Say everything about keys that needs attention, or what was accepted with a certificate
///
/// Exit status 1 if something must be done. Run it as the service's own account.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct CheckArgs {
    /// List what was accepted since this day with a signature of `--signer`, and nothing else
    #[arg(long, value_name = "DATE", requires = "signer")]
    pub accepted_since: Option<Date>,
    /// The full fingerprint of the certificate
    #[arg(long, value_name = "FPR", requires = "accepted_since")]
    pub signer: Option<Fingerprint>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Document {
    /// Nothing must be done.
    ok: bool,
    probes: Vec<Probe>,
    exceptions: Vec<Excepted>,
    proposals: Vec<Waiting>,
    dated: Vec<Dated>,
}

/// An exception, and how often it was needed.
#[derive(Serialize)]
struct Excepted {
    entry: u64,
    partner: PartnerName,
    allow: LegacyAlgorithm,
    from: Timestamp,
    until: Timestamp,
    transfers: u64,
    holds: bool,
}

/// What a second person must agree to.
#[derive(Serialize)]
struct Waiting {
    entry: u64,
    partner: Option<PartnerName>,
    proposed_at: Timestamp,
    until: Timestamp,
    says: String,
}

/// A certificate that counts from a day on, or until one.
#[derive(Serialize)]
struct Dated {
    partner: Option<PartnerName>,
    fingerprint: Fingerprint,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
    compromised: bool,
}

/// Says what needs attention.
pub fn check(args: &CheckArgs, reading: &Reading<'_>, out: &mut Output<'_>) -> Result<Exit, CliError> {
    if let (Some(day), Some(signer)) = (args.accepted_since, &args.signer) {
        let accepted = accepted_since(reading.queries, signer, from(Some(day))?)?;
        out.answer(args.json, &accepted, |text| page::accepted(&accepted, text))?;
        return Ok(Exit::Yes);
    }
    let document = document(reading)?;
    out.answer(args.json, &document, |text| write_text(&document, text))?;
    Ok(if document.ok { Exit::Yes } else { Exit::No })
}

fn document(reading: &Reading<'_>) -> Result<Document, CliError> {
    let (now, rules) = (reading.now, reading.keys.rules());
    let uses: BTreeMap<u64, u64> = reading.queries.exception_uses()?.into_iter().collect();
    let exceptions = rules.exceptions().iter().map(|one| Excepted {
        entry: one.entry,
        partner: one.partner.clone(),
        allow: one.allow,
        from: one.from,
        until: one.until,
        transfers: uses.get(&one.entry).copied().unwrap_or(0),
        holds: one.from <= now && now < one.until,
    });
    let exceptions: Vec<Excepted> = exceptions.collect();
    let proposals = rules.waiting(now).map(|proposal| Waiting {
        entry: proposal.entry,
        partner: proposal.step.partner().cloned(),
        proposed_at: proposal.at,
        until: proposal.until(),
        says: agree_with(&proposal.step),
    });
    let proposals: Vec<Waiting> = proposals.collect();
    let dated = rules.terms().iter().filter(|term| term.from.is_some() || term.until.is_some()).map(|term| Dated {
        partner: term.partner.clone(),
        fingerprint: term.fingerprint.clone(),
        from: term.from,
        until: term.until,
        compromised: term.compromised,
    });
    let dated = dated.collect();
    let mut probes = probe_keys(reading.settings, reading.keys, reading.timetables, now);
    probes.extend(exceptions.iter().filter_map(|one| ends_soon(one, now)));
    probes.extend(proposals.iter().map(waits));
    probes.extend(without_successor(reading));
    let ok = probes.iter().all(|probe| probe.outcome == Outcome::Ok);
    Ok(Document { ok, probes, exceptions, proposals, dated })
}

fn ends_soon(one: &Excepted, now: Timestamp) -> Option<Probe> {
    let soon = now + SignedDuration::from_hours(24 * EXCEPTION_ENDS_DAYS);
    let says = format!(
        "CN-551: the exception for {} ends {}; {} transfers needed it.",
        one.allow,
        moment(one.until),
        one.transfers
    );
    let next = "Have the partner change their software before that day.";
    (one.holds && one.until <= soon).then(|| Probe::warning("exception", &one.partner, says, next))
}

fn waits(one: &Waiting) -> Probe {
    let about = one.partner.as_ref().map_or_else(String::new, ToString::to_string);
    let says = format!("CN-552: proposed {}, and lapses {}.", moment(one.proposed_at), moment(one.until));
    Probe::warning("proposal", about, says, one.says.clone())
}

fn agree_with(step: &KeyStep) -> String {
    match step {
        KeyStep::Proposed { partner, fingerprint, .. } => format!(
            "A second keymaster has {partner} read out the fingerprint, and runs `hbcourier keys trust {partner} \
             --fingerprint {fingerprint}`."
        ),
        KeyStep::ExceptionProposed { partner, allow, .. } => format!(
            "A second keymaster gives the same order: `hbcourier keys except {partner} --allow {allow} --until DATE \
             --reason TEXT`."
        ),
        _ => String::new(),
    }
}

/// Holders whose keys all end within the time of the alarm, with nothing that follows.
fn without_successor(reading: &Reading<'_>) -> Vec<Probe> {
    let Ok(later) = reading.now.checked_add(reading.settings.service.alarms.keys_ahead) else { return Vec::new() };
    let (present, then) = (reading.keys.list(reading.now), reading.keys.list(later));
    let names = reading.settings.partners.iter().map(|partner| Some(&partner.name));
    let ends = [None].into_iter().chain(names).filter(|holder| {
        let (now, then) = (abilities(&present, *holder), abilities(&then, *holder));
        (now.0 && !then.0) || (now.1 && !then.1)
    });
    let told = ends.map(|holder| {
        let about = holder.map_or_else(|| "own".to_owned(), ToString::to_string);
        let says = format!("Every key that counts now has ended by {}, and none follows.", moment(later));
        let next = "Bring the next one in while the present one still counts: `hbcourier keys generate` for our own, \
                    `hbcourier keys import` for a partner's.";
        Probe::warning("overlap", about, says, next)
    });
    told.collect()
}

/// Whether some key of the holder can sign, and some be encrypted to.
fn abilities(keys: &KeyListing, holder: Option<&PartnerName>) -> (bool, bool) {
    let facts: Vec<&KeyFacts> = match holder {
        None => keys.own.iter().collect(),
        Some(partner) => keys.partners.iter().filter(|(name, _)| name == partner).map(|(_, facts)| facts).collect(),
    };
    (facts.iter().any(|facts| facts.can_sign), facts.iter().any(|facts| facts.can_encrypt))
}

fn write_text(document: &Document, text: &mut Text) {
    for Probe { about, outcome, says, next, .. } in &document.probes {
        let (tone, word) = match outcome {
            Outcome::Ok => (Tone::Good, "ok     "),
            Outcome::Warning => (Tone::Warning, "warning"),
            Outcome::Problem => (Tone::Bad, "problem"),
        };
        text.toned(tone, word, format_args!("  {about}: {says}"));
        if let Some(next) = next {
            text.line(format_args!("         Next: {next}"));
        }
    }
    if !document.exceptions.is_empty() {
        text.gap();
        text.line("Exceptions");
        let mut table = Table::new(["Partner", "Algorithm", "From", "Until", "Transfers", ""]);
        for one in &document.exceptions {
            table.row([
                one.partner.to_string(),
                one.allow.to_string(),
                moment(one.from),
                moment(one.until),
                one.transfers.to_string(),
                if one.holds { "holds".to_owned() } else { String::new() },
            ]);
        }
        text.table(&table);
    }
    if !document.dated.is_empty() {
        text.gap();
        text.line("Certificates with a date");
        let mut table = Table::new(["Of", "Fingerprint", "From", "Until", ""]);
        for one in &document.dated {
            table.row([
                one.partner.as_ref().map_or_else(|| "own".to_owned(), ToString::to_string),
                one.fingerprint.to_string(),
                one.from.map_or_else(|| "-".to_owned(), moment),
                one.until.map_or_else(|| "-".to_owned(), moment),
                if one.compromised { "compromised".to_owned() } else { String::new() },
            ]);
        }
        text.table(&table);
    }
    text.gap();
    match document.ok {
        true => text.toned(Tone::Good, "Nothing must be done.", ""),
        false => text.toned(Tone::Warning, "Something must be done.", ""),
    }
}
