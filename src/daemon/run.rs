//! Running: starts the workers, minds that none ends before its time, and stops in good order.

mod standing_in;
mod winding_down;
mod workers;

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::build::Service;
use super::carriers::Queue;
use super::control::{Door, Reading};
use super::folders::wait_for_folders;
use super::health::Health;
use super::notify::notify_systemd;
use super::reload::{self, Configuration};
use super::stop::Stop;
use super::unconfigured;
use standing_in::StandIns;

use crate::config::Settings;
use crate::domain::Actor;
use crate::domain::causes::with_causes;
use crate::domain::ledger::{Event, Facts};
use crate::durable::step;
use crate::effects::noticing::Hint;
use crate::progress::{Watched, Workers};
use crate::store::{Change, StateChange};

/// Hints that may wait; more than that, and everything is looked at instead.
const HINTS_MAX: usize = 16_384;
/// How often is looked whether somebody must be stood in for, and whether what puts a reload off is over.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Why the service ended although nobody asked it to.
#[derive(Debug, thiserror::Error)]
pub enum RunFault {
    /// A worker met something that only a restart can mend.
    #[error(
        "the worker `{worker}` had to stop: {why}. What was collected is safe; start the service again once the cause is mended"
    )]
    Worker {
        /// Which.
        worker: String,
        /// Why.
        why: String,
    },
    /// A part of the machine is not there.
    #[error("could not {doing}: {source}")]
    Machine {
        /// What was being done.
        doing: &'static str,
        /// The system's words.
        source: io::Error,
    },
    /// Work went on after the service was to stop, and was left for the next start.
    #[error("stopped although this was not finished: {0}. The next start goes on with it")]
    Unfinished(String),
    /// The work could not begin, and what had begun could not be ended: nobody may take its place in this process.
    #[error("{fault}; and what had begun by then did not end: {left}")]
    NotBegun {
        /// Why it could not.
        fault: Box<RunFault>,
        /// What is left.
        left: Box<RunFault>,
    },
}

fn machine(doing: &'static str) -> impl Fn(io::Error) -> RunFault {
    move |source| RunFault::Machine { doing, source }
}

/// Runs until told to stop by SIGTERM or SIGINT; on SIGHUP it goes over to the settings that `load` brings. `reading`
/// carries out reading commands for other accounts.
pub fn run(
    service: Service,
    reading: &dyn Fn(&Settings) -> Arc<dyn Reading>,
    configuration: &Configuration<'_>,
) -> Result<(), RunFault> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(machine("start"))?;
    runtime.block_on(serve(service, reading, configuration))
}

async fn serve(
    mut service: Service,
    reading: &dyn Fn(&Settings) -> Arc<dyn Reading>,
    configuration: &Configuration<'_>,
) -> Result<(), RunFault> {
    // Before any work begins: from here on a signal asks, and does not end us in the middle of something.
    let mut signals = Signals::listen()?;
    // A sandbox was made from these, and is never made wider.
    let started = service.settings.clone();
    let mut running = Running::start(&service, Event::ServiceStarted, reading(&service.settings), &mut signals).await?;
    loop {
        let settings = match running.until_asked(&service, &started, configuration, &mut signals).await {
            Ok(Some(settings)) => settings,
            Ok(None) => return running.stop(&service, &mut signals).await,
            Err(fault) => {
                let _ = running.stop(&service, &mut signals).await;
                return Err(fault);
            }
        };
        if running.wind_down(Asked::Reload, &mut signals).await? == Asked::Stop {
            running.stopped(&service);
            return Ok(());
        }
        drop(running);
        (service, running) = go_over(&service, settings, reading, &mut signals).await?;
    }
}

/// Begins anew by these settings; by the old ones, if that cannot be done after all, which is then said.
async fn go_over(
    service: &Service,
    settings: Settings,
    reading: &dyn Fn(&Settings) -> Arc<dyn Reading>,
    signals: &mut Signals,
) -> Result<(Service, Running), RunFault> {
    let event = Event::ConfigurationReloaded;
    let why = match service.anew(settings) {
        Ok(anew) => match Running::start(&anew, event, reading(&anew.settings), signals).await {
            Ok(running) => return Ok((anew, running)),
            Err(fault @ RunFault::NotBegun { .. }) => return Err(fault),
            Err(fault) => with_causes(&fault),
        },
        Err(fault) => with_causes(&fault),
    };
    // Told now, in case that the old ones do not hold any more either.
    tracing::warn!(why, "Going over to the configuration failed, so the old settings are put in force again: {why}");
    let old = service.anew(service.settings.clone()).map_err(reloading)?;
    let running = Running::start(&old, event, reading(&old.settings), signals).await?;
    reload::refuse(&old, &why).map_err(reloading)?;
    Ok((old, running))
}

