//! Running: starts the workers, minds that none ends before its time, and stops in good order.

mod workers;

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::build::Service;
use super::carriers::Queue;
use super::control::Reading;
use super::health::Health;
use super::reload::{self, Configuration};
use super::stop::Stop;
use crate::config::Settings;
use crate::domain::Actor;
use crate::domain::ledger::{Event, Facts};
use crate::effects::noticing::Hint;
use crate::progress::Workers;
use crate::store::{Change, StateChange};

/// Hints that may wait; more than that, and everything is looked at instead.
const HINTS_MAX: usize = 16_384;
/// How long named work may take once the service is to stop.
const STOP_PATIENCE: Duration = Duration::from_secs(80);

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
    // Before any work begins: from here on a signal asks, and does not end us in the middle of something.
    let mut signals = runtime.block_on(async { Signals::listen() })?;
    let (mut service, mut event) = (service, Event::ServiceStarted);
    // A sandbox was made from these, and is never made wider.
    let started = service.settings.clone();
    reload::settled(&service).map_err(reloading)?;
    loop {
        let (ended, mut ends) = unbounded_channel();
        let running = Running::start(&service, event, reading(&service.settings), &ended)?;
        let settings = loop {
            match runtime.block_on(running.supervise(&mut ends, &mut signals)) {
                Ok(Asked::Stop) => return running.stop(&service),
                Ok(Asked::Reload) => {
                    if let Some(settings) = reload::wanted(&service, &started, configuration).map_err(reloading)? {
                        break settings;
                    }
                }
                Err(fault) => {
                    let _ = running.stop(&service);
                    return Err(fault);
                }
            }
        };
        running.wind_down()?;
        service = reload::go_over(&service, settings).map_err(reloading)?;
        event = Event::ConfigurationReloaded;
    }
}

fn reloading(error: impl std::fmt::Display) -> RunFault {
    RunFault::Worker { worker: "reload".to_owned(), why: error.to_string() }
}

/// What a signal asks for.
enum Asked {
    Stop,
    Reload,
}

/// The signals that ask for an end, or for other settings.
struct Signals {
    term: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    fn listen() -> Result<Signals, RunFault> {
        let term = signal(SignalKind::terminate()).map_err(machine("wait for SIGTERM"))?;
        let interrupt = signal(SignalKind::interrupt()).map_err(machine("wait for SIGINT"))?;
        let hangup = signal(SignalKind::hangup()).map_err(machine("wait for SIGHUP"))?;
        Ok(Signals { term, interrupt, hangup })
    }
}

/// How a worker ended: its name, and why if it failed.
type End = (String, Result<(), String>);

struct Running {
    stop: Arc<Stop>,
    queue: Arc<Queue>,
    health: Arc<Health>,
    wake: Wake,
    threads: Mutex<Vec<JoinHandle<()>>>,
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
    fn start(
        service: &Service,
        event: Event,
        reading: Arc<dyn Reading>,
        ended: &UnboundedSender<End>,
    ) -> Result<Running, RunFault> {
        let (hints, told) = sync_channel(HINTS_MAX);
        let (due, due_told) = sync_channel(1);
        let (returns, returns_told) = sync_channel(1);
        let wake = Wake { hints, lost: Arc::default(), due, returns };
        let running = Running {
            stop: Arc::default(),
            queue: Arc::new(Queue::new()),
            health: Arc::new(Health::new(service.clock.now(), service.confinement)),
            wake: wake.clone(),
            threads: Mutex::default(),
            sweep_every: service.settings.service.sweep_every,
            workers: Workers::new(),
            stuck_after: service.settings.watch.stuck_after,
            socket: service.settings.service.control_socket.clone(),
        };
        let critical =
            |error: crate::inbound::Critical| RunFault::Worker { worker: "start".into(), why: error.to_string() };
        note(service, event).map_err(|error| critical(error.into()))?;
        let control = running.control(service, reading.clone())?;
        service.inbound.recover().map_err(critical)?;
        running.spawn_carriers(service, ended)?;
        let lookout = running.lookout(service, told);
        running.spawn("lookout", ended, move || lookout.run().map_err(|error| error.to_string()))?;
        running.spawn("control", ended, move || control.run().map_err(|error| error.to_string()))?;
        running.spawn_maildirs(service, ended)?;
        running.spawn_mailboxes(service, ended)?;
        running.spawn_alarms(service, ended)?;
        running.spawn_due(service, ended, due_told)?;
        running.spawn_returns(service, ended, returns_told)?;
        running.spawn_foresight(service, ended)?;
        running.spawn_checkpoints(service, ended)?;
        running.spawn_eraser(service, ended)?;
        running.spawn_folder_watch(service, ended)?;
        running.spawn_reach(service, ended)?;
        running.spawn_watch(service, reading, ended)?;
        notify_systemd(&[sd_notify::NotifyState::Ready]);
        tracing::info!(sources = service.inbound.sources.len(), "hbcourier is running");
        Ok(running)
    }

