//! The way from an answer to an exit status.

use std::error::Error;

use crate::cli::output::{CliError, Exit};
use crate::domain::causes::with_causes;

/// A command that only has to be done.
pub(super) fn done<E: Error + 'static>(done: Result<(), E>, status: impl FnOnce(&E) -> u8) -> Result<Exit, CliError> {
    answer(done.map(|()| true), status)
}

/// A command that answers yes or no.
pub(super) fn answer<E: Error + 'static>(
    answer: Result<bool, E>,
    status: impl FnOnce(&E) -> u8,
) -> Result<Exit, CliError> {
    match answer {
        Ok(true) => Ok(Exit::Yes),
        Ok(false) => Ok(Exit::No),
        // Whoever reads has seen enough, as `head` has.
        Err(error) if is_broken_pipe(&error) => Ok(Exit::Yes),
        Err(error) => Err(fault(status(&error), &error)),
    }
}

fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    let broken = |error: &std::io::Error| error.kind() == std::io::ErrorKind::BrokenPipe;
    error.downcast_ref().is_some_and(broken) || error.source().is_some_and(is_broken_pipe)
}

/// A failure that ends the program with this status.
pub(super) fn fault(status: u8, error: &dyn Error) -> CliError {
    let exit = match status {
        0 => Exit::Yes,
        1 => Exit::No,
        2 => Exit::Usage,
        78 => Exit::Config,
        _ => Exit::CouldNot,
    };
    CliError { exit, says: with_causes(error), next: None }
}
