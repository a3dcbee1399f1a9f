//! Winding down: every worker ends in good order, so that the service stops, or goes over to other settings.
//!
//! In:  a running service, what was asked for, the signals that still come. Out: nothing works any more; what is asked for by then.
//! Holds: first no new work, then the end of what is in hand. A stop has its patience, and says what it left. A reload has
//! as long as its workers make progress; a signal to stop counts all the while. Where nothing is left but workers that a folder
//! does not let go, both end the process: the next start goes on with what these have in hand.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::{Asked, RunFault, Running, Signals, sign_of_life_every};
use crate::daemon::notify::notify_systemd;

/// How long what is in hand may take once the service is to stop.
const STOP_PATIENCE: Duration = Duration::from_secs(80);
/// How often is looked whether all is done. Threads and work in hand end whenever they do.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How often is said what is waited for.
const SAY_EVERY: Duration = Duration::from_secs(10);

impl Running {
    /// Ends every worker. What is asked for by then: a stop may have come in between.
    pub(super) async fn wind_down(&self, asked: Asked, signals: &mut Signals) -> Result<Asked, RunFault> {
        self.stop.request();
        self.queue.close();
        self.wake.everybody();
        if let Some(door) = self.door.get() {
            door.close();
        }
        let mut stopping = (asked == Asked::Stop).then(|| self.hurry());
        let mut look = tokio::time::interval(LOOK_EVERY);
        let mut alive = tokio::time::interval(sign_of_life_every().unwrap_or(SAY_EVERY));
        let mut say = tokio::time::interval(SAY_EVERY);
        // The first comes at once.
        say.tick().await;
        loop {
            tokio::select! {
                () = signals.end(), if stopping.is_none() => {
                    tracing::info!("The service is to stop, so the configuration is not taken up");
                    stopping = Some(self.hurry());
                }
                _ = look.tick() => {
                    let left = self.left();
                    if left.is_empty() {
                        break;
                    }
                    if stopping.is_some_and(|since| since.elapsed() >= STOP_PATIENCE) {
                        return Err(RunFault::Unfinished(left.join("; ")));
                    }
                    // What it works on is taken up by the next process, and by nobody in this one.
                    if let Some(held) = self.only_held() {
                        return Err(RunFault::Unfinished(format!("{} ({held})", left.join("; "))));
                    }
                }
                _ = alive.tick() => {
                    // A stop ends by itself, or with its patience.
                    if stopping.is_some() || self.workers.stuck(self.stuck_after).is_empty() {
                        notify_systemd(&[sd_notify::NotifyState::Watchdog]);
                    }
                }
                _ = say.tick() => {
                    let left = self.left();
                    tracing::info!(waiting = left.len(), "Still finishing: {}", left.join("; "));
                }
            }
        }
        Ok(if stopping.is_some() { Asked::Stop } else { Asked::Reload })
    }

    fn hurry(&self) -> Instant {
        notify_systemd(&[sd_notify::NotifyState::Stopping]);
        self.stop.hurry();
        Instant::now()
    }

    /// If all workers that have not ended are held by folders that hang: by which.
    fn only_held(&self) -> Option<String> {
        let waiting = self.workers.waiting();
        let threads = self.threads.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut working = threads.iter().filter(|(_, thread)| !thread.is_finished());
        let is_held = |name: &str| waiting.iter().any(|one| one.worker == name);
        if waiting.is_empty() || !working.all(|(name, _)| is_held(name)) {
            return None;
        }
        let places: BTreeSet<_> = waiting.iter().map(|one| one.place.display().to_string()).collect();
        let places: Vec<String> = places.into_iter().collect();
        Some(format!("{} does not answer", places.join(", ")))
    }

    /// What is in hand; if nothing is, the workers that have not ended.
    fn left(&self) -> Vec<String> {
        let labels = self.stop.labels();
        if !labels.is_empty() {
            return labels;
        }
        let threads = self.threads.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let working = threads.iter().filter(|(_, thread)| !thread.is_finished());
        working.map(|(name, _)| format!("the worker `{name}`")).collect()
    }
}
