//! Upkeep: setting a machine up, reloading, migrating, backing up and restoring.

mod backup;
mod burst;
mod changing_over;
mod migrate;
mod reload;
mod sealed;
mod set_up;
