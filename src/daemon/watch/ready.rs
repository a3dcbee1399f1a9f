//! Whether the service can do its work: what keeps it, in plain words.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::SignedDuration;

use super::Subjects;
use crate::daemon::health::look_is_due_within;
use crate::effects::pgp::KeyListing;

/// What is not as it must be; nothing, if the service is ready.
pub(super) fn not_ready(subjects: &Subjects) -> Vec<String> {
    let mut wrong = Vec::new();
    if subjects.stop.is_requested() {
        wrong.push("the service is stopping".to_owned());
    }
    if let Err(error) = subjects.queries.head() {
        wrong.push(error.to_string());
    }
    wrong.extend(unseen(subjects));
    wrong.extend(hanging(subjects));
    wrong.extend(without_keys(subjects, &subjects.keys.list(subjects.clock.now())));
    wrong
}

/// Sources that were not looked at within their time, or at which the last look failed.
fn unseen(subjects: &Subjects) -> Vec<String> {
    let (now, seen) = (subjects.clock.now(), subjects.health.status(&subjects.stop).sources);
    let sources = subjects.settings.authorities.iter().flat_map(|authority| authority.sources());
    let unseen = sources.filter_map(|source| {
        let name = source.name;
        let due =
            SignedDuration::try_from(look_is_due_within(&subjects.settings, source)).unwrap_or(SignedDuration::MAX);
        let Some(status) = seen.iter().find(|status| status.name == *name) else {
            return Some(format!("{name} was not looked at yet"));
        };
        match status.last_look {
            _ if !status.ok => Some(format!("{name} cannot be looked at")),
            None => Some(format!("{name} was not looked at yet")),
            Some(last) if now.duration_since(last) > due => Some(format!(
                "{name} was looked at {} s ago, and should be every {} s",
                secs(now.duration_since(last)),
                secs(due)
            )),
            Some(_) => None,
        }
    });
    unseen.collect()
}

/// Folders that do not answer, each once.
fn hanging(subjects: &Subjects) -> Vec<String> {
    let mut hanging = BTreeMap::<PathBuf, u64>::new();
    for one in subjects.workers.waiting() {
        let longest = hanging.entry(one.place).or_default();
        *longest = one.waited.as_secs().max(*longest);
    }
    let told = hanging.iter().map(|(place, waited)| format!("{} has not answered for {waited} s", place.display()));
    told.collect()
}

fn secs(length: SignedDuration) -> i64 {
    length.as_secs()
}

/// Keys of our own that cannot be used, and partners of whom none can.
fn without_keys(subjects: &Subjects, keys: &KeyListing) -> Vec<String> {
    let faults = keys.faults.iter().map(|(partner, fault)| match partner {
        None => format!("own keys: {fault}"),
        Some(partner) => format!("keys of {partner}: {fault}"),
    });
    let mut wrong: Vec<String> = faults.collect();
    if !keys.own.iter().any(|facts| facts.can_sign && facts.can_encrypt) {
        wrong.push("there is no key of our own that can be used".to_owned());
    }
    for partner in &subjects.settings.partners {
        let mut theirs = keys.partners.iter().filter(|(name, _)| *name == partner.name);
        if !theirs.any(|(_, facts)| facts.can_sign || facts.can_encrypt) {
            wrong.push(format!("there is no certificate of {} that can be used", partner.name));
        }
    }
    wrong
}
