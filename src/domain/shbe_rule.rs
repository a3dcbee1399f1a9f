//! The rules that an extract (SHBE) is held against before it leaves, and how much each weighs.
//!
//! Holds: a rule's id never changes, because configurations and recorded holds name it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The layout of an extract that is known: 341 fields, as of April 2015.
pub const SHBE_PROFILE: &str = "shbe-2015-341";

/// How much it weighs when a rule is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RuleLevel {
    /// The extract is held.
    Error,
    /// It is told, and the extract goes on.
    Warning,
    /// The rule is not tried.
    Off,
}

impl RuleLevel {
    /// Every level and what it does.
    pub const ALL: [(RuleLevel, &str, &str); 3] = [
        (RuleLevel::Error, "error", "the extract is held."),
        (RuleLevel::Warning, "warning", "it is told, and the extract goes on."),
        (RuleLevel::Off, "off", "the rule is not tried."),
    ];
}

macro_rules! rules {
    ($($variant:ident $id:literal $level:ident $source:literal $says:literal)*) => {
        /// One rule.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "&'static str")]
        pub enum ShbeRule {
            $(#[doc = $says] $variant,)*
        }

        impl ShbeRule {
            /// Every rule, in the order in which they are told of.
            pub const ALL: &'static [ShbeRule] = &[$(ShbeRule::$variant),*];

            /// Its name in configurations, findings and records.
            pub fn id(self) -> &'static str {
                match self { $(ShbeRule::$variant => $id),* }
            }

            /// What is wrong where it is broken, in one sentence.
            pub fn says(self) -> &'static str {
                match self { $(ShbeRule::$variant => $says),* }
            }

            /// How much it weighs unless the configuration says otherwise.
            pub fn usual(self) -> RuleLevel {
                match self { $(ShbeRule::$variant => RuleLevel::$level),* }
            }

            /// Where it comes from.
            pub fn source(self) -> &'static str {
                match self { $(ShbeRule::$variant => $source),* }
            }
        }
    };
}

rules! {
    LineLength "line-length" Error "a limit of ours"
        "The line is longer than 64 KiB, so it is no line of an extract."
    ControlByte "control-byte" Error "layout"
        "The line has a control character other than its end."
    Encoding "encoding" Warning "layout"
        "The line is neither in the encoding of the lines before it nor in any other that is expected."
    HeaderDate "header-date" Error "layout"
        "Field 3 of the header, the first line, is not a date (dd-mm-yyyy)."
    NoRecords "no-records" Error "layout"
        "There is no data line between the header and the trailer."
    NoTrailer "no-trailer" Error "layout"
        "The last line is a data line, so the trailer is missing."
    Truncated "truncated" Error "layout"
        "The last line has no line end, so the file may have been cut short."
    FieldCount "field-count" Error "layout"
        "The line does not have 341 fields."
    TrailingDelimiter "trailing-delimiter" Warning "layout"
        "Data lines have a delimiter behind their 341st field too; DWP's reader may or may not take that."
    RecordType "record-type" Error "layout"
        "Field 1 is not a known record type (A, C, D, E, G, P, R, S, T)."
    NotADate "not-a-date" Error "layout"
        "The field is not a date of the calendar, dd-mm-yyyy or dd/mm/yyyy."
    NotAnAmount "not-an-amount" Error "layout"
        "The field is not an amount in whole pence."
    NotANumber "not-a-number" Error "layout"
        "The field is not a number; only fields 241 and 242 may have decimals."
    CodeRange "code-range" Warning "layout"
        "The field is not one of the codes that are known for it."
    NoReference "no-reference" Warning "layout"
        "Fields 2 and 3 are both empty, so the record names no claim."
    NinoShape "nino-shape" Warning "layout"
        "The field does not have the form of a National Insurance number."
    DuplicateClaim "duplicate-claim" Warning "layout"
        "An earlier D record has the same claim reference."
    MemberWithoutClaim "link-s-without-d" Warning "layout"
        "No D record has the claim reference of this S record."
    ErrorWithoutChange "link-e-without-t" Warning "layout"
        "No T record has the change number (field 320) of this E record."
    ReviewNotFull "review-not-full" Error "DWP A5/2020 paragraph 28"
        "Field 173 is 1 (high risk score), and field 174 is not `Y` (full review)."
    ReviewNotInRisk "review-not-in-risk" Warning "DWP A5/2020 paragraph 35"
        "Field 173 is 1 (high risk score), and the claim is in no risk file that was given."
    ReferralUntold "referral-untold" Warning "DWP A5/2020 paragraphs 28 and 51"
        "Field 173 is 2 (HBMS data match), and the field that says which referral it was is empty."
    ReferralRule "referral-rule" Warning "DWP A5/2020 Annex C"
        "Field 317 is not an HBMS rule that DWP has published."
    OutcomeHalf "outcome-half" Warning "DWP A5/2020 paragraph 28"
        "Of fields 175 (completed) and 176 (outcome) only one is filled."
    OutcomeBeforeStart "outcome-before-start" Warning "DWP A5/2020 paragraph 28"
        "The activity was completed (field 175) before it was begun (field 171)."
    ChangeIncomplete "change-incomplete" Warning "DWP A5/2020 paragraph 28"
        "The change was found by a review (field 254 is 8), and a field that DWP reads with it is empty."
    ErrorIncomplete "error-incomplete" Warning "DWP A5/2020 paragraph 28"
        "Field 320 or one of the fields 337 to 341 of this E record is empty."
    OtherAuthority "other-authority" Error "DWP A5/2020 Annex B"
        "The header names another authority's LA number before its date, and this one's nowhere."
    AuthorityUnclear "authority-unclear" Warning "a check of ours"
        "The header has another authority's LA number behind its date, where it may as well be a count, and this one's nowhere."
    ExtractedEarly "extracted-early" Error "DWP A5/2020 Annex B"
        "The reference date is before the earliest data extraction date."
    ExtractedLate "extracted-late" Error "DWP A5/2020 Annex B"
        "The reference date is after the last day on which the data may be extracted."
    SameAsEarlier "same-as-earlier" Error "a check of ours"
        "The same content was sealed for another month; on pick-up that always holds the extract (CN-405), whatever is set here."
    ClaimCountMoved "d-count-moved" Warning "a check of ours"
        "The number of D records moved by more than is usual since the month before."
}

