//! The pre-flight: an extract held against every rule, line by line.
//!
//! In:  the content, and what is asked of it beyond its form ([`Terms`]).
//! Out: a [`Report`] with every fault.
//! Holds: one pass; a fault never hides the next, but a line whose fields cannot be told apart is not looked into.

use std::io::{self, Read};

use jiff::civil::Date;

use super::claims::ClaimSet;
use super::delimiters::Delimiters;
use super::findings::{Findings, NotTried, Place, Report};
use super::header::{Header, parse_header};
use super::lines::{Line, Lines};
use super::links::Links;
use super::mask::Shape;
use super::profile::{Profile, RECORD_TYPES};
use super::row::{Ends, Parted, Row, trimmed};
use super::{activity, fields};
use crate::domain::{LaNumber, RelevantMonth, RuleLevel, ShbePolicy, ShbeRule};

/// What an extract is held against, beside its own form.
pub struct Terms<'a> {
    /// How much each rule weighs.
    pub policy: &'a ShbePolicy,
    /// Whose it should be.
    pub whose: Option<Whose<'a>>,
    /// The first and the last day on which the data may be extracted.
    pub dates: Option<(Option<Date>, Date)>,
    /// D records of the last month that was sealed.
    pub claims_before: Option<u64>,
    /// The claims that risk files named.
    pub risk: Option<&'a ClaimSet>,
    /// What is known of the same content.
    pub earlier: Earlier,
}

/// Whether the same content was sealed before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Earlier {
    /// Nobody can tell.
    Unknown,
    /// Never for another month.
    Never,
    /// For this one.
    SealedFor(RelevantMonth),
}

/// Whose an extract should be.
pub struct Whose<'a> {
    /// The authority.
    pub authority: &'a LaNumber,
    /// Which numbers are authorities'.
    pub is_known: &'a dyn Fn(&LaNumber) -> bool,
}

impl<'a> Terms<'a> {
    /// Its form only.
    pub fn form_only(policy: &'a ShbePolicy) -> Terms<'a> {
        Terms { policy, whose: None, dates: None, claims_before: None, risk: None, earlier: Earlier::Unknown }
    }
}

/// Holds an extract against the rules. An error means that it could not be read.
pub fn check<R: Read>(content: R, terms: &Terms<'_>) -> io::Result<Report> {
    let mut lines = Lines::new(content);
    let (mut checker, mut ends) = (Checker::new(terms), Ends::new());
    while let Some(line) = lines.next()? {
        checker.line(&line, &mut ends);
    }
    Ok(checker.finish())
}

const D: usize = record_index(b'D');
const E: usize = record_index(b'E');
const G: usize = record_index(b'G');
const R: usize = record_index(b'R');
const S: usize = record_index(b'S');
const T: usize = record_index(b'T');

const fn record_index(letter: u8) -> usize {
    let mut index = 0;
    while RECORD_TYPES[index] != letter {
        index += 1;
    }
    index
}

struct Checker<'a> {
    terms: &'a Terms<'a>,
    profile: Profile,
    findings: Findings<'a>,
    links: Links,
    delimiters: Delimiters,
    records: [u64; RECORD_TYPES.len()],
    header: Option<Header>,
    lines: u64,
    /// Whether the last line was met, behind the header.
    end_seen: bool,
    encoding: Encoding,
}

/// What the lines so far were written in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Ascii,
    Utf8,
    Windows1252,
    Mixed,
}

