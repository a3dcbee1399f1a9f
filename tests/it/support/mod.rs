//! What the tests stand on: partners, councils, waits.

pub mod council;
pub mod partner;
pub mod smtp;
pub mod virtual_clock;
