//! Killed, and failed, at every system call: the real binary in whole workflows, over calls of every kind.
//!
//! `tests/crash --calls` does it at every single call and for every workflow; an ordinary run for two, at a few calls of
//! each kind. A workflow begins at a prepared folder; what does it (`run --once`) is killed or failed, and done again
//! without a fault until nothing is left to do; then everything is reckoned.

mod campaign;
pub mod carrying;
mod kinds;
mod mailed;
mod table;
mod traced;
mod upkeep;

use campaign::{errors, kills, kills_twice};
use carrying::Carrying;
use mailed::{MailIn, MailOut};
use upkeep::Upkeep;

#[test]
fn killed_while_a_file_comes_in() {
    kills(&mut Carrying::file(), 2).says();
}

#[test]
fn killed_while_a_return_is_left_in_a_folder() {
    kills(&mut Carrying::left_return(), 1).says();
}

#[test]
fn failed_while_a_file_comes_in() {
    errors(&mut Carrying::file()).says();
}

#[test]
#[ignore = "long: tests/crash --calls"]
fn killed_while_a_mail_comes_in() {
    kills(&mut MailIn::new(), 2).says();
}

#[test]
#[ignore = "long: tests/crash --calls"]
fn killed_while_a_pack_comes_in() {
    kills(&mut Carrying::pack(), 2).says();
}

#[test]
#[ignore = "long: tests/crash --calls"]
fn killed_while_a_return_is_mailed() {
    kills(&mut MailOut::new(), 2).says();
}

#[test]
#[ignore = "long: tests/crash --calls"]
fn killed_while_a_release_is_carried_out() {
    let (mut release, _staff) = Carrying::release();
    kills(&mut release, 2).says();
}

#[test]
#[ignore = "long: tests/crash --calls"]
fn killed_while_keys_are_taken_in() {
    kills(&mut Upkeep::trust(), 2).says();
    kills(&mut Upkeep::import(), 2).says();
}

#[test]
#[ignore = "long: tests/crash --calls"]
fn killed_while_what_was_kept_long_enough_is_erased() {
    kills(&mut Upkeep::erase(), 2).says();
}

#[test]
#[ignore = "long: tests/crash --calls"]
fn killed_while_a_checkpoint_is_made() {
    kills(&mut Upkeep::checkpoint(), 2).says();
}

#[test]
#[ignore = "long: tests/crash --calls"]
fn killed_and_again_while_recovering() {
    kills_twice(&mut Carrying::pack()).says();
    kills_twice(&mut Carrying::left_return()).says();
    kills_twice(&mut MailIn::new()).says();
    kills_twice(&mut MailOut::new()).says();
}

#[test]
#[ignore = "long: tests/crash --calls"]
fn failed_while_a_return_is_left_in_a_folder() {
    errors(&mut Carrying::left_return()).says();
}

#[test]
#[ignore = "long: tests/crash --calls"]
fn failed_while_a_mail_comes_in() {
    errors(&mut MailIn::new()).says();
}

#[test]
#[ignore = "long: tests/crash --calls"]
fn failed_while_a_return_is_mailed() {
    errors(&mut MailOut::new()).says();
}
