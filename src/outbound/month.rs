//! Which month a file in a returns folder says it is for.
//!
//! In:  its name, its content, the obligations.
//! Out: the month it tells; `None` where it tells none.
//! Holds: a month is read, never guessed: a date of a day in a name is when the file was made, not what it is for.

use std::io::{self, Seek, SeekFrom};

use crate::catalogue::shbe;
use crate::domain::{RelevantMonth, ReturnKind, Submission};
use crate::durable::File;

/// The month that the file tells: an extract by its reference date, a workbook by its name.
pub(super) fn told_month(
    owed: &Submission,
    all: &[Submission],
    name: &str,
    content: &mut File,
) -> io::Result<Option<RelevantMonth>> {
    if owed.key.kind == ReturnKind::HbmsMi {
        return Ok(named_month(name));
    }
    content.seek(SeekFrom::Start(0))?;
    let header = shbe::header(&mut *content)?;
    let Some(reference) = header.and_then(|header| header.reference_date) else { return Ok(None) };
    let covers = |one: &&Submission| {
        let same = one.key.kind == owed.key.kind && one.key.authority == owed.key.authority;
        same && one.extract_from.is_some_and(|from| from <= reference) && reference <= one.transfer_on
    };
    Ok(all.iter().find(covers).map(|one| one.key.month))
}

/// The one month that stands in a name as `2020-04`, `2020_04` or `2020 04`.
fn named_month(name: &str) -> Option<RelevantMonth> {
    let pieces: Vec<&str> = name.split(|c: char| !c.is_alphanumeric()).filter(|piece| !piece.is_empty()).collect();
    let is_day = |piece: Option<&&str>| {
        piece.is_some_and(|piece| piece.len() <= 2 && piece.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let mut found = None;
    for (at, pair) in pieces.windows(2).enumerate() {
        let Ok(month) = format!("{}-{}", pair[0], pair[1]).parse::<RelevantMonth>() else { continue };
        if !pair[0].starts_with("20") || is_day(pieces.get(at + 2)) {
            continue;
        }
        if found.is_some_and(|other| other != month) {
            return None;
        }
        found = Some(month);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_read_and_a_day_is_not_taken_for_one() {
        for (name, month) in [
            ("HBMS_MI_2020-04.xlsx", Some("2020-04")),
            ("MI 2020_11 corrected.xlsx", Some("2020-11")),
            ("2020-04 and 2020-04 again.xlsx", Some("2020-04")),
            ("2020-04 and 2020-05.xlsx", None),
            ("MI 2020-05-03.xlsx", None),
            ("MI 03-05-2020.xlsx", None),
            ("MI 2020-21.xlsx", None),
            ("AOBWR501_12302_return.xlsx", None),
            ("april.xlsx", None),
            ("", None),
        ] {
            assert_eq!(named_month(name).map(|month| month.to_string()).as_deref(), month, "{name}");
        }
    }
}
