//! Killed, and failed, at every system call: the real binary in whole workflows, over calls of every kind.
//!
//! `tests/crash --calls` does it at every single call and for every workflow; an ordinary run for two, at a few calls of
//! each kind. A workflow begins at a prepared folder; what does it (`run --once`) is killed or failed, and done again
//! without a fault until nothing is left to do; then everything is reckoned.

mod campaign;
pub mod carrying;
mod kinds;
mod mailed;
mod running;
mod table;
mod traced;
mod upkeep;

use campaign::{Workflow, errors, errors_everywhere, kills, kills_samples, kills_twice};
use carrying::Carrying;
use mailed::{MailIn, MailOut};
use running::{Approving, Busy};
use table::Table;
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
fn the_running_service_is_killed_while_files_come_and_returns_go() {
    kills_samples(&mut Busy::new(), 4).says();
}

#[test]
#[ignore = "long: tests/crash --calls"]
fn the_running_service_is_killed_while_people_approve() {
    kills_samples(&mut Approving::first(), 4).says();
    kills_samples(&mut Approving::second(), 4).says();
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

/// Each workflow, failed at every K-th call.
fn failed_everywhere(mut workflow: impl Workflow) {
    errors_everywhere(&mut workflow).iter().for_each(Table::says);
}

#[test]
#[ignore = "long: tests/crash --calls"]
fn failed_everywhere_between_folders() {
    failed_everywhere(Carrying::file());
    failed_everywhere(Carrying::pack());
}

#[test]
#[ignore = "long: tests/crash --calls"]
fn failed_everywhere_while_a_return_is_left() {
    failed_everywhere(Carrying::left_return());
}

#[test]
#[ignore = "long: tests/crash --calls"]
fn failed_everywhere_while_a_mail_comes_in() {
    failed_everywhere(MailIn::new());
}

#[test]
#[ignore = "long: tests/crash --calls"]
fn failed_everywhere_while_a_return_is_mailed() {
    failed_everywhere(MailOut::new());
}

#[test]
#[ignore = "long: tests/crash --calls"]
fn failed_everywhere_while_a_release_is_carried_out() {
    let (release, _staff) = Carrying::release();
    failed_everywhere(release);
}

#[test]
#[ignore = "long: tests/crash --calls"]
fn failed_everywhere_in_upkeep() {
    failed_everywhere(Upkeep::trust());
    failed_everywhere(Upkeep::import());
    failed_everywhere(Upkeep::erase());
    failed_everywhere(Upkeep::checkpoint());
}
