//! Where received files go, and the copies that are made of some.

use std::path::PathBuf;

use crate::config::template::FileNameTemplate;
use crate::domain::{AcceptedRoot, DestinationName, FileKind, Keep, RiskLayout};

/// `[[authority.route]]`
#[derive(Clone, Debug)]
pub struct RouteSettings {
    /// Which kinds go here.
    pub kinds: Vec<FileKind>,
    /// Root elements of LAIDs as XML that are accepted; if there are none, any.
    pub xml_roots: Vec<AcceptedRoot>,
    /// Unique name of the destination.
    pub destination: DestinationName,
    /// Absolute path of an existing folder.
    pub folder: PathBuf,
    /// The final name.
    pub file_name: FileNameTemplate,
    /// Permission bits of the delivered file.
    pub mode: u32,
    /// Group of the delivered file, by name.
    pub group: Option<String>,
    /// How long originals of what went here are kept, if not as everywhere.
    pub keep_original: Option<Keep>,
    /// How long their names are, likewise.
    pub keep_names: Option<Keep>,
    /// The copy that is delivered beside risk data.
    pub derived: Option<DerivedSettings>,
}

/// `[authority.route.derived]`
#[derive(Clone, Debug)]
pub struct DerivedSettings {
    /// Unique name of the destination.
    pub destination: DestinationName,
    /// Absolute path of an existing folder.
    pub folder: PathBuf,
    /// The final name.
    pub file_name: FileNameTemplate,
    /// What is in it.
    pub layout: RiskLayout,
}

/// How a derived copy is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[schemars(inline)]
pub enum DerivedEncoding {
    /// UTF-8, without a byte order mark.
    #[serde(rename = "utf-8")]
    Utf8,
    /// As older Windows programs want it. What it cannot write stops the delivery.
    #[serde(rename = "windows-1252")]
    Windows1252,
}

/// What stands between two columns of a derived copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum DerivedDelimiter {
    /// `,`
    Comma,
    /// `;`
    Semicolon,
    /// A tab.
    Tab,
    /// `|`
    Bar,
}

/// What becomes, in a derived copy, of a cell that a spreadsheet would take for a formula.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum DerivedFormulas {
    /// It gets an apostrophe before it, which makes it text.
    Quote,
    /// It stays as it is.
    Keep,
}
