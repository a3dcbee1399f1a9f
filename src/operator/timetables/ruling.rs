//! Findings that a person has ruled on: what is printed is right, although a rule says otherwise.
//!
//! In:  words such as `dates-differ:512`. Out: which findings they are about.
//! Holds: one ruling is about one place; where it could mean places in several files, it must name the file.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::catalogue::Severity;
use crate::catalogue::circular::TimetableFinding;

/// A finding that a person has ruled on, written `CODE:LINE`, `FILE:CODE:LINE`, or `CODE` for one that has no line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruling {
    file: Option<String>,
    code: String,
    line: Option<usize>,
}

/// Why a ruling is about no finding, or about too many.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RulingFault {
    /// Nothing was found there.
    #[error("there is no finding {0}")]
    NoFinding(Ruling),
    /// It was found in several files at that line.
    #[error("{ruling} is found in {}; write it as {}:{ruling}", files.join(" and in "), files[0])]
    SeveralFiles {
        /// The ruling.
        ruling: Ruling,
        /// The files.
        files: Vec<String>,
    },
}

impl FromStr for Ruling {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (rest, line) = match text.rsplit_once(':') {
            Some((rest, line)) => (rest, line.parse().map(Some)),
            None => (text, Ok(None)),
        };
        let (file, code) = rest.rsplit_once(':').map_or((None, rest), |(file, code)| (Some(file.to_owned()), code));
        let is_code = !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        match line {
            Ok(line) if is_code => Ok(Ruling { file, code: code.to_owned(), line }),
            _ => Err(format!("`{text}` is no finding: write it as dates-differ:512")),
        }
    }
}

impl fmt::Display for Ruling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{file}:")?;
        }
        f.write_str(&self.code)?;
        self.line.map_or(Ok(()), |line| write!(f, ":{line}"))
    }
}

impl Ruling {
    /// The ruling that would be about this finding, where there is one file only.
    pub fn on(finding: &TimetableFinding) -> Ruling {
        Ruling { file: None, code: finding.code.to_owned(), line: finding.line }
    }

    /// The same for a text that has no name.
    pub fn without_file(&self) -> Ruling {
        Ruling { file: None, ..self.clone() }
    }

    fn is_about(&self, finding: &TimetableFinding) -> bool {
        let of_file = self.file.as_ref().is_none_or(|file| *file == finding.file);
        of_file && finding.code == self.code && finding.line == self.line
    }
}

/// The findings at the level of an error that nobody has ruled on.
pub fn unruled<'a>(
    findings: &'a [TimetableFinding],
    rulings: &[Ruling],
) -> Result<Vec<&'a TimetableFinding>, RulingFault> {
    for ruling in rulings {
        let about = findings.iter().filter(|finding| ruling.is_about(finding));
        let files: BTreeSet<&str> = about.map(|finding| finding.file.as_str()).collect();
        if files.is_empty() {
            return Err(RulingFault::NoFinding(ruling.clone()));
        }
        if files.len() > 1 {
            let files = files.into_iter().map(str::to_owned).collect();
            return Err(RulingFault::SeveralFiles { ruling: ruling.clone(), files });
        }
    }
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error);
    Ok(errors.filter(|finding| !rulings.iter().any(|ruling| ruling.is_about(finding))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(file: &str, code: &'static str, line: Option<usize>) -> TimetableFinding {
        let (severity, says) = (Severity::Error, String::new());
        TimetableFinding { code, severity, file: file.into(), annex: None, line, group: None, authority: None, says }
    }

    fn ruling(text: &str) -> Ruling {
        text.parse().unwrap()
    }

    #[test]
    fn a_ruling_reads_back_as_it_is_written() {
        for text in ["dates-differ:512", "groups-fewer", "b.csv:dates-differ:5", "C:/odd/b.csv:interval:5"] {
            assert_eq!(ruling(text).to_string(), text);
        }
        for text in ["", ":5", "dates-differ:", "dates-differ:x", "Dates:5", "dates differ:5"] {
            assert!(text.parse::<Ruling>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_line_of_two_files_needs_the_name_of_one() {
        let findings = [found("b.csv", "interval", Some(5)), found("d.csv", "interval", Some(5))];
        let fault = unruled(&findings, &[ruling("interval:5")]).unwrap_err();
        assert!(fault.to_string().contains("b.csv:interval:5"), "{fault}");
        assert_eq!(unruled(&findings, &[ruling("b.csv:interval:5")]), Ok(vec![&findings[1]]));
        let both = [ruling("b.csv:interval:5"), ruling("d.csv:interval:5")];
        assert_eq!(unruled(&findings, &both), Ok(vec![]));
        assert_eq!(unruled(&findings, &[ruling("interval:6")]), Err(RulingFault::NoFinding(ruling("interval:6"))));
        let one = [found("d.toml", "groups-fewer", None)];
        assert_eq!(unruled(&one, &[ruling("groups-fewer")]), Ok(vec![]));
    }
}
