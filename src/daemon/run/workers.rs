//! The workers, each with what it takes of the service, and the name under which it is told if it ends.
//!
//! In:  the service, and the ends of channels by which a worker is woken. Out: threads of [`Running`].

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

use super::{End, RunFault, Running, machine};
use crate::config::settings::Noticing as How;
use crate::daemon::alarms::{Herald, Pinger, rest};
use crate::daemon::build::{Service, smtp_courier};
use crate::daemon::carriers::{self, carry};
use crate::daemon::checkpoints::Notary;
use crate::daemon::control::{Control, Desk, Reading};
use crate::daemon::due;
use crate::daemon::ear::Ear;
use crate::daemon::folders::{FolderWatch, watched};
use crate::daemon::lookout::Lookout;
use crate::daemon::looks::{left_files_alarm, lookout, maildir_readers, postmen};
use crate::daemon::reach::Reach;
use crate::daemon::retention::Eraser;
use crate::daemon::secrets::Secrets;
use crate::daemon::vigil::Vigil;
use crate::daemon::watch::{Subjects, Watch};
use crate::effects::noticing::Noticing;
use crate::effects::ping::Ping;
use crate::outbound::Ended;
use crate::progress::{self, Workers};

/// How often what is due is looked for, at least.
const DUE_EVERY: Duration = Duration::from_secs(5);
/// Transfers offered at once.
const DUE_MAX: usize = 4096;
/// How long answers to returns that are being sent are awaited at a stop: less than that has, for an end in good order.
const ANSWER_PATIENCE: Duration = Duration::from_secs(60);
/// How often who waits for an answer looks whether there is a hurry.
const LOOK_UP: Duration = Duration::from_millis(200);

impl Running {
    pub(super) fn listen(&self, service: &Service, reading: Arc<dyn Reading>) -> Result<Control, RunFault> {
        let wake = self.wake.clone();
        let desk = Desk {
            socket: self.socket.clone(),
            is_open: !self.socket.starts_with(&service.settings.service.state),
            operator: service.operator.clone(),
            health: self.health.clone(),
            stop: self.stop.clone(),
            reading,
            ordered: Box::new(move || wake.everybody()),
        };
        let control = Control::listen(desk).map_err(machine("listen on the control socket"))?;
        self.door.get_or_init(|| control.door());
        Ok(control)
    }

    pub(super) fn spawn_carriers(&self, service: &Service) -> Result<(), RunFault> {
        (0..service.settings.service.in_flight_max).try_for_each(|_| self.spawn_carrier(service))
    }

    /// One more.
    pub(super) fn spawn_carrier(&self, service: &Service) -> Result<(), RunFault> {
        let (inbound, queue, stop) = (service.inbound.clone(), self.queue.clone(), self.stop.clone());
        let left = left_files_alarm(service);
        let work = move || carry(&inbound, &queue, &stop, &*left).map_err(|error| error.to_string());
        self.stand_ins.carrier(|number| self.spawn(&carriers::name(number), &self.ended, work))
    }

    /// The lookout, or another in the place of the one before.
    pub(super) fn spawn_lookout(&self, service: &Service) -> Result<(), RunFault> {
        let mut lookout = self.lookout(service);
        self.stand_ins.lookout(|name, replaced| {
            lookout.replaced = replaced;
            self.spawn(name, &self.ended, move || lookout.run().map_err(|error| error.to_string()))
        })
    }

    fn lookout(&self, service: &Service) -> Lookout {
        let wake = self.wake.clone();
        let tell = move |hint| wake.hint(hint);
        let noticing = Noticing::start(tell).inspect_err(|error| tracing::warn!(%error, "{error}")).ok();
        let returns = self.wake.returns.clone();
        let mut lookout = lookout(service, &self.queue, &self.stop, &self.health, self.stand_ins.hints.clone());
        lookout.noticing = noticing;
        lookout.hints_lost = self.wake.lost.clone();
        lookout.elsewhere = Box::new(move || {
            // A full channel is a wake already on its way.
            let _ = returns.try_send(());
        });
        lookout
    }

