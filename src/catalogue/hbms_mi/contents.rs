//! What an MI workbook has in it, as far as anybody can tell who does not know its layout.
//!
//! In:  the workbook. Out: how many rows, and which HBMS rules they name; or that it cannot be read.
//! Holds: counts and rule ids; never another cell.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek};

use crate::catalogue::workbook::{Fault, Row, first_table, format};
use crate::domain::RuleId;

/// Rules told apart in one workbook.
const RULES_MAX: usize = 1000;

/// The rows of a workbook's first sheet that has any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Contents {
    /// Rows with a cell that is filled in.
    pub rows: u64,
    /// How many of them name this rule.
    pub rules: BTreeMap<RuleId, u64>,
}

/// Reads the workbook. `None`: it is locked, has macros or is very large, and so is not read; the fault of one that is damaged.
pub(super) fn contents<R: Read + Seek>(content: &mut R) -> io::Result<Result<Option<Contents>, Fault>> {
    let Some(format) = format(content)? else { return Ok(Err(Fault::NoWorkbook)) };
    let mut found = Contents::default();
    let read = first_table(content, format, &mut |row| {
        found.see(row);
        true
    })?;
    Ok(match read {
        Ok(_) => Ok(Some(found)),
        Err(Fault::Macros | Fault::Locked | Fault::TooLarge) => Ok(None),
        Err(fault @ (Fault::NoWorkbook | Fault::Broken)) => Err(fault),
    })
}

impl Contents {
    fn see(&mut self, row: &Row) {
        self.rows += u64::from(row.cells.iter().any(|cell| !cell.text.trim().is_empty()));
        let mut named: Vec<RuleId> = row.cells.iter().filter_map(|cell| cell.text.trim().parse().ok()).collect();
        named.sort();
        named.dedup();
        for rule in named {
            if self.rules.len() < RULES_MAX || self.rules.contains_key(&rule) {
                *self.rules.entry(rule).or_default() += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    const XLSX: &[u8] = include_bytes!("../../../tests/data/workbooks/HBMS MI return completed.xlsx");
    const XLS: &[u8] = include_bytes!("../../../tests/data/workbooks/HBMS MI return.xls");

    fn read(bytes: &[u8]) -> Result<Option<Contents>, Fault> {
        contents(&mut Cursor::new(bytes)).unwrap()
    }

    #[test]
    fn the_rules_that_the_rows_of_old_and_new_workbooks_name_are_counted() {
        for bytes in [XLSX, XLS] {
            let found = read(bytes).unwrap().unwrap();
            assert!(found.rows > 26, "{found:?}");
            assert_eq!(found.rules.len(), 26, "{found:?}");
            assert_eq!(found.rules[&"HBSA002".parse().unwrap()], 1);
        }
    }

    #[test]
    fn a_damaged_one_is_a_fault() {
        assert!(read(&XLSX[..XLSX.len() / 2]).is_err());
        assert!(read(b"a,b\n").is_err());
    }
}
