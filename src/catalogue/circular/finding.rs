//! What was found in a timetable, with its place.
//!
//! Holds: dates, names and LA numbers of the timetable may be said, because it is published; there is nobody's data in it.
//! Of one kind no more than [`OF_ONE_CODE_MAX`] are told, and how many more there were.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::catalogue::Severity;
use crate::domain::timetable::GroupName;

/// Findings of one code that are told one by one.
pub const OF_ONE_CODE_MAX: usize = 60;

/// One thing found in a timetable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TimetableFinding {
    /// Stable over releases, such as `number-misprinted`.
    pub code: &'static str,
    /// An error keeps the timetable from being used; a warning is for a person to read.
    pub severity: Severity,
    /// The file it is in.
    pub file: String,
    /// The annex's letter.
    pub annex: Option<String>,
    /// The line of the file, counted from 1.
    pub line: Option<usize>,
    /// The group concerned, such as `week 1 Monday`.
    #[serde(serialize_with = "as_text")]
    pub group: Option<GroupName>,
    /// The LA number concerned, as it is printed.
    pub authority: Option<String>,
    /// What it is, in a sentence.
    pub says: String,
}

fn as_text<S: serde::Serializer>(group: &Option<GroupName>, serializer: S) -> Result<S::Ok, S::Error> {
    group.map(|group| group.to_string()).serialize(serializer)
}

impl TimetableFinding {
    pub(super) fn file(&mut self, file: &str) -> &mut Self {
        file.clone_into(&mut self.file);
        self
    }

    pub(super) fn annex(&mut self, letter: &str) -> &mut Self {
        self.annex = Some(letter.to_owned());
        self
    }

    pub(super) fn line(&mut self, line: usize) -> &mut Self {
        self.line = Some(line);
        self
    }

    pub(super) fn group(&mut self, group: GroupName) -> &mut Self {
        self.group = Some(group);
        self
    }

    pub(super) fn authority(&mut self, number: impl ToString) -> &mut Self {
        self.authority = Some(number.to_string());
        self
    }
}

/// The findings so far.
#[derive(Default)]
pub(super) struct Findings {
    told: Vec<TimetableFinding>,
    counts: BTreeMap<(&'static str, Severity), usize>,
    /// Takes what is too many to be told.
    spare: Option<TimetableFinding>,
}

impl Findings {
    pub(super) fn error(&mut self, code: &'static str, says: impl Into<String>) -> &mut TimetableFinding {
        self.add(code, Severity::Error, says)
    }

    pub(super) fn warning(&mut self, code: &'static str, says: impl Into<String>) -> &mut TimetableFinding {
        self.add(code, Severity::Warning, says)
    }

    pub(super) fn add(
        &mut self,
        code: &'static str,
        severity: Severity,
        says: impl Into<String>,
    ) -> &mut TimetableFinding {
        let says = says.into();
        let finding = TimetableFinding {
            code,
            severity,
            file: String::new(),
            annex: None,
            line: None,
            group: None,
            authority: None,
            says,
        };
        let count = self.counts.entry((code, severity)).or_default();
        *count += 1;
        if *count > OF_ONE_CODE_MAX {
            return self.spare.insert(finding);
        }
        let at = self.told.len();
        self.told.push(finding);
        &mut self.told[at]
    }

    /// Those that are told.
    pub(super) fn all(&mut self) -> impl Iterator<Item = &mut TimetableFinding> {
        self.told.iter_mut()
    }

    /// By file and line, what has none last.
    pub(super) fn into_sorted(mut self) -> Vec<TimetableFinding> {
        self.told.sort_by_key(|finding| (finding.file.clone(), finding.line.unwrap_or(usize::MAX)));
        for ((code, severity), count) in self.counts {
            if let Some(more) = count.checked_sub(OF_ONE_CODE_MAX).filter(|&more| more > 0) {
                let says = format!("There are {more} more findings `{code}`, which are not told one by one.");
                let (file, annex, line) = (String::new(), None, None);
                self.told.push(TimetableFinding {
                    code,
                    severity,
                    file,
                    annex,
                    line,
                    group: None,
                    authority: None,
                    says,
                });
            }
        }
        self.told
    }
}
