//! What is wrong with a configuration: all of it, each with its place and the next step.
//!
//! Holds: a problem is one line, whatever was written in the file; a value that may be a secret is never repeated.

use std::fmt;

use super::location::Origin;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where it stands.
    pub origin: Origin,
    /// Which key, such as `authority[12302].drop_folder[drop-12302].path`. Empty if the file as a whole is meant.
    pub key: String,
    /// What is wrong.
    pub wrong: String,
    /// What to do.
    pub next: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", one_line(&self.origin.to_string()))?;
        if !self.key.is_empty() {
            write!(f, "{}: ", one_line(&self.key))?;
        }
        let end = if self.next.ends_with('?') { "" } else { "." };
        write!(f, "{}. Next: {}{end}", one_line(&self.wrong), one_line(&self.next))
    }
}

/// Everything that is wrong. As an error it is never empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Adds one.
    pub fn add(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }

    /// By file, then by line, so that a person can go through a file once.
    pub(super) fn in_order_of_place(mut self) -> Problems {
        self.0.sort_by(|a, b| a.origin.cmp(&b.origin));
        self
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(Problem::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for Problems {}

/// Longer texts are cut: a value from the file may have any length.
const CHARACTERS_MAX: usize = 500;

/// Control characters from a file must neither break a line nor reach a terminal.
fn one_line(text: &str) -> String {
    let plain = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
    let mut line: String = text.chars().take(CHARACTERS_MAX).map(plain).collect();
    if line.len() < text.len() {
        line.push('…');
    }
    line
}
