//! Own keys and partners' certificates: can everything be opened and sealed that must be, and until when?

use jiff::Timestamp;

use super::{Probe, Subjects};
use crate::cli::output::moment;
use crate::config::Settings;
use crate::domain::PartnerName;
use crate::domain::timetable::Timetables;
use crate::effects::clock::london;
use crate::effects::pgp::{KeyFacts, KeyListing, KeyRing};
use crate::foresight::keys::{ahead, ends_before};

const PROBE: &str = "keys";

pub(super) fn probe(subjects: &Subjects<'_>) -> Vec<Probe> {
    let Subjects { settings, keys, timetables, now, .. } = *subjects;
    probe_keys(settings, keys, timetables, now)
}

/// Everything about keys, tried.
pub(in crate::cli) fn probe_keys(
    settings: &Settings,
    ring: &KeyRing,
    timetables: &Timetables,
    now: Timestamp,
) -> Vec<Probe> {
    let keys = ring.list(now);
    let is_elsewhere = keys.faults.iter().any(|(_, fault)| fault.is_only_the_services());
    let mut probes = Vec::new();
    // A key that only the service can open is told of as that, and not as one that is not there.
    if !(keys.own.is_empty() && is_elsewhere) {
        probes.push(own(&keys));
    }
    for partner in &settings.partners {
        probes.push(partner_keys(&partner.name, &keys, settings));
    }
    for (partner, fault) in &keys.faults {
        let about = partner.as_ref().map_or_else(|| "own".to_owned(), ToString::to_string);
        if fault.is_only_the_services() {
            let says = format!("It cannot be tried from here, because only the service has the secret: {fault}.");
            let next = "See that the service runs: `hbcourier status` tells of secrets and keys that it lacks.";
            probes.push(Probe::warning(PROBE, about, says, next));
            continue;
        }
        let next = "Mend the file or put it back from a copy; `hbcourier keys list` shows the others.";
        probes.push(Probe::problem(PROBE, about, format!("{fault}."), next));
    }
    for (key, _) in ring.probe_own().into_iter().filter(|(_, opens)| !opens) {
        let says = format!("Own key {key} does not open what is sealed to it.");
        let next = "Put the key file back from a copy; `hbcourier keys list` shows the others.";
        probes.push(Probe::problem(PROBE, "own", says, next));
    }
    let ahead = ahead(settings, timetables, now.to_zoned(london()).date());
    for ends in ends_before(ring, now, &ahead) {
        let (about, next) = match &ends.partner {
            None => (
                "own".to_owned(),
                "Make a new key with `hbcourier keys generate` and give it to the partners in time.".to_owned(),
            ),
            Some(partner) => {
                let next =
                    format!("Ask {partner} for the renewed certificate and trust it with `hbcourier keys trust`.");
                (partner.to_string(), next)
            }
        };
        let says = format!("The last usable key {}: {}.", ends.says, moment(ends.until));
        probes.push(Probe::warning(PROBE, about, says, next));
    }
    probes
}

fn own(keys: &KeyListing) -> Probe {
    let next = "Make one with `hbcourier keys generate` and give its certificate to the partners.";
    if keys.own.is_empty() {
        return Probe::problem(PROBE, "own", "There is no key of our own, so nothing can be opened or sealed.", next);
    }
    match keys.own.iter().find(|facts| facts.can_sign && facts.can_encrypt) {
        Some(facts) => {
            Probe::ok(PROBE, "own", format!("{} can sign and be encrypted to{}.", facts.fingerprint, until(facts)))
        }
        None => {
            let says = format!("No key of our own can be used now: {}.", problems(keys.own.iter()));
            Probe::problem(PROBE, "own", says, next)
        }
    }
}

fn partner_keys(partner: &PartnerName, keys: &KeyListing, settings: &Settings) -> Probe {
    let authorities = &settings.authorities;
    let sends = authorities.iter().flat_map(|a| a.sources()).any(|source| source.partners.contains(partner));
    let receives = authorities.iter().flat_map(|a| &a.returns).any(|owed| owed.partner == *partner);
    let certs = || keys.partners.iter().filter(|(name, _)| name == partner).map(|(_, facts)| facts);
    let next = format!(
        "Get {partner}'s current certificate, read its fingerprint over the telephone, and trust it: `hbcourier \
         keys trust {partner} FILE --fingerprint FPR`."
    );
    if certs().next().is_none() {
        let says = "No certificate is trusted, so nothing from or to this partner can go through.";
        return Probe::problem(PROBE, partner, says, next);
    }
    let signs = certs().find(|facts| facts.can_sign);
    let encrypts = certs().find(|facts| facts.can_encrypt);
    if sends && signs.is_none() {
        let says = format!("No trusted certificate can have signed what comes now: {}.", problems(certs()));
        return Probe::problem(PROBE, partner, says, next);
    }
    if receives && encrypts.is_none() {
        let says = format!("No trusted certificate can be sealed to now: {}.", problems(certs()));
        return Probe::problem(PROBE, partner, says, next);
    }
    let usable: Vec<String> = certs()
        .filter(|facts| facts.can_sign || facts.can_encrypt)
        .map(|facts| format!("{} can {}{}", facts.fingerprint, abilities(facts), until(facts)))
        .collect();
    Probe::ok(PROBE, partner, format!("{}.", usable.join("; ")))
}

fn abilities(facts: &KeyFacts) -> &'static str {
    match (facts.can_sign, facts.can_encrypt) {
        (true, true) => "sign and be encrypted to",
        (true, false) => "sign",
        (false, true) => "be encrypted to",
        (false, false) => "do nothing",
    }
}

fn until(facts: &KeyFacts) -> String {
    facts.expires.map_or_else(|| ", without end".to_owned(), |until| format!(" until {}", moment(until)))
}

fn problems<'a>(certs: impl Iterator<Item = &'a KeyFacts>) -> String {
    let each = certs.map(|facts| match facts.problem {
        Some(problem) => format!("{}: {problem}", facts.fingerprint),
        None => format!("{}: it can only {}", facts.fingerprint, abilities(facts)),
    });
    each.collect::<Vec<_>>().join("; ")
}
