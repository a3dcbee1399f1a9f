//! `[risk]`: what the columns of Caseload Risk Data mean.

use super::report::Report;
use crate::config::location::TreePath;
use crate::config::raw::RawRisk;
use crate::config::settings::RiskHeader;
use crate::domain::{RiskColumn, RiskProfile};

pub(super) fn check(raw: &RawRisk, at: &TreePath, report: &mut Report<'_>) -> Option<RiskProfile> {
    let mut column = |key: &str, written: &Option<String>| -> Option<Option<RiskColumn>> {
        if written.is_none() { Some(None) } else { report.parse(&at.key(key), written).map(Some) }
    };
    let claim = column("claim", &raw.claim);
    let score = column("score", &raw.score);
    let high_risk = column("high_risk", &raw.high_risk);
    let blank = raw.high_risk_values.iter().any(|value| value.trim().is_empty());
    if raw.high_risk.is_some() && (blank || raw.high_risk_values.is_empty()) {
        let next = "write what stands in the `high_risk` column for a marked claim, such as [\"Y\"]";
        report.wrong(&at.key("high_risk_values"), "no value marks a claim as high risk", next);
        return None;
    }
    let profile = RiskProfile {
        claim: claim?,
        score: score?,
        high_risk: high_risk?,
        high_risk_values: raw.high_risk_values.iter().map(|value| value.trim().to_owned()).collect(),
        header: match raw.header {
            RiskHeader::Look => None,
            RiskHeader::Present => Some(true),
            RiskHeader::Absent => Some(false),
        },
    };
    let by_name = |column: &Option<RiskColumn>| matches!(column, Some(RiskColumn::Named(_)));
    let by_name = by_name(&profile.claim) || by_name(&profile.score) || by_name(&profile.high_risk);
    if by_name && profile.header == Some(false) {
        let next = "write the numbers of the columns, or take `header` out";
        report.wrong(&at.key("header"), "columns are named, and there is said to be no header", next);
        return None;
    }
    Some(profile)
}
