//! Whether a single value has the form that its field asks for.

use jiff::civil::Date;

use super::profile::Check;
use crate::domain::ShbeRule;

/// The rule that a value breaks, if it does.
#[inline]
pub(super) fn broken(check: Check, value: &[u8]) -> Option<ShbeRule> {
    match check {
        Check::Date => date(value).is_none().then_some(ShbeRule::NotADate),
        Check::Pence => (!is_whole(value)).then_some(ShbeRule::NotAnAmount),
        Check::Number => (!is_whole(value)).then_some(ShbeRule::NotANumber),
        Check::Hours => (!is_decimal(value)).then_some(ShbeRule::NotANumber),
        Check::Nino => (!is_nino(value)).then_some(ShbeRule::NinoShape),
        Check::Code(first, last) => {
            (!matches!(value, [code] if (first..=last).contains(code))).then_some(ShbeRule::CodeRange)
        }
    }
}

/// `dd-mm-yyyy` or `dd/mm/yyyy`, a day that there was or will be.
pub(super) fn date(value: &[u8]) -> Option<Date> {
    let [d1, d2, first, m1, m2, second, y1, y2, y3, y4] = value else { return None };
    if first != second || !matches!(first, b'-' | b'/') {
        return None;
    }
    let mut digits = [*d1, *d2, *m1, *m2, *y1, *y2, *y3, *y4];
    for digit in &mut digits {
        *digit = digit.wrapping_sub(b'0');
        if *digit > 9 {
            return None;
        }
    }
    let [d1, d2, m1, m2, y1, y2, y3, y4] = digits.map(|digit| digit as i8);
    let year = i16::from(y1) * 1000 + i16::from(y2) * 100 + i16::from(y3) * 10 + i16::from(y4);
    if year == 0 {
        return None;
    }
    Date::new(year, m1 * 10 + m2, d1 * 10 + d2).ok()
}

/// Digits, perhaps behind a minus. As many as a sum can have that software counts with.
fn is_whole(value: &[u8]) -> bool {
    let digits = value.strip_prefix(b"-").unwrap_or(value);
    (1..=15).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit)
}

fn is_decimal(value: &[u8]) -> bool {
    match memchr::memchr(b'.', value) {
        None => is_whole(value),
        Some(point) => is_whole(&value[..point]) && is_whole(&value[point + 1..]) && value[point + 1] != b'-',
    }
}

/// Two letters of those that are given out, six digits, and A to D or nothing. Authorities write XX999… and ZX999… where they know
/// none.
fn is_nino(value: &[u8]) -> bool {
    if value.starts_with(b"XX999") || value.starts_with(b"ZX999") {
        return true;
    }
    let (prefix, rest) = match value {
        [first, second, rest @ ..] => ([*first, *second], rest),
        _ => return false,
    };
    let (digits, suffix) = rest.split_at(rest.len().min(6));
    let never = [*b"BG", *b"GB", *b"KN", *b"NK", *b"NT", *b"TN", *b"ZZ"];
    prefix.iter().all(u8::is_ascii_uppercase)
        && !b"DFIQUV".contains(&prefix[0])
        && !b"DFIOQUV".contains(&prefix[1])
        && !never.contains(&prefix)
        && digits.len() == 6
        && digits.iter().all(u8::is_ascii_digit)
        && matches!(suffix, [] | [b'A'..=b'D'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(check: Check, values: &[&str]) {
        for value in values {
            assert!(broken(check, value.as_bytes()).is_some(), "{check:?} takes {value:?}");
        }
    }

    fn taken(check: Check, values: &[&str]) {
        for value in values {
            assert_eq!(broken(check, value.as_bytes()), None, "{check:?} refuses {value:?}");
        }
    }

    #[test]
    fn dates_are_days_of_the_calendar_in_either_notation() {
        taken(Check::Date, &["29-02-2020", "01/01/1900", "31-12-9999"]);
        let odd = ["29-02-2021", "31-04-2020", "00-01-2020", "01-13-2020", "01-01-0000", "1-1-2020", "2020-01-01"];
        refused(Check::Date, &odd);
        refused(Check::Date, &["01-01/2020", "01.01.2020", "01-01-20 0", "01-01-202x", "010120200", "01-01-20200"]);
    }

    #[test]
    fn amounts_are_whole_pence_and_only_hours_have_decimals() {
        for check in [Check::Pence, Check::Number] {
            taken(check, &["0", "12345", "-12345", "000"]);
            refused(check, &["12.50", "£12", "1,234", "-", "+1", "12a", "1 2", "1234567890123456"]);
        }
        taken(Check::Hours, &["16", "37.5", "0.25"]);
        refused(Check::Hours, &["37,5", "37.", ".5", "3.7.5", "-", "1.-5", "16h"]);
    }

    #[test]
    fn numbers_of_national_insurance_have_their_shape() {
        taken(Check::Nino, &["AB123456C", "AB123456", "XX999999X", "ZX999123", "JK000000A"]);
        refused(Check::Nino, &["AB123456E", "DA123456A", "AO123456A", "ZZ123456A", "GB123456A", "A1234567B"]);
        refused(Check::Nino, &["AB12345", "AB1234567", "ab123456c", "AB 123456", "A", "XX99", "AB123456CC"]);
    }

    #[test]
    fn codes_are_single_characters_of_their_range() {
        taken(Check::Code(b'1', b'9'), &["1", "9"]);
        refused(Check::Code(b'1', b'9'), &["0", "10", "x", "01"]);
    }
}
