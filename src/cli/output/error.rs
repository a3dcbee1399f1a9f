//! How a command ends: with an exit status, and an error that names the next step.

use std::error::Error;
use std::fmt;
use std::io;
use std::process::ExitCode;

use crate::cli::timetable::CliFault;
use crate::store::QueryError;

/// How a command ended, as a script sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done; the answer is yes.
    Yes,
    /// The answer is no: findings, something held or overdue where that was asked, nothing of that name.
    No,
    /// The command was used wrongly.
    Usage,
    /// It could not be done.
    CouldNot,
    /// The configuration is wrong.
    Config,
}

impl Exit {
    /// The exit of this number, as another process told it.
    pub fn of(status: u8) -> Exit {
        let all = [Exit::Yes, Exit::No, Exit::Usage, Exit::Config];
        all.into_iter().find(|exit| exit.status() == status).unwrap_or(Exit::CouldNot)
    }

    /// The number.
    pub fn status(self) -> u8 {
        match self {
            Exit::Yes => 0,
            Exit::No => 1,
            Exit::Usage => 2,
            Exit::CouldNot => 3,
            Exit::Config => 78,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.status())
    }
}

/// Why a command did not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CliError {
    /// The exit status it ends with.
    pub exit: Exit,
    /// What was being done to what, and why it failed.
    pub says: String,
    /// What to do now; `None` where `says` names it.
    pub next: Option<String>,
}

impl CliError {
    /// An error in words.
    pub fn new(exit: Exit, says: impl Into<String>, next: impl Into<String>) -> CliError {
        CliError { exit, says: says.into(), next: Some(next.into()) }
    }

    /// The answer is no: there is nothing of that name.
    pub fn none(says: impl Into<String>, next: impl Into<String>) -> CliError {
        CliError::new(Exit::No, says, next)
    }

    /// An error of another part of the program, with all its causes. Its words name the next step.
    pub fn of(exit: Exit, error: &dyn Error) -> CliError {
        let (mut words, mut cause) = (vec![error.to_string()], error.source());
        while let Some(error) = cause {
            words.push(error.to_string());
            cause = error.source();
        }
        CliError { exit, says: words.join(": "), next: None }
    }

    /// The answer could not be written.
    pub(in crate::cli) fn printing(error: &io::Error) -> CliError {
        CliError::new(
            Exit::CouldNot,
            format!("Could not write the answer to standard output: {error}."),
            "See that there is space where the output goes, and run the command again.",
        )
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.says)?;
        self.next.as_ref().map_or(Ok(()), |next| write!(f, "\nNext: {next}"))
    }
}

impl Error for CliError {}

impl From<QueryError> for CliError {
    fn from(error: QueryError) -> CliError {
        CliError::new(
            Exit::CouldNot,
            format!("Could not answer, because {error}."),
            "See that the state directory is there and that this account may read it; `hbcourier check` probes it.",
        )
    }
}

impl From<CliFault> for CliError {
    fn from(fault: CliFault) -> CliError {
        let exit = if fault.exit_status() == Exit::Usage.status() { Exit::Usage } else { Exit::CouldNot };
        CliError::of(exit, &fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_and_what_next() {
        let error = CliError::from(QueryError("disk I/O error".into()));
        assert_eq!(error.exit.status(), 3);
        let words = error.to_string();
        assert!(words.contains("the store cannot be read: disk I/O error") && words.contains("\nNext: "), "{words}");
    }

    #[test]
    fn causes_are_said_in_order() {
        let fault = CliFault::Write(io::Error::other("no space"));
        let error = CliError::from(fault);
        assert_eq!(error.says, "could not write the timetable to standard output: no space");
        assert_eq!(error.exit, Exit::CouldNot);
    }
}
