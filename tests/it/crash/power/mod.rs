//! Power cuts: the service is killed at a named step, and of its file systems only what had reached the disk is kept.
//!
//! State, drop folder, back office, returns, outgoing folder and the auditors' folder lie on images of their own, mounted by
//! loop devices. At the cut the images are copied as they are; the copies are mounted in their place, under another boot id.
//! `tests/crash --power` runs the long form and prints the tables of the README. Needs root and loop devices.

mod autopsy;
mod cuts;
mod images;
mod missed;
mod reckoning;
mod story;
