//! What needs a person's attention, and what to do about each.

use std::time::Duration;

use serde::Serialize;

use super::queues::Expected;
use crate::cli::held::HeldItem;
use crate::cli::output::moment;
use crate::cli::reading::Reading;
use crate::config::Settings;
use crate::config::settings::PartnerSettings;
use crate::daemon::health::{ServiceStatus, look_is_due_within};
use crate::effects::pgp::KeyListing;
use crate::foresight::Owed;
use crate::foresight::keys::EndsBefore;
use crate::store::Alarm;

/// One thing that needs attention.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Attention {
    /// What it is about, by configured names and ids only.
    pub about: String,
    /// The notice's code, where it has one.
    pub code: Option<String>,
    /// What is the matter.
    pub says: String,
    /// What to do.
    pub next: String,
}

impl Attention {
    fn new(about: impl Into<String>, says: impl Into<String>, next: impl Into<String>) -> Attention {
        Attention { about: about.into(), code: None, says: says.into(), next: next.into() }
    }
}

/// Whether the service is there, and sees its sources.
pub(super) fn of_service(reading: &Reading<'_>) -> Vec<Attention> {
    let Some(service) = reading.service else {
        let next = "Start it: `hbcourier run`, or by its systemd unit.";
        return vec![Attention::new("service", "The service is not running: nothing is collected or sent.", next)];
    };
    let blind = service.sources.iter().filter(|source| !source.ok);
    let blind = blind.map(|source| {
        let last = source.last_look.map_or_else(|| "never".to_owned(), moment);
        let says = format!("The service cannot look into {}; last successful look: {last}.", source.name);
        Attention::new(source.name.to_string(), says, "`hbcourier check` probes it and says what is wrong.")
    });
    blind.chain(of_late_sources(reading, service)).collect()
}

/// Sources at which the service has not looked for longer than it should.
fn of_late_sources(reading: &Reading<'_>, service: &ServiceStatus) -> Vec<Attention> {
    let sources = reading.settings.authorities.iter().flat_map(|authority| authority.sources());
    let late = sources.filter_map(|source| {
        let seen = service.sources.iter().find(|seen| seen.name == *source.name).filter(|seen| seen.ok)?;
        let (last, due) = (seen.last_look?, look_is_due_within(reading.settings, source));
        let is_late = Duration::try_from(reading.now.duration_since(last)).is_ok_and(|age| age > due);
        is_late.then(|| {
            let says = format!("The service has not looked into {} since {}.", source.name, moment(last));
            let next = "See whether its folder or server answers (`hbcourier check`), and what the service is at (`hbcourier status`).";
            Attention::new(source.name.to_string(), says, next)
        })
    });
    late.collect()
}

pub(super) fn of_held(held: &[HeldItem]) -> Vec<Attention> {
    let attention = held.iter().map(|item| Attention {
        about: item.id.clone(),
        code: Some(item.code.to_owned()),
        says: item.says.clone(),
        next: item.next.to_owned(),
    });
    attention.collect()
}

pub(super) fn of_alarms(alarms: &[Alarm]) -> Vec<Attention> {
    let attention = alarms.iter().map(|alarm| Attention {
        about: alarm.about.clone(),
        code: Some(alarm.code.clone()),
        says: alarm.says.clone(),
        next: alarm.next.clone(),
    });
    attention.collect()
}

/// Whether there is an alarm about it, which says the same.
fn is_told(alarms: &[Alarm], about: &str) -> bool {
    alarms.iter().any(|alarm| alarm.about == about)
}

/// Overdue returns that are not named as held already, and what partners owe.
pub(super) fn of_overdue(
    overdue: &[Owed],
    held: &[HeldItem],
    expected: &[Expected],
    alarms: &[Alarm],
) -> Vec<Attention> {
    let unnamed = overdue.iter().filter(|owed| held.iter().all(|item| item.id != owed.id));
    let returns = unnamed.map(|owed| {
        let says = format!("{} was due on {} and is {}.", owed.id, owed.transfer_on, owed.state);
        Attention::new(owed.id.clone(), says, format!("`hbcourier transfers why {}` says what it waits for.", owed.id))
    });
    let untold = expected
        .iter()
        .filter(|one| !is_told(alarms, &format!("expected-{}-{}-{}", one.kind, one.authority, one.relevant_month)));
    let packs = untold.map(|expected| {
        let Expected { kind, authority, relevant_month, due_by } = expected;
        let says = format!(
            "The {kind} for {relevant_month} of authority {authority} was expected by {due_by} and has not come."
        );
        Attention::new(
            format!("{kind}/{authority}/{relevant_month}"),
            says,
            "Ask the partner whether it was sent, and where to.",
        )
    });
    returns.chain(packs).collect()
}

