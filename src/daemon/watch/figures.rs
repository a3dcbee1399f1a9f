//! The figures of `/metrics`, as Prometheus reads them.
//!
//! In:  what there is at this moment. Out: text.
//! Holds: a label is a configured name, a word of ours, a code or an LA number; nothing is kept from one time to the next
//! but what is counted since the start.

mod sheet;

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};

use self::sheet::Sheet;
use super::Subjects;
use crate::config::settings::{AuthoritySettings, RouteSettings};
use crate::daemon::health::look_is_due_within;
use crate::domain::ledger::Event;
use crate::domain::{Stage, Standing, Submission};
use crate::effects::clock::london;
use crate::effects::thread::asked::room;
use crate::foresight::keys::last_end;
use crate::foresight::{overdue_of_all, owed};
use crate::store::{ConsignmentFilter, QueryError, SubmissionFilter};

/// What is counted since the start.
const COUNTED: [Event; 14] = [
    Event::Collected,
    Event::Delivered,
    Event::DeliveredRecovered,
    Event::DeliveredTaken,
    Event::Held,
    Event::Rejected,
    Event::Deferred,
    Event::Released,
    Event::Sent,
    Event::SentRecovered,
    Event::SendDeferred,
    Event::SendFailed,
    Event::ReturnHeld,
    Event::OrderRefused,
];

/// All of them; or in one sentence why there are none.
pub(super) fn figures(subjects: &Subjects) -> Result<String, String> {
    let mut sheet = Sheet::default();
    let now = subjects.clock.now();
    of_service(subjects, &mut sheet);
    of_sources(subjects, now, &mut sheet);
    of_keys(subjects, now, &mut sheet);
    of_places(subjects, &mut sheet);
    let read = of_transfers(subjects, now, &mut sheet)
        .and_then(|()| of_returns(subjects, now, &mut sheet))
        .and_then(|()| of_ledger(subjects, now, &mut sheet));
    read.map_err(|error| error.to_string())?;
    sheet.text()
}

fn of_service(subjects: &Subjects, sheet: &mut Sheet) {
    let status = subjects.health.status(&subjects.stop);
    sheet.gauge("build_info", "The running program.", &["version"], [([status.version], 1.0)]);
    let started = status.since.as_second() as f64;
    sheet.one("start_time_seconds", "When the service started, in seconds since 1970.", started);
    sheet.one("workers", "Parts of the service that are watched for progress.", subjects.workers.count() as f64);
    let stuck = subjects.workers.stuck(subjects.settings.watch.stuck_after).len();
    sheet.one("workers_stuck", "Those that have had nothing behind them for too long.", stuck as f64);
    let (abi, calls) = (status.sandbox.landlock, status.sandbox.system_calls);
    sheet.one("sandbox_landlock_abi", "Which ABI of Landlock confines the service; 0 is none.", f64::from(abi));
    let help = "Whether system calls that the service never makes are refused.";
    sheet.one("sandbox_system_calls_filtered", help, f64::from(u8::from(calls)));
    let (waiting, carried) = subjects.queue.depths();
    let sending = usize::from(subjects.outbound.is_sending());
    let depths = [("waiting", waiting), ("carried", carried), ("sending", sending)];
    let depths = depths.map(|(queue, depth)| ([queue.to_owned()], depth as f64));
    let help = "Files and transfers that wait for a carrier, or are carried; whether returns are being sent.";
    sheet.gauge("queue_depth", help, &["queue"], depths);
    let counted = COUNTED.map(|event| ([event.to_string()], subjects.counts.of(event) as f64));
    sheet.counter("events_total", "Entries in the ledger since the start, by event.", &["event"], counted);
}

fn of_sources(subjects: &Subjects, now: Timestamp, sheet: &mut Sheet) {
    let seen = subjects.health.status(&subjects.stop).sources;
    let label = |name: &dyn ToString| [name.to_string()];
    let ages = seen.iter().filter_map(|one| Some((label(&one.name), since(one.last_look?, now))));
    sheet.gauge("source_last_look_age_seconds", "Since the last successful look at a source.", &["source"], ages);
    let ok = seen.iter().map(|one| (label(&one.name), f64::from(u8::from(one.ok))));
    sheet.gauge("source_up", "Whether the last look at a source succeeded.", &["source"], ok);
    let waiting = seen.iter().map(|one| (label(&one.name), one.waiting as f64));
    sheet.gauge("source_waiting", "Files at a source that are not collected yet.", &["source"], waiting);
    let missed = seen.iter().map(|one| (label(&one.name), one.missed as f64));
    let help = "Files that the sweep found in a drop folder although the kernel should have told of them.";
    sheet.counter("source_missed_by_watch_total", help, &["source"], missed);
    let sources = subjects.settings.authorities.iter().flat_map(AuthoritySettings::sources);
    let due = sources.map(|one| (label(one.name), look_is_due_within(&subjects.settings, one).as_secs_f64()));
    sheet.gauge("source_look_due_seconds", "How old the last look at a source may be.", &["source"], due);
}

