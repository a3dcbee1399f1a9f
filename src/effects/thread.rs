//! Work that goes on beside its caller, on a thread of its own.

use std::io;
use std::thread::Builder;

/// Begins the work under this name. Whoever asks for it bounds how much of it there is, and minds how it ends.
pub fn begin(name: String, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    Builder::new().name(name).spawn(work).map(drop)
}
