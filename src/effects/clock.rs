//! The time of day.
