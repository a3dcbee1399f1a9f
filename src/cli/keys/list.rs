//! `hbcourier keys list`: every own key and every trusted certificate.

use jiff::Timestamp;
use serde::Serialize;

use crate::cli::output::{CliError, Exit, Output, Table, Text, Tone, moment};
use crate::cli::reading::Reading;
use crate::domain::{Fingerprint, PartnerName};
use crate::effects::pgp::KeyFacts;
use crate::foresight::keys::{ahead, ends_before};

/// List own keys and partners' certificates
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ListArgs {
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Document {
    own: Vec<Certificate>,
    partners: Vec<Partner>,
    faults: Vec<Fault>,
    warnings: Vec<Warning>,
}

#[derive(Serialize)]
struct Partner {
    partner: PartnerName,
    certificates: Vec<Certificate>,
}

#[derive(Serialize)]
struct Certificate {
    fingerprint: Fingerprint,
    algorithm: String,
    usable_for: Vec<&'static str>,
    until: Option<Timestamp>,
    problem: Option<String>,
}

/// A key file that cannot be used.
#[derive(Serialize)]
struct Fault {
    partner: Option<PartnerName>,
    says: String,
}

/// Keys that end before a return that needs them.
#[derive(Serialize)]
struct Warning {
    partner: Option<PartnerName>,
    until: Timestamp,
    says: String,
}

/// Lists all keys.
pub fn list(args: &ListArgs, reading: &Reading<'_>, out: &mut Output<'_>) -> Result<Exit, CliError> {
    let document = document(reading);
    out.answer(args.json, &document, |text| write_text(&document, text))?;
    Ok(Exit::Yes)
}

fn document(reading: &Reading<'_>) -> Document {
    let keys = reading.keys.list(reading.now);
    let ends = ends_before(reading.keys, reading.now, &ahead(reading.settings, reading.timetables, reading.today()));
    let mut names: Vec<PartnerName> = reading.settings.partners.iter().map(|partner| partner.name.clone()).collect();
    names.extend(keys.partners.iter().map(|(partner, _)| partner.clone()));
    names.sort();
    names.dedup();
    let partners = names.into_iter().map(|partner| {
        let certificates = keys.partners.iter().filter(|(name, _)| *name == partner);
        Partner { certificates: certificates.map(|(_, facts)| certificate(facts)).collect(), partner }
    });
    Document {
        own: keys.own.iter().map(certificate).collect(),
        partners: partners.collect(),
        faults: keys
            .faults
            .iter()
            .map(|(partner, fault)| Fault { partner: partner.clone(), says: fault.to_string() })
            .collect(),
        warnings: ends
            .into_iter()
            .map(|ends| Warning { partner: ends.partner, until: ends.until, says: ends.says })
            .collect(),
    }
}

fn certificate(facts: &KeyFacts) -> Certificate {
    let usable_for = [(facts.can_sign, "sign"), (facts.can_encrypt, "encrypt")];
    Certificate {
        fingerprint: facts.fingerprint.clone(),
        algorithm: facts.algorithm.clone(),
        usable_for: usable_for.into_iter().filter_map(|(can, what)| can.then_some(what)).collect(),
        until: facts.expires,
        problem: facts.problem.map(|problem| problem.to_string()),
    }
}

fn write_text(document: &Document, text: &mut Text) {
    text.line("Own keys");
    write_certificates(&document.own, "none: make one with `hbcourier keys generate`", text);
    for Partner { partner, certificates } in &document.partners {
        text.gap();
        text.line(format_args!("Partner {partner}"));
        write_certificates(certificates, "none: trust one with `hbcourier keys trust`", text);
    }
    for Fault { partner, says } in &document.faults {
        text.gap();
        text.toned(Tone::Bad, "Unusable file", format_args!(" of {}: {says}", holder(partner.as_ref())));
    }
    for Warning { partner, until, says } in &document.warnings {
        text.gap();
        text.toned(
            Tone::Warning,
            "Warning",
            format_args!(": the key of {} {says}: {}.", holder(partner.as_ref()), moment(*until)),
        );
    }
}

fn write_certificates(certificates: &[Certificate], none: &str, text: &mut Text) {
    if certificates.is_empty() {
        return text.line(format_args!("  {none}"));
    }
    let mut table = Table::new(["Fingerprint", "Algorithm", "May", "Until", "Problem"]);
    for certificate in certificates {
        table.row([
            certificate.fingerprint.to_string(),
            certificate.algorithm.clone(),
            certificate.usable_for.join(", "),
            certificate.until.map_or_else(|| "-".to_owned(), moment),
            certificate.problem.clone().unwrap_or_default(),
        ]);
    }
    text.table(&table);
}

fn holder(partner: Option<&PartnerName>) -> String {
    partner.map_or_else(|| "our own".to_owned(), |partner| format!("partner {partner}"))
}
