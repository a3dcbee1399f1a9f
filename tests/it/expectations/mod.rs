//! What DWP owes, and what is told before it is too late: the real service over real files and keys, under a clock that
//! tests set; and what the commands then say.

mod alarms;
mod arrivals;
mod commands;
mod council;
mod nights;
mod roots;
mod running;