    fn spawn(
        &self,
        name: &str,
        ended: &UnboundedSender<End>,
        work: impl FnOnce() -> Result<(), String> + Send + 'static,
    ) -> Result<(), RunFault> {
        let (name, ended, workers) = (name.to_owned(), ended.clone(), self.workers.clone());
        let thread = std::thread::Builder::new().name(name.clone()).spawn(move || {
            let _watched = workers.enter(&name);
            let end = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err("it panicked".to_owned()));
            // Nobody listens any more once the service has stopped.
            let _ = ended.send((name, end));
        });
        let thread = thread.map_err(machine("start a worker"))?;
        self.threads.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(thread);
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

    /// Waits for a signal, or a worker that ends before its time.
    async fn supervise(&self, ends: &mut UnboundedReceiver<End>, signals: &mut Signals) -> Result<Asked, RunFault> {
        let watchdog = sd_notify::watchdog_enabled().map(|every| every / 3);
        let mut alive = tokio::time::interval(watchdog.unwrap_or(Duration::from_secs(3600)));
        let mut silent = false;
        loop {
            tokio::select! {
                _ = signals.term.recv() => return Ok(Asked::Stop),
                _ = signals.interrupt.recv() => return Ok(Asked::Stop),
                _ = signals.hangup.recv() => return Ok(Asked::Reload),
                _ = alive.tick() => {
                    // A service in which anything hangs is restarted.
                    if watchdog.is_some() && self.is_alive(&mut silent) {
                        notify_systemd(&[sd_notify::NotifyState::Watchdog]);
                    }
                }
                Some((worker, end)) = ends.recv() => {
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

    /// Ends everything, and records it.
    fn stop(self, service: &Service) -> Result<(), RunFault> {
        notify_systemd(&[sd_notify::NotifyState::Stopping]);
        let socket = self.socket.clone();
        self.wind_down()?;
        let _ = std::fs::remove_file(&socket);
        match note(service, Event::ServiceStopped) {
            Ok(()) => tracing::info!("hbcourier has stopped"),
            Err(error) => tracing::error!(%error, "The stop could not be recorded"),
        }
        Ok(())
    }

    /// First no new work, then the end of named work, then out loud.
    fn wind_down(self) -> Result<(), RunFault> {
        self.stop.request();
        self.queue.close();
        self.wake.everybody();
        // The control worker waits for a connection; this is its last.
        let _ = std::os::unix::net::UnixStream::connect(&self.socket);
        let mut waited = Duration::ZERO;
        let pause = Duration::from_secs(10);
        while !self.stop.wait_idle(pause) {
            waited += pause;
            // It ends by itself, or with its patience.
            notify_systemd(&[sd_notify::NotifyState::Watchdog]);
            let labels = self.stop.labels();
            tracing::info!(waiting = labels.len(), "Still finishing: {}", labels.join("; "));
            if waited >= STOP_PATIENCE {
                return Err(RunFault::Unfinished(labels.join("; ")));
            }
        }
        let threads = self.threads.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        threads.into_iter().for_each(|thread| drop(thread.join()));
        Ok(())
    }
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

pub(super) fn notify_systemd(state: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(%error, "systemd was not told: {error}");
    }
}
