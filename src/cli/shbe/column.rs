//! Reading a column of files by hand, with errors that name the file.

use std::path::{Path, PathBuf};

use super::could_not_read;
use crate::catalogue::shbe::{ClaimSet, ColumnError, read_claims};
use crate::cli::output::{CliError, Exit};
use crate::cli::risk::read_file;
use crate::domain::RiskColumn;

/// The claims that these risk files name.
pub(super) fn claims(files: &[PathBuf], column: &RiskColumn, header: Option<bool>) -> Result<ClaimSet, CliError> {
    let mut claims = ClaimSet::default();
    for path in files {
        let read = read_file(path, |file| Ok(read_claims(file, column, header, &mut claims)))?;
        read.map_err(|error| fault(path, &error))?;
    }
    Ok(claims)
}

/// Why a column of this file, or of a member of it, could not be read.
pub(super) fn fault(path: &Path, error: &ColumnError) -> CliError {
    let (exit, next) = match error {
        ColumnError::Read(error) => return could_not_read(path, error),
        ColumnError::NoColumn { .. } => {
            (Exit::Usage, "Name the column as it stands in the file's first row, or by its number from 1.")
        }
        ColumnError::NoTable { .. } => {
            (Exit::CouldNot, "See that it is the table as it came in the pack, opened already.")
        }
        ColumnError::NoRiskData(_) => (
            Exit::CouldNot,
            "See that it is the risk data, opened already; `hbcourier risk report FILE` tells all that is wrong.",
        ),
    };
    CliError::new(exit, format!("Could not read {}: {error}.", path.display()), next)
}
