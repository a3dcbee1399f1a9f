//! The durability protocol's moves on a file system: bytes, then the name, then the directory, each made to last.
//!
//! Sits between `domain` and everything that keeps files: `effects` and `store` are built on it.
//! Holds: nothing here overwrites (but [`Directory::replace`], a file of our own), follows a link, or calls something
//! durable whose sync has failed.

pub mod boot;
pub mod content;
pub mod copy;
pub mod directory;
pub mod file;
mod handle;
pub mod mounted;
pub mod passing;
pub mod place;
pub mod private;
pub mod registry;
pub mod scratch;
#[cfg(feature = "failpoints")]
pub mod simulated;
pub mod step;
pub mod sync;
pub mod withdrawal;

pub use crate::progress::Through;
pub use boot::boot_id;
pub use content::{PrivateContent, Whole};
pub use copy::{Copied, CopyError, copy_and_digest};
pub use directory::{Directory, Stamp};
pub use file::File;
pub use passing::Passing;
pub use private::{private_directory, private_file};
pub use registry::Directories;
pub use scratch::Scratch;
pub use step::step;
pub use sync::synced;
pub use withdrawal::{Back, Withdrawn, hidden_name, read_hidden_name};