impl<'a> Checker<'a> {
    fn new(terms: &'a Terms<'a>) -> Checker<'a> {
        Checker {
            terms,
            profile: Profile::built_in(),
            findings: Findings::new(terms.policy),
            links: Links::default(),
            delimiters: Delimiters::default(),
            records: [0; RECORD_TYPES.len()],
            header: None,
            lines: 0,
            end_seen: false,
            encoding: Encoding::Ascii,
        }
    }

    fn add(&mut self, rule: ShbeRule, line: u64, field: Option<u16>) {
        self.findings.add(rule, Place { line, record: None, field }, String::new);
    }

    fn line(&mut self, line: &Line<'_>, ends: &mut Ends) {
        self.lines = line.number;
        if line.too_long {
            self.add(ShbeRule::LineLength, line.number, None);
        }
        self.characters(line);
        if line.last && !line.ended {
            self.add(ShbeRule::Truncated, line.number, None);
        }
        if line.number == 1 {
            return self.header(line);
        }
        if line.too_long {
            return;
        }
        let parted = ends.part(line.number, line.bytes);
        if line.last {
            self.end_seen = true;
            if is_trailer(&parted, line.bytes) {
                return;
            }
            self.add(ShbeRule::NoTrailer, line.number, None);
        }
        match parted {
            Parted::Row(row) => self.row(&row),
            Parted::Fields(fields, record) => self.wrong_width(line, fields, record),
            Parted::UnknownType => {
                let first = line.bytes.split(|byte| *byte == b'|').next().unwrap_or_default();
                let place = Place { line: line.number, record: None, field: Some(1) };
                self.findings.add(ShbeRule::RecordType, place, || format!("It has the form {}.", Shape(first)));
            }
        }
    }

    fn characters(&mut self, line: &Line<'_>) {
        let (mut control, mut high) = (false, 0);
        for byte in line.bytes {
            control |= *byte < b' ' || *byte == 0x7f;
            high |= *byte;
        }
        if control {
            self.add(ShbeRule::ControlByte, line.number, None);
        }
        if high < 0x80 {
            return;
        }
        let this = if std::str::from_utf8(line.bytes).is_ok() { Encoding::Utf8 } else { Encoding::Windows1252 };
        // Five bytes are no character of Windows-1252.
        let is_odd = |byte: &u8| matches!(byte, 0x81 | 0x8d | 0x8f | 0x90 | 0x9d);
        let odd = this == Encoding::Windows1252 && line.bytes.iter().any(is_odd);
        let other = !matches!(self.encoding, Encoding::Ascii) && self.encoding != this;
        if odd || other {
            self.add(ShbeRule::Encoding, line.number, None);
        }
        self.encoding = if odd || other { Encoding::Mixed } else { this };
    }

    fn header(&mut self, line: &Line<'_>) {
        let header = parse_header(line.bytes);
        match header.as_ref().and_then(|header| header.reference_date) {
            None => self.add(ShbeRule::HeaderDate, line.number, Some(3)),
            Some(reference) => self.timing(reference),
        }
        if let (Some(header), Some(Whose { authority, is_known })) = (&header, &self.terms.whose)
            && let Some((_, rule)) = header.another_authority(authority, is_known)
        {
            self.add(rule, line.number, None);
        }
        self.header = header;
    }

    fn timing(&mut self, reference: Date) {
        let Some((from, until)) = self.terms.dates else { return };
        let place = Place { line: 1, record: None, field: Some(3) };
        if let Some(from) = from.filter(|from| reference < *from) {
            self.findings.add(ShbeRule::ExtractedEarly, place, || format!("That day is {from}."));
        }
        if reference > until {
            self.findings.add(ShbeRule::ExtractedLate, place, || format!("That day is {until}."));
        }
    }

    fn wrong_width(&mut self, line: &Line<'_>, fields: usize, record: Option<usize>) {
        let place = Place { line: line.number, record, field: None };
        self.findings.add(ShbeRule::FieldCount, place, || format!("It has {fields}."));
        let Some(record) = record else { return };
        self.records[record] += 1;
        // The claim stands before whatever is too much or missing, more likely than not; its members are not at fault.
        if record == D {
            let mut first = line.bytes.split(|byte| *byte == b'|').skip(1).map(trimmed);
            let references = [first.next().unwrap_or_default(), first.next().unwrap_or_default()];
            self.links.claim(line.number, record, references, &mut self.findings);
        }
    }

    fn row(&mut self, row: &Row<'_>) {
        self.records[row.record] += 1;
        self.delimiters.met(row);
        for (column, check) in &self.profile.checks[row.record] {
            let value = row.column(*column);
            if value.is_empty() {
                continue;
            }
            if let Some(rule) = fields::broken(*check, value) {
                let place = Place { line: row.line, record: Some(row.record), field: Some(column + 1) };
                self.findings.add(rule, place, || format!("It has the form {}.", Shape(value)));
            }
        }
        // A record about the authority names no claim.
        if row.record != G && row.field(2).is_empty() && row.field(3).is_empty() {
            let place = Place { line: row.line, record: Some(row.record), field: Some(2) };
            self.findings.add(ShbeRule::NoReference, place, String::new);
        }
        match row.record {
            D => self.links.claim(row.line, D, [row.field(2), row.field(3)], &mut self.findings),
            S => self.links.member(row),
            R => activity::review(row, self.terms, &mut self.findings),
            T => {
                self.links.change(row);
                activity::change(row, &mut self.findings);
            }
            E => {
                self.links.error(row);
                activity::payment_error(row, &mut self.findings);
            }
            _ => {}
        }
    }

    fn finish(mut self) -> Report {
        if self.lines == 0 {
            self.add(ShbeRule::HeaderDate, 1, Some(3));
        }
        if !self.end_seen {
            self.add(ShbeRule::NoTrailer, self.lines.max(1), None);
        }
        if self.records.iter().all(|count| *count == 0) {
            self.add(ShbeRule::NoRecords, self.lines.max(1), None);
        }
        self.claim_count();
        if let Earlier::SealedFor(month) = self.terms.earlier {
            let place = Place { line: 1, record: None, field: None };
            self.findings.add(ShbeRule::SameAsEarlier, place, || format!("That month is {month}."));
        }
        std::mem::take(&mut self.delimiters).finish(&mut self.findings);
        let mut not_tried = self.not_tried();
        let links = std::mem::take(&mut self.links);
        if links.finish(S, E, &mut self.findings) {
            let why = "there are more records than can be tied together";
            let rules = [ShbeRule::DuplicateClaim, ShbeRule::MemberWithoutClaim, ShbeRule::ErrorWithoutChange];
            not_tried.extend(rules.map(|rule| NotTried { rule, why }));
        }
        let (findings, rules) = self.findings.finish();
        let counted = RECORD_TYPES.iter().map(|letter| char::from(*letter)).zip(self.records);
        let encoding = match self.encoding {
            Encoding::Ascii => "ascii",
            Encoding::Utf8 => "utf-8",
            Encoding::Windows1252 => "windows-1252",
            Encoding::Mixed => "mixed",
        };
        let reference_date = self.header.and_then(|header| header.reference_date);
        let records = counted.collect();
        Report { profile: self.profile.name, encoding, reference_date, records, findings, rules, not_tried }
    }

    /// Against the month before. A count of 0 before says nothing.
    fn claim_count(&mut self) {
        let (now, percent) = (u128::from(self.records[D]), u128::from(self.terms.policy.claim_count_percent));
        let Some(before) = self.terms.claims_before.filter(|before| *before > 0).map(u128::from) else { return };
        if now.abs_diff(before) * 100 > before * percent {
            let place = Place { line: 1, record: Some(D), field: None };
            let detail = || format!("There were {before}, and there are {now}; {percent} percent is usual.");
            self.findings.add(ShbeRule::ClaimCountMoved, place, detail);
        }
    }

    fn not_tried(&self) -> Vec<NotTried> {
        let terms = self.terms;
        let mut not_tried = Vec::new();
        for rule in ShbeRule::ALL {
            let why = match rule {
                _ if terms.policy.level(*rule) == RuleLevel::Off => Some("the configuration has switched it off"),
                ShbeRule::ReviewNotInRisk if terms.risk.is_none() => Some("no risk file was given"),
                ShbeRule::ReviewNotInRisk if terms.risk.is_some_and(ClaimSet::is_full) => {
                    Some("the risk files have more claims than are kept")
                }
                ShbeRule::OtherAuthority | ShbeRule::AuthorityUnclear if terms.whose.is_none() => {
                    Some("no authority was named")
                }
                ShbeRule::SameAsEarlier if terms.earlier == Earlier::Unknown => {
                    Some("what was sealed for other months is not known")
                }
                ShbeRule::ExtractedEarly | ShbeRule::ExtractedLate if terms.dates.is_none() => {
                    Some("no authority and month were named")
                }
                ShbeRule::ClaimCountMoved if terms.claims_before.is_none() => {
                    Some("the number of an earlier month is not known")
                }
                _ => None,
            };
            not_tried.extend(why.map(|why| NotTried { rule: *rule, why }));
        }
        not_tried
    }
}

/// A trailer of as many fields would be a record.
const TRAILER_FIELDS_MAX: usize = 10;

/// How a trailer is made is not public, but it is no data line. T may begin either: a trailer is short, and only counts.
fn is_trailer(last: &Parted<'_>, bytes: &[u8]) -> bool {
    let counts = |field: &[u8]| field.iter().all(u8::is_ascii_digit) || fields::date(field).is_some();
    match last {
        Parted::UnknownType | Parted::Fields(_, None) => true,
        Parted::Fields(fields, Some(T)) if *fields < TRAILER_FIELDS_MAX => {
            bytes.split(|byte| *byte == b'|').skip(1).map(trimmed).all(counts)
        }
        Parted::Fields(..) | Parted::Row(_) => false,
    }
}
