//! The outside world: each effect is a narrow trait with its real implementation beside it.

pub mod accounts;
pub mod audit_folder;
pub mod clock;
pub mod courier;
pub mod destination;
pub mod drop_folder;
pub mod ledger_key;
pub mod mailbox;
pub mod maildir;
pub mod noticing;
pub mod pgp;
pub mod ping;
pub mod privilege;
pub mod scanner;
pub mod spool;
pub mod thread;
pub mod token;
