//! The alarms that hold now, by what they are about.

use std::collections::BTreeMap;

use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, Timestamp, Zoned};

use super::keys::{ahead, ends_before};
use super::{View, due, london_date, nights, outlook_lately};
use crate::config::settings::AuthoritySettings;
use crate::domain::expectation::{Expectation, Outlook, State};
use crate::domain::{AlarmReason, FileKind, Notice, Stage, Submission};
use crate::effects::clock::london;
use crate::store::{QueryError, SubmissionFilter};

/// What alarms are about, and what they say.
type Wanted = BTreeMap<String, Notice>;

/// Days before its end by which an exception is told of.
pub const EXCEPTION_ENDS_DAYS: i64 = 30;

impl View<'_> {
    /// What a person must be told ahead of time now, by what it is about.
    pub fn foreseen(&self, now: Timestamp) -> Result<Wanted, QueryError> {
        let mut wanted = Wanted::new();
        let filter = SubmissionFilter { open: true, ..SubmissionFilter::default() };
        let submissions = self.queries.submissions(&filter)?;
        let here = now.to_zoned(london());
        for authority in &self.settings.authorities {
            wanted.extend(self.near(&submissions, authority, here.datetime()));
            wanted.extend(self.owed_by_dwp(authority, here.date())?);
            wanted.extend(self.silent(authority, now)?);
            wanted.extend(self.timetable_ends(authority, here.date())?);
        }
        wanted.extend(self.keys_end(now, &here));
        wanted.extend(self.decisions_wait(now));
        Ok(wanted)
    }

    fn near(&self, submissions: &[Submission], authority: &AuthoritySettings, now: DateTime) -> Wanted {
        let near = due::near(submissions, authority, self.holidays, now);
        let told = near.into_iter().map(|submission| {
            let key = &submission.key;
            let held = match &submission.stage {
                Stage::Held { reason, .. } => format!(" What was put there is held. {}", reason.notice().says),
                _ => String::new(),
            };
            let on = submission.transfer_on.strftime("%A %-d %B %Y");
            let notice = with(AlarmReason::ReturnNear, &key.to_string(), &format!(" It is due on {on}.{held}"));
            (format!("due-{}-{}-{}", key.kind, key.authority, key.period().replace('/', "-of-")), notice)
        });
        told.collect()
    }

    /// Packs that are overdue, and packs without a risk file.
    fn owed_by_dwp(&self, authority: &AuthoritySettings, today: Date) -> Result<Wanted, QueryError> {
        // Before the first start nothing is this service's business.
        if self.queries.in_service_from(&authority.number)?.is_none() {
            return Ok(Wanted::new());
        }
        let outlook = outlook_lately(self.queries, self.timetables, authority, today)?;
        let told = overdue(&outlook, today).into_iter().map(|one| {
            let Expectation { authority, month, due_by, .. } = one;
            let what = format!("{month} of LA {authority}");
            if one.kind == FileKind::HbmsPack {
                let more = format!(" It was expected by {}.", due_by.strftime("%A %-d %B %Y"));
                let notice = with(AlarmReason::PackOverdue, &what, &more);
                return (format!("expected-hbms-pack-{authority}-{month}"), notice);
            }
            (format!("expected-caseload-risk-{authority}-{month}"), AlarmReason::RiskMissing.notice(&what))
        });
        Ok(told.collect())
    }

    fn silent(&self, authority: &AuthoritySettings, now: Timestamp) -> Result<Wanted, QueryError> {
        let number = &authority.number;
        let silence = nights::silence_of(self.queries, self.holidays, authority, now)?;
        let told = silence.map(|silence| {
            let since = silence.since.map_or_else(String::new, |night| {
                format!(" The first night without any began on {}.", night.strftime("%A %-d %B %Y"))
            });
            (format!("expected-laid-{number}"), with(AlarmReason::LaidSilence, &format!("LA {number}"), &since))
        });
        Ok(told.into_iter().collect())
    }

    /// Timetables that end soon, or have ended since the service was there to mind their dates.
    fn timetable_ends(&self, authority: &AuthoritySettings, today: Date) -> Result<Wanted, QueryError> {
        let number = &authority.number;
        let end = self.timetables.coverage_ends(number).filter(|_| !authority.returns.is_empty());
        let in_service = self.queries.in_service_from(number)?;
        let Some((end, in_service)) = end.zip(in_service) else { return Ok(Wanted::new()) };
        let ahead = days(self.settings.service.alarms.timetable_ahead);
        if end < in_service || today.saturating_add(ahead) <= end {
            return Ok(Wanted::new());
        }
        let more = format!(" The last day of which every date is known is {}.", end.strftime("%A %-d %B %Y"));
        let notice = with(AlarmReason::TimetableEnds, &format!("LA {number}"), &more);
        Ok([(format!("timetable-{number}"), notice)].into())
    }

    /// Keys that end before something that is owed, once that is near enough.
    fn keys_end(&self, now: Timestamp, here: &Zoned) -> Wanted {
        let owed = ahead(self.settings, self.timetables, here.date());
        let soon = here.date().saturating_add(days(self.settings.service.alarms.keys_ahead));
        let ends = ends_before(self.keys, now, &owed).into_iter();
        let told = ends.filter(|ends| london_date(ends.until) <= soon).map(|ends| {
            let (about, holder) = match &ends.partner {
                None => ("expires-own".to_owned(), "this service".to_owned()),
                Some(partner) => (format!("expires-partner-{partner}"), partner.to_string()),
            };
            (about, with(AlarmReason::KeyEnds, &holder, &format!(" It {}.", ends.says)))
        });
        told.collect()
    }
}

