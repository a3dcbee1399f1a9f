//! Gathering what is told, on a thread apart: one at a time, and not more often than anybody needs.
//!
//! Holds: where gathering hangs, whoever asks is told so in time, and nothing piles up behind it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use super::Subjects;
use super::figures::figures;
use super::ready::not_ready;

/// How long what was gathered is told again.
const FRESH: Duration = Duration::from_millis(500);
/// How long gathering may take.
const PATIENCE: Duration = Duration::from_secs(8);

/// What was gathered at one moment.
#[derive(Clone)]
pub(super) struct Gathered {
    /// Prometheus's text; or why there is none.
    pub figures: Result<Arc<String>, String>,
    /// What keeps the service from its work.
    pub not_ready: Vec<String>,
}

#[derive(Default)]
pub(super) struct Gathering(Mutex<State>);

#[derive(Default)]
struct State {
    last: Option<(Instant, Gathered)>,
    under_way: Option<JoinHandle<Gathered>>,
}

impl Gathering {
    /// What is so now; nothing, if it cannot be had in time.
    pub(super) async fn latest(&self, subjects: &Arc<Subjects>) -> Option<Gathered> {
        let asked = async {
            let mut state = self.0.lock().await;
            if let Some((at, gathered)) = &state.last
                && at.elapsed() < FRESH
            {
                return Some(gathered.clone());
            }
            let gather = || {
                let subjects = subjects.clone();
                tokio::task::spawn_blocking(move || Gathered {
                    figures: figures(&subjects).map(Arc::new),
                    not_ready: not_ready(&subjects),
                })
            };
            // One that hangs stays, and the next who asks waits for it rather than beginning another.
            let under_way = state.under_way.get_or_insert_with(gather);
            let gathered = under_way.await;
            state.under_way = None;
            let gathered = gathered.ok()?;
            state.last = Some((Instant::now(), gathered.clone()));
            Some(gathered)
        };
        tokio::time::timeout(PATIENCE, asked).await.ok().flatten()
    }
}
