//! Telling people by mail, the way the service's alarms go.
//!
//! Holds: what is kept as told was taken by the mail server first; a mail that was refused is tried again by the next run.

use std::fmt::Write as _;

use jiff::civil::Date;
use serde::Serialize;

use super::life::Life;
use super::matters::Matter;
use super::memory::Memory;
use crate::cli::output::CliError;
use crate::cli::reading::Reading;
use crate::daemon::build::smtp_courier;
use crate::store::Alarm;

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
            Told::Unsent { says } => Some(format!("This could not be mailed: {says} The next run tries again.")),
        }
    }
}

/// Mails what is new today, and what is over.
pub(super) fn tell(reading: &Reading<'_>, life: Life, matters: &[Matter]) -> Result<Told, CliError> {
    let settings = reading.settings;
    let Some((courier, to)) = &settings.service.alarms.mail else { return Ok(Told::Nobody) };
    let Some(courier) = smtp_courier(settings, courier) else { return Ok(Told::Nobody) };
    let alarms = reading.queries.alarms()?;
    let (state, today) = (&settings.service.state, reading.today());
    let memory = Memory::read(state);
    let news = News::of(&memory, matters, |matter| tells_itself(&alarms, life, matter), today);
    if news.new.is_empty() && news.over.is_empty() {
        return Ok(Told::NothingNew);
    }
    if let Err(error) = courier.note(to, &news.subject(), &news.text()) {
        return Ok(Told::Unsent { says: format!("{error}.") });
    }
    let told = Told::Mailed { matters: news.new.len(), over: news.over.len() };
    match news.remembered(&memory, today).keep(state) {
        Ok(()) => Ok(told),
        Err(error) => Ok(Told::Unsent { says: format!("it was, but that could not be noted down: {error}.") }),
    }
}

/// Whether the running service has mailed this, or will.
fn tells_itself(alarms: &[Alarm], life: Life, matter: &Matter) -> bool {
    let is_raised = alarms.iter().any(|alarm| alarm.about == matter.about && alarm.code == matter.code);
    life == Life::Alive && is_raised && !matter.is_missed()
}

struct News<'a> {
    new: Vec<&'a Matter>,
    over: Vec<&'a str>,
}

impl<'a> News<'a> {
    fn of(memory: &'a Memory, matters: &'a [Matter], is_told: impl Fn(&Matter) -> bool, today: Date) -> News<'a> {
        let was_told = |matter: &Matter| memory.0.get(&matter.about) == Some(&(matter.code.clone(), today));
        let is_over = |about: &&str| matters.iter().all(|matter| matter.about != *about);
        News {
            new: matters.iter().filter(|matter| !was_told(matter) && !is_told(matter)).collect(),
            over: memory.0.keys().map(String::as_str).filter(is_over).collect(),
        }
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

    /// What was told by now: before, and still the matter; or just now.
    fn remembered(&self, memory: &Memory, today: Date) -> Memory {
        let mut told = memory.0.clone();
        told.retain(|about, _| !self.over.contains(&about.as_str()));
        told.extend(self.new.iter().map(|matter| (matter.about.clone(), (matter.code.clone(), today))));
        Memory(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matter(about: &str, code: &str) -> Matter {
        Matter { about: about.into(), code: code.into(), says: "It is.".into(), next: "Mend it.".into() }
    }

    #[test]
    fn a_matter_is_told_once_a_day_until_it_is_over() {
        let (monday, tuesday) = (Date::constant(2020, 4, 6), Date::constant(2020, 4, 7));
        let matters = [matter("service", "CN-562"), matter("due-shbe-12302-2020-04", "CN-541")];
        let none = Memory::default();
        let first = News::of(&none, &matters, |matter| matter.code == "CN-541", monday);
        assert_eq!(first.subject(), "hbcourier: CN-562 about service", "the other one is told by the service itself");
        let told = first.remembered(&none, monday);
        let again = |matters, day| News::of(&told, matters, |_| false, day).new.len();
        assert_eq!((again(&matters[..1], monday), again(&matters[..1], tuesday)), (0, 1));
        assert_eq!(again(&[matter("service", "CN-563")], monday), 1, "another code is news");
        let over = News::of(&told, &[], |_| false, monday);
        assert_eq!((over.subject().as_str(), over.new.len()), ("hbcourier: well again: service", 0));
        assert_eq!(over.remembered(&told, monday), none);
    }
}