/// Key files that cannot be used, and own keys and partners' certificates that are not there at all. What only the service
/// has a secret for is no fault here: the service itself tells of it (CN-511, CN-564).
pub(super) fn of_key_files(settings: &Settings, keys: &KeyListing) -> Vec<Attention> {
    let (elsewhere, faults): (Vec<_>, Vec<_>) = keys.faults.iter().partition(|(_, fault)| fault.is_only_the_services());
    let faulty = faults.into_iter().map(|(partner, fault)| {
        let about = partner.as_ref().map_or_else(|| "keys".to_owned(), ToString::to_string);
        let next = "Mend the file or put it back from a copy; what waits for it then goes on by itself.";
        Attention::new(about, format!("{fault}."), next)
    });
    let mut attention: Vec<Attention> = faulty.collect();
    if keys.own.is_empty() && elsewhere.is_empty() && attention.iter().all(|one| one.about != "keys") {
        let says = "There is no key of our own, so nothing can be opened or sealed.";
        let next = "Put back the one that was lost, or make one with `hbcourier keys generate` and give its certificate to the partners.";
        attention.push(Attention::new("keys", says, next));
    }
    for PartnerSettings { name, .. } in &settings.partners {
        let mut theirs = keys.partners.iter().filter(|(partner, _)| partner == name);
        if !theirs.any(|(_, facts)| facts.can_sign || facts.can_encrypt) {
            let says = format!("No certificate of {name} can be used, so nothing from or to it can go through.");
            let next =
                format!("Get the current one and trust it: `hbcourier keys trust {name} FILE --fingerprint FPR`.");
            attention.push(Attention::new(name.to_string(), says, next));
        }
    }
    attention
}

pub(super) fn of_keys(ends: &[EndsBefore], alarms: &[Alarm]) -> Vec<Attention> {
    let about = |ends: &EndsBefore| match &ends.partner {
        None => "expires-own".to_owned(),
        Some(partner) => format!("expires-partner-{partner}"),
    };
    let attention = ends.iter().filter(|ends| !is_told(alarms, &about(ends))).map(|ends| match &ends.partner {
        None => {
            let says = format!("Our own key {}: {}.", ends.says, moment(ends.until));
            Attention::new(
                "keys",
                says,
                "Make a new one with `hbcourier keys generate` and give it to the partners in time.",
            )
        }
        Some(partner) => {
            let says = format!("The certificate of {partner} {}: {}.", ends.says, moment(ends.until));
            let next = format!("Ask {partner} for the renewed certificate and trust it with `hbcourier keys trust`.");
            Attention::new(partner.to_string(), says, next)
        }
    });
    attention.collect()
}

/// Authorities that owe returns of which no date is known any more.
pub(super) fn of_timetables(reading: &Reading<'_>, alarms: &[Alarm]) -> Vec<Attention> {
    let owing = reading.settings.authorities.iter().filter(|authority| !authority.returns.is_empty());
    let attention = owing.filter_map(|authority| {
        let number = &authority.number;
        if is_told(alarms, &format!("timetable-{number}")) {
            return None;
        }
        let next = "Name the file of the year that is needed in a `[[timetable]]` table of the configuration, and \
            reload the service (`systemctl reload hbcourier`).";
        let says = match reading.timetables.coverage_ends(number) {
            None => format!(
                "No timetable in force has {} ({number}), so none of its returns is due at any time.",
                authority.name
            ),
            Some(end) if end < reading.today() => {
                format!(
                    "The timetables in force end for {} ({number}) on {end}, so no return is due after that day.",
                    authority.name
                )
            }
            Some(_) => return None,
        };
        Some(Attention::new(number.to_string(), says, next))
    });
    attention.collect()
}
