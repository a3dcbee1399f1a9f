//! What campaigns came to: a line for each kind of fault, and one row of a table in Markdown for each campaign.

use std::fmt;

use super::super::zeros::Outcome;

/// Of one workflow.
pub struct Table {
    name: &'static str,
    what: String,
    pub rows: Vec<Row>,
}

/// Of one kind of fault.
#[derive(Clone, Default)]
pub struct Row {
    /// In the line.
    pub what: String,
    /// In the table, where those of the same name are added.
    pub group: String,
    /// How often it befell.
    pub hits: usize,
    lost: usize,
    duplicated: usize,
    half_written: usize,
    /// How often nobody can tell whether a return arrived, as is said to a person.
    pub uncertain: usize,
    /// How often the ledger did not verify.
    broken: usize,
    /// Whatever is not as it should be.
    pub violations: Vec<String>,
}

impl Outcome {
    /// Whether everything is as it should be.
    pub fn is_well(&self) -> bool {
        self.lost + self.duplicated + self.half_written == 0 && self.ledger.is_none()
    }
}

impl Row {
    pub fn new(what: String, group: impl fmt::Display) -> Row {
        Row { what, group: group.to_string(), ..Row::default() }
    }

    pub fn adds(&mut self, outcome: &Outcome, what: &str) {
        self.lost += outcome.lost;
        self.duplicated += outcome.duplicated;
        self.half_written += outcome.half_written;
        self.uncertain += outcome.uncertain;
        self.broken += usize::from(outcome.ledger.is_some());
        if !outcome.is_well() {
            self.violations.push(format!("{what}: {outcome}"));
        }
    }

    fn includes(&mut self, other: &Row) {
        self.hits += other.hits;
        self.lost += other.lost;
        self.duplicated += other.duplicated;
        self.half_written += other.half_written;
        self.uncertain += other.uncertain;
        self.broken += other.broken;
        self.violations.extend(other.violations.iter().cloned());
    }

    fn ledger(&self) -> String {
        if self.broken == 0 { "intact".to_owned() } else { format!("{} broken", self.broken) }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Row { what, hits, lost, duplicated, half_written, uncertain, violations, .. } = self;
        write!(
            f,
            "{what}: {hits} times, lost {lost}, duplicated {duplicated}, half-written visible {half_written}, ledger {}, \
             uncertain and said {uncertain}, violations {}",
            self.ledger(),
            violations.len()
        )
    }
}

impl Table {
    pub fn new(name: &'static str, what: impl Into<String>) -> Table {
        Table { name, what: what.into(), rows: Vec::new() }
    }

    /// Prints it, and fails if it tells of anything but zeros.
    pub fn says(&self) {
        let (mut all, mut groups) = (Row::default(), Vec::<(&str, usize)>::new());
        for row in &self.rows {
            println!("{}: {row}", self.name);
            all.includes(row);
            match groups.iter_mut().find(|(group, _)| *group == row.group) {
                Some((_, hits)) => *hits += row.hits,
                None => groups.push((&row.group, row.hits)),
            }
        }
        let groups: Vec<String> = groups.iter().map(|(group, hits)| format!("{group} {hits}")).collect();
        let Row { hits, lost, duplicated, half_written, uncertain, ref violations, .. } = all;
        println!(
            "| {}, {} | {} | {hits} | {lost} | {duplicated} | {half_written} | {} | {uncertain} |",
            self.name,
            self.what,
            groups.join(", "),
            all.ledger(),
        );
        assert!(
            violations.is_empty(),
            "{}, {}: {} violations\n{}",
            self.name,
            self.what,
            violations.len(),
            violations.join("\n\n")
        );
    }
}
