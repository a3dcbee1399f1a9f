//! Upkeep: setting a machine up, reloading, migrating, backing up and restoring.

mod backup;
mod burst;
mod migrate;
mod set_up;
