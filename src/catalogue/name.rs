//! What the name of a file claims. Names are habit, and those outside a seal anybody's: they suggest a kind, and a foreign LA
//! number in one is reason enough to stop, but they never make a file what it is not.

use crate::domain::{FileKind, LaNumber};

/// The last component of a sender's name for a file, in upper case, without the suffix that sealing added.
#[derive(Debug, Clone, Default)]
pub(super) struct Name(String);

/// The parts of `AOBWR<report>_<LAID>_…`, the names that DWP's batch reports carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Report {
    /// The LA number that takes the place of the literal `LAID`.
    pub(super) authority: Option<LaNumber>,
    /// `AOBWR627_<LAID>_RISK*.csv`, or the ending of a workbook.
    // DWP A5/2020 paragraph 22
    pub(super) is_risk: bool,
}

impl Name {
    pub(super) fn new(name: &str) -> Name {
        let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
        let upper = last.trim().to_ascii_uppercase();
        Name(without_openpgp_ending(&upper).to_owned())
    }

    pub(super) fn has_extension(&self, upper: &str) -> bool {
        self.0.rsplit_once('.').is_some_and(|(_, extension)| extension == upper)
    }

    /// Whether `token` stands in the name with nothing alphanumeric beside it.
    pub(super) fn has_token(&self, token: &str) -> bool {
        self.0.split(|c: char| !c.is_alphanumeric()).any(|part| part == token)
    }

    pub(super) fn contains(&self, upper: &str) -> bool {
        self.0.contains(upper)
    }

    /// The first `AOBWR<digits>_` in the name.
    pub(super) fn report(&self) -> Option<Report> {
        self.0.match_indices("AOBWR").find_map(|(at, tag)| {
            let beside = self.0[..at].chars().next_back().is_some_and(char::is_alphanumeric);
            if beside {
                return None;
            }
            let (number, rest) = self.0[at + tag.len()..].split_once('_')?;
            let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
            is_number.then(|| read_report(at, number, rest))
        })
    }

    /// The first HBMS rule id in the name, such as `HBSA002`.
    // DWP A5/2020 Annex C
    pub(super) fn rule(&self) -> Option<&str> {
        self.0.split(|c: char| !c.is_alphanumeric()).find(|part| is_rule_id(part))
    }

    /// The kind that the name claims.
    pub(super) fn kind(&self) -> Option<FileKind> {
        let report = self.report();
        if report.as_ref().is_some_and(|report| report.is_risk) {
            return Some(FileKind::CaseloadRisk);
        }
        let is_workbook = ["XLS", "XLSX", "XLSM"].iter().any(|ending| self.has_extension(ending));
        if is_workbook && self.is_mi() {
            return Some(FileKind::HbmsMi);
        }
        if report.is_some() || self.rule().is_some() || self.contains("HBMS") {
            return Some(FileKind::HbmsPack);
        }
        match (self.contains("LAID"), self.has_extension("PDF"), self.has_extension("XML")) {
            (true, true, _) => Some(FileKind::LaidPdf),
            (true, _, true) => Some(FileKind::LaidXml),
            _ => None,
        }
    }

    /// Whether the name is one that DWP or an authority would give to the MI workbook.
    pub(super) fn is_mi(&self) -> bool {
        self.has_token("MI") || self.contains("HBMSMI")
    }
}

/// The name without the ending that says it is OpenPGP: what sealing added to it.
pub fn without_openpgp_ending(name: &str) -> &str {
    let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
    let is_openpgp = ["pgp", "gpg", "asc"].iter().any(|sealed| ending.eq_ignore_ascii_case(sealed));
    if is_openpgp && !stem.is_empty() { stem } else { name }
}

fn read_report(at: usize, number: &str, rest: &str) -> Report {
    let (place, tail) = rest.split_once('_').unwrap_or((rest, ""));
    let has_tail = rest.len() > place.len();
    let authority = has_tail.then(|| place.parse().ok()).flatten();
    let placed = place == "LAID" || authority.is_some();
    // DWP sends it as CSV; somebody may have saved it as a workbook.
    let ending = [".CSV", ".XLS", ".XLSX", ".XLSM"].iter().any(|ending| tail.ends_with(ending));
    let is_risk = at == 0 && number == "627" && placed && tail.starts_with("RISK") && ending;
    Report { authority, is_risk }
}

