//! Recognising an extract by its first lines, and reading its header.
//!
//! Holds: no more than the first hundred lines are looked at; the check of every line is [`super::check()`].

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use jiff::civil::Date;

use super::fields;
use super::lines::END_MARK;
use super::profile::RECORD_TYPES;
use crate::catalogue::{Confidence, Gathered};
use crate::domain::{LaNumber, ShbeRule};

/// Fields of a data line.
pub const FIELDS: usize = 341;
const LINE_BYTES_MAX: u64 = 64 << 10;
const SAMPLE_LINES: usize = 100;

/// What the first line tells. Its layout is not public beyond the date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Field 3, when it is a date.
    pub reference_date: Option<Date>,
    /// The other fields that have the form of an LA number. Whether one is, a table must say.
    pub la_numbers: Vec<LaNumber>,
    /// Those of them that stand before the date. Behind it there may be counts, and a count can look like any number.
    pub before_date: Vec<LaNumber>,
}

impl Header {
    /// Another authority's number, where ours stands nowhere, and the rule that this breaks: before the date it tells whose
    /// the extract is, elsewhere perhaps nothing.
    pub fn another_authority(
        &self,
        ours: &LaNumber,
        is_known: &dyn Fn(&LaNumber) -> bool,
    ) -> Option<(LaNumber, ShbeRule)> {
        if self.la_numbers.contains(ours) {
            return None;
        }
        let known = |numbers: &[LaNumber]| numbers.iter().find(|number| is_known(number)).cloned();
        let named = known(&self.before_date).map(|number| (number, ShbeRule::OtherAuthority));
        named.or_else(|| Some((known(&self.la_numbers)?, ShbeRule::AuthorityUnclear)))
    }
}

/// The header line of an extract; `None` if the first line is no such thing.
pub fn header<R: Read>(reader: R) -> io::Result<Option<Header>> {
    let line = read_line(&mut BufReader::new(reader))?;
    Ok(line.as_deref().and_then(parse_header))
}

/// Whether the content is an extract, by its first lines.
pub(in crate::catalogue) fn look<R: Read + Seek>(
    content: &mut R,
    gathered: &mut Gathered,
) -> io::Result<Option<Confidence>> {
    content.seek(SeekFrom::Start(0))?;
    let mut lines = BufReader::new(content);
    let Some(header) = read_line(&mut lines)?.as_deref().and_then(parse_header) else { return Ok(None) };
    let sample = sample(&mut lines)?;
    if header.reference_date.is_none() && sample.whole == 0 {
        return Ok(None);
    }
    match header.reference_date {
        Some(_) => gathered.note("its first line has a date in field 3, as the header of an SHBE has"),
        None => gathered.error("shbe-date", "has no date (dd-mm-yyyy) in field 3 of its header"),
    }
    if sample.whole > 0 {
        gathered.note(format!("its data lines have {FIELDS} fields and begin with an SHBE record type"));
    }
    if let Some((line, fields)) = sample.broken {
        let says = format!(
            "has a data line, line {line}, that is not of a known record type with {FIELDS} fields: it has {fields}"
        );
        gathered.error("shbe-fields", says);
    }
    let certain = header.reference_date.is_some() && sample.whole > 0 && sample.broken.is_none();
    Ok(Some(if certain { Confidence::Certain } else { Confidence::Likely }))
}

struct Sample {
    whole: usize,
    /// Line number and field count of the first line that is not a data line.
    broken: Option<(usize, usize)>,
}

/// Looks at the lines after the header. The last line of the file is the trailer and is not judged.
fn sample<R: BufRead>(lines: &mut R) -> io::Result<Sample> {
    let mut sample = Sample { whole: 0, broken: None };
    let mut current = read_line(lines)?;
    for number in 2..2 + SAMPLE_LINES {
        let (Some(line), next) = (current, read_line(lines)?) else { break };
        if next.is_none() {
            break;
        }
        let mut fields = line.split(|&b| b == b'|').count();
        // A delimiter behind the last field too is a habit of some software.
        fields -= usize::from(fields == FIELDS + 1 && line.ends_with(b"|"));
        let typed = line.len() > 1 && RECORD_TYPES.contains(&line[0]) && line[1] == b'|';
        if typed && fields == FIELDS {
            sample.whole += 1;
        } else if sample.broken.is_none() {
            sample.broken = Some((number, fields));
        }
        current = next;
    }
    Ok(sample)
}

