//! Which return a key will no longer be there for.
//!
//! In:  the keys as they are now, what is owed. Out: a warning for every holder whose keys end before the last of it.
//! Holds: a holder is covered as long as any of its certificates can do what a return needs.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::config::Settings;
use crate::domain::kind::ReturnKind;
use crate::domain::timetable::{Obligation, Timetables};
use crate::domain::{PartnerName, RelevantMonth};
use crate::effects::clock::london;
use crate::effects::pgp::{KeyFacts, KeyListing};

/// Keys that end before a return that needs them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndsBefore {
    /// Whose keys; `None` for our own.
    pub partner: Option<PartnerName>,
    /// The last day on which they can be used.
    pub until: Timestamp,
    /// In words, such as `expires 3 days before the SHBE for 2020-10`.
    pub says: String,
}

/// Everything that is still owed by the configured authorities, by transfer date.
pub fn ahead(settings: &Settings, timetables: &Timetables, today: Date) -> Vec<(Obligation, PartnerName)> {
    let mut ahead = Vec::new();
    for authority in &settings.authorities {
        for owed in &authority.returns {
            let obligations = timetables.obligations(&authority.number, owed.kind);
            let later = obligations.into_iter().filter(|obligation| obligation.transfer_on >= today);
            ahead.extend(later.map(|obligation| (obligation, owed.partner.clone())));
        }
    }
    ahead.sort_by(|(one, _), (other, _)| (one.transfer_on, &one.key).cmp(&(other.transfer_on, &other.key)));
    ahead
}

/// Every holder whose keys end before something that is owed.
pub fn ends_before(keys: &KeyListing, ahead: &[(Obligation, PartnerName)]) -> Vec<EndsBefore> {
    // Sealing needs a signature of ours, and our own copy.
    let own = until(keys.own.iter().filter(|facts| facts.can_sign && facts.can_encrypt));
    let mut ends: Vec<EndsBefore> = first_without(None, own, ahead.iter().map(|(owed, _)| owed)).into_iter().collect();
    let mut partners: Vec<&PartnerName> = ahead.iter().map(|(_, partner)| partner).collect();
    partners.sort();
    partners.dedup();
    for partner in partners {
        let certs = keys.partners.iter().filter(|(name, facts)| name == partner && facts.can_encrypt);
        let owed = ahead.iter().filter(|(_, to)| to == partner).map(|(owed, _)| owed);
        ends.extend(first_without(Some(partner), until(certs.map(|(_, facts)| facts)), owed));
    }
    ends
}

/// When the last of them ends; `None` if one never does, or if there is none (which is said elsewhere).
fn until<'a>(certs: impl Iterator<Item = &'a KeyFacts>) -> Option<Timestamp> {
    let ends: Option<Vec<Timestamp>> = certs.map(|facts| facts.expires).collect();
    ends?.into_iter().max()
}

fn first_without<'a>(
    partner: Option<&PartnerName>,
    until: Option<Timestamp>,
    mut ahead: impl Iterator<Item = &'a Obligation>,
) -> Option<EndsBefore> {
    let until = until?;
    let last_day = until.to_zoned(london()).date();
    // On the day itself the hour would decide; nobody should rely on it.
    let missed = ahead.find(|owed| owed.transfer_on >= last_day)?;
    let days = (missed.transfer_on - last_day).get_days();
    let before = match days {
        0 => "on the very day of".to_owned(),
        1 => "1 day before".to_owned(),
        days => format!("{days} days before"),
    };
    let says = format!("expires {before} {}", owed_in_words(missed.key.kind, missed.key.month, missed.transfer_on));
    Some(EndsBefore { partner: partner.cloned(), until, says })
}

fn owed_in_words(kind: ReturnKind, month: RelevantMonth, on: Date) -> String {
    let kind = match kind {
        ReturnKind::Shbe => "SHBE",
        ReturnKind::HbmsMi => "HBMS MI return",
    };
    format!("the {kind} for {month} (due {on})")
}
