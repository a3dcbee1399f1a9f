//! Keys as people decide about them: two people, dates, exceptions, secrets, a rotation. Against real GnuPG.

mod checking;
mod credentials;
mod exceptions;
mod office;
mod retiring;
mod rotation;
mod running;
mod secrets;
mod trusting;
