//! Publishing: staged parts get their final names, and the consignment is Delivered; then Closed.
//!
//! In:  a consignment at Staged. Out: at Delivered, then Closed.
//! After a crash what lies at the destination decides, row by row: see "What a crash leaves" in ARCHITECTURE.md.
//! Holds: at most one publish per delivery, save flagged ones after a reboot; nothing is overwritten.

use super::{Critical, Failure, Inbound};
use crate::domain::alarm::AlarmReason;
use crate::domain::ledger::{Event, Facts};
use crate::domain::{Consequence, Consignment, DeferCause, Delivery, HoldReason, Resume, Revision, Standing};
use crate::durable::place::is_same_place;
use crate::durable::step;
use crate::effects::destination::{Access, Content, DestinationError, Found};
use crate::store::StateChange;

/// The sync by which final names last.
const PUBLISHED: &str = "sync.publish.directory";

/// What is left to do for one staged part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Remaining {
    Publish,
    /// It has its final name; our part, if one is left, goes.
    Done,
    /// It had its final name, and the back office has taken it since.
    Taken,
    /// Nothing is there, and the folder is not the one it was staged in.
    Unknown,
    /// What was staged is damaged: open and stage again.
    Restage,
    Conflict,
    Replaced,
}

impl Remaining {
    /// Whether nothing is wrong with it.
    fn goes_on(self) -> bool {
        matches!(self, Remaining::Publish | Remaining::Done | Remaining::Taken)
    }
}

/// The recovery table's rows for Staged. `same_place`: the folder is the one it was staged in.
fn remaining(found: Found, same_place: bool) -> Remaining {
    match (found.part, found.published) {
        (Content::Same, Content::None) => Remaining::Publish,
        (Content::Other, Content::None) => Remaining::Restage,
        (Content::None | Content::Same | Content::Other, Content::Same) => Remaining::Done,
        (Content::None, Content::None) if same_place => Remaining::Taken,
        (Content::None, Content::None) => Remaining::Unknown,
        (Content::Same, Content::Other) => Remaining::Conflict,
        (Content::None | Content::Other, Content::Other) => Remaining::Replaced,
    }
}

impl Inbound {
    /// Publishes what was staged a moment ago by this process: the parts are known to be there.
    pub(super) fn publish(&self, consignment: &mut Consignment, deliveries: &[Delivery]) -> Result<(), Failure> {
        let left = || deliveries.iter().filter(|delivery| !delivery.published);
        for delivery in left() {
            // Before any of them is visible: all or nothing.
            let at = |error| Failure::at_destination(&delivery.destination, &error);
            if !self.destinations.is_free(delivery).map_err(at)? {
                let detail = format!("a final name at {} was taken meanwhile", delivery.destination);
                return Err(Failure::of(Consequence::Hold(HoldReason::NameConflict), detail));
            }
        }
        for delivery in left() {
            let published = self.destinations.publish(delivery, self.access(consignment, delivery));
            published.map_err(|error| Failure::at_destination(&delivery.destination, &error))?;
        }
        self.delivered(consignment, deliveries, Event::Delivered)
    }

    /// Goes on with what an earlier process, or an earlier attempt, had staged.
    pub(super) fn publish_again(
        &self,
        consignment: &mut Consignment,
        staged_in: &str,
    ) -> Result<Vec<Delivery>, Failure> {
        let deliveries = self.queries.deliveries(&consignment.id)?;
        let mut remains = Vec::with_capacity(deliveries.len());
        for delivery in &deliveries {
            let remaining = self.remaining(delivery, staged_in);
            remains.push(remaining.map_err(|error| Failure::at_destination(&delivery.destination, &error))?);
        }
        let mut wrong = remains.iter().filter(|remains| !remains.goes_on());
        if staged_in != self.boot && wrong.next() == Some(&Remaining::Restage) {
            // It may have been published and taken: a power cut can bring its part's name back with other content.
            self.note_possible_republish(consignment)?;
        }
        self.refuse_what_is_wrong(&deliveries, &remains)?;
        let mut event = Event::DeliveredRecovered;
        for (delivery, remains) in deliveries.iter().zip(remains) {
            match remains {
                Remaining::Taken => event = Event::DeliveredTaken,
                Remaining::Publish => {
                    if staged_in != self.boot {
                        self.note_possible_republish(consignment)?;
                    }
                    let published = self.destinations.publish(delivery, self.access(consignment, delivery));
                    published.map_err(|error| Failure::at_destination(&delivery.destination, &error))?;
                }
                _ => self.discard(std::slice::from_ref(delivery)),
            }
        }
        self.delivered(consignment, &deliveries, event)?;
        Ok(deliveries)
    }

    fn remaining(&self, delivery: &Delivery, staged_in: &str) -> Result<Remaining, DestinationError> {
        if delivery.published {
            return Ok(Remaining::Done);
        }
        let found = self.destinations.find(delivery)?;
        let now = self.destinations.place_of(delivery)?;
        let staged = delivery.place.as_deref().unwrap_or_default();
        Ok(remaining(found, is_same_place(staged, &now, staged_in != self.boot)))
    }

