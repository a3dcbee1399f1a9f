//! One line of an annex: a month with its dates, an authority, both side by side, a subtotal, or nothing that can be read.
//!
//! In:  a line of words. Out: [`Row`], or why it is none.
//! Holds: what is not understood whole is not understood in part; a date is never guessed.

use jiff::civil::{Date, Weekday};

use super::table::Layout;
use super::text::Line;
use crate::domain::RelevantMonth;

/// What a line holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Row {
    /// Nothing.
    Blank,
    /// One or two counts of authorities.
    Subtotal(Vec<usize>),
    /// A month and its dates, an authority, or both, which have nothing to do with each other.
    Cells(Option<Dated>, Option<PrintedAuthority>),
}

/// A month and its dates as printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dated {
    pub(super) line: usize,
    pub(super) week: Option<u8>,
    pub(super) weekday: Weekday,
    pub(super) month: RelevantMonth,
    /// SHBE: earliest extraction, transfer. HBMS MI: transfer.
    pub(super) dates: Vec<Date>,
}

/// An authority as printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PrintedAuthority {
    pub(super) line: usize,
    pub(super) number: String,
    pub(super) name: String,
}

/// Why a line could not be read. What was understood of its other half is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unread {
    pub(super) code: &'static str,
    pub(super) says: String,
    pub(super) authority: Option<PrintedAuthority>,
}

/// A subtotal counts authorities; an LA number is larger.
const SUBTOTAL_MAX: usize = 999;

pub(super) fn read(line: &Line, layout: Layout) -> Result<Row, Unread> {
    let mut words: Vec<&str> = line.words.split(' ').filter(|word| !word.is_empty()).collect();
    if words.is_empty() {
        return Ok(Row::Blank);
    }
    let counts: Option<Vec<usize>> = words.iter().map(|word| number(word)).collect();
    if let Some(counts) = counts.filter(|counts| counts.len() <= 2 && counts.iter().all(|&n| n <= SUBTOTAL_MAX)) {
        return Ok(Row::Subtotal(counts));
    }
    let left = Left::take(&mut words);
    let authority = authority(&words, line.number);
    let unread = |code, says: &str, authority| Err(Unread { code, says: says.to_owned(), authority });
    let authority = match authority {
        Ok(authority) => authority,
        Err(says) => return unread("row-unread", says, None),
    };
    if left.date_unread {
        return unread("date-unread", "It has a date that is not one: dates are printed as 14/04/2020.", authority);
    }
    match left.dated(layout, line.number) {
        Ok(dated) => Ok(Row::Cells(dated, authority)),
        Err(says) => unread("row-incomplete", says, authority),
    }
}

/// The left list's cells, as far as they are there.
#[derive(Default)]
struct Left {
    week: Option<u8>,
    weekday: Option<Weekday>,
    month: Option<RelevantMonth>,
    dates: Vec<Date>,
    date_unread: bool,
}

impl Left {
    /// Takes the cells off the front of the words.
    fn take(words: &mut Vec<&str>) -> Left {
        let mut left = Left::default();
        if let [first, second, ..] = words.as_slice()
            && first.eq_ignore_ascii_case("week")
            && let Ok(week) = second.parse()
        {
            left.week = Some(week);
            words.drain(..2);
        }
        if let Some(weekday) = words.first().and_then(|word| weekday(word)) {
            left.weekday = Some(weekday);
            words.remove(0);
        }
        if let Some(month) = words.first().and_then(|word| month(word)) {
            left.month = Some(month);
            words.remove(0);
        }
        while let Some(word) = words.first().filter(|word| word.contains('/') || is_iso(word)) {
            match date(word) {
                Some(date) => left.dates.push(date),
                None => left.date_unread = true,
            }
            words.remove(0);
        }
        left
    }

    fn dated(self, layout: Layout, line: usize) -> Result<Option<Dated>, &'static str> {
        let Left { week, weekday, month, dates, .. } = self;
        if week.is_none() && weekday.is_none() && month.is_none() && dates.is_empty() {
            return Ok(None);
        }
        let (Some(weekday), Some(month)) = (weekday, month) else {
            return Err("It has a part of a month's cells: day of transfer, relevant month and dates belong together.");
        };
        if week.is_some() != layout.prints_weeks() {
            return Err(match layout {
                Layout::Shbe => "It has a week number, which this annex does not print.",
                Layout::HbmsMi => "It has no week number, which this annex prints with every month.",
            });
        }
        if dates.len() != layout.dates() {
            return Err(match layout {
                Layout::Shbe => "It does not have two dates: the earliest extraction and the transfer.",
                Layout::HbmsMi => "It does not have one date: the transfer.",
            });
        }
        Ok(Some(Dated { line, week, weekday, month, dates }))
    }
}

fn authority(words: &[&str], line: usize) -> Result<Option<PrintedAuthority>, &'static str> {
    let Some((last, name)) = words.split_last() else { return Ok(None) };
    if number(last).is_none() {
        return Err("It cannot be read: an authority's line ends with its LA number.");
    }
    if name.is_empty() {
        return Err("It has a number without a name beside it.");
    }
    if name.iter().any(|word| word.chars().any(|c| c.is_ascii_digit() || c == '/')) {
        return Err("It cannot be read: there are digits within what should be a name.");
    }
    Ok(Some(PrintedAuthority { line, number: (*last).to_owned(), name: name.join(" ") }))
}

fn number(word: &str) -> Option<usize> {
    let digits = word.len() <= 9 && word.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| word.parse().ok()).flatten()
}

fn weekday(word: &str) -> Option<Weekday> {
    use Weekday::*;
    let all = [
        ("Monday", Monday),
        ("Tuesday", Tuesday),
        ("Wednesday", Wednesday),
        ("Thursday", Thursday),
        ("Friday", Friday),
        ("Saturday", Saturday),
        ("Sunday", Sunday),
    ];
    all.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, weekday)| weekday)
}

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// `Apr-20`, `Apr-2020`
fn month(word: &str) -> Option<RelevantMonth> {
    let (name, year) = word.split_once('-')?;
    let at = MONTHS.iter().position(|month| name.eq_ignore_ascii_case(month))?;
    let year: i16 = match (year.len(), number(year)?) {
        (2, year) => i16::try_from(year).ok()? + 2000,
        (4, year) => i16::try_from(year).ok()?,
        _ => return None,
    };
    RelevantMonth::new(year, i8::try_from(at).ok()? + 1)
}

fn is_iso(word: &str) -> bool {
    word.len() == 10
        && word.bytes().enumerate().all(|(at, b)| if at == 4 || at == 7 { b == b'-' } else { b.is_ascii_digit() })
}

/// `14/04/2020`, or `2020-04-14` as spreadsheets write it.
pub(super) fn date(word: &str) -> Option<Date> {
    if is_iso(word) {
        return word.parse().ok();
    }
    let pieces: Vec<&str> = word.split('/').collect();
    let [day, month, year] = *pieces.as_slice() else { return None };
    let fits = (1..=2).contains(&day.len()) && (1..=2).contains(&month.len()) && year.len() == 4;
    let numbers = number(day).zip(number(month)).zip(number(year)).filter(|_| fits)?;
    let ((day, month), year) = numbers;
    Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}