fn of_transfers(subjects: &Subjects, now: Timestamp, sheet: &mut Sheet) -> Result<(), QueryError> {
    let tally = subjects.queries.tally()?;
    let transfers = tally.transfers.iter().map(|(word, count)| ([word.clone()], *count as f64));
    sheet.gauge("transfers", "Transfers received, by where they stand.", &["standing"], transfers);
    let returns = tally.returns.iter().map(|((kind, word), count)| ([kind.to_string(), word.clone()], *count as f64));
    sheet.gauge("returns", "Returns, by kind and stage.", &["return", "stage"], returns);
    let held = ConsignmentFilter { word: Some("held".to_owned()), ..ConsignmentFilter::default() };
    let held = subjects.queries.consignments(&held)?.into_iter().filter_map(|one| match one.standing {
        Standing::Held { since, .. } => Some(since),
        _ => None,
    });
    let returns = subjects.queries.submissions(&SubmissionFilter { open: true, ..SubmissionFilter::default() })?;
    let returns = returns.into_iter().filter_map(|one| match one.stage {
        Stage::Held { since, .. } => Some(since),
        _ => None,
    });
    let held: Vec<Timestamp> = held.chain(returns).collect();
    sheet.one("held", "Transfers and returns that wait for a person.", held.len() as f64);
    let oldest = held.iter().min().map_or(0.0, |oldest| since(*oldest, now));
    sheet.one("held_oldest_age_seconds", "How long the oldest of them has waited; 0 if there is none.", oldest);
    Ok(())
}

fn of_returns(subjects: &Subjects, now: Timestamp, sheet: &mut Sheet) -> Result<(), QueryError> {
    let (settings, timetables) = (&subjects.settings, subjects.timetables.now());
    let all: Vec<Submission> = subjects.queries.submissions(&SubmissionFilter::default())?;
    let split = owed(settings, &timetables, &all, now);
    let kinds = settings
        .authorities
        .iter()
        .flat_map(|authority| authority.returns.iter().map(|owes| (owes.kind, authority.number.clone())));
    let kinds: Vec<_> = kinds.collect();
    let label = |kind: &dyn ToString, authority: &dyn ToString| [kind.to_string(), authority.to_string()];
    let next = kinds.iter().filter_map(|(kind, authority)| {
        let next = split.next.iter().find(|owed| owed.kind == *kind && owed.authority == *authority)?;
        Some((label(kind, authority), until(next.closes_at, now)))
    });
    let labels = ["return", "authority"];
    let help = "Until the hours of sending of the next return that is owed are over.";
    sheet.gauge("next_return_due_seconds", help, &labels, next);
    let overdue = kinds.iter().map(|(kind, authority)| {
        let of_these = split.overdue.iter().filter(|owed| owed.kind == *kind && owed.authority == *authority);
        (label(kind, authority), of_these.count() as f64)
    });
    sheet.gauge("returns_overdue", "Returns whose hours of sending are over without them.", &labels, overdue);
    let today = now.to_zoned(london()).date();
    let expected = overdue_of_all(settings, &*subjects.queries, &timetables, today)?;
    let expected = settings.authorities.iter().map(|authority| {
        let of_these = expected.iter().filter(|one| one.authority == authority.number);
        ([authority.number.to_string()], of_these.count() as f64)
    });
    let help = "What DWP should have sent to an authority by now: HBMS packs and Caseload Risk Data.";
    sheet.gauge("expectations_overdue", help, &["authority"], expected);
    let alarms = subjects.queries.alarms()?;
    let mut by_code = BTreeMap::<String, u64>::new();
    for alarm in alarms {
        *by_code.entry(alarm.code).or_default() += 1;
    }
    let alarms = by_code.into_iter().map(|(code, count)| ([code], count as f64));
    sheet.gauge("alarms", "Alarms that are raised now, by code.", &["code"], alarms);
    Ok(())
}

