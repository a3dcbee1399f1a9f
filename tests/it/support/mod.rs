//! What the tests stand on: partners, councils, waits.

pub mod virtual_clock;
