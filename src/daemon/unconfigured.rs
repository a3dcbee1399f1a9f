//! Ends what was told of folders, sources and destinations that the settings have no more: nobody else would.
//!
//! In:  the alarms that stand, the settings, and what is under way. Out: such alarms ended.
//! Holds: where a transfer is staged, the alarm stands. That a delivery was replaced (CN-509) is not the folder's state, and
//! stands.

use std::collections::BTreeSet;

use crate::config::Settings;
use crate::domain::AlarmReason;
use crate::inbound::{Critical, Inbound};
use crate::store::{Alarm, ConsignmentFilter};

/// What is told of a folder, by its path.
const OF_FOLDERS: [AlarmReason; 5] = [
    AlarmReason::DestinationFault,
    AlarmReason::PickUpMissing,
    AlarmReason::CourierFault,
    AlarmReason::ReadOnlyFolder,
    AlarmReason::PlaceHangs,
];
/// What is told of a source, by its name.
const OF_SOURCES: [AlarmReason; 8] = [
    AlarmReason::SourceMissing,
    AlarmReason::Uncollectable,
    AlarmReason::TooLarge,
    AlarmReason::SourceFault,
    AlarmReason::NotificationsOff,
    AlarmReason::MailboxUnreachable,
    AlarmReason::MailboxClosed,
    AlarmReason::PlaceHangs,
];
/// What is told of a destination, by its name.
const OF_DESTINATIONS: [AlarmReason; 2] = [AlarmReason::DestinationFault, AlarmReason::StagedDamaged];
/// Where a transfer at one of these may have a part.
const UNDER_WAY: [&str; 2] = ["staged", "deferred"];

/// What the settings have, as alarms call it.
struct Configured {
    folders: BTreeSet<String>,
    sources: BTreeSet<String>,
    destinations: BTreeSet<String>,
}

/// Call after recovery and before anybody works: what a worker tells is not to be ended by this.
pub(super) fn end_alarms(inbound: &Inbound, settings: &Settings) -> Result<(), Critical> {
    let configured = Configured::by(settings);
    let mut over: Vec<Alarm> = inbound.queries.alarms()?.into_iter().filter(|alarm| configured.lacks(alarm)).collect();
    if !over.is_empty() {
        let used = used(inbound)?;
        over.retain(|alarm| !used.contains(&alarm.about));
    }
    for Alarm { about, code, .. } in &over {
        tracing::info!(about, code, "The alarm {code} about {about} is over: the configuration has it no more");
        inbound.alarm(about, None)?;
    }
    Ok(())
}

impl Configured {
    fn by(settings: &Settings) -> Configured {
        let folders = settings.folders().into_iter().map(|folder| folder.display().to_string()).collect();
        let authorities = &settings.authorities;
        let sources =
            authorities.iter().flat_map(|authority| authority.sources()).map(|source| source.name.to_string());
        let mut destinations = BTreeSet::new();
        for route in authorities.iter().flat_map(|authority| &authority.routes) {
            destinations.insert(route.destination.to_string());
            destinations.extend(route.derived.iter().map(|derived| derived.destination.to_string()));
        }
        Configured { folders, sources: sources.collect(), destinations }
    }

    /// Whether the alarm is about something that the settings may have and do not.
    fn lacks(&self, Alarm { about, code, .. }: &Alarm) -> bool {
        let is_of = |reasons: &[AlarmReason]| reasons.iter().any(|reason| reason.notice("").code == code);
        if about.starts_with('/') {
            return is_of(&OF_FOLDERS) && !self.folders.contains(about);
        }
        is_of(&OF_SOURCES) && !self.sources.contains(about)
            || is_of(&OF_DESTINATIONS) && !self.destinations.contains(about)
    }
}

/// The destinations, and their folders, of what is under way.
fn used(inbound: &Inbound) -> Result<BTreeSet<String>, Critical> {
    let mut used = BTreeSet::new();
    for word in UNDER_WAY {
        let filter = ConsignmentFilter { word: Some(word.to_owned()), ..ConsignmentFilter::default() };
        for consignment in inbound.queries.consignments(&filter)? {
            for delivery in inbound.queries.deliveries(&consignment.id)? {
                used.insert(delivery.destination.to_string());
                used.extend(delivery.path.parent().map(|folder| folder.display().to_string()));
            }
        }
    }
    Ok(used)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_settings_may_have_and_do_not_is_over() {
        let set = |name: &str| BTreeSet::from([name.to_owned()]);
        let configured =
            Configured { folders: set("/srv/laid"), sources: set("drop-12302"), destinations: set("laid-12302") };
        let about = |about: &str, reason: AlarmReason| Alarm {
            about: about.to_owned(),
            code: reason.notice(about).code.to_owned(),
            says: String::new(),
            next: String::new(),
            since: jiff::Timestamp::UNIX_EPOCH,
        };
        for (reasons, ours, others) in [
            (&OF_FOLDERS[..], "/srv/laid", "/srv/old"),
            (&OF_SOURCES[..], "drop-12302", "drop-101809"),
            (&OF_DESTINATIONS[..], "laid-12302", "laid-101809"),
        ] {
            for reason in reasons {
                assert!(!configured.lacks(&about(ours, *reason)), "{reason:?} of {ours}");
                assert!(configured.lacks(&about(others, *reason)), "{reason:?} of {others}");
            }
        }
        for (reason, stands) in [
            (AlarmReason::SpaceLow, "state"),
            (AlarmReason::PickUpMissing, "returns-12302-shbe"),
            (AlarmReason::Replaced, "laid-101809"),
            (AlarmReason::Replaced, "/srv/old"),
            (AlarmReason::ConfigurationRefused, "configuration"),
            (AlarmReason::Uncertain, "return-shbe-12302-2020-04"),
        ] {
            assert!(!configured.lacks(&about(stands, reason)), "{reason:?} of {stands}");
        }
    }
}
