//! systemd's patience with a long start: a large ledger is read, or a store is brought to another version.
//!
//! Holds: more time is asked for only while the process works, so that a start that hangs is ended as any other.

use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::daemon::notify::notify_systemd;

/// How often the process is looked at.
const EVERY: Duration = Duration::from_secs(20);
/// What a process that works spends of a processor in that time at the least, also where it mostly waits for a disk.
const WORK_MIN: Duration = Duration::from_millis(50);
/// For how long from now the start may go on.
const MORE: Duration = Duration::from_secs(180);

/// Asks for more time until it is dropped.
pub(super) struct Patience {
    _ends: Option<SyncSender<()>>,
}

impl Patience {
    /// From now on.
    pub(super) fn begin() -> Patience {
        let more = u32::try_from(MORE.as_micros()).unwrap_or(u32::MAX);
        Patience::begin_with(EVERY, spent, move || notify_systemd(&[sd_notify::NotifyState::ExtendTimeoutUsec(more)]))
    }

    fn begin_with(
        every: Duration,
        mut spent: impl FnMut() -> Duration + Send + 'static,
        ask: impl Fn() + Send + 'static,
    ) -> Patience {
        let (ends, ended) = sync_channel(0);
        let watch = move || {
            let mut before = spent();
            while ended.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                let now = spent();
                if now.saturating_sub(before) >= WORK_MIN {
                    ask();
                }
                before = now;
            }
        };
        // Without it the start has the time that the unit gives.
        let begun = std::thread::Builder::new().name("patience".to_owned()).spawn(watch);
        Patience { _ends: begun.ok().map(|_| ends) }
    }
}

/// Of a processor, by this process, since it began.
fn spent() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_time_is_asked_for_while_there_is_work_and_not_otherwise() {
        let (tell, told) = sync_channel(64);
        let (mut looks, asks) = (0u32, tell.clone());
        // Works until the fourth look, and then hangs.
        let spent = move || {
            looks += 1;
            tell.send("look").unwrap_or_default();
            WORK_MIN * looks.min(4)
        };
        let patience =
            Patience::begin_with(Duration::from_millis(1), spent, move || asks.send("ask").unwrap_or_default());
        let seen: Vec<&str> = told.iter().take(12).collect();
        assert_eq!(seen[..8], ["look", "look", "ask", "look", "ask", "look", "ask", "look"]);
        assert!(seen[8..].iter().all(|seen| *seen == "look"));
        drop(told);
        drop(patience);
    }
}
