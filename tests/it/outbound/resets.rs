//! A mail server that resets connections before, during and after its answer: no return is lost, none is sent twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hbcourier::config::timetable::bundled;
use hbcourier::domain::ReturnKind::Shbe;
use hbcourier::domain::ledger::Event;
use hbcourier::domain::timetable::Obligation;
use hbcourier::domain::{ReturnOrder, Stage};
use hbcourier::effects::courier::smtp::{SmtpCourier, Tls};

use super::council::{Council, Way, extract};
use crate::support::smtp::{Certificates, FaultServer};

const RETURNS: usize = 200;

/// The messages that the server has, by Message-ID.
fn taken(server: &FaultServer) -> BTreeMap<String, Vec<Vec<u8>>> {
    let mut taken: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    for mail in server.taken() {
        let text = String::from_utf8_lossy(&mail).into_owned();
        let id =
            text.lines().find_map(|line| line.strip_prefix("Message-ID: <")?.strip_suffix('>')).unwrap().to_owned();
        taken.entry(id).or_default().push(mail);
    }
    taken
}

/// What so many authorities owe for April.
fn april() -> Vec<Obligation> {
    let timetables = bundled().unwrap();
    let groups = timetables.iter().flat_map(|timetable| timetable.groups().to_vec());
    let numbers = groups.flat_map(|group| group.authorities.into_iter().map(|authority| authority.number));
    let april = "2020-04".parse().unwrap();
    numbers
        .take(RETURNS)
        .map(|number| timetables.obligations(&number, Shbe).into_iter().find(|one| one.key.month == april).unwrap())
        .collect()
}

/// Ticks until nothing is to be tried again by itself.
fn settles(council: &Council) {
    for _ in 0..200 {
        council.tick();
        let due = council.submissions().into_iter().filter_map(|submission| match submission.stage {
            Stage::Deferred { until, .. } => Some(until),
            _ => None,
        });
        let Some(due) = due.max() else { return };
        council.clock.advance_to_moment(due);
    }
    panic!("some are still to be tried again");
}

/// Asks DWP what arrived: that is confirmed, and the rest sent again, until nothing waits.
fn a_person_ends_each(council: &Council, server: &FaultServer, ids: &BTreeMap<&String, String>) {
    for _ in 0..100 {
        let arrived = taken(server);
        let mut waiting =
            ids.iter().filter(|(key, _)| matches!(council.stage(key), Stage::Uncertain { .. })).peekable();
        if waiting.peek().is_none() {
            return;
        }
        for (key, id) in waiting {
            let decision = if arrived.contains_key(id) { ReturnOrder::Confirm } else { ReturnOrder::Resend };
            council.order(key, decision).unwrap();
        }
        settles(council);
    }
    panic!("some still wait for a person");
}

fn each_step_is_in_the_ledger(council: &Council, server: &FaultServer, ids: &BTreeMap<&String, String>) {
    let mut events: BTreeMap<(String, String), usize> = BTreeMap::new();
    for entry in council.ledger() {
        if let Some(key) = entry.facts.submission {
            *events.entry((key, format!("{:?}", entry.event))).or_default() += 1;
        }
    }
    for (key, id) in ids {
        let count = |event: Event| events.get(&((*key).clone(), format!("{event:?}"))).copied().unwrap_or(0);
        assert!(
            matches!(council.stage(key), Stage::Sent { .. } | Stage::Acknowledged { .. }),
            "{:?}",
            council.stage(key)
        );
        assert_eq!((count(Event::Scheduled), count(Event::Sealed)), (1, 1), "{key}");
        let offers = server.done().iter().filter(|(done, _)| done == id).count();
        assert!(count(Event::Sending) >= offers, "{key}: each offer was recorded before it");
    }
}

#[test]
fn two_hundred_returns_are_neither_lost_nor_doubled() {
    let seed = std::env::var("HBCOURIER_RESET_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(12_302);
    let certificates = Certificates::new();
    let server = FaultServer::resetting(&certificates, seed);
    let courier = Arc::new(SmtpCourier::new(certificates.settings(server.port, Tls::Starttls)));
    let owed = april();
    let names: Vec<&str> = owed.iter().map(|obligation| obligation.key.authority.as_str()).collect();
    let council = Council::new(&names, "2020-04-01 08:30", Way::By(courier));
    let days: BTreeSet<_> = owed.iter().flat_map(|owed| [owed.extract_from.unwrap(), owed.transfer_on]).collect();
    for day in days {
        council.clock.advance_to(&format!("{day} 08:30"));
        for obligation in owed.iter().filter(|obligation| obligation.extract_from == Some(day)) {
            let number = obligation.key.authority.as_str();
            council.put(number, Shbe, "shbe.txt", extract(number, &day.to_string(), ""));
        }
        council.look();
        settles(&council);
    }

    let keys: Vec<String> = owed.iter().map(|obligation| obligation.key.to_string()).collect();
    let ids: BTreeMap<&String, String> =
        keys.iter().map(|key| (key, council.submission(key).sealed.unwrap().message_id)).collect();
    // Each message was offered to the end at most once, whatever became of it.
    let done: BTreeMap<String, String> = server.done().into_iter().collect();
    assert_eq!(done.len(), server.done().len(), "none twice without an order");
    assert!(done.keys().all(|id| ids.values().any(|ours| ours == id)));
    let mut tally: BTreeMap<(&str, bool), u32> = BTreeMap::new();
    for (key, id) in &ids {
        let stage = council.stage(key);
        let sent = match &stage {
            Stage::Sent { .. } => true,
            Stage::Uncertain { .. } => false,
            other => panic!("{key} is {other:?}"),
        };
        // A message that is cut may have left as a whole before the cut is seen.
        let plan = done.get(id).map_or("cut", String::as_str);
        match plan {
            "none" => assert!(sent, "{key}: {stage:?}"),
            // A reset may overtake the answer before it.
            "whole" => {}
            _ => assert!(!sent, "{key}: {stage:?} after {plan}"),
        }
        *tally.entry((plan, sent)).or_default() += 1;
    }
    println!("seed {seed}: {tally:?}");
    assert!(["cut", "lost", "taken", "half"].iter().all(|plan| tally[&(*plan, false)] > 0), "{tally:?}");

    a_person_ends_each(&council, &server, &ids);
    let arrived = taken(&server);
    assert_eq!(arrived.keys().collect::<BTreeSet<_>>(), ids.values().collect(), "each arrived");
    assert!(arrived.values().all(|copies| copies.len() == 1), "and once");
    each_step_is_in_the_ledger(&council, &server, &ids);
}
