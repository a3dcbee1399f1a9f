//! The layout in which a back office wants risk data, and why some cannot be put into it.

use serde::{Deserialize, Serialize};

use super::risk::RiskColumn;

/// Which columns a derived copy has, and how it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RiskLayout {
    /// Its columns, in their order.
    pub columns: Vec<LayoutColumn>,
    /// How its text is written.
    pub encoding: LayoutEncoding,
    /// The sign between columns.
    pub delimiter: u8,
    /// Whether what a spreadsheet would take for a formula gets an apostrophe before it.
    pub quote_formulas: bool,
}

/// One column of a derived copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayoutColumn {
    /// Of the original.
    pub from: RiskColumn,
    /// Its name in the copy; all columns have one, or none.
    pub to: Option<String>,
}

/// How a derived copy is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayoutEncoding {
    /// UTF-8, without a byte order mark.
    Utf8,
    /// As older Windows programs want it.
    Windows1252,
}

/// Why risk data have no copy in the configured layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Underivable {
    /// A column that the layout takes is not there.
    Columns,
    /// Whether their first row is a claim's or names the columns is not certain.
    Header,
    /// They are no whole table.
    Table,
    /// They came as a workbook.
    Workbook,
    /// They have characters that the copy's encoding has not, or that are none.
    Characters,
}

impl RiskLayout {
    /// The names of the columns, if the copy has a row of them.
    pub fn names(&self) -> Option<impl Iterator<Item = &str>> {
        let named = self.columns.iter().all(|column| column.to.is_some());
        named.then(|| self.columns.iter().filter_map(|column| column.to.as_deref()))
    }
}

impl Underivable {
    /// In words that complete "because …".
    pub fn says(self) -> &'static str {
        match self {
            Underivable::Columns => "they have not all the columns that the layout takes",
            Underivable::Header => {
                "nothing tells for certain whether their first row is a claim's or names the columns; `[risk] header` can"
            }
            Underivable::Table => "they are no whole table",
            Underivable::Workbook => "they came as a workbook, whose cells the service does not read",
            Underivable::Characters => "they have characters that the copy's encoding cannot write",
        }
    }
}
