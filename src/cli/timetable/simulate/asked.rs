//! What a simulation may be asked to suppose, as it is written on the command line.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;

/// Days on which the service does not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Outage {
    /// It stops as this day begins.
    pub from: Date,
    /// It is back as this day begins.
    pub to: Date,
}

/// The text is not an outage.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAnOutage {
    /// Not two dates.
    #[error(
        "`{0}` is not an outage: write its first day and the day on which the service is back, 2020-10-20..2020-11-03"
    )]
    Form(String),
    /// Two dates the wrong way round.
    #[error(
        "the service cannot be back on {to} from an outage that begins on {from}: name the earlier day first, and a later one on which it is back"
    )]
    Ends {
        /// The first day.
        from: Date,
        /// The day on which it is back.
        to: Date,
    },
}

impl FromStr for Outage {
    type Err = NotAnOutage;

    fn from_str(text: &str) -> Result<Outage, NotAnOutage> {
        let form = || NotAnOutage::Form(text.to_owned());
        let (from, to) = text.split_once("..").ok_or_else(form)?;
        let from = from.parse().map_err(|_| form())?;
        let to = to.parse().map_err(|_| form())?;
        if from < to { Ok(Outage { from, to }) } else { Err(NotAnOutage::Ends { from, to }) }
    }
}

impl fmt::Display for Outage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.from, self.to)
    }
}

/// When officers leave the returns' files in their folders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Files {
    /// An SHBE the day after its earliest extraction date, an HBMS MI return a week before its transfer date.
    #[default]
    Ready,
    /// Not at all.
    Never,
    /// As [`Files::Ready`], but an SHBE so many days after its earliest extraction date.
    AfterExtraction(u8),
}

/// The text tells no way of leaving files.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` does not tell when files are left: write ready, never, or after-extraction:N with N of at most {DAYS_MAX} days"
)]
pub struct NotAWayOfLeaving(String);

/// By then the next month's is due.
const DAYS_MAX: u8 = 28;

impl FromStr for Files {
    type Err = NotAWayOfLeaving;

    fn from_str(text: &str) -> Result<Files, NotAWayOfLeaving> {
        let days = || text.strip_prefix("after-extraction:")?.parse().ok().filter(|days| *days <= DAYS_MAX);
        match text {
            "ready" => Ok(Files::Ready),
            "never" => Ok(Files::Never),
            _ => days().map(Files::AfterExtraction).ok_or_else(|| NotAWayOfLeaving(text.to_owned())),
        }
    }
}

impl fmt::Display for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Files::Ready => f.write_str("ready"),
            Files::Never => f.write_str("never"),
            Files::AfterExtraction(days) => write!(f, "after-extraction:{days}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outages_are_two_dates_in_their_order() {
        let outage: Outage = "2020-10-20..2020-11-03".parse().unwrap();
        assert_eq!((outage.from.to_string(), outage.to.to_string()), ("2020-10-20".into(), "2020-11-03".into()));
        assert_eq!(outage.to_string(), "2020-10-20..2020-11-03");
        for bad in
            ["", "2020-10-20", "2020-10-20..", "..2020-10-20", "2020-10-20..2020-02-30", "2020-10-20...2020-11-03"]
        {
            assert_eq!(bad.parse::<Outage>(), Err(NotAnOutage::Form(bad.to_owned())));
        }
        for bad in ["2020-10-20..2020-10-20", "2020-11-03..2020-10-20"] {
            assert!(matches!(bad.parse::<Outage>(), Err(NotAnOutage::Ends { .. })), "{bad}");
        }
    }

    #[test]
    fn ways_of_leaving_files_read_as_they_are_written() {
        for way in ["ready", "never", "after-extraction:0", "after-extraction:28"] {
            assert_eq!(way.parse::<Files>().unwrap().to_string(), way);
        }
        for bad in
            ["", "sometimes", "after-extraction", "after-extraction:", "after-extraction:29", "after-extraction:-1"]
        {
            assert!(bad.parse::<Files>().is_err(), "{bad}");
        }
    }
}
