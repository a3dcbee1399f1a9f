//! Upkeep: setting a machine up, reloading, migrating, backing up and restoring.

mod set_up;
