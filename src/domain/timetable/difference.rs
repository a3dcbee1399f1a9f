//! What a timetable changes against the one before it.
//!
//! In:  the timetable in force for the same year, or the latest before it, and the new one.
//! Out: dates that change, authorities that are added, gone, moved or renamed. Dates of another year are not compared.

use jiff::civil::Date;
use serde::Serialize;

use super::{GroupName, Timetable};
use crate::domain::authority::{Authority, LaNumber};
use crate::domain::kind::ReturnKind;
use crate::domain::period::{RelevantMonth, TimetableYear};

/// What changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The year it was compared with; `None` if there was nothing to compare with.
    pub against: Option<TimetableYear>,
    /// Dates of a group that change. Empty where another year was compared with.
    pub dates: Vec<ChangedDate>,
    /// Authorities that were not there.
    pub added: Vec<Placed>,
    /// Authorities that are no longer there.
    pub removed: Vec<Placed>,
    /// Authorities that keep other dates from now on.
    pub moved: Vec<Moved>,
    /// Authorities under another name.
    pub renamed: Vec<Renamed>,
}

/// One month's dates of a group, before and after; `None` where there are none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChangedDate {
    /// The group.
    #[serde(serialize_with = "as_text")]
    pub group: GroupName,
    /// Which return.
    #[serde(rename = "return")]
    pub kind: ReturnKind,
    /// The month.
    pub relevant_month: RelevantMonth,
    /// As in the timetable before.
    pub before: Option<Dates>,
    /// As in the new one.
    pub after: Option<Dates>,
}

/// A month's dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Dates {
    /// SHBE: the earliest day of extraction.
    pub extract_from: Option<Date>,
    /// The day of transfer.
    pub transfer_on: Date,
}

/// An authority and its group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Placed {
    /// Who.
    #[serde(flatten)]
    pub authority: Authority,
    /// Where.
    #[serde(serialize_with = "as_text")]
    pub group: GroupName,
}

/// An authority that changes its group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// Who.
    #[serde(flatten)]
    pub authority: Authority,
    /// Where it was.
    #[serde(serialize_with = "as_text")]
    pub from: GroupName,
    /// Where it is.
    #[serde(serialize_with = "as_text")]
    pub to: GroupName,
}

/// An authority that changes its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Renamed {
    /// Its number.
    pub number: LaNumber,
    /// Its name before.
    pub before: String,
    /// Its name now.
    pub after: String,
}

fn as_text<S: serde::Serializer>(group: &GroupName, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(group)
}

impl Difference {
    /// What `new` changes against `old`.
    pub fn between(old: Option<&Timetable>, new: &Timetable) -> Difference {
        let mut difference = Difference {
            against: old.map(Timetable::year),
            dates: Vec::new(),
            added: Vec::new(),
            removed: Vec::new(),
            moved: Vec::new(),
            renamed: Vec::new(),
        };
        difference.members(old, new);
        if let Some(old) = old.filter(|old| old.year() == new.year()) {
            difference.dates(old, new);
        }
        difference
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        let Difference { against: _, dates, added, removed, moved, renamed } = self;
        dates.is_empty() && added.is_empty() && removed.is_empty() && moved.is_empty() && renamed.is_empty()
    }

    fn members(&mut self, old: Option<&Timetable>, new: &Timetable) {
        for (group, authority) in members(new) {
            let before =
                old.and_then(|old| Some((old.group_of(&authority.number)?, old.authority(&authority.number)?)));
            let Some((was_in, before)) = before else {
                self.added.push(Placed { authority: authority.clone(), group });
                continue;
            };
            if was_in.name != group {
                self.moved.push(Moved { authority: authority.clone(), from: was_in.name, to: group });
            }
            if before.name != authority.name {
                let (number, after) = (authority.number.clone(), authority.name.clone());
                self.renamed.push(Renamed { number, before: before.name.clone(), after });
            }
        }
        let gone =
            old.into_iter().flat_map(members).filter(|(_, authority)| new.authority(&authority.number).is_none());
        self.removed = gone.map(|(group, authority)| Placed { authority: authority.clone(), group }).collect();
    }

    fn dates(&mut self, old: &Timetable, new: &Timetable) {
        let mut names: Vec<GroupName> = new.groups().iter().map(|group| group.name).collect();
        names.extend(
            old.groups().iter().map(|group| group.name).filter(|name| !names.contains(name)).collect::<Vec<_>>(),
        );
        for group in names {
            for kind in ReturnKind::ALL {
                for relevant_month in new.year().months() {
                    let [before, after] = [old, new].map(|timetable| dates(timetable, group, kind, relevant_month));
                    if before != after {
                        self.dates.push(ChangedDate { group, kind, relevant_month, before, after });
                    }
                }
            }
        }
    }
}

fn members(timetable: &Timetable) -> impl Iterator<Item = (GroupName, &Authority)> {
    timetable.groups().iter().flat_map(|group| group.authorities.iter().map(|authority| (group.name, authority)))
}

fn dates(timetable: &Timetable, group: GroupName, kind: ReturnKind, month: RelevantMonth) -> Option<Dates> {
    let group = timetable.groups().iter().find(|one| one.name == group)?;
    let row = group.rows(kind).into_iter().find(|row| row.relevant_month == month)?;
    Some(Dates { extract_from: row.extract_from, transfer_on: row.transfer_on })
}
