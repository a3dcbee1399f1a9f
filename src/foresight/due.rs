//! Returns whose transfer date is near while nothing acceptable has been picked up.
//!
//! On the day itself, from the opening of its window on, the way out says so under a code of its own.

use jiff::ToSpan;
use jiff::civil::{Date, DateTime};

use crate::config::settings::AuthoritySettings;
use crate::domain::working_days::BankHolidays;
use crate::domain::{Stage, Submission};

/// Days that are looked back over for working days: no run of holidays is longer.
const DAYS_BACK_MAX: u16 = 60;

/// The returns of this authority that are near, and not there.
pub(super) fn near<'a>(
    submissions: &'a [Submission],
    authority: &AuthoritySettings,
    holidays: &BankHolidays,
    now: DateTime,
) -> Vec<&'a Submission> {
    let lead = authority.expect.return_lead_days;
    let is_near = |submission: &&Submission| {
        let settings = authority.returns.iter().find(|settings| settings.kind == submission.key.kind);
        let missing = matches!(submission.stage, Stage::Scheduled | Stage::Held { .. }) && submission.ordered.is_none();
        let Some(settings) = settings.filter(|_| missing && submission.key.authority == authority.number) else {
            return false;
        };
        let is_working_day = |day| holidays.is_working_day(authority.expect.calendar, day);
        let begins = tells_from(submission.transfer_on, lead, is_working_day);
        // Before the earliest extraction date nothing can be there.
        let begins = submission.extract_from.map_or(begins, |extract_from| begins.max(extract_from));
        begins <= now.date() && now < submission.transfer_on.to_datetime(settings.window.from)
    };
    if lead == 0 { Vec::new() } else { submissions.iter().filter(is_near).collect() }
}

/// The day that is so many working days before the transfer date.
fn tells_from(transfer_on: Date, lead: u8, is_working_day: impl Fn(Date) -> bool) -> Date {
    let (mut day, mut left, mut back) = (transfer_on, lead, DAYS_BACK_MAX);
    while left > 0 && back > 0 {
        day = day.saturating_sub(1.day());
        left -= u8::from(is_working_day(day));
        back -= 1;
    }
    day
}