fn reloading(error: impl std::fmt::Display) -> RunFault {
    RunFault::Worker { worker: "reload".to_owned(), why: error.to_string() }
}

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Stop,
    Reload,
}

/// The signals that ask for an end, or for other settings.
struct Signals {
    term: Signal,
    interrupt: Signal,
    hangup: Signal,
    /// A stop that was asked for stays so.
    ending: bool,
}

impl Signals {
    fn listen() -> Result<Signals, RunFault> {
        let term = signal(SignalKind::terminate()).map_err(machine("wait for SIGTERM"))?;
        let interrupt = signal(SignalKind::interrupt()).map_err(machine("wait for SIGINT"))?;
        let hangup = signal(SignalKind::hangup()).map_err(machine("wait for SIGHUP"))?;
        Ok(Signals { term, interrupt, hangup, ending: false })
    }

    /// Waits until the service is to stop.
    async fn end(&mut self) {
        if !self.ending {
            tokio::select! {
                _ = self.term.recv() => {}
                _ = self.interrupt.recv() => {}
            }
            self.ending = true;
        }
    }

    /// Waits for whatever is asked next.
    async fn next(&mut self) -> Asked {
        if !self.ending {
            tokio::select! {
                _ = self.hangup.recv() => return Asked::Reload,
                _ = self.term.recv() => {}
                _ = self.interrupt.recv() => {}
            }
            self.ending = true;
        }
        Asked::Stop
    }
}

/// How a worker ended: its name, and why if it failed.
type End = (String, Result<(), String>);

struct Running {
    stop: Arc<Stop>,
    queue: Arc<Queue>,
    health: Arc<Health>,
    wake: Wake,
    threads: Mutex<Vec<(String, JoinHandle<()>)>>,
    stand_ins: StandIns,
    ended: UnboundedSender<End>,
    ends: tokio::sync::Mutex<UnboundedReceiver<End>>,
    door: OnceLock<Door>,
    sweep_every: Duration,
    workers: Arc<Workers>,
    stuck_after: Duration,
    socket: std::path::PathBuf,
}

/// Wakes the workers that wait.
#[derive(Clone)]
struct Wake {
    hints: SyncSender<Hint>,
    lost: Arc<AtomicBool>,
    due: SyncSender<()>,
    returns: SyncSender<()>,
}

/// The other ends of [`Wake`].
struct Told {
    due: Receiver<()>,
    returns: Receiver<()>,
}

impl Wake {
    fn hint(&self, hint: Hint) {
        if let Err(TrySendError::Full(_)) = self.hints.try_send(hint) {
            self.lost.store(true, Ordering::SeqCst);
        }
    }

    fn everybody(&self) {
        self.hint(Hint::Lost);
        // A full channel is a wake already on its way.
        let _ = self.due.try_send(());
        let _ = self.returns.try_send(());
    }
}

impl Running {
    /// Begins all work, or none.
    async fn start(
        service: &Service,
        event: Event,
        reading: Arc<dyn Reading>,
        signals: &mut Signals,
    ) -> Result<Running, RunFault> {
        let (hints, hints_told) = sync_channel(HINTS_MAX);
        let (due, due_told) = sync_channel(1);
        let (returns, returns_told) = sync_channel(1);
        let (ended, ends) = unbounded_channel();
        let running = Running {
            stop: Arc::default(),
            queue: Arc::new(Queue::new(service.settings.service.in_flight_max)),
            health: Arc::new(Health::new(service.since, service.confinement)),
            wake: Wake { hints, lost: Arc::default(), due, returns },
            threads: Mutex::default(),
            stand_ins: StandIns::of(hints_told),
            ended,
            ends: tokio::sync::Mutex::new(ends),
            door: OnceLock::new(),
            sweep_every: service.settings.service.sweep_every,
            workers: service.workers.clone(),
            stuck_after: service.settings.watch.stuck_after,
            socket: service.settings.service.control_socket.clone(),
        };
        let begun = running.begin(service, event, reading, Told { due: due_told, returns: returns_told });
        match begun {
            Ok(()) => Ok(running),
            Err(fault) => {
                // What has begun ends before anybody else takes its place.
                let asked = if event == Event::ServiceStarted { Asked::Stop } else { Asked::Reload };
                match running.wind_down(asked, signals).await {
                    Ok(_) => Err(fault),
                    Err(left) => Err(RunFault::NotBegun { fault: Box::new(fault), left: Box::new(left) }),
                }
            }
        }
    }

