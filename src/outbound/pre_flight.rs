//! The pre-flight of an extract that was picked up: every rule, on the private copy that would be sealed.
//!
//! In:  the copy, what the obligation asks for, and how many claims the month before had.
//! Out: the live claims it has, and a hold if it breaks a rule that holds; what is only to be told stands in the log.
//! Holds: never a value from the file in what comes out.

use std::io::{self, Seek, SeekFrom};

use tracing::{info, warn};

use super::check::Expected;
use super::pick_up::PickedUp;
use crate::catalogue::Severity;
use crate::catalogue::shbe::{self, Earlier, Terms, Whose};
use crate::domain::{LaNumber, ReturnHold};

/// Errors that a hold names. All of them are told by `hbcourier shbe check`.
const NAMED_MAX: usize = 3;

/// Says why the extract may not leave. An error means that the private copy could not be read.
pub(super) fn pre_flight(
    picked_up: &mut PickedUp,
    expected: &Expected<'_>,
    claims_before: Option<u64>,
) -> io::Result<Option<ReturnHold>> {
    let key = &expected.submission.key;
    let is_known = |number: &LaNumber| expected.timetables.authority(number).is_some();
    let terms = Terms {
        policy: expected.policy,
        whose: Some(Whose { authority: &key.authority, is_known: &is_known }),
        dates: Some((expected.submission.extract_from, expected.reference_until)),
        claims_before,
        risk: None,
        // What was sealed for another month has been held already (CN-405).
        earlier: Earlier::Never,
    };
    picked_up.content.seek(SeekFrom::Start(0))?;
    let report = shbe::check(&mut picked_up.content, &terms)?;
    picked_up.live_claims = Some(report.live_claims());
    let not_tried: Vec<String> = report.not_tried.iter().map(|one| format!("{} ({})", one.rule, one.why)).collect();
    let not_tried = if not_tried.is_empty() { "none".to_owned() } else { not_tried.join(", ") };
    info!(submission = %key, not_tried, "The extract for {key} was checked; rules that were not tried: {not_tried}");
    let warnings = report.rules.iter().filter(|rule| rule.severity == Severity::Warning);
    let named: Vec<String> = warnings.map(|rule| format!("{} {}", rule.rule, rule.count)).collect();
    if !named.is_empty() {
        let (warnings, rules) = (report.count(Severity::Warning), named.join(", "));
        warn!(submission = %key, warnings, rules, "The extract for {key} breaks rules that hold nothing: {rules}");
    }
    let errors = report.count(Severity::Error);
    Ok((errors > 0).then(|| ReturnHold::PreFlight { errors, first: report.first_errors(NAMED_MAX) }))
}
