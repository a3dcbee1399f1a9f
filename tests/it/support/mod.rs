//! What the tests stand on: partners, councils, waits.

pub mod virtual_clock;
pub mod partner;
pub mod council;
pub mod smtp;
