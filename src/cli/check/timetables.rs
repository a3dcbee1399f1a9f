//! Whether a timetable has each authority, and how far ahead.

use jiff::ToSpan;

use super::{Probe, Subjects};

const PROBE: &str = "timetable";

/// With fewer weeks than this ahead, the next year's timetable should be asked for.
const WEEKS_AHEAD_MIN: i64 = 8;

pub(super) fn probe(subjects: &Subjects<'_>) -> Vec<Probe> {
    let today = subjects.today();
    let probes = subjects.settings.authorities.iter().map(|authority| {
        let (number, owes) = (&authority.number, !authority.returns.is_empty());
        let next = "Name the file of the year that is needed in a `[[timetable]]` table of the configuration.";
        let Some(end) = subjects.timetables.coverage_ends(number) else {
            let says = format!("No timetable in force has {number} ({}).", authority.name);
            let next = "Compare the number with `hbcourier timetable list`, or name the file of the timetable \
             that has it in a `[[timetable]]` table of the configuration.";
            return match owes {
                true => Probe::problem(PROBE, number, format!("{says} No return of it would ever fall due."), next),
                false => Probe::warning(PROBE, number, says, next),
            };
        };
        if end < today {
            let says = format!("The timetables in force end for it on {end}: no return falls due after that day.");
            return Probe::warning(PROBE, number, says, next);
        }
        if today.saturating_add(WEEKS_AHEAD_MIN.weeks()) > end {
            let says = format!("The timetables in force end for it on {end}, in less than {WEEKS_AHEAD_MIN} weeks.");
            return Probe::warning(PROBE, number, says, next);
        }
        Probe::ok(PROBE, number, format!("Every date is known up to {end}."))
    });
    probes.collect()
}
