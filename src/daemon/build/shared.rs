//! What the parts of a service share, and each part made of it.

use std::sync::{Arc, OnceLock};

use super::places::{archive_limits, message_domains, routes, scanner, sources, terms};
use super::{StartFault, couriers};
use crate::checkpoints::Checkpoints;
use crate::config::{Settings, calendars};
use crate::daemon::people::{people, warn_of_missing_groups};
use crate::domain::timetable::InForce;
use crate::durable::Directories;
use crate::effects::clock::Clock;
use crate::effects::destination::Destinations;
use crate::effects::pgp::KeyRing;
use crate::effects::spool::Spool;
use crate::foresight::Foresight;
use crate::inbound::{Claims, Inbound, Late, Left};
use crate::operator::Operator;
use crate::outbound::{Outbound, OutboundParts};
use crate::retention::{ERASED_MAX, Retention};
use crate::store::{Queries, Recorder};

/// What every part of one service works by.
pub(super) struct Shared<'s> {
    pub(super) recorder: Arc<dyn Recorder>,
    pub(super) queries: Arc<dyn Queries>,
    pub(super) spool: Arc<Spool>,
    pub(super) keys: Arc<KeyRing>,
    pub(super) directories: Arc<Directories>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) timetables: InForce,
    pub(super) boot: String,
    pub(super) settings: &'s Settings,
}

impl Shared<'_> {
    pub(super) fn inbound(&self) -> Result<Inbound, StartFault> {
        Ok(Inbound {
            recorder: self.recorder.clone(),
            queries: self.queries.clone(),
            spool: self.spool.clone(),
            destinations: Destinations::new(self.directories.clone()),
            opener: self.keys.clone(),
            scanner: scanner(self.settings),
            clock: self.clock.clone(),
            boot: self.boot.clone(),
            sources: sources(&self.settings.authorities, &self.directories),
            routes: routes(&self.settings.authorities)?,
            terms: terms(self.settings),
            claims: Claims::default(),
            left: Left::default(),
            late: Late::default(),
            installation: OnceLock::new(),
        })
    }

    pub(super) fn outbound(&self) -> Outbound {
        let (settings, service) = (self.settings, &self.settings.service);
        Outbound::new(OutboundParts {
            recorder: self.recorder.clone(),
            queries: self.queries.clone(),
            spool: self.spool.clone(),
            directories: self.directories.clone(),
            sealer: self.keys.clone(),
            opener: self.keys.clone(),
            couriers: couriers(settings),
            message_domains: message_domains(settings),
            clock: self.clock.clone(),
            timetables: self.timetables.clone(),
            authorities: settings.authorities.clone(),
            addresses: settings.partners.iter().map(|p| (p.name.clone(), p.addresses.clone())).collect(),
            state: service.state.clone(),
            attempts_max: service.attempts_max,
            retry_after: service.retry_after,
            retry_after_max: service.retry_after_max,
            plaintext_bytes_max: service.limits.plaintext_bytes_max,
            archive_limits: archive_limits(settings),
            shbe: settings.shbe.clone(),
            boot: self.boot.clone(),
        })
    }

    pub(super) fn operator(&self, checkpoints: Arc<Checkpoints>) -> Operator {
        let people = Arc::new(people(&self.settings.roles, &self.settings.service.state));
        warn_of_missing_groups(&people);
        Operator {
            recorder: self.recorder.clone(),
            queries: self.queries.clone(),
            spool: self.spool.clone(),
            keys: self.keys.clone(),
            policy: Some(self.settings.digest),
            clock: self.clock.clone(),
            timetables: self.timetables.clone(),
            people,
            checkpoints: Some(checkpoints),
        }
    }

    pub(super) fn foresight(&self) -> Result<Foresight, StartFault> {
        Ok(Foresight {
            recorder: self.recorder.clone(),
            queries: self.queries.clone(),
            keys: self.keys.clone(),
            clock: self.clock.clone(),
            timetables: self.timetables.clone(),
            holidays: calendars::bank_holidays()?,
            settings: self.settings.clone(),
        })
    }

    pub(super) fn retention(&self) -> Retention {
        Retention {
            recorder: self.recorder.clone(),
            queries: self.queries.clone(),
            spool: self.spool.clone(),
            clock: self.clock.clone(),
            settings: self.settings.clone(),
            erased_max: ERASED_MAX,
        }
    }
}
