//! What each field of an extract is: `config/shbe/shbe-2015-341.csv`, built in.
//!
//! Out: [`Profile`]: every field, and for each record type the fields whose form is known well enough to be checked.

use crate::domain::shbe_rule::SHBE_PROFILE;

const SHBE_2015_341: &str = include_str!("../../../config/shbe/shbe-2015-341.csv");

/// The record types, in the order of their indexes.
pub(super) const RECORD_TYPES: &[u8; 9] = b"ACDEGPRST";

/// What stands in a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A code or text.
    Text,
    /// A National Insurance number.
    Nino,
    /// A day.
    Date,
    /// Money in whole pence.
    Pence,
    /// A whole number.
    Number,
    /// A number that only tells one from another. How long it is and what else is in it is up to whoever gives it out.
    Identifier,
    /// Hours, with decimals.
    Hours,
    /// Sources do not say, or contradict each other.
    Unknown,
    /// Nothing since April 2013.
    Unused,
}

/// One field.
#[derive(Clone, Debug)]
pub struct Field {
    /// Counts from 1; also its column.
    pub number: u16,
    /// DWP's name for it.
    pub mnemonic: &'static str,
    /// What stands in it.
    pub form: Form,
    /// The record types that carry it, as letters.
    pub records: &'static str,
    /// The codes that are known, first and last.
    pub values: Option<(u8, u8)>,
    /// Whether it tells of a person who that is.
    pub personal: bool,
    /// Our name for it.
    pub label: &'static str,
}

/// A layout.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Its name in configurations and answers.
    pub name: &'static str,
    /// In order.
    pub fields: Vec<Field>,
    /// By record type: the columns to check, from 0, and for what.
    pub(super) checks: [Vec<(u16, Check)>; RECORD_TYPES.len()],
}

/// What is checked in a field that is not empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Check {
    Date,
    Pence,
    Number,
    Hours,
    Nino,
    Code(u8, u8),
}

impl Profile {
    /// The layout of April 2015.
    pub fn built_in() -> Profile {
        let fields: Vec<Field> = SHBE_2015_341.lines().skip(1).filter_map(read).collect();
        let checks = RECORD_TYPES.map(|record| {
            let carried = fields.iter().filter(|field| field.records.as_bytes().contains(&record));
            carried.filter_map(|field| Some((field.number - 1, field.check()?))).collect()
        });
        Profile { name: SHBE_PROFILE, fields, checks }
    }
}

impl Field {
    fn check(&self) -> Option<Check> {
        match self.form {
            Form::Text => self.values.map(|(first, last)| Check::Code(first, last)),
            Form::Nino => Some(Check::Nino),
            Form::Date => Some(Check::Date),
            Form::Pence => Some(Check::Pence),
            Form::Number => Some(Check::Number),
            Form::Hours => Some(Check::Hours),
            Form::Identifier | Form::Unknown | Form::Unused => None,
        }
    }
}

/// A test sees to it that every line can be read. Only the label may have a comma, in quotation marks.
fn read(line: &'static str) -> Option<Field> {
    let mut cells = line.splitn(7, ',');
    let number = cells.next()?.parse().ok().filter(|number| *number > 0)?;
    let mnemonic = cells.next()?;
    let form = match cells.next()? {
        "text" => Form::Text,
        "nino" => Form::Nino,
        "date" => Form::Date,
        "pence" => Form::Pence,
        "number" => Form::Number,
        "identifier" => Form::Identifier,
        "hours" => Form::Hours,
        "unknown" => Form::Unknown,
        "unused" => Form::Unused,
        _ => return None,
    };
    let records = cells.next()?;
    let values = match cells.next()?.as_bytes() {
        [first, b'-', last] => Some((*first, *last)),
        _ => None,
    };
    let personal = cells.next()? == "yes";
    let label = cells.next()?.trim_matches('"');
    Some(Field { number, mnemonic, form, records, values, personal, label })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::catalogue::shbe::FIELDS;

    #[test]
    fn every_field_is_there_once_in_order_with_all_it_needs() {
        let profile = Profile::built_in();
        assert!(profile.fields.iter().map(|field| usize::from(field.number)).eq(1..=FIELDS), "number is column");
        let names: BTreeSet<&str> = profile.fields.iter().map(|field| field.mnemonic).collect();
        assert_eq!(names.len(), FIELDS);
        for field in &profile.fields {
            assert!(!field.label.is_empty() && !field.label.contains('"'), "{field:?}");
            assert!(field.records.bytes().all(|letter| RECORD_TYPES.contains(&letter)), "{field:?}");
            assert!(field.form != Form::Unused || field.records.is_empty(), "{field:?}");
        }
        let header = SHBE_2015_341.lines().next();
        assert_eq!(header, Some("number,mnemonic,type,records,values,personal,label"));
    }

    /// The facts that rules stand on.
    #[test]
    fn what_is_documented_of_single_fields_is_in_it() {
        let profile = Profile::built_in();
        let field = |number: usize| &profile.fields[number - 1];
        for (number, first, last) in [
            (9, b'1', b'9'),
            (12, b'0', b'5'),
            (33, b'0', b'2'),
            (123, b'0', b'2'),
            (210, b'0', b'9'),
            (250, b'0', b'2'),
            (274, b'0', b'3'),
            (308, b'1', b'2'),
        ] {
            assert_eq!(field(number).values, Some((first, last)), "{number}");
        }
        assert_eq!(profile.fields.iter().filter(|field| field.values.is_some()).count(), 8);
        assert_eq!((field(241).form, field(242).form), (Form::Hours, Form::Hours));
        assert_eq!((field(316).form, field(320).form), (Form::Identifier, Form::Identifier));
        assert_eq!((field(4).form, field(126).form), (Form::Nino, Form::Nino));
        assert_eq!((field(173).records, field(320).records, field(337).records), ("R", "ET", "E"));
        assert_eq!((field(171).form, field(175).form, field(318).form), (Form::Date, Form::Date, Form::Date));
        for number in [2, 3, 4, 5, 6, 7, 8, 10, 11, 126, 128, 178, 280, 288, 289, 301, 309, 313, 315] {
            assert!(field(number).personal, "{number}");
        }
    }
}
