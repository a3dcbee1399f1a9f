//! Raw values to checked settings, every problem at once.
//!
//! In:  the part of the tree that was in shape.
//! Out: [`Settings`]; nothing if any value needed for them was refused.
//! Each function checks all it is given before it gives up on any of it.

mod audit;
mod authority;
mod derived;
mod exchange;
mod folders;
mod keys;
mod references;
mod report;
mod retention;
mod risk;
mod roles;
mod scan;
mod several;
mod watch;

use std::time::Duration;

use super::location::{Places, TreePath};
use super::problems::Problems;
use super::raw::{Raw, RawLimits, RawService};
use super::settings::{Limits, ServiceSettings, Settings};
use crate::domain::Digest;
use report::Report;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);
/// Below this, time is spent looking instead of working.
const PAUSE_MIN: Duration = Duration::from_millis(100);

const GIB: u64 = 1 << 30;
const TIB: u64 = 1 << 40;

/// Checks everything; problems are added to those there are.
pub(super) fn check(raw: Raw, places: Places, problems: &mut Problems) -> Option<Settings> {
    let mut report = Report::new(places, problems);
    let root = TreePath::root();
    if raw.authority.is_empty() {
        report.wrong(
            &root.key("authority"),
            "no authority is configured",
            "add an [[authority]] table, or a file in conf.d",
        );
    }
    references::check(&raw, &mut report);
    several::check(&raw, &mut report);
    folders::check(&raw, &mut report);
    let digest = digest(&raw);

    let service = service(&raw.service, &mut report);
    let roles = roles::check(&raw.roles, &root.key("roles"), &mut report);
    let authorities = each(&raw.authority, "authority", |raw, at| authority::check(raw, at, &mut report));
    let partners = each(&raw.partner, "partner", |raw, at| exchange::partner(raw, at, &mut report));
    let couriers = each(&raw.courier, "courier", |raw, at| exchange::courier(raw, at, &mut report));
    let risk = match &raw.risk {
        None => Some(None),
        Some(written) => risk::check(written, &root.key("risk"), &mut report).map(Some),
    };
    let keys = keys::check(&raw.keys, &root.key("keys"), &mut report);
    let timetables = each(&raw.timetable, "timetable", |raw, at| report.absolute(&at.key("file"), &raw.file));
    let audit = audit::check(&raw, &mut report);
    let watch = watch::check(&raw.watch, service.as_ref(), &root.key("watch"), &mut report);
    let scan = scan::check(&raw.scan, &root.key("scan"), &mut report);
    Some(Settings {
        service: service?,
        roles: roles?,
        authorities: authorities?,
        partners: partners?,
        couriers: couriers?,
        risk: risk?,
        timetables: timetables?,
        keys: keys?,
        shbe: raw.shbe.severity.policy(raw.shbe.d_count_moved_percent),
        audit: audit?,
        watch: watch?,
        scan: scan?,
        digest: digest?,
    })
}

/// Checks every table of a top-level list; nothing if one of them was refused.
fn each<R, S>(raw: &[R], key: &str, mut check: impl FnMut(&R, &TreePath) -> Option<S>) -> Option<Vec<S>> {
    each_in(raw, &TreePath::root(), key, &mut check)
}

/// Checks every table of a list below `at`.
fn each_in<R, S>(
    raw: &[R],
    at: &TreePath,
    key: &str,
    check: &mut dyn FnMut(&R, &TreePath) -> Option<S>,
) -> Option<Vec<S>> {
    let checked: Vec<Option<S>> = raw.iter().enumerate().map(|(i, one)| check(one, &at.item(key, i))).collect();
    checked.into_iter().collect()
}

/// Over the settings with their defaults, so that it changes if and only if what the service does may change.
fn digest(raw: &Raw) -> Option<Digest> {
    serde_json::to_vec(raw).ok().map(|bytes| Digest::of(&bytes))
}

fn service(raw: &RawService, report: &mut Report<'_>) -> Option<ServiceSettings> {
    let at = TreePath::root().key("service");
    let state = report.absolute(&at.key("state"), &raw.state);
    let authorities = report.absolute(&at.key("authorities"), &raw.authorities);
    let control_socket = roles::control_socket(raw, state.as_deref(), &at, report);
    let sweep_every = report.duration(&at.key("sweep_every"), &raw.sweep_every, PAUSE_MIN..=HOUR);
    let retry_after = report.duration(&at.key("retry_after"), &raw.retry_after, PAUSE_MIN..=DAY);
    let retry_after_max = report.duration(&at.key("retry_after_max"), &raw.retry_after_max, PAUSE_MIN..=DAY * 7);
    if let (Some(first), Some(longest)) = (retry_after, retry_after_max)
        && first > longest
    {
        report.wrong(&at.key("retry_after_max"), "it is shorter than retry_after", "make it at least as long");
    }
    let limits = limits(&raw.limits, &at.key("limits"), report);
    let alarms = exchange::alarms(&raw.alarms, &at.key("alarms"), report);
    let retention = retention::check(&raw.retention, &at.key("retention"), report);
    Some(ServiceSettings {
        state: state?,
        authorities,
        control_socket: control_socket?,
        sweep_every: sweep_every?,
        sandbox: raw.sandbox,
        attempts_max: raw.attempts_max,
        retry_after: retry_after?,
        retry_after_max: retry_after_max?,
        in_flight_max: usize::from(raw.in_flight_max),
        limits: limits?,
        alarms: alarms?,
        retention: retention?,
    })
}

fn limits(raw: &RawLimits, at: &TreePath, report: &mut Report<'_>) -> Option<Limits> {
    let ciphertext_bytes_max = report.size(&at.key("ciphertext_bytes_max"), &raw.ciphertext_bytes_max, 1..=TIB);
    let plaintext_bytes_max = report.size(&at.key("plaintext_bytes_max"), &raw.plaintext_bytes_max, 1..=TIB);
    let archive_bytes_max = report.size(&at.key("archive_bytes_max"), &raw.archive_bytes_max, 1..=TIB);
    let free_bytes_min = report.size(&at.key("free_bytes_min"), &raw.free_bytes_min, 0..=TIB);
    Some(Limits {
        ciphertext_bytes_max: ciphertext_bytes_max?,
        plaintext_bytes_max: plaintext_bytes_max?,
        archive_members_max: raw.archive_members_max,
        archive_bytes_max: archive_bytes_max?,
        free_bytes_min: free_bytes_min?,
    })
}
