//! How much of what a pack brought: referrals by rule, claims in the risk file.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::authority::LaNumber;
use super::ids::ConsignmentId;

/// An HBMS rule id such as `HBSA002`: `HB`, two letters, three digits. New rules appear, so any of that form is one.
// DWP A5/2020 Annex C
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RuleId(String);

/// The text is no rule id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is not an HBMS rule id: it is written as HBSA002")]
pub struct NotARuleId;

impl FromStr for RuleId {
    type Err = NotARuleId;

    fn from_str(text: &str) -> Result<Self, NotARuleId> {
        let bytes = text.as_bytes();
        let has_form = bytes.len() == 7
            && bytes.starts_with(b"HB")
            && bytes[2..4].iter().all(u8::is_ascii_uppercase)
            && bytes[4..].iter().all(u8::is_ascii_digit);
        if has_form { Ok(RuleId(text.to_owned())) } else { Err(NotARuleId) }
    }
}

impl RuleId {
    /// As DWP prints it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum VolumeOf {
    /// Referrals under this rule.
    Referrals(RuleId),
    /// Claims in Caseload Risk Data.
    RiskClaims,
    /// Claims in Caseload Risk Data that are marked as high risk.
    RiskHigh,
}

impl fmt::Display for VolumeOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            VolumeOf::Referrals(rule) => rule.fmt(f),
            VolumeOf::RiskClaims => f.write_str("risk-claims"),
            VolumeOf::RiskHigh => f.write_str("risk-high"),
        }
    }
}

impl FromStr for VolumeOf {
    type Err = NotARuleId;

    fn from_str(text: &str) -> Result<Self, NotARuleId> {
        match text {
            "risk-claims" => Ok(VolumeOf::RiskClaims),
            "risk-high" => Ok(VolumeOf::RiskHigh),
            rule => rule.parse().map(VolumeOf::Referrals),
        }
    }
}

macro_rules! through_text {
    ($type:ident) => {
        impl TryFrom<String> for $type {
            type Error = NotARuleId;

            fn try_from(text: String) -> Result<Self, NotARuleId> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(value: $type) -> String {
                value.to_string()
            }
        }
    };
}

through_text!(RuleId);
through_text!(VolumeOf);

/// How much of one thing a transfer brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volume {
    /// The transfer.
    pub transfer: ConsignmentId,
    /// Whose it is.
    pub authority: LaNumber,
    /// When it was received.
    pub received_at: Timestamp,
    /// Of what.
    pub of: VolumeOf,
    /// How many; `None` where it is there and cannot be counted.
    pub count: Option<u64>,
}

/// What came of one thing in a month, by its volumes, oldest first: all referrals; of risk data the last file, which replaces
/// the ones before. `None` if nothing of it could be counted.
pub fn in_all<'a>(volumes: impl Iterator<Item = &'a Volume>) -> Option<u64> {
    volumes.fold(None, |sum, volume| match (&volume.of, volume.count) {
        (VolumeOf::Referrals(_), Some(count)) => Some(sum.unwrap_or(0).saturating_add(count)),
        (VolumeOf::Referrals(_), None) => sum,
        (VolumeOf::RiskClaims | VolumeOf::RiskHigh, count) => count,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_has_its_form_and_reads_back() {
        for good in ["HBSA002", "HBZZ999"] {
            assert_eq!(good.parse::<VolumeOf>().unwrap().to_string(), good);
        }
        for bad in ["", "HBSA02", "hbsa002", "HBSA0021", "XBSA002", "HBS1002", "HBé002"] {
            assert!(bad.parse::<RuleId>().is_err(), "{bad}");
        }
        assert_eq!("risk-high".parse::<VolumeOf>().unwrap(), VolumeOf::RiskHigh);
    }
}