    pub(super) fn spawn_maildirs(&self, service: &Service, ended: &UnboundedSender<End>) -> Result<(), RunFault> {
        for mut reader in maildir_readers(service, &self.queue, &self.stop, &self.health) {
            let (name, source) = (reader.name(), &service.inbound.sources[reader.source]);
            let mut maildirs = service.settings.authorities.iter().flat_map(|authority| &authority.maildirs);
            if maildirs.any(|settings| settings.name == source.name && settings.noticing == How::Notify) {
                reader.ear = source.maildir().ok().map(|maildir| Ear::new(maildir.folders()));
            }
            self.spawn(&name, ended, move || reader.run().map_err(|error| error.to_string()))?;
        }
        Ok(())
    }

    pub(super) fn spawn_mailboxes(&self, service: &Service, ended: &UnboundedSender<End>) -> Result<(), RunFault> {
        for postman in postmen(service, &self.queue, &self.stop, &self.health) {
            let name = format!("mailbox {}", service.inbound.sources[postman.source].name);
            self.spawn(&name, ended, move || postman.run().map_err(|error| error.to_string()))?;
        }
        Ok(())
    }

    pub(super) fn spawn_alarms(&self, service: &Service, ended: &UnboundedSender<End>) -> Result<(), RunFault> {
        let settings = &service.settings.service;
        let (inbound, stop) = (|| service.inbound.clone(), || self.stop.clone());
        if let Some((name, to)) = settings.alarms.mail.clone()
            && let Some(courier) = smtp_courier(&service.settings, &name)
        {
            let herald = Herald { inbound: inbound(), stop: stop(), courier, to };
            self.spawn("alarm mail", ended, move || herald.run().map_err(|error| error.to_string()))?;
        }
        if let Some((url, every)) = settings.alarms.ping.clone() {
            let (workers, stuck_after) = (self.workers.clone(), self.stuck_after);
            let (inbound, stop, ping) = (inbound(), stop(), Ping::to(url));
            let pinger = Pinger { inbound, stop, ping, every, workers, stuck_after };
            self.spawn("ping", ended, move || pinger.run().map_err(|error| error.to_string()))?;
        }
        Ok(())
    }

    pub(super) fn spawn_due(
        &self,
        service: &Service,
        ended: &UnboundedSender<End>,
        told: Receiver<()>,
    ) -> Result<(), RunFault> {
        let (inbound, queue, stop) = (service.inbound.clone(), self.queue.clone(), self.stop.clone());
        let pause = self.sweep_every.min(DUE_EVERY);
        self.spawn("due", ended, move || {
            while !stop.is_requested() {
                due::offer(&inbound, &queue, DUE_MAX).map_err(|error| error.to_string())?;
                let _pause = progress::quiet(pause);
                if let Err(RecvTimeoutError::Disconnected) = told.recv_timeout(pause) {
                    break;
                }
            }
            Ok(())
        })
    }

    pub(super) fn spawn_returns(
        &self,
        service: &Service,
        ended: &UnboundedSender<End>,
        told: Receiver<()>,
    ) -> Result<(), RunFault> {
        let (outbound, stop, clock) = (service.outbound.clone(), self.stop.clone(), service.clock.clone());
        let longest = self.sweep_every;
        let wake = self.wake.returns.clone();
        let answered: Ended = Arc::new(move || {
            // A full channel is a wake already on its way.
            let _ = wake.try_send(());
        });
        // One round does everything, so a folder that does not let it go is nothing to wait for: the next start avoids it.
        self.spawn_as("returns", Workers::enter_needed, ended, move || {
            let mut busy = None;
            let mut rounds = || {
                while !stop.is_requested() {
                    busy = busy.take().or_else(|| stop.begin("returns"));
                    let next = outbound.round(&|| stop.is_requested(), &answered).map_err(|error| error.to_string())?;
                    if !outbound.is_sending() {
                        busy = None;
                    }
                    let until = next.map(|next| Duration::try_from(next - clock.now()).unwrap_or_default());
                    let pause = until.unwrap_or(longest).clamp(Duration::from_millis(100), longest);
                    let _pause = progress::quiet(pause);
                    if let Err(RecvTimeoutError::Disconnected) = told.recv_timeout(pause) {
                        break;
                    }
                }
                Ok(())
            };
            let outcome = catch_unwind(AssertUnwindSafe(&mut rounds));
            // For a reload an answer has as long as its courier waits for it.
            while stop.is_requested() && !stop.is_hurried() && !outbound.settle(LOOK_UP) {
                progress::made();
            }
            // However the rounds end otherwise, what is being sent keeps its minute.
            for key in outbound.finish(ANSWER_PATIENCE) {
                tracing::warn!(submission = %key, "No answer came for {key}; the next start looks for evidence");
            }
            drop(busy);
            outcome.unwrap_or_else(|panic| resume_unwind(panic))
        })
    }

