//! Caseload Risk Data in numbers: which columns count, the volume of a month, and the reviews expected of a year.
//!
//! Holds: nothing here comes from a row of the data but counts.
// DWP A5/2020 paragraphs 14 to 26

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use serde::Serialize;

/// The most columns that a risk table is read with.
pub const RISK_COLUMNS_MAX: usize = 256;
/// The longest name of a column, in characters.
const NAME_CHARS_MAX: usize = 100;

/// Which column of the table: by its name in the header row, or by its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RiskColumn {
    /// Its name, in any letters.
    Named(String),
    /// Its place, counted from 1.
    Number(usize),
}

/// What the columns of the risk table mean. DWP does not publish them, so an authority says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RiskProfile {
    /// The claim's reference.
    pub claim: Option<RiskColumn>,
    /// The risk score.
    pub score: Option<RiskColumn>,
    /// The mark of the nationally highest risks.
    pub high_risk: Option<RiskColumn>,
    /// What stands in that column for a marked claim, in any letters.
    pub high_risk_values: Vec<String>,
    /// Whether the first row names the columns; `None` where the file itself shall tell.
    pub header: Option<bool>,
}

/// The text names no column.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no column: write its name in the header row, or its number from 1 to {RISK_COLUMNS_MAX}")]
pub struct NotAColumn(String);

impl FromStr for RiskColumn {
    type Err = NotAColumn;

    fn from_str(text: &str) -> Result<RiskColumn, NotAColumn> {
        let name = text.trim();
        if name.bytes().all(|byte| byte.is_ascii_digit()) {
            let number = name.parse().ok().filter(|number| (1..=RISK_COLUMNS_MAX).contains(number));
            return number.map(RiskColumn::Number).ok_or_else(|| NotAColumn(text.to_owned()));
        }
        let plain = name.chars().count() <= NAME_CHARS_MAX && !name.chars().any(char::is_control);
        if plain { Ok(RiskColumn::Named(name.to_owned())) } else { Err(NotAColumn(text.to_owned())) }
    }
}

impl fmt::Display for RiskColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RiskColumn::Named(name) => write!(f, "`{name}`"),
            RiskColumn::Number(number) => write!(f, "{number}"),
        }
    }
}

impl RiskProfile {
    /// Whether a value of the mark's column means high risk.
    pub fn marks(&self, value: &str) -> bool {
        self.high_risk_values.iter().any(|mark| mark.eq_ignore_ascii_case(value.trim()))
    }
}

/// One month's file in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct MonthVolume {
    /// When it was received, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub received: Option<Date>,
    /// Live claims.
    pub rows: u64,
    /// Those marked as high risk; `None` where no profile tells.
    pub high_risk: Option<u64>,
}

/// How a number moved from one month to the next.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Movement {
    /// By how many.
    pub difference: i64,
    /// In percent of the earlier month, to one decimal; `None` where that was nothing.
    pub percent: Option<f64>,
}

impl Movement {
    /// From `before` to `now`.
    pub fn between(before: u64, now: u64) -> Movement {
        let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let difference = signed(now).saturating_sub(signed(before));
        let percent = (before > 0).then(|| (difference as f64 * 1000.0 / before as f64).round() / 10.0);
        Movement { difference, percent }
    }
}

/// The Full Case Reviews expected over the months: the mean of their high-risk volumes, to the nearest whole one, a half
/// upwards. `None` unless every month tells its volume.
// DWP A5/2020 paragraph 21: 2,134 over 12 data files gives 178
pub fn expected_reviews_mean(months: &[MonthVolume]) -> Option<u64> {
    let files = u64::try_from(months.len()).ok().filter(|files| *files > 0)?;
    let mut marked = 0u64;
    for month in months {
        marked = marked.checked_add(month.high_risk?)?;
    }
    Some((marked + files / 2) / files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn months(volumes: &[u64]) -> Vec<MonthVolume> {
        let month = |marked: &u64| MonthVolume { received: None, rows: 10 * marked, high_risk: Some(*marked) };
        volumes.iter().map(month).collect()
    }

    #[test]
    fn the_circulars_example_gives_178() {
        let volumes = [168, 182, 177, 180, 172, 190, 179, 183, 182, 162, 178, 181];
        assert_eq!(volumes.iter().sum::<u64>(), 2134);
        assert_eq!(expected_reviews_mean(&months(&volumes)), Some(178));
    }

    #[test]
    fn a_half_goes_upwards_and_an_untold_month_leaves_it_open() {
        assert_eq!(expected_reviews_mean(&months(&[1, 2])), Some(2));
        assert_eq!(expected_reviews_mean(&months(&[1, 1, 2])), Some(1));
        assert_eq!(expected_reviews_mean(&[]), None);
        let untold = MonthVolume { received: None, rows: 5, high_risk: None };
        assert_eq!(expected_reviews_mean(&[months(&[3])[0], untold]), None);
    }

    #[test]
    fn movements_are_signed_and_in_percent() {
        assert_eq!(Movement::between(168, 182), Movement { difference: 14, percent: Some(8.3) });
        assert_eq!(Movement::between(200, 150), Movement { difference: -50, percent: Some(-25.0) });
        assert_eq!(Movement::between(0, 3), Movement { difference: 3, percent: None });
    }

    #[test]
    fn columns_are_numbers_or_names() {
        assert_eq!("3".parse(), Ok(RiskColumn::Number(3)));
        assert_eq!(" RISK_SCORE ".parse(), Ok(RiskColumn::Named("RISK_SCORE".to_owned())));
        for bad in ["", "0", "257", "a\tb"] {
            assert!(bad.parse::<RiskColumn>().is_err(), "{bad:?}");
        }
    }
}
