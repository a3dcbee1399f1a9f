//! File name templates.

/// A checked template for a delivered or sealed file's name, such as `{kind}_{la}_{received}_{id}.{ext}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileNameTemplate(String);