impl View<'_> {
    /// Exceptions that end soon, and proposals that wait for a second person.
    fn decisions_wait(&self, now: Timestamp) -> Wanted {
        let rules = self.keys.rules();
        let soon = now + SignedDuration::from_hours(24 * EXCEPTION_ENDS_DAYS);
        let end = rules.exceptions().iter().filter(|one| one.from <= now && now < one.until && one.until <= soon);
        let mut wanted: Wanted = end
            .map(|one| {
                let about = format!("exception-{}-{}", one.partner, one.allow);
                let on = one.until.to_zoned(london()).strftime("%A %-d %B %Y").to_string();
                let what = format!("{} for {}", one.partner, one.allow);
                (about, with(AlarmReason::ExceptionEnds, &what, &format!(" It ends on {on}.")))
            })
            .collect();
        wanted.extend(rules.waiting(now).map(|proposal| {
            let what = proposal.step.partner().map_or_else(String::new, ToString::to_string);
            let by = proposal.until().to_zoned(london()).strftime("%A %-d %B %Y, %H:%M").to_string();
            let more = format!(" It lapses on {by}.");
            (format!("proposal-{}", proposal.entry), with(AlarmReason::ProposalWaits, &what, &more))
        }));
        wanted
    }
}

/// What is overdue now: a pack, or the risk file that the last one lacked. Only until the next month's week has begun, which
/// then speaks for itself.
pub fn overdue(outlook: &Outlook, today: Date) -> Vec<&Expectation> {
    let latest = outlook.expectations.iter().filter(|one| one.from <= today).map(|one| one.from).max();
    let current = || outlook.expectations.iter().filter(|one| Some(one.from) == latest);
    let pack = current().find(|one| one.kind == FileKind::HbmsPack);
    let missing = |one: &&Expectation| {
        let came = pack.and_then(|pack| match pack.state {
            // What is held may have it.
            State::Met(met) | State::Early(met) | State::Late(met) => Some(met),
            State::Held(_) | State::Awaited | State::Amber | State::Red => None,
        });
        // Where the parts come one by one, the day may still bring it.
        let waited = came.is_some_and(|met| met.on < today);
        one.kind == FileKind::CaseloadRisk && one.state.met().is_none() && waited
    };
    let packs = current().filter(|one| one.kind == FileKind::HbmsPack && one.is_overdue());
    packs.chain(current().filter(missing)).collect()
}

/// The notice, with more to its first sentence.
fn with(reason: AlarmReason, about: &str, more: &str) -> Notice {
    let notice = reason.notice(about);
    Notice { says: format!("{}{more}", notice.says), ..notice }
}

/// Whole days of a length of time.
fn days(length: std::time::Duration) -> jiff::Span {
    jiff::Span::new().days(i64::try_from(length.as_secs() / 86_400).unwrap_or(0).min(400))
}