    fn begin(&self, service: &Service, event: Event, reading: Arc<dyn Reading>, told: Told) -> Result<(), RunFault> {
        let ended = &self.ended;
        let critical =
            |error: crate::inbound::Critical| RunFault::Worker { worker: "start".into(), why: error.to_string() };
        // What can fail of the settings or the machine comes first: the entry says by which settings it works from here on.
        let control = self.listen(service, reading.clone())?;
        self.recover(service).map_err(critical)?;
        note(service, event).and_then(|()| reload::settled(service)).map_err(|error| critical(error.into()))?;
        unconfigured::end_alarms(&service.inbound, &service.settings).map_err(critical)?;
        self.spawn_carriers(service)?;
        self.spawn_lookout(service)?;
        self.spawn("control", ended, move || control.run().map_err(|error| error.to_string()))?;
        self.spawn_maildirs(service, ended)?;
        self.spawn_mailboxes(service, ended)?;
        self.spawn_alarms(service, ended)?;
        self.spawn_due(service, ended, told.due)?;
        self.spawn_returns(service, ended, told.returns)?;
        self.spawn_foresight(service, ended)?;
        self.spawn_checkpoints(service, ended)?;
        self.spawn_eraser(service, ended)?;
        self.spawn_folder_watch(service, ended)?;
        self.spawn_reach(service, ended)?;
        self.spawn_watch(service, reading, ended)?;
        if event == Event::ConfigurationReloaded {
            step("reload.begun").map_err(machine("begin by other settings"))?;
        }
        notify_systemd(&[sd_notify::NotifyState::Ready]);
        tracing::info!(sources = service.inbound.sources.len(), "hbcourier is running");
        Ok(())
    }

    /// Brings back in order what an earlier run left, with signs of life meanwhile: in a reload systemd waits for them.
    fn recover(&self, service: &Service) -> Result<(), crate::inbound::Critical> {
        std::thread::scope(|scope| {
            let (done, is_done) = sync_channel(1);
            scope.spawn(move || {
                let _watched = self.workers.enter_needed("recovery");
                wait_for_folders(&service.settings);
                // Whoever waits for it is there still.
                let _ = done.send(service.inbound.recover());
            });
            loop {
                match is_done.recv_timeout(sign_of_life_every().unwrap_or(LOOK_EVERY)) {
                    Ok(recovered) => return recovered,
                    Err(RecvTimeoutError::Timeout) if self.workers.stuck(self.stuck_after).is_empty() => {
                        notify_systemd(&[sd_notify::NotifyState::Watchdog]);
                    }
                    Err(RecvTimeoutError::Timeout) => {}
                    // It panicked, which goes on at the end of the scope.
                    Err(RecvTimeoutError::Disconnected) => return Ok(()),
                }
            }
        })
    }

    fn spawn(
        &self,
        name: &str,
        ended: &UnboundedSender<End>,
        work: impl FnOnce() -> Result<(), String> + Send + 'static,
    ) -> Result<(), RunFault> {
        self.spawn_as(name, Workers::enter, ended, work)
    }

