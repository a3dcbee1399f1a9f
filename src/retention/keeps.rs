//! How long what is kept, and whether it is due. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::config::Settings;
use crate::config::settings::RetentionSettings;
use crate::domain::{Consignment, DestinationName, Keep, LaNumber, LegalHold, Original, Stage, Standing, Submission};
use crate::store::Settled;

/// How long is kept what went by each route.
pub(super) struct Keeps<'a> {
    service: &'a RetentionSettings,
    /// Of originals, of names.
    routes: BTreeMap<&'a DestinationName, (Option<Keep>, Option<Keep>)>,
}

/// A rule that says how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rule<'a> {
    /// The key of the configuration.
    pub key: &'static str,
    pub keep: Keep,
    /// The route whose own it is.
    pub route: Option<&'a DestinationName>,
}

impl<'a> Keeps<'a> {
    pub(super) fn of(settings: &'a Settings) -> Keeps<'a> {
        let routes = settings.authorities.iter().flat_map(|authority| &authority.routes);
        let own = routes.flat_map(|route| {
            let derived = route.derived.as_ref().map(|derived| &derived.destination);
            let keeps = (route.keep_original, route.keep_names);
            [Some(&route.destination), derived].into_iter().flatten().map(move |destination| (destination, keeps))
        });
        Keeps { service: &settings.service.retention, routes: own.collect() }
    }

    /// Of what was rejected its own rule; else the longest of those of the routes by which it went.
    pub(super) fn original(&self, settled: &Settled) -> Rule<'a> {
        if matches!(settled.consignment.standing, Standing::Rejected { .. }) {
            return Rule { key: "keep_rejected", keep: self.service.keep_rejected, route: None };
        }
        self.longest("keep_original", self.service.keep_original, settled, |(original, _)| original)
    }

    pub(super) fn names(&self, settled: &Settled) -> Rule<'a> {
        self.longest("keep_names", self.service.keep_names, settled, |(_, names)| names)
    }

    pub(super) fn sealed(&self) -> Rule<'a> {
        Rule { key: "keep_sealed", keep: self.service.keep_sealed, route: None }
    }

    fn longest(
        &self,
        key: &'static str,
        usual: Keep,
        settled: &Settled,
        own: impl Fn((Option<Keep>, Option<Keep>)) -> Option<Keep>,
    ) -> Rule<'a> {
        let usually = Rule { key, keep: usual, route: None };
        let of = |destination: &DestinationName| {
            let known = self.routes.get_key_value(destination);
            let own = known.and_then(|(route, keeps)| own(*keeps).map(|keep| Rule { key, keep, route: Some(*route) }));
            own.unwrap_or_else(|| usually.clone())
        };
        settled.destinations.iter().map(of).max_by_key(|rule| rule.keep).unwrap_or_else(|| usually.clone())
    }
}

impl Rule<'_> {
    /// As an entry tells it.
    pub(super) fn text(&self) -> String {
        let keep = match self.keep {
            Keep::Forever => "forever".to_owned(),
            Keep::For(time) if time.as_secs().is_multiple_of(86_400) => format!("{}d", time.as_secs() / 86_400),
            Keep::For(time) => format!("{}s", time.as_secs()),
        };
        let route = self.route.map(|route| format!(", route {route}")).unwrap_or_default();
        format!("{} {keep}{route}", self.key)
    }
}

/// When a transfer was over; `None` while it is not. Nothing is over before it came: then the clock had been set back, and
/// what is kept would be erased too early.
pub(super) fn over(consignment: &Consignment) -> Option<Timestamp> {
    match &consignment.standing {
        Standing::Closed { at } | Standing::Rejected { at, .. } => Some((*at).max(consignment.received_at)),
        Standing::Collected { .. }
        | Standing::Staged { .. }
        | Standing::Deferred { .. }
        | Standing::Held { .. }
        | Standing::Delivered { .. }
        | Standing::Matched { .. } => None,
    }
}

/// When a return was over; `None` while it is not. A report may still come about what was sent, so its time counts from
/// the sending, which was not before the sealing.
pub(super) fn returned(submission: &Submission) -> Option<Timestamp> {
    let sealed = submission.sealed.as_ref().map(|sealed| sealed.at);
    match &submission.stage {
        Stage::Sent { at, .. } | Stage::Acknowledged { at } | Stage::Waived { at } => {
            Some(sealed.map_or(*at, |sealed| sealed.max(*at)))
        }
        Stage::Scheduled
        | Stage::Held { .. }
        | Stage::Sealed
        | Stage::Sending { .. }
        | Stage::Deferred { .. }
        | Stage::Uncertain { .. }
        | Stage::Failed { .. }
        | Stage::Missed { .. } => None,
    }
}

/// Whether a legal hold keeps it.
pub(super) fn is_held(holds: &[LegalHold], original: &Original, authority: &LaNumber) -> bool {
    holds.iter().any(|hold| hold.covers(original, authority))
}
