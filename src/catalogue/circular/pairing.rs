//! Whose rows of the two annexes are the same authority's: by number first, then by name.
//!
//! In:  both annexes as printed, the table of LA numbers. Out: [`Members`].
//! Holds: where the annexes disagree on a number, the one that the name and the other annex support wins, and the finding is
//! kept. What no rule decides is an error, and nobody's dates.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::finding::{Findings, TimetableFinding};
use super::name::{folded, predecessors, without_note};
use super::printed::Annex;
use super::row::PrintedAuthority;
use super::{Severity, Terms};
use crate::domain::timetable::GroupName;
use crate::domain::{Authority, LaNumber, RelevantMonth};

/// Who is in which group.
#[derive(Default)]
pub(super) struct Members {
    groups: Vec<(GroupName, Vec<Authority>)>,
    disputed: BTreeSet<String>,
    pub(super) predecessors: BTreeMap<LaNumber, Vec<String>>,
}

impl Members {
    /// The group's authorities, in the order of Annex D.
    pub(super) fn of(&self, name: GroupName) -> Vec<Authority> {
        self.groups.iter().find(|(group, _)| *group == name).map(|(_, members)| members.clone()).unwrap_or_default()
    }

    /// Whether both annexes name the same members.
    pub(super) fn agree_on(&self, name: GroupName) -> bool {
        !self.disputed.contains(&name.to_string())
    }

    fn dispute<const N: usize>(&mut self, entries: [&Entry<'_>; N]) {
        self.disputed.extend(entries.map(|entry| entry.group.to_string()));
    }

    fn add(&mut self, group: GroupName, authority: Authority) {
        match self.groups.iter_mut().find(|(name, _)| *name == group) {
            Some((_, members)) => members.push(authority),
            None => self.groups.push((group, vec![authority])),
        }
    }
}

/// An authority's row within an annex.
struct Entry<'a> {
    group: GroupName,
    printed: &'a PrintedAuthority,
    name: String,
    paired: bool,
}

fn entries(annex: &Annex) -> Vec<Entry<'_>> {
    let of_group = annex.groups.iter().flat_map(|group| group.authorities.iter().map(|printed| (group.name, printed)));
    of_group.map(|(group, printed)| Entry { group, printed, name: folded(&printed.name), paired: false }).collect()
}

