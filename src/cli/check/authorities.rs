//! Whether the table of LA numbers has each authority today.

use super::{Probe, Subjects};

const PROBE: &str = "authority";

pub(super) fn probe(subjects: &Subjects<'_>) -> Vec<Probe> {
    let today = subjects.today();
    let probes = subjects.settings.authorities.iter().map(|authority| {
        let number = &authority.number;
        if let Some(known) = subjects.authorities.on(today, number) {
            return Probe::ok(PROBE, number, format!("It is the number of {}.", known.council));
        }
        let next = "Compare the number with DWP's latest circular; where it is right, add it to the file that `authorities` in `[service]` names.";
        let says = match subjects.authorities.latest(number) {
            None => format!("The table of LA numbers does not have {number} ({}).", authority.name),
            Some(known) => format!("The table of LA numbers has {number} ({}), and not on {today}.", known.name),
        };
        Probe::warning(PROBE, number, says, next)
    });
    probes.collect()
}
