//! What is odd in a timetable written as TOML, before it may come into force.
//!
//! In:  the timetable, its text, what is in force. Out: findings, those of [`rules::lint`] and of who is missing.
//! Holds: the command, the draft and the order are judged by the same rules; only warnings depend on an operator's tables.

use std::collections::BTreeMap;

use crate::catalogue::Severity;
use crate::catalogue::circular::{Terms, TimetableFinding, rules};
use crate::domain::timetable::{GroupName, Timetable, Timetables};

/// Groups of a whole timetable: four weeks of four days.
// DWP A5/2020 Annexes B and D.
const GROUPS: usize = 16;

/// Everything that is odd in this timetable. `file` names its text in the findings.
pub fn judge(
    timetable: &Timetable,
    file: &str,
    text: &str,
    terms: &Terms<'_>,
    in_force: &Timetables,
) -> Vec<TimetableFinding> {
    let lines = lines(text);
    let line = |group: GroupName, month| lines.get(&(group.to_string(), format!("{month}"))).copied();
    let mut findings = rules::lint(timetable, file, terms, &line);
    findings.extend(fewer(timetable, file, in_force));
    findings
}

/// Whether groups or authorities are fewer than in the timetable in force for that year, or for the latest before it: a part
/// that is missing from both annexes contradicts nothing else.
pub fn fewer(timetable: &Timetable, file: &str, in_force: &Timetables) -> Vec<TimetableFinding> {
    let year = timetable.year();
    let earlier = || in_force.iter().rev().find(|earlier| earlier.year() < year);
    let before = in_force.year(year).or_else(earlier);
    let groups = before.map_or(GROUPS, |before| before.groups().len().max(GROUPS));
    let authorities = before.map_or(0, |before| before.authorities().len());
    let against = before.map_or_else(String::new, |before| format!(" of the timetable of {} in force", before.year()));
    let counts = [
        ("groups-fewer", "groups", timetable.groups().len(), groups),
        ("authorities-fewer", "authorities", timetable.authorities().len(), authorities),
    ];
    let told = counts.into_iter().filter(|(_, _, has, wanted)| has < wanted).map(|(code, what, has, wanted)| {
        let says = format!("There are {has} {what}, and not the {wanted}{against}: see that no part is missing.");
        let (file, severity) = (file.to_owned(), Severity::Error);
        TimetableFinding { code, severity, file, annex: None, line: None, group: None, authority: None, says }
    });
    told.collect()
}

/// The first line of each month of each group. A file that is laid out in another way than the bundled one has none.
fn lines(text: &str) -> BTreeMap<(String, String), usize> {
    let (mut week, mut lines) = (String::new(), BTreeMap::new());
    let mut group = String::new();
    for (at, line) in text.lines().enumerate() {
        let value = |key: &str| {
            let (found, value) = line.split_once('=')?;
            (found.trim() == key).then(|| value.trim().trim_matches('"').to_owned())
        };
        if let Some(value) = value("week") {
            week = value;
        }
        if let Some(weekday) = value("weekday") {
            group = format!("week {week} {weekday}");
        }
        let month = line.split_once("relevant_month").and_then(|(_, rest)| rest.split('"').nth(1));
        if let Some(month) = month {
            lines.entry((group.clone(), month.to_owned())).or_insert(at + 1);
        }
    }
    lines
}
