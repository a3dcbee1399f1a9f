//! LAIDs by night, and how long none has come.

use std::collections::BTreeMap;

use jiff::civil::{Date, DateTime};
use jiff::{Timestamp, ToSpan};
use serde::Serialize;

use super::arrivals::{begins, standing_at, whereabouts};
use crate::catalogue::kind_in_name;
use crate::config::settings::AuthoritySettings;
use crate::domain::expectation::{NIGHT_BEGINS, Silence, last_complete_night, night_of, silence};
use crate::domain::working_days::BankHolidays;
use crate::domain::{FileKind, LaNumber};
use crate::effects::clock::london;
use crate::store::{Queries, QueryError, ReceivedFilter};

/// Days beyond the nights that make a silence: weekends, and the longest run of holidays.
const DAYS_OVER: i64 = 14;

/// What one night brought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Night {
    /// The day on which it began.
    pub night: Date,
    /// Whether that is a working day.
    pub working: bool,
    /// LAIDs as PDF.
    pub pdf: u64,
    /// LAIDs as XML.
    pub xml: u64,
    /// Files held that are LAIDs by their names.
    pub held: u64,
    /// `met`, `held`, `silent`, `awaited` where it is not over, or `free` where nothing is expected.
    pub state: &'static str,
}

impl Night {
    fn state(&self, last_complete: Date) -> &'static str {
        match (self.pdf + self.xml, self.held) {
            (1.., _) => "met",
            (0, 1..) => "held",
            (0, 0) if !self.working => "free",
            (0, 0) if self.night > last_complete => "awaited",
            (0, 0) => "silent",
        }
    }
}

/// The last `count` nights up to the one that `now` lies in, the earliest first.
pub fn nights_of(
    queries: &dyn Queries,
    holidays: &BankHolidays,
    authority: &AuthoritySettings,
    now: Timestamp,
    count: u16,
) -> Result<Vec<Night>, QueryError> {
    let last = night_of(in_london(now));
    let first = last.saturating_sub(i64::from(count.saturating_sub(1)).days());
    let mut nights: BTreeMap<Date, Night> = BTreeMap::new();
    let mut day = first;
    while day <= last {
        let working = holidays.is_working_day(authority.expect.calendar, day);
        nights.insert(day, Night { night: day, working, pdf: 0, xml: 0, held: 0, state: "" });
        day = day.saturating_add(1.day());
    }
    for (at, what) in came(queries, &authority.number, noon_of(first), just_after(now))? {
        let Some(night) = nights.get_mut(&night_of(in_london(at))) else { continue };
        match what {
            Came::Held => night.held += 1,
            Came::Parts(FileKind::LaidPdf, parts) => night.pdf += parts,
            Came::Parts(_, parts) => night.xml += parts,
        }
    }
    let last_complete = last_complete_night(in_london(now));
    let told = nights.into_values().map(|night| Night { state: night.state(last_complete), ..night });
    Ok(told.collect())
}

/// How long no LAID has come, if the authority wants to know and it is longer than it wants.
pub fn silence_of(
    queries: &dyn Queries,
    holidays: &BankHolidays,
    authority: &AuthoritySettings,
    now: Timestamp,
) -> Result<Option<Silence>, QueryError> {
    let Some(days) = authority.expect.laid_silence_days else { return Ok(None) };
    let Some(in_service) = queries.in_service_from(&authority.number)? else { return Ok(None) };
    let here = in_london(now);
    let last = last_night(queries, &authority.number, in_service, now, 2 * i64::from(days) + DAYS_OVER)?;
    let silence = silence(last, in_service, here, |day| holidays.is_working_day(authority.expect.calendar, day));
    Ok((silence.nights >= u16::from(days)).then_some(silence))
}

/// The last night that brought something since the service was there. Looked for further and further back, so that as long as
/// something comes little is read, and a long silence is told from the same night every day.
fn last_night(
    queries: &dyn Queries,
    authority: &LaNumber,
    in_service: Date,
    now: Timestamp,
    mut days: i64,
) -> Result<Option<Date>, QueryError> {
    let mut until = just_after(now);
    loop {
        let back = in_london(now).date().saturating_sub(days.days()).max(in_service);
        let since = noon_of(back.saturating_sub(1.day()));
        if let Some((at, _)) = came(queries, authority, since, until)?.last() {
            return Ok(Some(night_of(in_london(*at))));
        }
        if back == in_service {
            return Ok(None);
        }
        (until, days) = (since, days.saturating_mul(2));
    }
}

enum Came {
    Parts(FileKind, u64),
    Held,
}

/// What came of LAIDs, in the order of arrival.
fn came(
    queries: &dyn Queries,
    authority: &LaNumber,
    since: Timestamp,
    until: Timestamp,
) -> Result<Vec<(Timestamp, Came)>, QueryError> {
    let kinds = vec![FileKind::LaidPdf, FileKind::LaidXml];
    let received = queries.received(&ReceivedFilter { authority: authority.clone(), kinds, since, until })?;
    let counted = received.into_iter().filter(|one| whereabouts(&one.standing).is_some());
    let mut came: Vec<_> = counted.map(|one| (one.at, Came::Parts(one.kind, one.parts))).collect();
    for consignment in standing_at(queries, "held", authority, since, until)? {
        let name = queries.consignment(&consignment.id)?.and_then(|(_, name)| name);
        let kind = name.as_deref().and_then(kind_in_name);
        let is_laid = matches!(kind, Some(FileKind::LaidPdf | FileKind::LaidXml));
        if is_laid && queries.deliveries(&consignment.id)?.is_empty() {
            came.push((consignment.received_at, Came::Held));
        }
    }
    came.sort_by_key(|(at, _)| *at);
    Ok(came)
}

/// The first moment after this one.
fn just_after(now: Timestamp) -> Timestamp {
    now.checked_add(std::time::Duration::from_nanos(1)).unwrap_or(now)
}

fn in_london(at: Timestamp) -> DateTime {
    at.to_zoned(london()).datetime()
}

/// The moment at which a night begins.
fn noon_of(day: Date) -> Timestamp {
    day.to_datetime(NIGHT_BEGINS).to_zoned(london()).map_or_else(|_| begins(day), |noon| noon.timestamp())
}
