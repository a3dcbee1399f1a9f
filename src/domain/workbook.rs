//! The clerical HBMS MI workbook that came with a pack, from its delivery until the authority closes it.
//!
//! Each month every open workbook is due again, updated, until all of its cases have an outcome.
// DWP A5/2020 paragraphs 49 and 56 to 58

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::authority::LaNumber;
use super::consignment::Naming;
use super::ids::{ConsignmentId, DeliveryId};
use super::kind::ReturnKind;
use super::period::RelevantMonth;
use super::submission::Series;

/// One workbook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workbook {
    /// Whose.
    pub authority: LaNumber,
    /// The month it goes by: that of the SHBE which its pack followed. No two of an authority go by one.
    pub month: RelevantMonth,
    /// The transfer it came with.
    pub transfer: ConsignmentId,
    /// Its delivery.
    pub delivery: DeliveryId,
    /// The name it was delivered under, without the folder.
    pub file_name: String,
    /// Who chose that name.
    pub naming: Naming,
    /// When the transfer was received.
    pub received_at: Timestamp,
    /// When it was opened: what was due before is not owed for it.
    pub opened_at: Timestamp,
    /// When a person said that nothing more is returned for it.
    pub closed_at: Option<Timestamp>,
}

impl Workbook {
    /// The name it was delivered under, as reading commands show it.
    pub fn told_name(&self) -> &str {
        self.naming.told(&self.file_name)
    }

    /// What it is called in commands.
    pub fn name(&self) -> WorkbookName {
        WorkbookName { authority: self.authority.clone(), month: self.month }
    }

    /// The series of its returns, from the second on.
    pub fn series(&self) -> Series {
        Series { kind: ReturnKind::HbmsMi, authority: self.authority.clone(), workbook: Some(self.month) }
    }

    /// Whether something is still owed for it.
    pub fn is_open(&self) -> bool {
        self.closed_at.is_none()
    }

    /// The month of its first return, which is the usual one of that month; from the next on it is due beside the usual one.
    pub fn first_returned_for(&self) -> RelevantMonth {
        self.month.next()
    }
}

/// Names a workbook: whose, and the month it goes by. Written `12302/2020-04`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WorkbookName {
    /// Whose.
    pub authority: LaNumber,
    /// The month it goes by.
    pub month: RelevantMonth,
}

/// The text names no workbook.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a workbook's name: write it as 12302/2020-04, LA number and month")]
pub struct NotAWorkbookName(pub String);

impl FromStr for WorkbookName {
    type Err = NotAWorkbookName;

    fn from_str(text: &str) -> Result<Self, NotAWorkbookName> {
        let pieces = text.split_once('/').and_then(|(la, month)| la.parse().ok().zip(month.parse().ok()));
        let named = pieces.map(|(authority, month)| WorkbookName { authority, month });
        named.ok_or_else(|| NotAWorkbookName(text.to_owned()))
    }
}

impl fmt::Display for WorkbookName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.authority, self.month)
    }
}

impl TryFrom<String> for WorkbookName {
    type Error = NotAWorkbookName;

    fn try_from(text: String) -> Result<Self, NotAWorkbookName> {
        text.parse()
    }
}

impl From<WorkbookName> for String {
    fn from(name: WorkbookName) -> String {
        name.to_string()
    }
}

/// The workbook that a file in the returns folder says it is: by the short id in the name it was delivered under, by
/// `workbook 2020-04` in its name, or by beginning as the delivered file did: as much of it as any, and as only one did.
pub fn named_by<'a>(file_name: &str, workbooks: &'a [Workbook]) -> Option<&'a Workbook> {
    let name = file_name.to_lowercase();
    let marked = pieces(&name).collect::<Vec<_>>();
    let by_id = |workbook: &&Workbook| marked.contains(&workbook.delivery.short().as_str());
    let by_month = |workbook: &&Workbook| is_marked_with(&marked, workbook.month);
    if let Some(told) = workbooks.iter().find(by_id).or_else(|| workbooks.iter().find(by_month)) {
        return Some(told);
    }
    let alike = || workbooks.iter().filter(|workbook| name.starts_with(&stem(&workbook.file_name)));
    let longest = alike().map(|workbook| stem(&workbook.file_name).len()).max()?;
    let mut best = alike().filter(|workbook| stem(&workbook.file_name).len() == longest);
    best.next().filter(|_| best.next().is_none())
}

fn pieces(name: &str) -> impl Iterator<Item = &str> {
    name.split(|c: char| !c.is_alphanumeric()).filter(|piece| !piece.is_empty())
}

/// `workbook`, year and month, one after the other.
fn is_marked_with(pieces: &[&str], month: RelevantMonth) -> bool {
    let month = month.to_string();
    pieces.windows(3).any(|three| three[0] == "workbook" && format!("{}-{}", three[1], three[2]) == month)
}

fn stem(file_name: &str) -> String {
    file_name.rsplit_once('.').map_or(file_name, |(stem, _)| stem).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Digest;

    fn workbook(month: &str, file_name: &str) -> Workbook {
        let transfer = ConsignmentId::derive(&"drop-1".parse().unwrap(), month, &Digest::of(b"a"));
        Workbook {
            authority: "12302".parse().unwrap(),
            month: month.parse().unwrap(),
            transfer,
            delivery: DeliveryId::derive(&transfer, 0, &"backoffice".parse().unwrap()),
            file_name: file_name.to_owned(),
            naming: Naming::Senders,
            received_at: Timestamp::UNIX_EPOCH,
            opened_at: Timestamp::UNIX_EPOCH,
            closed_at: None,
        }
    }

    #[test]
    fn a_file_is_told_by_id_by_mark_or_by_a_beginning_that_only_one_has() {
        let (april, may) = (workbook("2020-04", "HBMS MI April.xlsx"), workbook("2020-05", "HBMS MI May.xlsx"));
        let all = [april.clone(), may.clone()];
        let told = |name: &str| named_by(name, &all).map(|workbook| workbook.month.to_string());
        let with_id = format!("return {} final.xlsx", may.delivery.short());
        for (name, month) in [
            (with_id.as_str(), Some("2020-05")),
            ("MI workbook 2020-04.xlsx", Some("2020-04")),
            ("WORKBOOK_2020_05-v2.xls", Some("2020-05")),
            ("hbms mi april updated.xlsx", Some("2020-04")),
            ("HBMS MI.xlsx", None),
            ("MI 2020-04.xlsx", None),
            ("workbook 2020-06.xlsx", None),
            ("", None),
        ] {
            assert_eq!(told(name).as_deref(), month, "{name}");
        }
        let within = [workbook("2020-04", "HBMS MI.xlsx"), workbook("2020-05", "HBMS MI May.xlsx")];
        assert_eq!(named_by("HBMS MI May 2.xlsx", &within), Some(&within[1]), "the one it has more of");
        let same = [workbook("2020-04", "HBMS MI.xlsx"), workbook("2020-05", "HBMS MI.xlsx")];
        assert_eq!(named_by("HBMS MI.xlsx", &same), None, "two were delivered so");
    }
}