    /// The staged parts, with what can be told now of which are published; `None` if that changes nothing.
    pub(super) fn published_by_now(&self, consignment: &Consignment) -> Result<Option<Vec<Delivery>>, Critical> {
        let (Standing::Staged { boot, .. } | Standing::Deferred { resume: Resume::Publishing { boot }, .. }) =
            &consignment.standing
        else {
            return Ok(None);
        };
        let before = self.queries.deliveries(&consignment.id)?;
        let mut deliveries = before.clone();
        for delivery in &mut deliveries {
            // What cannot be looked at now is told by a later look; and only a name that lasts is told of at all.
            let is_published = matches!(self.remaining(delivery, boot), Ok(Remaining::Done | Remaining::Taken));
            delivery.published = delivery.published
                || is_published && self.destinations.sync(std::slice::from_ref(delivery), PUBLISHED).is_ok();
        }
        Ok((deliveries != before).then_some(deliveries))
    }

    fn refuse_what_is_wrong(&self, deliveries: &[Delivery], remains: &[Remaining]) -> Result<(), Failure> {
        for (delivery, remains) in deliveries.iter().zip(remains) {
            let (consequence, alarm) = match remains {
                Remaining::Publish | Remaining::Done | Remaining::Taken => continue,
                Remaining::Conflict => (Consequence::Hold(HoldReason::NameConflict), None),
                Remaining::Replaced => (Consequence::Hold(HoldReason::Replaced), Some(AlarmReason::Replaced)),
                Remaining::Unknown => (Consequence::Hold(HoldReason::WhereaboutsUnknown), None),
                Remaining::Restage => {
                    // The damaged part stays until it is staged anew: gone before Deferred is recorded, it would pass
                    // for published and taken.
                    return Err(Failure::This {
                        consequence: Consequence::Defer(DeferCause::StagedDamaged),
                        alarm: Some((delivery.destination.to_string(), AlarmReason::StagedDamaged)),
                        detail: "a staged part is no longer what was written".to_owned(),
                    });
                }
            };
            let alarm = alarm.map(|reason| (delivery.destination.to_string(), reason));
            let detail = format!("what lies at {} is not what was left there", delivery.destination);
            return Err(Failure::This { consequence, alarm, detail });
        }
        Ok(())
    }

    fn note_possible_republish(&self, consignment: &Consignment) -> Result<(), Failure> {
        let facts = Facts { transfer: Some(consignment.id), ..Facts::default() };
        let noted = self.recorder.record(self.change(Event::PossibleRepublish, facts, StateChange::None));
        noted.map(drop).map_err(|error| Failure::Critical(error.into()))
    }

    /// Makes the names last, then records that they do.
    fn delivered(&self, consignment: &mut Consignment, deliveries: &[Delivery], event: Event) -> Result<(), Failure> {
        self.synced(deliveries, PUBLISHED)?;
        super::passed(step("publish.directory-synced"))?;
        let standing = Standing::Delivered { at: self.clock.now() };
        // What was staged as soon as it came was never held.
        let may_be_released = consignment.revision > Revision(1);
        let release =
            if may_be_released { self.queries.release(&consignment.id)? } else { None }.map(|release| release.entry);
        self.move_to(consignment, standing, None, event, Facts { release, ..Facts::default() })?;
        super::passed(step("publish.recorded"))
    }

    /// Archives the sealed original. The last step: nothing of the consignment is left in the spool.
    pub(super) fn close(&self, consignment: &mut Consignment) -> Result<(), Failure> {
        let archived = self.spool.archive(&consignment.source, &consignment.id);
        archived.map_err(|error| Failure::of(Consequence::Defer(DeferCause::SpoolUnreadable), error))?;
        super::passed(step("close.archived"))?;
        let standing = Standing::Closed { at: self.clock.now() };
        self.move_to(consignment, standing, None, Event::Closed, Facts::default())?;
        super::passed(step("close.recorded"))
    }

    /// Moves the consignment, with an entry that names it; `deliveries`, if given, replace those known.
    pub(super) fn move_to(
        &self,
        consignment: &mut Consignment,
        standing: Standing,
        deliveries: Option<Vec<Delivery>>,
        event: Event,
        facts: Facts,
    ) -> Result<(), Critical> {
        let facts = Facts { transfer: Some(consignment.id), ..facts };
        let state = StateChange::Consignment {
            id: consignment.id,
            expect: consignment.revision,
            standing: standing.clone(),
            deliveries,
            authority: None,
            accepts: Vec::new(),
            signer: None,
        };
        let recorded = self.recorder.record(self.change(event, facts, state))?;
        consignment.revision = recorded.revision;
        consignment.standing = standing;
        // What stopped a transfer is told with its cause.
        if !matches!(event, Event::Held | Event::Rejected | Event::Deferred) {
            tracing::info!(transfer = %consignment.id, %event, "Transfer {}: {event}", consignment.id);
        }
        Ok(())
    }

    /// The route's access, or the safest if the route is gone from the configuration.
    fn access(&self, consignment: &Consignment, delivery: &Delivery) -> Access {
        let route =
            self.routes_of(&consignment.authority).iter().find(|route| route.destination == delivery.destination);
        route.map_or(Access { mode: 0o600, group: None }, |route| route.access)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_recovery_table() {
        use Content::*;
        let rows = [
            (Same, None, Remaining::Publish),
            (Other, None, Remaining::Restage),
            (None, Same, Remaining::Done),
            (Same, Same, Remaining::Done),
            (Other, Same, Remaining::Done),
            (None, None, Remaining::Taken),
            (Same, Other, Remaining::Conflict),
            (None, Other, Remaining::Replaced),
            (Other, Other, Remaining::Replaced),
        ];
        for (part, published, expected) in rows {
            assert_eq!(remaining(Found { part, published }, true), expected, "part {part:?}, final {published:?}");
        }
        assert_eq!(remaining(Found { part: None, published: None }, false), Remaining::Unknown);
    }
}