    fn spawn_as(
        &self,
        name: &str,
        enter: fn(&Arc<Workers>, &str) -> Watched,
        ended: &UnboundedSender<End>,
        work: impl FnOnce() -> Result<(), String> + Send + 'static,
    ) -> Result<(), RunFault> {
        let (name, ended, workers) = (name.to_owned(), ended.clone(), self.workers.clone());
        let own = name.clone();
        let thread = std::thread::Builder::new().name(name.clone()).spawn(move || {
            let _watched = enter(&workers, &own);
            let end = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err("it panicked".to_owned()));
            // Nobody listens any more once the service has stopped.
            let _ = ended.send((own, end));
        });
        let thread = thread.map_err(machine("start a worker"))?;
        self.threads.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((name, thread));
        Ok(())
    }

    /// Whether every part of the service makes progress; what does not is said once.
    fn is_alive(&self, silent: &mut bool) -> bool {
        let stuck = self.workers.stuck(self.stuck_after);
        let was_silent = std::mem::replace(silent, !stuck.is_empty());
        if let (Some(first), false) = (stuck.first(), was_silent) {
            let (worker, seconds) = (&first.worker, first.silent.as_secs());
            tracing::error!(
                worker,
                seconds,
                "{worker} has had nothing behind it for {seconds} s: systemd gets no sign of life"
            );
        }
        stuck.is_empty()
    }

    /// Works until it is to stop, or to go over to these settings.
    async fn until_asked(
        &self,
        service: &Service,
        started: &Settings,
        configuration: &Configuration<'_>,
        signals: &mut Signals,
    ) -> Result<Option<Settings>, RunFault> {
        let mut put_off = None;
        loop {
            match self.supervise(service, put_off.is_some(), signals).await? {
                Asked::Stop => return Ok(None),
                Asked::Reload => {}
            }
            put_off = None;
            let wanted = reload::wanted(service, started, configuration).map_err(reloading)?;
            match (wanted, self.reload_waits(service)) {
                (Some(_), Some(why)) => {
                    reload::put_off(why);
                    put_off = self.stop.begin(why);
                }
                (Some(settings), None) => return Ok(Some(settings)),
                (None, _) => {}
            }
        }
    }

    fn reload_waits(&self, service: &Service) -> Option<&'static str> {
        reload::must_wait(service.outbound.awaits_answer(), &self.workers.waiting())
    }

    /// Waits for a signal, for the end of what puts a reload off, or a worker that ends before its time. Whoever is held by
    /// a folder is stood in for.
    async fn supervise(&self, service: &Service, put_off: bool, signals: &mut Signals) -> Result<Asked, RunFault> {
        let watchdog = sign_of_life_every();
        let mut alive = tokio::time::interval(watchdog.unwrap_or(Duration::from_secs(3600)));
        let mut look = tokio::time::interval(LOOK_EVERY);
        let (mut silent, mut ends) = (false, self.ends.lock().await);
        loop {
            tokio::select! {
                asked = signals.next() => return Ok(asked),
                _ = look.tick() => {
                    if let Err(fault) = self.stand_in(service) {
                        tracing::warn!("Nobody stands in yet for a worker that a folder holds: {}", with_causes(&fault));
                    }
                    if put_off && self.reload_waits(service).is_none() {
                        return Ok(Asked::Reload);
                    }
                }
                _ = alive.tick() => {
                    // A service in which anything hangs is restarted.
                    if watchdog.is_some() && self.is_alive(&mut silent) {
                        notify_systemd(&[sd_notify::NotifyState::Watchdog]);
                    }
                }
                Some((worker, end)) = ends.recv() => {
                    if end.is_ok() && self.stand_ins.ended(&worker) {
                        self.join(&worker);
                        continue;
                    }
                    let why = match end {
                        Ok(()) => "it ended before it was asked to".to_owned(),
                        Err(why) => why,
                    };
                    tracing::error!(worker, why, "A worker ended: {why}");
                    return Err(RunFault::Worker { worker, why });
                }
            }
        }
    }

    /// Lets go of a thread that has nothing more to do.
    fn join(&self, worker: &str) {
        let mut threads = self.threads.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for (_, thread) in threads.extract_if(.., |(name, _)| name == worker) {
            // Its end was told; a panic would have been.
            let _ = thread.join();
        }
    }

    /// Ends everything, and records it.
    async fn stop(self, service: &Service, signals: &mut Signals) -> Result<(), RunFault> {
        self.wind_down(Asked::Stop, signals).await?;
        self.stopped(service);
        Ok(())
    }

    /// Records that everything has ended.
    fn stopped(self, service: &Service) {
        let _ = std::fs::remove_file(&self.socket);
        match note(service, Event::ServiceStopped) {
            Ok(()) => tracing::info!("hbcourier has stopped"),
            Err(error) => tracing::error!(%error, "The stop could not be recorded"),
        }
    }
}

/// How often systemd waits for a sign of life, if it does: often enough.
fn sign_of_life_every() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|every| every / 3)
}

/// Records that the service started, or stopped in good order, and by which settings it runs.
pub fn note(service: &Service, event: Event) -> Result<(), crate::store::RecordError> {
    let facts = Facts {
        config: Some(service.settings.digest),
        version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        ..Facts::default()
    };
    let (at, actor) = (service.clock.now(), Actor::Service);
    let change = Change { at, actor, event, facts, names: Vec::new(), state: StateChange::None };
    service.inbound.recorder.record(change).map(drop)
}
