//! The machine: space, and the clock by which returns fall due.

use std::io;
use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Probe, Subjects};
use crate::cli::output::moment;
use crate::domain::ledger::Entry;
use crate::durable::Directory;
use crate::store::Queries;

/// Before this year, a clock was never set.
const YEAR_MIN: i16 = 2024;

/// Made by systemd-timesyncd once the clock has been set from the network.
// systemd-timesyncd.service(8)
const SYNCHRONISED: &str = "/run/systemd/timesync/synchronized";

pub(super) fn probe(subjects: &Subjects<'_>) -> Vec<Probe> {
    let mut probes = space(subjects);
    probes.push(clock(subjects.now, subjects.queries, Path::new(SYNCHRONISED).exists()));
    probes
}

/// Space below the state directory, and on every other disk that is delivered to.
fn space(subjects: &Subjects<'_>) -> Vec<Probe> {
    let settings = subjects.settings;
    let min = settings.service.limits.free_bytes_min;
    let routes = settings.authorities.iter().flat_map(|authority| &authority.routes);
    let mut probes = Vec::new();
    let mut devices = Vec::new();
    if let Ok((device, free)) = free(&settings.service.state) {
        devices.push(device);
        probes.push(space_of_state(free, min));
    }
    for route in routes {
        // A folder that cannot be opened is said where folders are tried.
        let Ok((device, free)) = free(&route.folder) else { continue };
        if devices.contains(&device) {
            continue;
        }
        devices.push(device);
        let says = format!("{} free on the disk of {}", megabytes(free), route.folder.display());
        probes.push(if free < min {
            let says = format!("{says}, less than `service.limits.free_bytes_min` ({}).", megabytes(min));
            Probe::warning("space", &route.destination, says, "Free some space there, or deliveries will wait for it.")
        } else {
            Probe::ok("space", &route.destination, format!("{says}."))
        });
    }
    probes
}

fn free(folder: &Path) -> io::Result<(u64, u64)> {
    let directory = Directory::open(folder)?;
    Ok((directory.device(), directory.free_bytes()?))
}

fn space_of_state(free: u64, min: u64) -> Probe {
    let says = format!(
        "{} free; collecting stops below {} (`service.limits.free_bytes_min`).",
        megabytes(free),
        megabytes(min)
    );
    if free < min {
        Probe::problem("space", "state", says, "Free some space below the state directory.")
    } else if free < min.saturating_mul(2) {
        Probe::warning("space", "state", says, "Free some space below the state directory soon.")
    } else {
        Probe::ok("space", "state", says)
    }
}

fn megabytes(bytes: u64) -> String {
    format!("{} MB", bytes / 1_000_000)
}

fn clock(now: Timestamp, queries: Option<&dyn Queries>, synchronised: bool) -> Probe {
    let next = "Set the clock, and have it kept by NTP (systemd-timesyncd or chrony).";
    let says = format!("The clock says {}", moment(now));
    if now.to_zoned(TimeZone::UTC).year() < YEAR_MIN {
        return Probe::problem("clock", "time", format!("{says}: it was never set."), next);
    }
    let recorded = queries.and_then(last_recorded);
    if let Some(last) = recorded.filter(|last| *last > now) {
        let says = format!("{says}, but the ledger's last entry is of {}: the clock went back.", moment(last));
        return Probe::problem("clock", "time", says, next);
    }
    let kept = if synchronised {
        "systemd-timesyncd has set it from the network"
    } else {
        "whether something keeps it right cannot be told from here"
    };
    Probe::ok("clock", "time", format!("{says} in London; {kept}."))
}

fn last_recorded(queries: &dyn Queries) -> Option<Timestamp> {
    let last = queries.head().ok()?.entries.checked_sub(1)?;
    let (_, line) = queries.ledger(last, 1).ok()?.pop()?;
    Some(Entry::read(&line).ok()?.at)
}

#[cfg(test)]
mod tests {
    use super::super::Outcome;
    use super::*;

    #[test]
    fn a_clock_that_was_never_set_is_a_problem() {
        assert_eq!(clock(Timestamp::UNIX_EPOCH, None, true).outcome, Outcome::Problem);
        let now = "2026-04-01T00:00:00Z".parse().unwrap();
        let unknown = clock(now, None, false);
        assert_eq!(unknown.outcome, Outcome::Ok);
        assert!(unknown.says.contains("cannot be told"), "{}", unknown.says);
    }

    #[test]
    fn space_is_judged_against_the_mark() {
        let outcome = |free| space_of_state(free, 100).outcome;
        assert_eq!([outcome(99), outcome(150), outcome(200)], [Outcome::Problem, Outcome::Warning, Outcome::Ok]);
    }
}