fn is_rule_id(part: &str) -> bool {
    let bytes = part.as_bytes();
    bytes.len() == 7
        && bytes.starts_with(b"HB")
        && bytes[2..4].iter().all(u8::is_ascii_uppercase)
        && bytes[4..].iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(name: &str) -> Option<Report> {
        Name::new(name).report()
    }

    #[test]
    fn only_openpgp_endings_fall() {
        assert_eq!(without_openpgp_ending("AOBWR627_LAID_RISK.csv.PGP"), "AOBWR627_LAID_RISK.csv");
        assert_eq!(without_openpgp_ending("shbe_12302.txt.gpg"), "shbe_12302.txt");
        assert_eq!(without_openpgp_ending("a.pgp.asc"), "a.pgp", "one at a time");
        for name in ["a.csv", ".pgp", "pgp", "apgp", "a.pgp.csv", ""] {
            assert_eq!(without_openpgp_ending(name), name);
        }
    }

    #[test]
    fn risk_names_with_the_literal_or_a_number() {
        for (name, number) in [
            ("AOBWR627_LAID_RISK.csv", None),
            ("aobwr627_laid_risk_202003.CSV", None),
            ("AOBWR627_12302_RISK.csv", Some("12302")),
            ("in/AOBWR627_101809_RISK.csv.pgp", Some("101809")),
            ("AOBWR627_12302_RISK_APR.xlsx", Some("12302")),
        ] {
            let report = report(name).unwrap();
            assert!(report.is_risk, "{name}");
            assert_eq!(report.authority.as_ref().map(LaNumber::as_str), number, "{name}");
        }
        for name in ["AOBWR627_LAID_RISK.doc", "AOBWR628_LAID_RISK.csv", "AOBWR627_1234_RISK.csv", "AOBWR627_RISK.csv"]
        {
            assert!(report(name).is_none_or(|report| !report.is_risk), "{name}");
        }
    }

    #[test]
    fn a_number_counts_only_in_its_place() {
        let number = |name: &str| report(name).and_then(|report| report.authority);
        assert_eq!(number("AOBWR501_12302_HBSA002.csv").unwrap().as_str(), "12302");
        for name in ["AOBWR501_LAID_200420.csv", "AOBWR501_12302", "LAID_200420_1.pdf", "XAOBWR501_12302_A.csv"] {
            assert_eq!(number(name), None, "{name}");
        }
    }

    #[test]
    fn a_name_may_claim_a_kind() {
        for (name, kind) in [
            ("AOBWR627_LAID_RISK.csv.pgp", Some(FileKind::CaseloadRisk)),
            ("HBMS MI Return April 2020.xls", Some(FileKind::HbmsMi)),
            ("HBMS_2020-04.zip.pgp", Some(FileKind::HbmsPack)),
            ("AOBWR501_LAID_200420.csv", Some(FileKind::HbmsPack)),
            ("hbsa002.csv", Some(FileKind::HbmsPack)),
            ("LAID_0001.pdf.pgp", Some(FileKind::LaidPdf)),
            ("laid_0001.XML", Some(FileKind::LaidXml)),
            ("LAID_0001.txt", None),
            ("4711", None),
        ] {
            assert_eq!(Name::new(name).kind(), kind, "{name}");
        }
    }

    #[test]
    fn rule_ids_and_workbooks() {
        assert_eq!(Name::new("hbsa002_12302.csv").rule(), Some("HBSA002"));
        assert_eq!(Name::new("XHBSA002.csv").rule(), None);
        assert_eq!(Name::new("HBSA0021.csv").rule(), None);
        assert!(Name::new("HBMS MI Return April 2020.xls").is_mi());
        assert!(!Name::new("family.xls").is_mi());
    }
}
