//! Reading a file that a person names, up to a limit.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::catalogue::circular::FILE_BYTES_MAX;
use crate::cli::output::{CliError, Exit};

pub(super) fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes));
    read.map_err(|error| {
        let says = format!("Could not read {}: {error}.", path.display());
        CliError::new(Exit::CouldNot, says, "Check the path, and that this account may read it.")
    })?;
    Ok(bytes)
}
