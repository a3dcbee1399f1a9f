//! The earlier months of an authority's risk data, as they were counted when they came.
//!
//! In:  the volumes on record, and the file that is reported on. Out: a number for each month before that file's, oldest first.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use super::read_file;
use crate::cli::output::{CliError, Exit};
use crate::domain::timetable::Timetables;
use crate::domain::{ConsignmentId, Digest, LaNumber, MonthVolume, RelevantMonth, Volume, VolumeOf};
use crate::durable::copy_and_digest;
use crate::outbound::due::london_date;
use crate::store::{Queries, QueryError};

/// A year of monthly files, the one that is reported on included.
const MONTHS: usize = 12;

/// What came for this authority in the months before the file did, or before now if it did not come here.
pub fn earlier(
    file: &Path,
    authority: &LaNumber,
    queries: &dyn Queries,
    timetables: &Timetables,
) -> Result<Vec<MonthVolume>, CliError> {
    let digest = digest_of(file)?;
    let unread = |error: QueryError| {
        CliError::new(Exit::CouldNot, format!("Could not read what came earlier: {error}."), "Run `hbcourier check`.")
    };
    let volumes = queries.volumes(authority).map_err(unread)?;
    let month_of = |volume: &Volume| timetables.month_of_pack(authority, london_date(volume.received_at));
    let mut until = None;
    for volume in volumes.iter().filter(|volume| volume.of == VolumeOf::RiskClaims) {
        let its = queries.deliveries(&volume.transfer).map_err(unread)?;
        if its.iter().any(|delivery| delivery.digest == digest) {
            until = Some(month_of(volume));
        }
    }
    let before = |volume: &&Volume| until.is_none_or(|month| month_of(volume) < month);
    Ok(by_month(volumes.iter().filter(before), month_of))
}

/// The last file of each month counts: DWP sends one, and another only to replace it. One that could not be counted is none.
fn by_month<'a>(
    volumes: impl Iterator<Item = &'a Volume>,
    month_of: impl Fn(&Volume) -> RelevantMonth,
) -> Vec<MonthVolume> {
    let mut months: BTreeMap<RelevantMonth, (ConsignmentId, MonthVolume)> = BTreeMap::new();
    let counted = |volume: &&Volume| volume.count.is_some() && !matches!(volume.of, VolumeOf::Referrals(_));
    for volume in volumes.filter(counted) {
        let received = Some(london_date(volume.received_at));
        let empty = (volume.transfer, MonthVolume { received, rows: 0, high_risk: None });
        let entry = months.entry(month_of(volume)).or_insert(empty);
        if entry.0 != volume.transfer {
            *entry = empty;
        }
        match volume.of {
            VolumeOf::RiskClaims => entry.1.rows = volume.count.unwrap_or(0),
            VolumeOf::RiskHigh => entry.1.high_risk = volume.count,
            VolumeOf::Referrals(_) => {}
        }
    }
    let months: Vec<MonthVolume> = months.into_values().map(|(_, month)| month).collect();
    let surplus = months.len().saturating_sub(MONTHS - 1);
    months.into_iter().skip(surplus).collect()
}

fn digest_of(file: &Path) -> Result<Digest, CliError> {
    read_file(file, |content: &mut File| {
        copy_and_digest(content, &mut std::io::sink(), u64::MAX).map_err(std::io::Error::other)
    })
    .map(|copied| copied.digest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Digest;

    fn volume(received: &str, of: VolumeOf, count: u64) -> Volume {
        let received_at = format!("{received}T09:00:00Z").parse().unwrap();
        let transfer = ConsignmentId::derive(&"drop-1".parse().unwrap(), received, &Digest::of(b"a"));
        Volume { transfer, authority: "12302".parse().unwrap(), received_at, of, count: Some(count) }
    }

    #[test]
    fn the_last_file_of_each_month_counts_and_no_more_than_a_year_of_them() {
        let of_day = |volume: &Volume| RelevantMonth::of_day(london_date(volume.received_at));
        let came = [
            volume("2020-04-20", VolumeOf::RiskClaims, 100),
            volume("2020-04-20", VolumeOf::RiskHigh, 10),
            volume("2020-04-22", VolumeOf::RiskClaims, 101),
            volume("2020-05-20", VolumeOf::RiskClaims, 90),
            volume("2020-05-20", VolumeOf::RiskHigh, 9),
            volume("2020-05-20", VolumeOf::Referrals("HBSA002".parse().unwrap()), 5),
        ];
        let months = by_month(came.iter(), of_day);
        let told: Vec<_> = months.iter().map(|month| (month.rows, month.high_risk)).collect();
        assert_eq!(told, [(101, None), (90, Some(9))], "the second file of April told no mark");
        let uncounted = Volume { count: None, ..volume("2020-05-21", VolumeOf::RiskClaims, 0) };
        let months = by_month(came.iter().chain([&uncounted]), of_day);
        assert_eq!(months.last().map(|month| month.rows), Some(90), "what could not be counted is no month");
        let years: Vec<_> = (1..=12)
            .flat_map(|month| {
                [2019, 2020].map(|year| volume(&format!("{year}-{month:02}-03"), VolumeOf::RiskClaims, 1))
            })
            .collect();
        assert_eq!(by_month(years.iter(), of_day).len(), 11);
    }
}
