//! What has arrived for an authority, as the store tells it.
//!
//! In:  consignments and their parts. Out: [`Arrival`]s of packs and risk files, and the outlook that follows from them.
//! Holds: what is held counts as arrived; what it is tells its content if it was ever opened so far, else its name.

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

use crate::catalogue::kind_in_name;
use crate::config::settings::{AuthoritySettings, RiskExpected};
use crate::domain::expectation::{Arrival, Expectation, Outlook, Whereabouts, outlook};
use crate::domain::timetable::Timetables;
use crate::domain::{Consignment, FileKind, HoldReason, LaNumber, RelevantMonth, Standing};
use crate::effects::clock::london;
use crate::store::{ConsignmentFilter, Queries, QueryError, ReceivedFilter};

/// The kinds by which a pack is known.
const OF_PACKS: [FileKind; 3] = [FileKind::HbmsPack, FileKind::HbmsMi, FileKind::CaseloadRisk];

/// Months whose weeks began so long ago have no bearing on those of now: twice the longest cycle.
const LATELY_WEEKS: i64 = 12;

/// Everything that DWP owes this authority, and what came of it, as of the end of `today`.
///
/// What was due before the service was there to see it arrive is left out, unless some of it came; and risk files, where none
/// are expected.
pub fn outlook_of(
    queries: &dyn Queries,
    timetables: &Timetables,
    authority: &AuthoritySettings,
    today: Date,
) -> Result<Outlook, QueryError> {
    outlook_since(queries, timetables, authority, today, Date::MIN)
}

/// As [`outlook_of`], of the months around `today` alone: for who asks often, and about what is overdue now.
pub fn outlook_lately(
    queries: &dyn Queries,
    timetables: &Timetables,
    authority: &AuthoritySettings,
    today: Date,
) -> Result<Outlook, QueryError> {
    outlook_since(queries, timetables, authority, today, today.saturating_sub(LATELY_WEEKS.weeks()))
}

/// As [`outlook_of`], of the months whose cycle was not over on the day `wanted`; nothing that came before them is read.
pub fn outlook_since(
    queries: &dyn Queries,
    timetables: &Timetables,
    authority: &AuthoritySettings,
    today: Date,
    wanted: Date,
) -> Result<Outlook, QueryError> {
    let terms = &authority.expect.packs;
    let number = &authority.number;
    let in_service = queries.in_service_from(number)?;
    let since = in_service.map_or(today, |first| first.min(today)).max(wanted);
    let packs = timetables.packs_since(number, terms.weeks_after, Some(since));
    // What came for a month that is left out is nobody's now, and not looked at.
    let first = packs.first().map_or(today, |pack| pack.takes_from());
    let arrivals = arrivals(queries, number, begins(first), ends(today))?;
    let mut outlook = outlook(timetables, number, &arrivals, today, terms, Some(since));
    let came: BTreeSet<RelevantMonth> =
        outlook.expectations.iter().filter(|one| one.state.met().is_some()).map(|one| one.month).collect();
    let seen = |one: &Expectation| in_service.is_some_and(|first| one.from >= first) || came.contains(&one.month);
    let in_packs = authority.expect.risk == RiskExpected::InPack;
    let is_owed =
        |one: &Expectation| (seen(one) || one.due_by >= today) && (in_packs || one.kind != FileKind::CaseloadRisk);
    outlook.expectations.retain(|one| is_owed(one) || one.state.met().is_some());
    Ok(outlook)
}

fn arrivals(
    queries: &dyn Queries,
    authority: &LaNumber,
    since: Timestamp,
    until: Timestamp,
) -> Result<Vec<Arrival>, QueryError> {
    let kinds = OF_PACKS.to_vec();
    let received = queries.received(&ReceivedFilter { authority: authority.clone(), kinds, since, until })?;
    let mut arrivals = Vec::with_capacity(received.len());
    for one in received {
        let Some(whereabouts) = whereabouts(&one.standing) else { continue };
        let arrival = Arrival {
            transfer: one.id,
            kind: Some(pack_or_risk(one.kind)),
            at: one.at,
            on: one.at.to_zoned(london()).date(),
            whereabouts,
        };
        // The workbook and the referrals of one transfer are one pack.
        if !arrivals.contains(&arrival) {
            arrivals.push(arrival);
        }
    }
    for word in ["held", "collected", "deferred"] {
        for consignment in standing_at(queries, word, authority, since, until)? {
            arrivals.extend(unopened(queries, &consignment)?);
        }
    }
    Ok(arrivals)
}

