//! Why a consignment stands where it stands: each rule of the way in, each route of its authority.
//!
//! Settings are those of now. What a rule found is taken from the record.

use super::step::{Progress, Step, waived_by};
use super::{Considered, Explanation, Outcome};
use crate::cli::output::{CliError, moment};
use crate::cli::reading::Reading;
use crate::cli::transfers::released::{Released, released};
use crate::cli::transfers::transfer::notice_of_standing;
use crate::cli::transfers::{answers, entries};
use crate::config::settings::{AuthoritySettings, RouteSettings, SourceSettings};
use crate::domain::ledger::Event;
use crate::domain::{Answered, Consignment, Delivery, FileKind, HoldReason, LaNumber, Standing};
use crate::effects::pgp::KeyListing;

/// A consignment, and what is configured about where it came from.
struct Case<'a> {
    consignment: &'a Consignment,
    deliveries: Vec<Delivery>,
    source: Option<(&'a AuthoritySettings, SourceSettings<'a>)>,
    /// The authority that it is recorded as.
    whose: Option<&'a AuthoritySettings>,
    keys: KeyListing,
    progress: Progress,
    /// What brought the same content first, as it is now.
    first: Option<Consignment>,
    /// The release that it carries, or was delivered under.
    released: Option<Released>,
    /// The scanner that found nothing in it when it was last staged.
    scanned: Option<String>,
}

pub(super) fn explain(consignment: &Consignment, reading: &Reading<'_>) -> Result<Explanation, CliError> {
    if let Some(answered) = reading.queries.answered(&consignment.id)? {
        return Ok(an_answer(consignment, &answered));
    }
    let folders = reading
        .settings
        .authorities
        .iter()
        .flat_map(|authority| authority.sources().map(move |source| (authority, source)));
    let source = folders.into_iter().find(|(_, source)| *source.name == consignment.source);
    let mut progress = Progress::of(&consignment.standing);
    // A source that is no longer configured has no routes.
    if source.is_none() && progress == Progress::Stopped(Step::Route) {
        progress = Progress::Stopped(Step::Source);
    }
    let deliveries = reading.queries.deliveries(&consignment.id)?;
    let first = match &consignment.standing {
        Standing::Held { reason: HoldReason::Repeat { first, .. }, .. } => reading.queries.consignment(first)?,
        _ => None,
    };
    let (keys, first) = (reading.keys.list(reading.now), first.map(|(first, _)| first));
    let whose = reading.settings.authorities.iter().find(|one| one.number == consignment.authority);
    let about = entries::about(&consignment.id.to_string(), reading.queries)?;
    let released = released(&about).filter(|released| !released.ended);
    let staged = about.iter().rfind(|entry| entry.event == Event::Staged);
    let scanned = staged.and_then(|entry| entry.scanned.clone());
    let case = Case { consignment, deliveries, source, whose, keys, progress, first, released, scanned };
    let (says, next) = case.result();
    let id = consignment.id.to_string();
    let rules = Step::ALL.into_iter().flat_map(|step| case.considered(step)).collect();
    Ok(Explanation {
        about: id.clone(),
        transfer: Some(id),
        state: consignment.standing.word().to_owned(),
        rules,
        says,
        next,
    })
}

/// Of a mail about a return no rule of what is delivered is asked.
fn an_answer(consignment: &Consignment, answered: &Answered) -> Explanation {
    let id = consignment.id.to_string();
    Explanation {
        about: id.clone(),
        transfer: Some(id),
        state: consignment.standing.word().to_owned(),
        rules: Vec::new(),
        says: format!("{} There is nothing in it to deliver.", answers::says(answered)),
        next: None,
    }
}

