//! What the tests stand on: partners, councils, mounts, clocks, waits.

pub mod accounts;
pub mod clamd;
pub mod container;
pub mod council;
pub mod everybody;
pub mod imap;
pub mod maildir;
pub mod mount;
pub mod partner;
pub mod risk;
pub mod share;
pub mod shbe;
pub mod smtp;
pub mod virtual_clock;
pub mod workbook;
