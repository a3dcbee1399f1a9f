//! Killed at every step of making and taking away a checkpoint, and failed at each; then everything is there once, and good.

use hbcourier::durable::step::STEPS;

use super::Audited;

fn steps() -> impl Iterator<Item = &'static str> {
    STEPS.into_iter().filter(|step| step.starts_with("checkpoint."))
}

/// Every signature is accounted for: what was noted down as signed last is in the store.
fn assert_whole(audited: &mut Audited, what: &str) {
    audited.council.start();
    audited.council.until("the latest left", |council| {
        let entries = council.entries();
        let last =
            |event: &str| entries.iter().rfind(|entry| entry["event"] == event).map(|entry| entry["size"].clone());
        last("checkpoint-left").is_some() && last("checkpoint-left") == last("checkpoint-made")
    });
    let made = audited.council.json(&["audit", "checkpoint"]);
    audited.council.stops_well();
    let ledger = audited.council.ledger();
    let sizes = |event: &str| -> Vec<u64> {
        ledger.iter().filter(|entry| entry["event"] == event).map(|entry| entry["size"].as_u64().unwrap()).collect()
    };
    let notes: Vec<u64> = audited.notes().iter().map(|note| note.checkpoint().size).collect();
    assert_eq!(sizes("checkpoint-left"), notes, "{what}: each that left is told of once");
    assert_eq!(sizes("checkpoint-made").last(), made["size"].as_u64().as_ref(), "{what}");
    audited.assert_chained();
    let head = std::fs::read_to_string(audited.council.state.join("keys/ledger.head")).unwrap();
    assert_eq!(head, made["note"].as_str().unwrap(), "{what}");
}

#[test]
fn killed_at_every_step() {
    for step in steps() {
        let mut audited = Audited::new();
        audited.council.start_with(&[("FAILPOINTS", &format!("{step}=return(kill)"))]);
        let ended = audited.council.ends();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&ended), Some(9), "{step} is not passed: {ended}");
        assert_whole(&mut audited, step);
    }
}

#[test]
fn killed_at_every_step_of_a_later_one() {
    let mut audited = Audited::new();
    audited.council.start();
    audited.council.until("the first left", |council| council.events("checkpoint-left") == 1);
    audited.council.stops_well();
    for step in steps() {
        audited.council.start_with(&[("FAILPOINTS", &format!("{step}=return(kill)"))]);
        audited.council.until("it answers", |council| council.answers());
        // The service dies over it.
        audited.council.runs(&["audit", "checkpoint"]);
        let ended = audited.council.ends();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&ended), Some(9), "{step} is not passed: {ended}");
        assert_whole(&mut audited, step);
    }
}

#[test]
fn an_error_at_every_step_is_tried_again() {
    for step in steps() {
        let mut audited = Audited::new();
        audited.council.start_in(&[("FAILPOINTS", &format!("{step}=1*return(28)"))]);
        audited.council.until("it left all the same", |council| council.events("checkpoint-left") > 0);
        audited.council.stops_well();
        assert_whole(&mut audited, step);
    }
}
