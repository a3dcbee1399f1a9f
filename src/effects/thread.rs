//! Work that goes on beside its caller, on a thread of its own.

pub mod asked;

use std::collections::BTreeSet;
use std::io;
use std::thread::Builder;

use crate::progress;

/// Begins the work under this name. Whoever asks for it bounds how much of it there is, and minds how it ends. Where the
/// caller is watched for progress, it is too.
pub fn begin(name: String, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    #[cfg(feature = "failpoints")]
    if AT_ONCE.get() {
        work();
        return Ok(());
    }
    let (workers, watched) = (progress::workers(), name.clone());
    let work = move || {
        let _watched = workers.map(|workers| workers.enter(&watched));
        work();
    };
    Builder::new().name(name).spawn(work).map(drop)
}

#[cfg(feature = "failpoints")]
thread_local! {
    static AT_ONCE: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// From now on what the present thread begins is done at once and by itself: the order of things is then always the same.
#[cfg(feature = "failpoints")]
pub fn at_once() {
    AT_ONCE.set(true);
}

/// The names of the threads that folders which hang do not let go, as far as they are watched as this one is.
pub fn held() -> BTreeSet<String> {
    progress::waiting().into_iter().map(|one| one.worker).collect()
}
