//! Finding the annexes in a file: a heading of columns, and the lines below it up to the next annex.
//!
//! In:  the lines of a file. Out: each table with its layout, letter, year and breaks as printed.
//! Holds: a table is known by the headings of its columns, not by the letter of its annex.

use jiff::civil::Date;

use super::finding::Findings;
use super::row;
use super::text::{self, Line};
use super::{FILE_BYTES_MAX, Source};
use crate::domain::TimetableYear;

/// Most lines of one annex that are read. The longest so far has 400.
const LINES_MAX: usize = 5_000;

/// How an annex is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// Annex B: extraction and transfer dates; no week numbers, the weeks are apart by subtotals.
    Shbe,
    /// Annex D: week numbers and transfer dates.
    HbmsMi,
}

impl Layout {
    /// The layout of the columns with these headings.
    pub(super) fn of(heading: &str) -> Option<Layout> {
        let heading = heading.to_lowercase();
        let needed = ["day of transfer", "relevant month", "data transfer date", "local authority number"];
        if !needed.iter().all(|column| heading.contains(column)) {
            return None;
        }
        match (heading.contains("earliest data extraction date"), heading.contains("week number")) {
            (true, false) => Some(Layout::Shbe),
            (false, true) => Some(Layout::HbmsMi),
            (true, true) | (false, false) => None,
        }
    }

    pub(super) fn prints_weeks(self) -> bool {
        self == Layout::HbmsMi
    }

    /// How many dates stand beside a month.
    pub(super) fn dates(self) -> usize {
        match self {
            Layout::Shbe => 2,
            Layout::HbmsMi => 1,
        }
    }

    fn usual_letter(self) -> &'static str {
        match self {
            Layout::Shbe => "B",
            Layout::HbmsMi => "D",
        }
    }

    pub(super) fn missing(self) -> &'static str {
        match self {
            Layout::Shbe => {
                "The SHBE timetable (Annex B) was not found: no line has the headings of its columns, from `Day of transfer` to `Local Authority number`, with `Earliest data extraction date`. Save the circular as text, or the annex as CSV with its headings."
            }
            Layout::HbmsMi => {
                "The HBMS MI timetable (Annex D) was not found: no line has the headings of its columns, from `Week number` to `Local Authority number`. Save the circular as text, or the annex as CSV with its headings."
            }
        }
    }
}

/// An annex as it lies in the file.
pub(super) struct PrintedTable {
    pub(super) file: String,
    pub(super) layout: Layout,
    /// The letter, such as `B`.
    pub(super) annex: String,
    /// The line of the columns' headings.
    pub(super) line: usize,
    /// The year of the annex's title, and its line.
    year: Option<(TimetableYear, usize)>,
    /// The weeks without transfers, each with its line.
    pub(super) breaks: Vec<(Date, usize)>,
    /// The lines below the headings.
    pub(super) lines: Vec<Line>,
}

impl PrintedTable {
    pub(super) fn year(&self) -> Option<TimetableYear> {
        self.year.map(|(year, _)| year)
    }

    pub(super) fn check_year(&self, wanted: TimetableYear, findings: &mut Findings) {
        if let Some((year, line)) = self.year.filter(|(year, _)| *year != wanted) {
            let says = format!("Annex {} is headed {year}, and {wanted} was asked for.", self.annex);
            findings.error("year-differs", says).file(&self.file).annex(&self.annex).line(line);
        }
    }
}

/// The title of the annex that the lines after it belong to.
#[derive(Clone, Default)]
struct Title {
    letter: Option<String>,
    year: Option<(TimetableYear, usize)>,
    breaks: Vec<(Date, usize)>,
}

/// Every table of the file.
pub(super) fn tables(source: &Source<'_>, findings: &mut Findings) -> Vec<PrintedTable> {
    if source.bytes.len() > FILE_BYTES_MAX {
        let says = format!("It is larger than {FILE_BYTES_MAX} bytes, so it was not read.");
        findings.error("file-too-large", says).file(source.name);
        return Vec::new();
    }
    let (mut tables, mut title): (Vec<PrintedTable>, Title) = (Vec::new(), Title::default());
    let mut within = false;
    for line in text::lines(source.bytes) {
        if let Some(letter) = annex_letter(&line.words) {
            let year = line.words.split(' ').find_map(|word| word.replace('/', "-").parse().ok());
            title = Title { letter: Some(letter), year: year.map(|year| (year, line.number)), breaks: Vec::new() };
            within = false;
        } else if let Some(layout) = Layout::of(&line.words) {
            // The heading of a further page.
            if within && tables.last().is_some_and(|table| table.layout == layout) {
                continue;
            }
            if let Some(table) = tables.last().filter(|_| within) {
                let says = format!(
                    "The headings of another timetable stand within Annex {}; where a file holds both, a line such as `Annex B:` begins each.",
                    table.annex
                );
                findings.error("headings-out-of-place", says).file(source.name).annex(&table.annex).line(line.number);
            }
            let title = std::mem::take(&mut title);
            tables.push(PrintedTable {
                file: source.name.to_owned(),
                layout,
                annex: title.letter.unwrap_or_else(|| layout.usual_letter().to_owned()),
                line: line.number,
                year: title.year,
                breaks: title.breaks,
                lines: Vec::new(),
            });
            within = true;
        } else if let Some(table) = tables.last_mut().filter(|_| within) {
            if table.lines.len() == LINES_MAX {
                let says = format!("Annex {} has more than {LINES_MAX} lines; the rest is not read.", table.annex);
                findings.error("annex-too-long", says).file(source.name).annex(&table.annex).line(line.number);
                within = false;
                continue;
            }
            table.lines.push(line);
        } else if line.words.to_lowercase().contains("commencing") {
            breaks(&line, source, &mut title, findings);
        }
    }
    tables
}

/// `Annex B: SHBE LA timetable of returns 2020-21`; not a sentence that begins with an annex.
fn annex_letter(words: &str) -> Option<String> {
    let rest = words.strip_prefix("Annex ")?;
    let letter = rest.chars().next().filter(char::is_ascii_uppercase)?;
    let rest = &rest[1..];
    let title = rest.is_empty() || rest.starts_with(':') || rest.starts_with(" (") || rest.starts_with(" -");
    title.then(|| letter.to_string())
}

/// Prose of a circular tells of weeks too, but with the months' names.
fn breaks(line: &Line, source: &Source<'_>, title: &mut Title, findings: &mut Findings) {
    for word in line.words.split(' ').filter(|word| word.contains('/')) {
        match row::date(word.trim_matches(|c: char| !c.is_ascii_digit())) {
            Some(date) => title.breaks.push((date, line.number)),
            None => {
                let says = "A week without transfers is named by a date that is not one.";
                findings.error("date-unread", says).file(source.name).line(line.number);
            }
        }
    }
}
