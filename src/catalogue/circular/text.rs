//! Bytes to plain lines: one kind of space, one kind of dash, each line with its number.
//!
//! In:  a file as an office program, a web page or a PDF reader saved it. Out: lines of words with single spaces.
//! Holds: CSV becomes the same lines, its columns in the order in which they are printed.

use encoding_rs::{Encoding, WINDOWS_1252};

use super::table::Layout;

/// A line without what only its look needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Counted from 1.
    pub(super) number: usize,
    /// Words with one space between them.
    pub(super) words: String,
}

/// The file's lines. UTF-8 and UTF-16 by their mark; what is no UTF-8 is taken for Windows-1252.
pub(super) fn lines(bytes: &[u8]) -> Vec<Line> {
    let text = match Encoding::for_bom(bytes) {
        Some((encoding, _)) => encoding.decode(bytes).0,
        None => match std::str::from_utf8(bytes) {
            Ok(text) => text.into(),
            Err(_) => WINDOWS_1252.decode(bytes).0,
        },
    };
    let is_csv = text.lines().any(is_csv_heading);
    if is_csv { csv_lines(&text) } else { text_lines(&text) }
}

fn text_lines(text: &str) -> Vec<Line> {
    // A lone carriage return ends a line too, as old programs wrote it.
    let ends = text.replace("\r\n", "\n").replace('\r', "\n");
    ends.split('\n').enumerate().map(|(at, line)| Line { number: at + 1, words: plain(line) }).collect()
}

/// With one kind of dash and single spaces, without what has no width.
pub(super) fn plain(text: &str) -> String {
    let mapped = text.chars().filter_map(|c| match c {
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}' => Some('-'),
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' => None,
        '\u{2018}' | '\u{2019}' => Some('\''),
        c if c.is_whitespace() || c.is_control() => Some(' '),
        c => Some(c),
    });
    mapped.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The headings of a CSV form, in the order in which they are printed.
const COLUMNS: [&str; 7] = [
    "week number",
    "day of transfer",
    "relevant month",
    "earliest data extraction date",
    "data transfer date",
    "local authority name",
    "local authority number",
];

/// For each printed column the place of its cell, if these are the headings of a CSV form.
fn columns(cells: &csv::StringRecord) -> Option<Vec<usize>> {
    let heading: Vec<String> = cells.iter().map(|cell| plain(cell).to_lowercase()).collect();
    Layout::of(&heading.join(" ")).filter(|_| heading.len() > 4)?;
    Some(COLUMNS.iter().filter_map(|column| heading.iter().position(|cell| cell == column)).collect())
}

fn is_csv_heading(line: &str) -> bool {
    if !line.contains(',') || !line.to_lowercase().contains("local authority number") {
        return false;
    }
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(line.as_bytes());
    reader.records().next().and_then(Result::ok).is_some_and(|cells| columns(&cells).is_some())
}

fn csv_lines(text: &str) -> Vec<Line> {
    let ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).collect();
    // A record is said to begin at the line ends that are passed over before it.
    let line_of = |byte: usize| {
        let begin = text[byte..].find(|c| c != '\r' && c != '\n').map_or(text.len(), |more| byte + more);
        ends.partition_point(|&end| end < begin) + 1
    };
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut order: Option<Vec<usize>> = None;
    let mut lines = Vec::new();
    for record in reader.records().filter_map(Result::ok) {
        let byte = record.position().and_then(|position| usize::try_from(position.byte()).ok());
        let number = line_of(byte.filter(|&byte| text.is_char_boundary(byte)).unwrap_or(text.len()));
        order = columns(&record).or(order);
        let cells: Vec<&str> = match &order {
            // What stands in a column without a heading is kept at the end, so that it is noticed.
            Some(order) => {
                let known = order.iter().filter_map(|&at| record.get(at));
                let others = record.iter().enumerate().filter(|(at, _)| !order.contains(at)).map(|(_, cell)| cell);
                known.chain(others).collect()
            }
            None => record.iter().collect(),
        };
        lines.push(Line { number, words: plain(&cells.join(" ")) });
    }
    lines
}