    /// Looks ahead at start, whenever anything was recorded since, and when a day or a night of files ends.
    pub(super) fn spawn_foresight(&self, service: &Service, ended: &UnboundedSender<End>) -> Result<(), RunFault> {
        let (foresight, stop, clock) = (service.foresight.clone(), self.stop.clone(), service.clock.clone());
        let pause = self.sweep_every;
        self.spawn("foresight", ended, move || {
            let mut last = None;
            while !stop.is_requested() {
                let entries = foresight.queries.head().map_err(|error| error.to_string())?.entries;
                let now = clock.now();
                // Before the last look: somebody has set the clock back.
                let is_news = |(seen, at, next)| seen != entries || now < at || now >= next;
                if last.is_none_or(is_news) {
                    let next = foresight.look().map_err(|error| error.to_string())?;
                    last = Some((entries, now, next));
                }
                rest(&stop, pause);
            }
            Ok(())
        })
    }

    pub(super) fn spawn_checkpoints(&self, service: &Service, ended: &UnboundedSender<End>) -> Result<(), RunFault> {
        let settings = &service.settings.service;
        let notary = Notary {
            checkpoints: service.checkpoints.clone(),
            stop: self.stop.clone(),
            retry_after: settings.retry_after,
            retry_after_max: settings.retry_after_max,
        };
        self.spawn("checkpoints", ended, move || notary.run())
    }

    pub(super) fn spawn_eraser(&self, service: &Service, ended: &UnboundedSender<End>) -> Result<(), RunFault> {
        let (retention, clock) = (service.retention.clone(), service.clock.clone());
        let eraser = Eraser { retention, stop: self.stop.clone(), clock, pause: self.sweep_every };
        self.spawn("retention", ended, move || eraser.run().map_err(|error| error.to_string()))
    }

    pub(super) fn spawn_folder_watch(&self, service: &Service, ended: &UnboundedSender<End>) -> Result<(), RunFault> {
        let (inbound, stop) = (service.inbound.clone(), self.stop.clone());
        let folders = watched(&service.settings);
        let secrets = Secrets::of(&service.settings);
        let sources = service.inbound.sources.iter();
        let sources = sources.filter_map(|source| Some((source.name.clone(), source.path()?.to_owned()))).collect();
        let watch = FolderWatch { inbound, stop, folders, sources, pause: self.sweep_every, secrets };
        self.spawn("folders", ended, move || watch.run().map_err(|error| error.to_string()))
    }

    /// Looks whether the sandbox still reaches every folder.
    pub(super) fn spawn_reach(&self, service: &Service, ended: &UnboundedSender<End>) -> Result<(), RunFault> {
        let reach = Reach::of(service);
        let (stop, pause) = (self.stop.clone(), self.sweep_every);
        self.spawn("sandbox", ended, move || {
            while !stop.is_requested() {
                reach.look().map_err(|error| error.to_string())?;
                rest(&stop, pause);
            }
            Ok(())
        })
    }

    /// Who minds that all the others go on, and who tells of it.
    pub(super) fn spawn_watch(
        &self,
        service: &Service,
        reading: Arc<dyn Reading>,
        ended: &UnboundedSender<End>,
    ) -> Result<(), RunFault> {
        let (inbound, health, stop) = (service.inbound.clone(), self.health.clone(), self.stop.clone());
        let (workers, stuck_after) = (self.workers.clone(), self.stuck_after);
        let vigil = Vigil { inbound, stop, health, workers, stuck_after, reading };
        self.spawn("vigil", ended, move || vigil.run().map_err(|error| error.to_string()))?;
        let Some(listen) = service.settings.watch.listen.clone() else { return Ok(()) };
        let subjects = Subjects {
            settings: service.settings.clone(),
            queries: service.foresight.queries.clone(),
            keys: service.foresight.keys.clone(),
            timetables: service.foresight.timetables.clone(),
            clock: service.clock.clone(),
            outbound: service.outbound.clone(),
            queue: self.queue.clone(),
            health: self.health.clone(),
            stop: self.stop.clone(),
            workers: self.workers.clone(),
            counts: service.counts.clone(),
        };
        let watch = Watch { subjects: Arc::new(subjects), inbound: service.inbound.clone(), listen };
        self.spawn("watch", ended, move || watch.run().map_err(|error| error.to_string()))
    }
}
