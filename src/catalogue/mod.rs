//! What each kind of file looks like: bytes in, findings out. Pure: readers come in; no file system, no clock.
//!
//! In:  the name a sender gave, which proves nothing, and the content.
//! Out: [`Identified`]: the kind, how sure we are, whose number the file carries, and what is wrong with it.
//! Holds: memory does not grow with the file; evidence and findings never repeat content.

pub mod archive;
pub mod caseload_risk;
pub mod circular;
pub mod finding;
pub mod hbms_mi;
pub mod hbms_pack;
pub mod laid_pdf;
pub mod laid_xml;
pub mod mail;
pub mod shbe;

mod allowance;
mod flate;
mod identify;
mod name;
mod pdf_names;
mod transcode;
mod workbook;

use serde::Serialize;

use crate::domain::reason::Unsound;
use crate::domain::{FileKind, LaNumber, XmlRoot};

pub use archive::{Archive, ArchiveError, Member};
pub use finding::{Finding, Severity};
pub use identify::identify;
pub use name::without_openpgp_ending;

/// The LA number that a file's name plainly names, as in `AOBWR627_12302_RISK.csv`.
pub fn authority_in_name(name: &str) -> Option<LaNumber> {
    name::Name::new(name).report()?.authority
}

/// The HBMS rule that a file's name plainly names, as in `HBSA002.csv`.
pub fn rule_in_name(name: &str) -> Option<String> {
    name::Name::new(name).rule().map(str::to_owned)
}

/// The kind that a file's name claims. It proves nothing; it is all there is where the content cannot be read.
pub fn kind_in_name(name: &str) -> Option<FileKind> {
    name::Name::new(name).kind()
}

/// How far an archive may be unpacked. Reaching one of these is an outcome, not a slowdown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Members of one archive, directories counted.
    pub members_max: u32,
    /// Bytes that all members of an archive become together. Also bounds what the compressed parts of a PDF may become.
    pub bytes_max: u64,
}

/// How sure we are of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// Only the name, or a broken content, points that way.
    Guess,
    /// The content fits and nothing contradicts it.
    Likely,
    /// Name and content, or the content's own structure, leave no doubt.
    Certain,
}

/// What a file is, as far as its name and content tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identified {
    /// The kind.
    pub kind: FileKind,
    /// How sure that is.
    pub confidence: Confidence,
    /// The first LA number that the name or the content plainly names.
    pub authority: Option<LaNumber>,
    /// Every LA number that is plainly named, each once, in the order met. More than one deserves a second look.
    pub authorities: Vec<LaNumber>,
    /// The root element, if it is XML that was read to its end.
    pub root: Option<XmlRoot>,
    /// Why we think so, for people. Nothing in it comes from the content of a claim.
    pub evidence: Vec<String>,
    /// What is wrong with it.
    pub findings: Vec<Finding>,
}

impl Identified {
    /// Whether it may be let through: nothing was found at the level of an error.
    pub fn is_sound(&self) -> bool {
        is_sound(&self.findings)
    }

    /// In what way it may not be let through; `None` if it may. What acts is told before what is broken.
    pub fn unsound(&self) -> Option<Unsound> {
        let ways = self.unsound_ways();
        let acts = ways.iter().find(|way| matches!(way, Unsound::Macros | Unsound::ActivePdf));
        acts.or(ways.first()).copied()
    }

    /// Each way in which it may not be let through, for each error.
    pub fn unsound_ways(&self) -> Vec<Unsound> {
        let way = |code| match self.kind {
            FileKind::CaseloadRisk if code == workbook::MACROS => Unsound::Macros,
            FileKind::CaseloadRisk => Unsound::RiskTable,
            FileKind::LaidPdf if laid_pdf::is_of_activity(code) => Unsound::ActivePdf,
            _ => Unsound::Broken,
        };
        let errors = self.findings.iter().filter(|finding| finding.severity == Severity::Error);
        errors.map(|finding| way(finding.code)).collect()
    }
}

fn is_sound(findings: &[Finding]) -> bool {
    findings.iter().all(|finding| finding.severity != Severity::Error)
}

/// What a look at one file has gathered before its kind is decided.
#[derive(Debug, Default)]
struct Gathered {
    authorities: Vec<LaNumber>,
    root: Option<XmlRoot>,
    evidence: Vec<String>,
    findings: Vec<Finding>,
}

impl Gathered {
    fn note(&mut self, evidence: impl Into<String>) {
        let evidence = evidence.into();
        if self.evidence.len() < EVIDENCE_MAX && !self.evidence.contains(&evidence) {
            self.evidence.push(evidence);
        }
    }

    fn find(&mut self, finding: Finding) {
        if !self.findings.iter().any(|known| known.code == finding.code) {
            self.findings.push(finding);
        }
    }

    fn error(&mut self, code: &'static str, says: impl Into<String>) {
        self.find(Finding::error(code, says));
    }

    fn warning(&mut self, code: &'static str, says: impl Into<String>) {
        self.find(Finding::warning(code, says));
    }

    /// `place` completes "LA number N stands in …".
    fn authority(&mut self, number: &LaNumber, place: &str) {
        // A file that names hundreds of authorities is not one we need the whole list of.
        if !self.authorities.contains(number) && self.authorities.len() < AUTHORITIES_MAX {
            self.note(format!("LA number {number} stands in {place}"));
            self.authorities.push(number.clone());
        }
    }

    fn is_sound(&self) -> bool {
        is_sound(&self.findings)
    }

    fn conclude(self, kind: FileKind, confidence: Confidence) -> Identified {
        Identified {
            kind,
            confidence,
            authority: self.authorities.first().cloned(),
            authorities: self.authorities,
            root: self.root,
            evidence: self.evidence,
            findings: self.findings,
        }
    }
}

const AUTHORITIES_MAX: usize = 16;
const EVIDENCE_MAX: usize = 64;
