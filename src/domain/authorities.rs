//! The table of LA numbers: which there are, when, and which council files under them.
//!
//! In:  dated rows, read by `config`. Out: whether a number is known on a day, whose it is, which others its council has.
//! Holds: nothing is concluded from a number's digits.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::authority::LaNumber;
use super::working_days::Division;

/// One number over one span of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownAuthority {
    /// The number DWP knows it by.
    pub number: LaNumber,
    /// Its name, as DWP prints it.
    pub name: String,
    /// The council that files under it. Where one council has several numbers, it is named alike with each.
    pub council: String,
    /// Whose bank holidays it keeps.
    pub division: Division,
    /// The first day on which the number is known to be in use.
    pub from: Option<Date>,
    /// The last day on which it was in use; `None` while nothing is known of an end.
    pub until: Option<Date>,
    /// The authorities that it succeeded.
    pub previously: Vec<String>,
}

impl KnownAuthority {
    /// Whether the row counts on this day.
    pub fn is_of(&self, day: Date) -> bool {
        self.from.is_none_or(|from| from <= day) && self.until.is_none_or(|until| day <= until)
    }
}

/// Every number that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authorities(BTreeMap<LaNumber, Vec<KnownAuthority>>);

impl Authorities {
    /// A table of these rows. Several of one number are spans of time, in the order given.
    pub fn new(rows: impl IntoIterator<Item = KnownAuthority>) -> Authorities {
        Authorities::default().with(rows)
    }

    /// This table and more: the rows of a number take the place of all rows that the table had of it.
    pub fn with(mut self, rows: impl IntoIterator<Item = KnownAuthority>) -> Authorities {
        let mut more: BTreeMap<LaNumber, Vec<KnownAuthority>> = BTreeMap::new();
        for row in rows {
            more.entry(row.number.clone()).or_default().push(row);
        }
        self.0.extend(more);
        self
    }

    /// The authority of this number on this day.
    pub fn on(&self, day: Date, number: &LaNumber) -> Option<&KnownAuthority> {
        self.0.get(number)?.iter().find(|row| row.is_of(day))
    }

    /// The number's latest row, whatever the day.
    pub fn latest(&self, number: &LaNumber) -> Option<&KnownAuthority> {
        self.0.get(number)?.last()
    }

    /// Every authority of this day, by its number.
    pub fn all_on(&self, day: Date) -> impl Iterator<Item = &KnownAuthority> {
        self.0.values().filter_map(move |rows| rows.iter().find(|row| row.is_of(day)))
    }

    /// The numbers under which this council files on this day.
    pub fn of_council<'a>(&'a self, council: &'a str, day: Date) -> impl Iterator<Item = &'a KnownAuthority> {
        self.all_on(day).filter(move |row| row.council == council)
    }

    /// How many numbers there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn row(number: &str, council: &str, from: Date, until: Option<Date>) -> KnownAuthority {
        KnownAuthority {
            number: number.parse().unwrap(),
            name: format!("Name of {number}"),
            council: council.to_owned(),
            division: Division::EnglandAndWales,
            from: Some(from),
            until,
            previously: Vec::new(),
        }
    }

    #[test]
    fn a_number_is_known_from_its_first_to_its_last_day() {
        let table = Authorities::new([row("12302", "One", date(2020, 4, 1), Some(date(2021, 3, 31)))]);
        let number = "12302".parse().unwrap();
        let known = |day| table.on(day, &number).is_some();
        let days = [date(2020, 3, 31), date(2020, 4, 1), date(2021, 3, 31), date(2021, 4, 1)];
        assert_eq!(days.map(known), [false, true, true, false]);
    }

    #[test]
    fn one_council_may_have_several_numbers_and_a_number_may_pass_to_another() {
        let since = date(2021, 4, 1);
        let table = Authorities::new([
            row("12302", "One", date(2020, 4, 1), Some(date(2021, 3, 31))),
            row("12302", "Two", since, None),
            row("12303", "Two", date(2020, 4, 1), None),
        ]);
        let numbers =
            |council, day| table.of_council(council, day).map(|row| row.number.to_string()).collect::<Vec<_>>();
        assert_eq!(numbers("Two", date(2020, 6, 1)), ["12303"]);
        assert_eq!(numbers("Two", since), ["12302", "12303"]);
        assert_eq!(numbers("One", since), Vec::<String>::new());
    }

    #[test]
    fn an_operators_rows_take_the_place_of_the_numbers_they_are_about() {
        let table = Authorities::new([
            row("12302", "One", date(2020, 4, 1), None),
            row("12303", "One", date(2020, 4, 1), None),
        ]);
        let table = table.with([row("12302", "Two", date(2020, 4, 1), None)]);
        let council = |number: &str| table.latest(&number.parse().unwrap()).unwrap().council.clone();
        assert_eq!([council("12302"), council("12303")], ["Two", "One"]);
        assert_eq!(table.len(), 2);
    }
}
