//! The kinds of file that move between DWP and an authority.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a file is, as far as its name and content tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileKind {
    /// e-Transfer Local Authority Input Document as PDF.
    LaidPdf,
    /// e-Transfer Local Authority Input Document as XML.
    LaidXml,
    /// A Housing Benefit Matching Service referral pack, or a file of one that is nothing more particular.
    HbmsPack,
    /// Caseload Risk Data, `AOBWR627_LAID_RISK.csv`.
    CaseloadRisk,
    /// The clerical workbook in which HBMS outcomes are returned.
    HbmsMi,
    /// Single Housing Benefit Extract.
    Shbe,
    /// None of these. Never dropped: held, or routed by an explicit route.
    Unknown,
}

impl FileKind {
    /// Every kind, in the order of the interface.
    pub const ALL: [FileKind; 7] = [
        FileKind::LaidPdf,
        FileKind::LaidXml,
        FileKind::HbmsPack,
        FileKind::CaseloadRisk,
        FileKind::HbmsMi,
        FileKind::Shbe,
        FileKind::Unknown,
    ];

    /// The name scripts and configurations use.
    pub fn as_str(self) -> &'static str {
        match self {
            FileKind::LaidPdf => "laid-pdf",
            FileKind::LaidXml => "laid-xml",
            FileKind::HbmsPack => "hbms-pack",
            FileKind::CaseloadRisk => "caseload-risk",
            FileKind::HbmsMi => "hbms-mi",
            FileKind::Shbe => "shbe",
            FileKind::Unknown => "unknown",
        }
    }
}

/// What an authority owes DWP each month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReturnKind {
    /// Single Housing Benefit Extract.
    // DWP A5/2020 Annex B
    Shbe,
    /// Clerical HBMS management information.
    // DWP A5/2020 Annex D
    HbmsMi,
}

impl ReturnKind {
    /// Both returns.
    pub const ALL: [ReturnKind; 2] = [ReturnKind::Shbe, ReturnKind::HbmsMi];

    /// Whether DWP is not misled if the same one comes twice: each MI return replaces the one before.
    pub fn may_come_twice(self) -> bool {
        self == ReturnKind::HbmsMi
    }

    /// The name scripts and configurations use.
    pub fn as_str(self) -> &'static str {
        match self {
            ReturnKind::Shbe => "shbe",
            ReturnKind::HbmsMi => "hbms-mi",
        }
    }
}

/// The text names no kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not one of {choices}")]
pub struct NotAKind {
    text: String,
    choices: String,
}

macro_rules! kind_text {
    ($kind:ident) => {
        impl fmt::Display for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $kind {
            type Err = NotAKind;

            fn from_str(text: &str) -> Result<Self, NotAKind> {
                $kind::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| NotAKind {
                    text: text.to_owned(),
                    choices: $kind::ALL.map($kind::as_str).join(", "),
                })
            }
        }
    };
}

kind_text!(FileKind);
kind_text!(ReturnKind);