impl Case<'_> {
    fn outcome(&self, step: Step) -> Outcome {
        match self.progress {
            Progress::Done => Outcome::Met,
            Progress::Stopped(at) if step == at => Outcome::NotMet,
            Progress::Stopped(at) | Progress::Before(at) if step < at => Outcome::Met,
            Progress::Waiting | Progress::Broken if step == Step::Source && self.source.is_some() => Outcome::Met,
            Progress::Stopped(_) | Progress::Before(_) | Progress::Waiting | Progress::Broken => Outcome::NotReached,
        }
    }

    fn considered(&self, step: Step) -> Vec<Considered> {
        let outcome = self.outcome(step);
        if step == Step::Route && outcome != Outcome::NotReached {
            return self.routes(outcome);
        }
        let mut says = self.asks(step).trim_end().to_owned();
        if outcome == Outcome::NotMet
            && let Some(notice) = notice_of_standing(&self.consignment.standing)
        {
            says = format!("{says} {} {}", notice.code, notice.says);
        }
        if let Some(released) = self.set_aside(step).filter(|_| outcome == Outcome::Met) {
            says = format!("{says} It was set aside {}", released.sentence());
            return vec![Considered::new(step.name(), Outcome::NotMet, says)];
        }
        vec![Considered::new(step.name(), outcome, says).deciding(outcome == Outcome::NotMet)]
    }

    /// The release that sets this rule aside.
    fn set_aside(&self, step: Step) -> Option<&Released> {
        self.released.as_ref().filter(|released| waived_by(&released.waives) == step)
    }

    /// What the rule asks, and what is known about it.
    fn asks(&self, step: Step) -> String {
        let Consignment { source, authority, .. } = self.consignment;
        match step {
            Step::Source => match self.source {
                Some((settings, from)) => format!(
                    "It came through `{source}` ({}), where files of {} ({}) arrive{}.",
                    from.way,
                    settings.name,
                    settings.number,
                    further(from.also_for)
                ),
                None => {
                    format!("It came through `{source}`, which is no longer configured, so nothing says where it goes.")
                }
            },
            Step::Spool => "What lies in the spool must be what was collected.".to_owned(),
            Step::Form => "It must be one OpenPGP message: encryption around one signature around one file.".to_owned(),
            Step::Opening => "It must open with a key of the service, and be unaltered.".to_owned(),
            Step::Signature => self.signature(),
            Step::Content => format!("The content must be sound. {}", self.kinds()),
            Step::Authority => match self.served() {
                Some(served) => format!("Its source serves {served}, so it must name exactly one of them."),
                None => format!("It may name no LA number but {authority}."),
            },
            Step::Copy => "Where a route wants a derived copy of risk data, it must be possible.".to_owned(),
            Step::Route => "A route must take its kind.".to_owned(),
            Step::Scan => match &self.scanned {
                Some(by) => format!("The virus scanner must find nothing in it: {by} did not."),
                None => "Where a virus scanner is configured, it must find nothing in it.".to_owned(),
            },
            Step::FinalName => "The final name at the destination must be free.".to_owned(),
            Step::Destination => format!("The destination must take it. {}", self.destinations()),
            Step::Repeat => match &self.first {
                Some(first) => format!(
                    "The same content must not have been accepted before for {authority}; now that transfer {} is {}.",
                    first.id,
                    first.standing.word()
                ),
                None => format!("The same content must not have been accepted before for {authority}."),
            },
            Step::Published => "Every part must get its final name in one move.".to_owned(),
        }
    }

    fn signature(&self) -> String {
        let Some((_, folder)) = self.source else {
            return "A partner of its source must have signed it.".to_owned();
        };
        let accepted: Vec<String> = folder.partners.iter().map(ToString::to_string).collect();
        let mut says =
            format!("It must be signed by {}.", list_or(&accepted, "a partner, but none is accepted there", " or "));
        if let Some(signer) = &self.consignment.signer {
            let holder = self.keys.partners.iter().find(|(_, facts)| facts.fingerprint == *signer);
            let known = holder
                .map_or_else(|| "pinned for nobody now".to_owned(), |(partner, _)| format!("pinned for {partner}"));
            says.push_str(&format!(" It is signed by {signer}, {known}."));
        } else {
            let pinned = self.keys.partners.iter().filter(|(partner, _)| folder.partners.contains(partner));
            let pinned: Vec<String> = pinned.map(|(_, facts)| facts.fingerprint.to_string()).collect();
            says.push_str(&format!(" Pinned for them now: {}.", list_or(&pinned, "no certificate at all", ", ")));
        }
        says
    }

    fn kinds(&self) -> String {
        let kinds: Vec<String> = self.deliveries.iter().map(|delivery| delivery.kind.to_string()).collect();
        if kinds.is_empty() {
            "Its kind is not recorded.".to_owned()
        } else {
            format!("Found in it: {}.", kinds.join(", "))
        }
    }

    fn destinations(&self) -> String {
        let to = |delivery: &Delivery| format!("`{}` ({})", delivery.destination, delivery.told_path());
        let to: Vec<String> = self.deliveries.iter().map(to).collect();
        if to.is_empty() { String::new() } else { format!("Part by part: {}.", to.join(", ")) }
    }

    /// The LA numbers that its source serves, if they are several.
    fn served(&self) -> Option<String> {
        let (owner, source) = self.source.filter(|(_, source)| !source.also_for.is_empty())?;
        Some(format!("{}{}", owner.number, further(source.also_for)))
    }

    /// Each route of the authority, in their order: the first that has the kind decides.
    fn routes(&self, outcome: Outcome) -> Vec<Considered> {
        let routes: &[RouteSettings] = self.whose.map(|authority| authority.routes.as_slice()).unwrap_or_default();
        if outcome == Outcome::NotMet
            && let Some(served) = self.served()
        {
            // Whose it is goes on record with its staging only.
            let says = format!(
                "CN-118 No route of the one LA number that it names, of {served}, takes its kind. The service's log \
                 names both."
            );
            return vec![Considered::new("route", outcome, says).deciding(true)];
        }
        let mut considered: Vec<Considered> =
            routes.iter().enumerate().map(|(n, route)| self.route(n, route, routes)).collect();
        if outcome == Outcome::NotMet {
            let taken = |kind: &FileKind| routes.iter().any(|route| route.kinds.contains(kind));
            let left: Vec<String> = FileKind::ALL.iter().filter(|kind| !taken(kind)).map(ToString::to_string).collect();
            let says = format!(
                "CN-118 No route takes its kind. No route takes: {}.",
                list_or(&left, "nothing is left out now", ", ")
            );
            considered.push(Considered::new("route", Outcome::NotMet, says).deciding(true));
        } else if !considered.iter().any(|route| route.decided) {
            let says = "It was routed by settings that have changed since.".to_owned();
            considered.push(Considered::new("route", Outcome::Met, says).deciding(self.progress == Progress::Done));
        }
        considered
    }

    fn route(&self, number: usize, route: &RouteSettings, routes: &[RouteSettings]) -> Considered {
        let kinds: Vec<&str> = route.kinds.iter().map(|kind| kind.as_str()).collect();
        let takes = format!("Route {} to `{}` takes {}", number + 1, route.destination, kinds.join(", "));
        let first = |kind: FileKind| routes.iter().position(|route| route.kinds.contains(&kind));
        let parts = self
            .deliveries
            .iter()
            .filter(|delivery| first(delivery.kind) == Some(number) && delivery.destination == route.destination);
        let parts: Vec<String> =
            parts.map(|delivery| format!("part {} ({})", delivery.part + 1, delivery.kind)).collect();
        if !parts.is_empty() {
            let decided = matches!(self.progress, Progress::Done | Progress::Before(_));
            return Considered::new("route", Outcome::Met, format!("{takes}: {}.", parts.join(", "))).deciding(decided);
        }
        let later = self.deliveries.iter().any(|delivery| route.kinds.contains(&delivery.kind));
        let why = if later { "an earlier route had the kind" } else { "nothing of that kind is in it" };
        Considered::new("route", Outcome::NotMet, format!("{takes}; {why}."))
    }

    /// The result in a sentence, and the next step.
    fn result(&self) -> (String, Option<String>) {
        let standing = &self.consignment.standing;
        let notice = notice_of_standing(standing);
        let next = notice.as_ref().map(|notice| notice.next.to_owned());
        let because = notice.map(|notice| format!("{} {}", notice.code, notice.says)).unwrap_or_default();
        let says = match standing {
            Standing::Collected { at } => {
                let says = format!("Collected {}; the service has not come to it yet.", moment(*at));
                return (says, Some("If the service runs, wait a moment; otherwise start it.".to_owned()));
            }
            Standing::Staged { at, .. } => format!("Staged {}; about to get its final name.", moment(*at)),
            Standing::Deferred { until, attempts, .. } => {
                format!("{because} Failed attempts so far: {attempts}; the next is due {}.", moment(*until))
            }
            Standing::Held {
                since, reason: HoldReason::AttemptsExhausted { .. } | HoldReason::WorkerFault, ..
            } => {
                format!("Held since {}, not by a rule: {because}", moment(*since))
            }
            Standing::Held { since, .. } => format!("Held since {}: {because}", moment(*since)),
            Standing::Delivered { at } | Standing::Closed { at } => {
                let rules = match &self.released {
                    None => "every rule was met.".to_owned(),
                    Some(released) => {
                        format!("every rule was met but one, and that was set aside {}", released.sentence())
                    }
                };
                format!("Delivered {}: {rules} {}", moment(*at), self.destinations())
            }
            Standing::Matched { at } => format!("Matched {}; its original is being archived.", moment(*at)),
            Standing::Rejected { at, .. } => format!("Rejected {}: {because}", moment(*at)),
        };
        (says, next)
    }
}

fn further(also_for: &[LaNumber]) -> String {
    also_for.iter().map(|number| format!(" and {number}")).collect()
}

fn list_or(words: &[String], none: &str, between: &str) -> String {
    if words.is_empty() { none.to_owned() } else { words.join(between) }
}
