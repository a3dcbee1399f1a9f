//! Text for people: lines, labelled facts and aligned columns.

use std::fmt::Display;

use jiff::Timestamp;

use crate::effects::clock::london;

/// A page in the making.
pub struct Text {
    page: String,
    colour: bool,
}

/// How a word is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As it should be.
    Good,
    /// Worth a look.
    Warning,
    /// Wrong.
    Bad,
}

impl Text {
    pub(super) fn new(colour: bool) -> Text {
        Text { page: String::new(), colour }
    }

    pub(super) fn into_string(self) -> String {
        self.page
    }

    /// One line.
    pub fn line(&mut self, line: impl Display) {
        self.page.push_str(&visible(&line.to_string()));
        self.page.push('\n');
    }

    /// An empty line, unless the page begins here.
    pub fn gap(&mut self) {
        if !self.page.is_empty() {
            self.page.push('\n');
        }
    }

    /// One line that begins with a word in this tone.
    pub fn toned(&mut self, tone: Tone, word: &str, rest: impl Display) {
        let colour = match tone {
            Tone::Good => "32",
            Tone::Warning => "33",
            Tone::Bad => "31",
        };
        let word = visible(word);
        let word = if self.colour { format!("\x1b[{colour}m{word}\x1b[0m") } else { word };
        self.page.push_str(&word);
        self.line(rest);
    }

    /// Labels and what they stand for, aligned. Those without a value are left out.
    pub fn facts<const N: usize>(&mut self, facts: [(&str, Option<String>); N]) {
        let known = || facts.iter().filter_map(|(label, value)| Some((label, value.as_ref()?)));
        let width = known().map(|(label, _)| label.chars().count()).max().unwrap_or(0);
        for (label, value) in known() {
            self.line(format_args!("{label:<width$}  {value}"));
        }
    }

    /// A table, every line indented by two.
    pub fn table<const N: usize>(&mut self, table: &Table<N>) {
        let mut widths = [0; N];
        for row in &table.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.chars().count().max(*width);
            }
        }
        for row in &table.rows {
            let cells: String = row.iter().zip(widths).map(|(cell, width)| format!("  {cell:<width$}")).collect();
            self.line(cells.trim_end());
        }
    }
}

/// A heading and rows.
pub struct Table<const N: usize> {
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    /// A table with this heading and no rows.
    pub fn new(heading: [&str; N]) -> Table<N> {
        Table { rows: vec![heading.map(str::to_owned)] }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: [String; N]) {
        self.rows.push(cells.map(|cell| visible(&cell)));
    }

    /// Whether there is nothing below the heading.
    pub fn is_empty(&self) -> bool {
        self.rows.len() == 1
    }
}

/// A moment as people write it, to the minute, by the clock in London.
pub fn moment(at: Timestamp) -> String {
    at.to_zoned(london()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// Names are chosen by others, and a terminal obeys control characters.
fn visible(text: &str) -> String {
    let shown = |c: char| if is_commanding(c) { c.escape_unicode().collect() } else { String::from(c) };
    text.chars().map(shown).collect()
}

/// Control characters, and those that turn the direction of the text.
fn is_commanding(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_command_the_terminal() {
        let mut text = Text::new(true);
        text.toned(Tone::Bad, "held", " \x1b]0;title\x07a\nb\u{202e}fdp.exe");
        let page = text.into_string();
        assert_eq!(page, "\x1b[31mheld\x1b[0m \\u{1b}]0;title\\u{7}a\\u{a}b\\u{202e}fdp.exe\n");
    }

    #[test]
    fn columns_line_up_and_absent_facts_are_left_out() {
        let mut text = Text::new(false);
        let mut table = Table::new(["A", "B"]);
        table.row(["long".into(), "x".into()]);
        text.table(&table);
        text.facts([("Id", Some("1".into())), ("Absent", None), ("Since", Some("2".into()))]);
        assert_eq!(text.into_string(), "  A     B\n  long  x\nId     1\nSince  2\n");
    }

    #[test]
    fn moments_are_londons() {
        assert_eq!(moment("2020-07-01T11:30:59Z".parse().unwrap()), "2020-07-01 12:30");
    }
}