/// Pairs the authorities of the annexes.
pub(super) fn pair(shbe: &Annex, hbms_mi: &Annex, terms: &Terms<'_>, findings: &mut Findings) -> Members {
    let (mut firsts, mut seconds) = (entries(shbe), entries(hbms_mi));
    let mut pairs: BTreeMap<usize, usize> = BTreeMap::new();
    // Of one number printed twice the row in the same group is meant.
    let rules: [fn(&Entry<'_>) -> String; 4] = [
        |entry| format!("{} {} {}", entry.group, entry.printed.number, entry.name),
        |entry| format!("{} {}", entry.printed.number, entry.name),
        |entry| entry.name.clone(),
        |entry| entry.printed.number.clone(),
    ];
    for key in rules {
        let mut waiting: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (at, first) in firsts.iter().enumerate().rev().filter(|(_, first)| !first.paired) {
            waiting.entry(key(first)).or_default().push(at);
        }
        for (at, second) in seconds.iter_mut().enumerate().filter(|(_, second)| !second.paired) {
            if let Some(with) = waiting.get_mut(&key(second)).and_then(Vec::pop) {
                (firsts[with].paired, second.paired) = (true, true);
                pairs.insert(at, with);
            }
        }
    }
    let mut pairing = Pairing { annexes: [shbe, hbms_mi], terms, findings, members: Members::default() };
    for (&second, &first) in &pairs {
        pairing.settle([&firsts[first], &seconds[second]]);
    }
    pairing.left_over(0, &firsts);
    pairing.left_over(1, &seconds);
    pairing.members
}

struct Pairing<'a, 'f> {
    /// SHBE, HBMS MI.
    annexes: [&'a Annex; 2],
    terms: &'a Terms<'a>,
    findings: &'f mut Findings,
    members: Members,
}

impl Pairing<'_, '_> {
    /// Decides number, name and group of one authority.
    fn settle(&mut self, pair: [&Entry<'_>; 2]) {
        let [first, second] = pair;
        if first.group != second.group {
            self.members.dispute(pair);
            let says = format!(
                "{} is in {} here and in {} in Annex {} (line {}).",
                first.printed.name, first.group, second.group, self.annexes[1].letter, second.printed.line
            );
            self.find(Severity::Error, "group-differs", 0, first, says);
        }
        if first.name == second.name {
            self.spelling(pair);
        } else {
            let says = format!(
                "The number belongs to `{}` here and to `{}` in Annex {} (line {}).",
                first.printed.name, second.printed.name, self.annexes[1].letter, second.printed.line
            );
            self.find(Severity::Warning, "name-differs", 0, first, says);
        }
        let Some(number) = self.number(pair) else { return };
        let mut noted = predecessors(&second.printed.name);
        noted.extend(predecessors(&first.printed.name).into_iter().filter(|_| noted.is_empty()).collect::<Vec<_>>());
        if !noted.is_empty() {
            self.members.predecessors.insert(number.clone(), noted);
        }
        let name = without_note(&second.printed.name).to_owned();
        self.members.add(second.group, Authority { number, name });
    }

    fn spelling(&mut self, [first, second]: [&Entry<'_>; 2]) {
        let (here, there) = (without_note(&first.printed.name), without_note(&second.printed.name));
        if here != there {
            let says = format!("The name is `{here}` here and `{there}` in Annex {}.", self.annexes[1].letter);
            self.find(Severity::Warning, "name-variant", 0, first, says);
        }
    }

    /// The number that counts, if it can be told.
    fn number(&mut self, pair: [&Entry<'_>; 2]) -> Option<LaNumber> {
        let parsed = pair.map(|entry| entry.printed.number.parse::<LaNumber>().ok());
        let name = &pair[1].printed.name;
        if pair[0].printed.number == pair[1].printed.number {
            if parsed[0].is_none() {
                let says = format!("{name} has a number in both annexes that is none: five or six digits are needed.");
                self.find(Severity::Error, "number-misprinted", 0, pair[0], says);
            }
            return parsed[0].clone();
        }
        let supported =
            parsed.each_ref().map(|number| number.as_ref().is_some_and(|number| self.is_known(number, pair)));
        let wins = match (supported, parsed.each_ref().map(Option::is_some)) {
            ([true, false], _) => 0,
            ([false, true], _) => 1,
            ([false, false], [true, false]) => 0,
            ([false, false], [false, true]) => 1,
            ([true, true], _) | ([false, false], [true, true] | [false, false]) => {
                self.members.dispute(pair);
                let says = format!(
                    "{name} has the number {} here and {} in Annex {} (line {}), and the table of authorities supports neither alone; it is left out.",
                    pair[0].printed.number, pair[1].printed.number, self.annexes[1].letter, pair[1].printed.line
                );
                self.find(Severity::Error, "number-misprinted", 0, pair[0], says);
                return None;
            }
        };
        let (right, wrong) = (pair[wins], pair[1 - wins]);
        let why = if supported[wins] {
            "the table of authorities has it under that name too"
        } else {
            "the other is too short or too long"
        };
        let says = format!(
            "{name} has the number {} here and {} in Annex {} (line {}); {} is taken, because {why}.",
            wrong.printed.number,
            right.printed.number,
            self.annexes[wins].letter,
            right.printed.line,
            right.printed.number
        );
        self.find(Severity::Warning, "number-misprinted", 1 - wins, wrong, says).authority(&right.printed.number);
        parsed[wins].clone()
    }

    fn is_known(&self, number: &LaNumber, pair: [&Entry<'_>; 2]) -> bool {
        let known = self.terms.authorities.on(first_day(self.terms), number);
        known.is_some_and(|known| pair.iter().any(|entry| entry.name == folded(&known.name)))
    }

    /// What one annex has and the other has not.
    fn left_over(&mut self, annex: usize, entries: &[Entry<'_>]) {
        for entry in entries.iter().filter(|entry| !entry.paired) {
            let twin = |other: &&Entry<'_>| {
                other.paired && (other.printed.number == entry.printed.number || other.name == entry.name)
            };
            let name = &entry.printed.name;
            match entries.iter().find(twin) {
                Some(twin) if twin.group == entry.group => {
                    let says =
                        format!("{name} is printed twice in {}, first in line {}.", entry.group, twin.printed.line);
                    self.find(Severity::Warning, "authority-twice", annex, entry, says);
                }
                Some(twin) => {
                    self.members.dispute([entry, twin]);
                    let says =
                        format!("{name} is in {} and in {} (line {}).", entry.group, twin.group, twin.printed.line);
                    self.find(Severity::Error, "authority-twice", annex, entry, says);
                }
                None => {
                    self.members.dispute([entry]);
                    let says = format!("{name} is not in Annex {}, so it is left out.", self.annexes[1 - annex].letter);
                    self.find(Severity::Error, "authority-in-one-annex", annex, entry, says);
                }
            }
        }
    }

    fn find(
        &mut self,
        severity: Severity,
        code: &'static str,
        annex: usize,
        entry: &Entry<'_>,
        says: String,
    ) -> &mut TimetableFinding {
        let finding = self.findings.add(code, severity, says);
        self.annexes[annex].at(finding, entry.printed.line).group(entry.group).authority(&entry.printed.number)
    }
}

/// The first day of the year wanted.
pub(super) fn first_day(terms: &Terms<'_>) -> Date {
    terms.year.months().next().map_or(Date::MIN, RelevantMonth::first_day)
}
