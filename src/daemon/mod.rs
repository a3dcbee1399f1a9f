//! The service: composition root and process life.
//!
//! Workers are threads: one that looks at the drop folders, one for each Maildir and mailbox, some that carry files, one
//! that minds what is due, one for returns, one for orders. A worker that ends before it was asked to, or panics, ends the service: nothing runs half.

mod alarms;
pub mod build;
mod carriers;
pub mod checkpoints;
pub mod control;
pub mod counted;
mod due;
mod ear;
mod folders;
pub mod health;
pub mod keys;
mod lookout;
mod looks;
mod mailboxes;
mod maildirs;
pub mod migration;
mod notify;
mod once;
pub mod people;
mod reach;
mod reload;
mod retention;
mod run;
mod secrets;
pub mod stop;
mod unconfigured;
mod unheard;
mod vigil;
mod watch;

pub use build::{Service, StartFault, build};
pub use once::{Pass, once};
pub use reload::Configuration;
pub use run::{RunFault, note, run};