/// The authority's consignments at a standing that few are at.
pub(super) fn standing_at(
    queries: &dyn Queries,
    word: &str,
    authority: &LaNumber,
    since: Timestamp,
    until: Timestamp,
) -> Result<Vec<Consignment>, QueryError> {
    // Asked with the authority, the store would look through all that it ever received.
    let (word, since, until) = (Some(word.to_owned()), Some(since), Some(until));
    let mut all = queries.consignments(&ConsignmentFilter { word, since, until, ..ConsignmentFilter::default() })?;
    all.retain(|consignment| consignment.authority == *authority);
    Ok(all)
}

/// What was never staged, by the content of its first coming or by its name.
fn unopened(queries: &dyn Queries, consignment: &Consignment) -> Result<Vec<Arrival>, QueryError> {
    if !queries.deliveries(&consignment.id)?.is_empty() {
        return Ok(Vec::new());
    }
    let Some(whereabouts) = whereabouts(&consignment.standing) else { return Ok(Vec::new()) };
    let mut kinds: Vec<Option<FileKind>> = match &consignment.standing {
        Standing::Held { reason: HoldReason::Repeat { first, .. }, .. } => {
            let parts = queries.deliveries(first)?.into_iter();
            let packs = parts.filter(|part| OF_PACKS.contains(&part.kind));
            let mut kinds: Vec<_> = packs.map(|part| Some(pack_or_risk(part.kind))).collect();
            kinds.sort_unstable();
            kinds.dedup();
            kinds
        }
        Standing::Held { .. } => vec![named(queries, consignment)?],
        // It will be told soon, by its content.
        _ => named(queries, consignment)?.map(Some).into_iter().collect(),
    };
    kinds.retain(|kind| kind.is_none_or(|kind| OF_PACKS.contains(&kind)));
    let on = consignment.received_at.to_zoned(london()).date();
    let arrival = |kind| Arrival {
        transfer: consignment.id,
        kind,
        at: consignment.received_at,
        on,
        whereabouts: whereabouts.clone(),
    };
    Ok(kinds.into_iter().map(arrival).collect())
}

fn named(queries: &dyn Queries, consignment: &Consignment) -> Result<Option<FileKind>, QueryError> {
    let name = queries.consignment(&consignment.id)?.and_then(|(_, name)| name);
    let kind = name.as_deref().and_then(kind_in_name);
    Ok(kind.map(|kind| if OF_PACKS.contains(&kind) { pack_or_risk(kind) } else { kind }))
}

/// The workbook comes in the pack.
fn pack_or_risk(kind: FileKind) -> FileKind {
    if kind == FileKind::HbmsMi { FileKind::HbmsPack } else { kind }
}

/// `None`: it is not to be counted as come, because it is never delivered or is no file.
pub(super) fn whereabouts(standing: &Standing) -> Option<Whereabouts> {
    match standing {
        Standing::Held { reason: HoldReason::Repeat { .. }, .. } => Some(Whereabouts::Repeat),
        Standing::Held { reason: HoldReason::OtherAuthority { found }, .. } => {
            Some(Whereabouts::Foreign { found: found.clone() })
        }
        Standing::Held { reason: HoldReason::Reply { .. }, .. } => None,
        Standing::Held { .. } => Some(Whereabouts::Held),
        Standing::Collected { .. }
        | Standing::Staged { .. }
        | Standing::Deferred { .. }
        | Standing::Delivered { .. }
        | Standing::Closed { .. } => Some(Whereabouts::Ours),
        Standing::Matched { .. } | Standing::Rejected { .. } => None,
    }
}

/// The first moment of a day in London.
pub(super) fn begins(day: Date) -> Timestamp {
    day.to_zoned(london()).map_or(Timestamp::MIN, |midnight| midnight.timestamp())
}

/// The first moment after a day in London.
pub(super) fn ends(day: Date) -> Timestamp {
    day.tomorrow().map_or(Timestamp::MAX, begins)
}
