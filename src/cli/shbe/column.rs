//! Reading a column of files by hand, with errors that name the file.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::could_not_read;
use crate::catalogue::shbe::{ClaimSet, Column, ColumnError, read_column};
use crate::cli::output::{CliError, Exit};

/// The claims that these risk files name.
pub(super) fn claims(files: &[PathBuf], column: &Column) -> Result<ClaimSet, CliError> {
    let mut claims = ClaimSet::default();
    for path in files {
        let file = File::open(path).map_err(|error| could_not_read(path, &error))?;
        read_column(file, column, |claim| claims.add(claim)).map_err(|error| fault(path, &error))?;
    }
    Ok(claims)
}

/// Why a column of this file, or of a member of it, could not be read.
pub(super) fn fault(path: &Path, error: &ColumnError) -> CliError {
    if let ColumnError::Read(error) = error {
        return could_not_read(path, error);
    }
    CliError::new(
        Exit::Usage,
        format!("Could not read {}: {error}.", path.display()),
        "Name the column as it stands in the file's first row, or by its number from 1.",
    )
}
