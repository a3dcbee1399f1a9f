//! Telling people by mail, the way the service's alarms go.
//!
//! Holds: that a mail is tried is noted down before it is, so that a state directory which cannot be written floods nobody;
//! what is kept as told was taken by the mail server; a mail that was refused is tried again by later runs.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::civil::DateTime;
use serde::Serialize;

use super::matters::Matter;
use super::memory::Memory;
use super::way::Way;
use crate::daemon::build::smtp_courier_by;
use crate::effects::clock::london;

/// Where nothing can be noted down, the first run of every so many hours mails.
const UNNOTED_EVERY_HOURS: i8 = 4;
/// As long as from one run of the timer to the next.
const UNNOTED_MINUTES: i8 = 15;

/// What came of the mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "outcome")]
pub(super) enum Told {
    /// There was nothing new to tell.
    NothingNew,
    /// `[service.alarms]` names nobody.
    Nobody,
    /// The server took it.
    Mailed {
        /// Matters in it.
        matters: usize,
        /// Matters that are over.
        over: usize,
    },
    /// It could not be mailed.
    Unsent {
        /// Why.
        says: String,
    },
}

impl Told {
    pub(super) fn is_well(&self) -> bool {
        !matches!(self, Told::Unsent { .. })
    }

    pub(super) fn line(&self) -> Option<String> {
        match self {
            Told::NothingNew | Told::Nobody => None,
            Told::Mailed { matters, over } => Some(format!("Mailed: {matters} of them, and {over} that are over.")),
            Told::Unsent { says } => Some(format!("This could not be mailed: {says} A later run tries again.")),
        }
    }
}

/// Mails what is new today, and what is over; but not what the service tells of itself.
pub(super) fn tell(way: &Way, matters: &[Matter], tells_itself: impl Fn(&Matter) -> bool, now: Timestamp) -> Told {
    let Some((server, to)) = &way.mail else { return Told::Nobody };
    let (memory, here) = (Memory::read(&way.state), now.to_zoned(london()));
    let today = here.date();
    let is_new = |matter: &&Matter| memory.is_news(matter, today, now) && !tells_itself(matter);
    let news = News { new: matters.iter().filter(is_new).collect(), over: memory.over(matters, today, now) };
    if news.new.is_empty() && news.over.is_empty() {
        return Told::NothingNew;
    }
    let tried = memory.tried(news.about(), today, now);
    let noted = tried.keep(&way.state);
    if let Err(error) = &noted
        && !may_go_unnoted(here.datetime())
    {
        let says =
            format!("it could not be noted down first ({error}), and so goes out every {UNNOTED_EVERY_HOURS} hours.");
        return Told::Unsent { says };
    }
    if let Err(error) = smtp_courier_by(server).note(to, &news.subject(), &news.text()) {
        return Told::Unsent { says: format!("{error}.") };
    }
    let taken = tried.taken(news.new.iter().copied(), news.over.iter().copied(), today);
    match noted.and_then(|()| taken.keep(&way.state)) {
        Ok(()) => Told::Mailed { matters: news.new.len(), over: news.over.len() },
        Err(error) => Told::Unsent { says: format!("it was, but that could not be noted down: {error}.") },
    }
}

/// Whether it is one of the few times a day at which a mail goes out although nobody will know that it did.
fn may_go_unnoted(here: DateTime) -> bool {
    here.hour() % UNNOTED_EVERY_HOURS == 0 && here.minute() < UNNOTED_MINUTES
}

struct News<'a> {
    new: Vec<&'a Matter>,
    over: Vec<&'a str>,
}

impl News<'_> {
    fn about(&self) -> impl Iterator<Item = &str> {
        self.new.iter().map(|matter| matter.about.as_str()).chain(self.over.iter().copied())
    }

    fn subject(&self) -> String {
        match (self.new.as_slice(), self.over.as_slice()) {
            ([one], []) => format!("hbcourier: {} about {}", one.code, one.about),
            ([], [one]) => format!("hbcourier: well again: {one}"),
            (new, over) => format!("hbcourier: {} need attention, {} over", new.len(), over.len()),
        }
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for Matter { about, code, says, next } in &self.new {
            let _ = writeln!(text, "{code} about {about}\n{says}\nNext: {next}\n");
        }
        for about in &self.over {
            let _ = writeln!(text, "Well again: {about}\n");
        }
        text.push_str("Told by `hbcourier deadline`, once a day for as long as it lasts.\n");
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_nothing_can_be_noted_down_a_few_runs_a_day_mail() {
        // The timer runs at each quarter of an hour, or a little later.
        let day = jiff::civil::Date::constant(2020, 4, 6);
        let runs = (0..96_i8).map(|run| day.at(run / 4, run % 4 * 15 + 1, 30, 0));
        assert_eq!(runs.filter(|at| may_go_unnoted(*at)).count(), 6);
    }
}
