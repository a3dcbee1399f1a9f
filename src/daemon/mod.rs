//! The composition root and the life of the process.
pub mod health;