/// A line without its end; `None` at the end of the file, for the mark that says so, and for a line that no extract has.
fn read_line<R: BufRead>(reader: &mut R) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    reader.take(LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
    if line.is_empty() || line.len() as u64 == LINE_BYTES_MAX {
        return Ok(None);
    }
    while matches!(line.last(), Some(b'\n' | b'\r')) {
        line.pop();
    }
    Ok(Some(line).filter(|line| line[..] != [END_MARK]))
}

pub(super) fn parse_header(line: &[u8]) -> Option<Header> {
    let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
    let fields: Vec<&str> = line.split(|&b| b == b'|').map(|field| std::str::from_utf8(field).unwrap_or("")).collect();
    if fields.len() < 3 {
        return None;
    }
    let la_numbers = |fields: &[&str]| fields.iter().filter_map(|field| field.trim().parse().ok()).collect();
    let reference_date = fields::date(fields[2].trim().as_bytes());
    Some(Header { reference_date, la_numbers: la_numbers(&fields), before_date: la_numbers(&fields[..2]) })
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use jiff::civil::date;

    use super::*;
    use crate::catalogue::{Identified, Limits, identify};
    use crate::domain::FileKind;

    const LIMITS: Limits = Limits { members_max: 10, bytes_max: 1 << 20 };

    fn data_line(record: char, fields: usize) -> String {
        format!("{record}{}", "|".repeat(fields - 1))
    }

    fn extract(header: &str, lines: &[String]) -> String {
        format!("{header}\r\n{}\r\nZ|{}\r\n", lines.join("\r\n"), lines.len())
    }

    fn look_at(text: String) -> Identified {
        identify(Some("shbe.txt"), &mut Cursor::new(text), &LIMITS).unwrap()
    }

    #[test]
    fn an_extract_is_known_by_its_lines() {
        let lines = [data_line('D', FIELDS), data_line('S', FIELDS)];
        let seen = look_at(extract("H|12302|30-03-2020|v1", &lines));
        assert_eq!((seen.kind, seen.confidence), (FileKind::Shbe, Confidence::Certain));
        assert!(seen.findings.is_empty(), "{:?}", seen.findings);
    }

    #[test]
    fn a_line_with_a_field_too_few_is_an_error() {
        let seen = look_at(extract("H|12302|30/03/2020", &[data_line('D', FIELDS), data_line('D', FIELDS - 1)]));
        assert_eq!((seen.kind, seen.confidence), (FileKind::Shbe, Confidence::Likely));
        assert!(!seen.is_sound());
        assert!(seen.findings[0].says.contains("line 3"), "{:?}", seen.findings);
    }

    #[test]
    fn delimiters_behind_the_last_fields_and_a_mark_of_the_files_end_are_habits() {
        let line = |record| data_line(record, FIELDS) + "|";
        let text = extract("H|12302|30/03/2020", &[line('D'), line('S')]) + "\x1a";
        let seen = look_at(text);
        assert_eq!((seen.kind, seen.confidence), (FileKind::Shbe, Confidence::Certain));
        assert!(seen.findings.is_empty(), "{:?}", seen.findings);
    }

    #[test]
    fn other_piped_text_is_not_an_extract() {
        assert_eq!(look_at("a|b|c\nd|e|f\n".into()).kind, FileKind::Unknown);
        assert_eq!(look_at("x".repeat(200_000)).kind, FileKind::Unknown);
    }

    #[test]
    fn the_header_gives_the_date_and_candidates_for_the_number() {
        let read = |text: &str| header(text.as_bytes()).unwrap();
        let seen = read("H|12302|30-03-2020|200420\nD|\n").unwrap();
        assert_eq!(seen.reference_date, Some(date(2020, 3, 30)));
        assert_eq!(seen.la_numbers.iter().map(LaNumber::as_str).collect::<Vec<_>>(), ["12302", "200420"]);
        assert_eq!(seen.before_date.iter().map(LaNumber::as_str).collect::<Vec<_>>(), ["12302"]);
        for not_a_date in ["31-02-2020", "2020-03-30", "1-3-2020", "30-03/2020", ""] {
            assert_eq!(read(&format!("H|1|{not_a_date}|\n")).unwrap().reference_date, None, "{not_a_date}");
        }
        assert_eq!(read("no pipes\n"), None);
    }
}