fn of_keys(subjects: &Subjects, now: Timestamp, sheet: &mut Sheet) {
    let keys = subjects.keys.list(now);
    let own = last_end(None, &keys).map(|end| (["own".to_owned()], until(end, now)));
    let partners = subjects.settings.partners.iter().filter_map(|partner| {
        let end = last_end(Some(&partner.name), &keys)?;
        Some(([partner.name.to_string()], until(end, now)))
    });
    let help = "Until the last usable key of ours (own), or of a partner, ends; none if one never does.";
    sheet.gauge("key_expires_seconds", help, &["holder"], own.into_iter().chain(partners));
    sheet.one("key_faults", "Key files that cannot be used.", keys.faults.len() as f64);
}

fn of_places(subjects: &Subjects, sheet: &mut Sheet) {
    let routes = subjects.settings.authorities.iter().flat_map(|authority| &authority.routes);
    let derived = |route: &RouteSettings| Some(route.derived.as_ref()?.destination.to_string());
    let all = routes.flat_map(|route| {
        let copies = route.derived.as_ref().zip(derived(route)).map(|(to, name)| (name, to.folder.clone()));
        [(route.destination.to_string(), route.folder.clone())].into_iter().chain(copies)
    });
    let state = ("state".to_owned(), subjects.settings.service.state.clone());
    let places: BTreeMap<String, PathBuf> = [state].into_iter().chain(all).collect();
    let folders: Vec<PathBuf> = places.values().cloned().collect();
    let rooms = room(&folders);
    let rooms: Vec<_> = places.into_iter().filter_map(|(name, folder)| Some((name, *rooms.get(&folder)?))).collect();
    let answers = rooms.iter().map(|(name, room)| ([name.clone()], f64::from(u8::from(room.is_some()))));
    let help = "Whether a place answers at all within two seconds; 0 is a file system that hangs.";
    sheet.gauge("place_answers", help, &["place"], answers);
    let known: Vec<_> = rooms.iter().filter_map(|(name, room)| Some((name, (*room)??))).collect();
    let free = known.iter().map(|(name, room)| ([name.to_string()], room.free as f64));
    let help = "Bytes that the service may still write, below the state directory or at a destination.";
    sheet.gauge("disk_free_bytes", help, &["place"], free);
    let size = known.iter().map(|(name, room)| ([name.to_string()], room.size as f64));
    sheet.gauge("disk_size_bytes", "Bytes that file system has.", &["place"], size);
    let least = subjects.settings.service.limits.free_bytes_min as f64;
    sheet.one("disk_free_bytes_min", "With less than this below the state directory nothing new is collected.", least);
}

fn of_ledger(subjects: &Subjects, now: Timestamp, sheet: &mut Sheet) -> Result<(), QueryError> {
    let entries = subjects.queries.head()?.entries;
    sheet.one("ledger_entries", "Entries in the ledger.", entries as f64);
    if let Some(latest) = subjects.queries.latest_checkpoint()? {
        sheet.one("checkpoint_age_seconds", "Since the latest checkpoint was made.", since(latest.at, now));
    }
    let (mut ages, mut stays, mut uncovered) = (Vec::new(), Vec::new(), Vec::new());
    for recipient in &subjects.settings.audit.recipients {
        let label = || [recipient.name.to_string()];
        let left = subjects.queries.last_left(&recipient.name)?;
        let covered = left.as_ref().map_or(0, |left| left.size);
        uncovered.push((label(), entries.saturating_sub(covered) as f64));
        let missed = subjects.queries.checkpoints(covered, 1)?;
        stays.push((label(), missed.first().map_or(0.0, |missed| since(missed.at, now))));
        if let Some(left) = left {
            let times = subjects.queries.left_to(left.size)?;
            let at = times.iter().find(|(name, _)| *name == recipient.name).map(|(_, at)| *at);
            ages.extend(at.map(|at| (label(), since(at, now))));
        }
    }
    let help = "Since a checkpoint last left to who keeps it elsewhere.";
    sheet.gauge("checkpoint_left_age_seconds", help, &["recipient"], ages);
    let help =
        "How old the first checkpoint is that a recipient does not have; 0 if there is none, also before any left.";
    sheet.gauge("checkpoint_stays_seconds", help, &["recipient"], stays);
    let help = "Entries that no checkpoint kept elsewhere covers.";
    sheet.gauge("ledger_entries_uncovered", help, &["recipient"], uncovered);
    Ok(())
}

fn since(then: Timestamp, now: Timestamp) -> f64 {
    now.duration_since(then).max(SignedDuration::ZERO).as_secs_f64()
}

fn until(then: Timestamp, now: Timestamp) -> f64 {
    then.duration_since(now).as_secs_f64()
}
