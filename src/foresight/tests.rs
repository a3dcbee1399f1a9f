//! Alarms, raised and cleared.
