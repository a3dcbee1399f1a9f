//! Notifications that are lost, and folders that have none.

use std::fs;

use super::{digests, folder_key, quick};
use crate::inbound::{laid_xml, sealed_laids};
use crate::support::council::{Council, set};
use crate::support::partner::SealOptions;

/// The kernel's bound on waiting notifications, lowered for those who ask from now on, and put back when dropped.
struct ShortQueue {
    before: String,
}

const QUEUE: &str = "/proc/sys/fs/inotify/max_queued_events";

impl ShortQueue {
    fn of(events: u32) -> ShortQueue {
        let before = fs::read_to_string(QUEUE).unwrap();
        fs::write(QUEUE, events.to_string()).unwrap();
        ShortQueue { before }
    }
}

impl Drop for ShortQueue {
    fn drop(&mut self) {
        fs::write(QUEUE, &self.before).unwrap();
    }
}

/// Stops the service's process, so that nobody reads notifications, or lets it go on.
fn signal(council: &Council, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(council.pid().cast_signed()).unwrap();
    rustix::process::kill_process(pid, signal).unwrap();
}

#[test]
fn two_thousand_files_at_once_overflow_the_queue_and_all_are_found() {
    const FILES: usize = 2000;
    let (dwp, mut council) = quick();
    folder_key(&council, "settle", "1s");
    // No sweep comes by itself while this test runs.
    council.changes_settings(|settings| set(settings, &["service", "sweep_every"], "1h"));
    let sealed = sealed_laids(&dwp, FILES);
    {
        let _short = ShortQueue::of(16);
        council.start();
    }
    council.until("it has looked", |council| {
        council.json(&["status"])["service"]["sources"].as_array().is_some_and(|all| !all.is_empty())
    });
    signal(&council, rustix::process::Signal::STOP);
    for (number, (_, sealed)) in sealed.iter().enumerate() {
        council.drops(&format!("{number}.pgp"), sealed);
    }
    signal(&council, rustix::process::Signal::CONT);
    council.until("all are delivered", |council| council.dropped().is_empty() && council.delivered().len() == FILES);
    council.until("all rest", |council| council.all_rest(FILES));
    assert!(council.log().contains("Notifications were lost"), "the queue did not overflow: this shows nothing");
    assert_eq!(council.delivered_digests(), digests(sealed.iter().map(|(content, _)| content)));
    council.stops_well();
}

#[test]
fn without_notifications_every_file_is_found_within_one_sweep() {
    let (dwp, mut council) = quick();
    folder_key(&council, "noticing", "poll");
    folder_key(&council, "settle", "100ms");
    council.changes_settings(|settings| set(settings, &["service", "sweep_every"], "700ms"));
    council.start();
    let source = |council: &Council| council.json(&["status"])["service"]["sources"][0].clone();
    for number in 0..5 {
        council.drops(&format!("{number}.pgp"), &dwp.seals(&laid_xml(number), "x.xml", &SealOptions::default()));
        let dropped = jiff::Timestamp::now();
        // A look that ended after the drop may have begun before it; the one after that has not.
        let (mut looks, mut last) = (0, dropped);
        council.until("two looks have ended", |council| {
            let look = source(council)["last_look"].as_str().and_then(|at| at.parse().ok());
            if let Some(at) = look.filter(|at| *at > last) {
                (looks, last) = (looks + 1, at);
            }
            looks == 2
        });
        let waiting = source(&council)["waiting"].as_u64().unwrap() > 0;
        assert!(waiting || council.consignments().len() == number + 1, "file {number} was not seen");
    }
    council.until("all are delivered", |council| council.all_rest(5) && council.delivered().len() == 5);
    council.stops_well();
}
