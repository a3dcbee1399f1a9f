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
    if crate::durable::simulated::is_on() {
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

/// The names of the threads that folders which hang do not let go, as far as they are watched as this one is.
pub fn held() -> BTreeSet<String> {
    progress::waiting().into_iter().map(|one| one.worker).collect()
}