/// The text names no rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no rule of the pre-flight")]
pub struct NotARule(String);

impl FromStr for ShbeRule {
    type Err = NotARule;

    fn from_str(text: &str) -> Result<Self, NotARule> {
        ShbeRule::ALL.iter().copied().find(|rule| rule.id() == text).ok_or_else(|| NotARule(text.to_owned()))
    }
}

impl TryFrom<String> for ShbeRule {
    type Error = NotARule;

    fn try_from(text: String) -> Result<Self, NotARule> {
        text.parse()
    }
}

impl From<ShbeRule> for &'static str {
    fn from(rule: ShbeRule) -> &'static str {
        rule.id()
    }
}

impl fmt::Display for ShbeRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// By how many percent the number of live claims may move from month to month before that is told.
pub const CLAIM_COUNT_PERCENT: u8 = 10;

/// How an authority wants extracts judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShbePolicy {
    /// By how many percent the number of D records may move against the month before.
    pub claim_count_percent: u8,
    levels: Vec<RuleLevel>,
}

impl Default for ShbePolicy {
    fn default() -> Self {
        let levels = ShbeRule::ALL.iter().map(|rule| rule.usual()).collect();
        ShbePolicy { claim_count_percent: CLAIM_COUNT_PERCENT, levels }
    }
}

impl ShbePolicy {
    /// How much a rule weighs.
    pub fn level(&self, rule: ShbeRule) -> RuleLevel {
        self.levels[rule as usize]
    }

    /// Makes a rule weigh so much.
    pub fn set(&mut self, rule: ShbeRule, level: RuleLevel) {
        self.levels[rule as usize] = level;
    }
}

/// Where an extract breaks a rule, without anything that stands there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShbeFault {
    /// Which rule.
    pub rule: ShbeRule,
    /// Counts from 1.
    pub line: u64,
    /// The record type, on a data line of a known one.
    pub record: Option<char>,
    /// Counts from 1.
    pub field: Option<u16>,
}

impl fmt::Display for ShbeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(record) = self.record {
            write!(f, ", record {record}")?;
        }
        if let Some(field) = self.field {
            write!(f, ", field {field}")?;
        }
        write!(f, " ({})", self.rule)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_rule_has_an_id_of_its_own_that_reads_back() {
        let ids: BTreeSet<&str> = ShbeRule::ALL.iter().map(|rule| rule.id()).collect();
        assert_eq!(ids.len(), ShbeRule::ALL.len());
        for rule in ShbeRule::ALL {
            assert_eq!(rule.id().parse(), Ok(*rule));
            assert!(rule.id().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{rule}");
            assert!(rule.says().ends_with('.') && !rule.source().is_empty(), "{rule}");
            let kept = serde_json::to_string(rule).unwrap();
            assert_eq!(serde_json::from_str::<ShbeRule>(&kept).unwrap(), *rule);
        }
        assert!("field-cuont".parse::<ShbeRule>().is_err());
    }

    #[test]
    fn a_level_that_was_set_counts_and_the_others_stay() {
        let mut policy = ShbePolicy::default();
        policy.set(ShbeRule::NinoShape, RuleLevel::Off);
        assert_eq!(policy.level(ShbeRule::NinoShape), RuleLevel::Off);
        assert!(ShbeRule::ALL.iter().filter(|one| policy.level(**one) != one.usual()).count() == 1);
    }

    #[test]
    fn a_fault_is_told_by_its_place() {
        let fault = ShbeFault { rule: ShbeRule::NotADate, line: 3, record: Some('D'), field: Some(8) };
        assert_eq!(fault.to_string(), "line 3, record D, field 8 (not-a-date)");
    }
}
