//! How durations, sizes, windows, modes and groups are written in the file.
//!
//! Each parser takes the text and says in one sentence what is wrong with it.

use std::time::Duration;

use jiff::civil::Time;
use jiff::{SignedDuration, Span, SpanRelativeTo};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::settings::Window;
use crate::domain::Keep;

/// A duration as written, such as `"30s"`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline, extend("format" = "duration"))]
pub(super) struct WrittenDuration(pub(super) String);

/// How long something is kept, as written: a duration, or `"forever"`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(super) struct WrittenKeep(pub(super) String);

/// A size as written: a number of bytes, or `"100 MiB"`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline, extend("format" = "size"))]
pub(super) enum WrittenSize {
    Bytes(u64),
    Text(String),
}

impl From<&str> for WrittenDuration {
    fn from(text: &str) -> Self {
        WrittenDuration(text.to_owned())
    }
}

impl From<&str> for WrittenSize {
    fn from(text: &str) -> Self {
        WrittenSize::Text(text.to_owned())
    }
}

impl WrittenDuration {
    /// Days are 24 hours; months and years are refused, as they have no fixed length.
    pub(super) fn parse(&self) -> Option<Duration> {
        let span: Span = self.0.parse().ok()?;
        let length = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
        Duration::try_from(length).ok()
    }
}

impl From<&str> for WrittenKeep {
    fn from(text: &str) -> Self {
        WrittenKeep(text.to_owned())
    }
}

impl WrittenKeep {
    pub(super) fn parse(&self) -> Option<Keep> {
        match self.0.trim() {
            "forever" => Some(Keep::Forever),
            text => WrittenDuration::from(text).parse().map(Keep::For),
        }
    }
}

impl WrittenSize {
    pub(super) fn parse(&self) -> Option<u64> {
        let text = match self {
            WrittenSize::Bytes(bytes) => return Some(*bytes),
            WrittenSize::Text(text) => text.trim(),
        };
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, unit) = text.split_at(digits);
        let shift = match unit.trim() {
            "" | "B" => 0,
            "KiB" => 10,
            "MiB" => 20,
            "GiB" => 30,
            "TiB" => 40,
            _ => return None,
        };
        number.parse::<u64>().ok()?.checked_mul(1 << shift)
    }
}

/// A duration for people: `1h 30m`.
pub(super) fn duration_text(duration: Duration) -> String {
    match SignedDuration::try_from(duration) {
        Ok(signed) => format!("{signed:#}"),
        Err(_) => format!("{}s", duration.as_secs()),
    }
}

/// A size for people, in the largest unit that divides it.
pub(super) fn size_text(bytes: u64) -> String {
    let units = [(40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")];
    let fitting = units.into_iter().find(|(shift, _)| bytes > 0 && bytes.trailing_zeros() >= *shift);
    fitting.map_or_else(|| format!("{bytes} B"), |(shift, unit)| format!("{} {unit}", bytes >> shift))
}

/// `08:00-18:00`. `24:00` and `00:00` at the end both mean the end of the day.
pub(super) fn window(text: &str) -> Option<Window> {
    let (from, until) = text.split_once('-')?;
    let from = hour_and_minute(from.trim())?;
    let until = match until.trim() {
        "24:00" => Time::midnight(),
        until => hour_and_minute(until)?,
    };
    (until == Time::midnight() || from < until).then_some(Window { from, until })
}

fn hour_and_minute(text: &str) -> Option<Time> {
    if text.len() != 5 {
        return None;
    }
    Time::strptime("%H:%M", text).ok()
}

/// Permission bits, in octal. Delivered files hold personal data: the owner reads, nobody but the owner and the group
/// ever does, and nothing is executable.
pub(super) fn mode(text: &str) -> Option<u32> {
    let octal = (3..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    let bits = if octal { u32::from_str_radix(text, 8).ok()? } else { return None };
    (bits & !0o660 == 0 && bits & 0o400 != 0).then_some(bits)
}

/// A group as `getent group` knows it. Directory services have spaces and backslashes in theirs.
pub(super) fn group(text: &str) -> Option<String> {
    let good = (1..=64).contains(&text.chars().count())
        && !text.starts_with(['-', ' '])
        && !text.ends_with(' ')
        && !text.contains([':', ',', '/'])
        && !text.chars().any(char::is_control);
    good.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, seconds) in [("10s", 10), ("5m", 300), ("30d", 2_592_000), ("1h 30m", 5400)] {
            assert_eq!(WrittenDuration::from(text).parse(), Some(Duration::from_secs(seconds)), "{text}");
        }
        for bad in ["", "10", "-5s", "1 month", "soon"] {
            assert_eq!(WrittenDuration::from(bad).parse(), None, "{bad:?}");
        }
        assert_eq!(duration_text(Duration::from_secs(5400)), "1h 30m");
    }

    #[test]
    fn keeping() {
        assert_eq!(WrittenKeep::from("400d").parse(), Some(Keep::For(Duration::from_secs(400 * 86_400))));
        assert_eq!(WrittenKeep::from("forever").parse(), Some(Keep::Forever));
        assert_eq!(WrittenKeep::from("0s").parse(), Some(Keep::For(Duration::ZERO)));
        for bad in ["", "400", "14 months", "never", "-1d"] {
            assert_eq!(WrittenKeep::from(bad).parse(), None, "{bad:?}");
        }
    }

    #[test]
    fn sizes() {
        for (text, bytes) in [("512", 512), ("100 MiB", 100 << 20), ("4GiB", 4 << 30), ("1 KiB", 1024)] {
            assert_eq!(WrittenSize::from(text).parse(), Some(bytes), "{text}");
        }
        assert_eq!(WrittenSize::Bytes(7).parse(), Some(7));
        for bad in ["", "MiB", "1.5 GiB", "-1", "5 MB", "99999999999 TiB"] {
            assert_eq!(WrittenSize::from(bad).parse(), None, "{bad:?}");
        }
        assert_eq!(
            (size_text(8 << 30), size_text(1000), size_text(0)),
            ("8 GiB".into(), "1000 B".into(), "0 B".into())
        );
    }

    #[test]
    fn windows() {
        let day = window("08:00-18:00").unwrap();
        assert_eq!((day.from.hour(), day.until.hour()), (8, 18));
        assert_eq!(window("00:00-24:00"), window("00:00-00:00"));
        for bad in ["", "8-18", "18:00-08:00", "08:00", "08:00-08:00", "08:00-25:00", "8:00-18:00"] {
            assert_eq!(window(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn modes_and_groups() {
        assert_eq!((mode("0640"), mode("600"), mode("0440")), (Some(0o640), Some(0o600), Some(0o440)));
        for bad in ["", "0644", "0750", "4640", "0060", "rw-r-----", "0699"] {
            assert_eq!(mode(bad), None, "{bad:?}");
        }
        assert_eq!(group("domain users"), Some("domain users".to_owned()));
        for bad in ["", "a:b", "a/b", "-g", "a\nb"] {
            assert_eq!(group(bad), None, "{bad:?}");
        }
    }
}
