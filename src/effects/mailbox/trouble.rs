//! What goes wrong with a mailbox, by who can mend it.

use std::fmt;
use std::io;

use async_imap::error::Error;

/// Longest answer of a server that is shown.
const SHOWN_CHARS: usize = 200;

/// Why a mailbox could not be used.
#[derive(Debug, thiserror::Error)]
pub enum MailboxError {
    /// It, or the way to it, is not there now. It may come back by itself.
    #[error("{0}")]
    Unreachable(String),
    /// It refuses until a person mends something: a password, a certificate, a folder's name.
    #[error("{0}")]
    Closed(String),
}

impl MailboxError {
    pub(super) fn gone() -> MailboxError {
        MailboxError::Unreachable("the server has ended the conversation".to_owned())
    }

    pub(super) fn not_understood(doing: Doing) -> MailboxError {
        MailboxError::Unreachable(format!("the server's answer could not be understood when {doing}"))
    }

    /// Whether it lasts until a person does something.
    pub fn needs_a_person(&self) -> bool {
        matches!(self, MailboxError::Closed(_))
    }
}

/// The steps of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doing {
    Connect,
    Encrypt,
    LogIn,
    Select,
    Look,
    Read,
    Make,
    Move,
    Wait,
}

impl fmt::Display for Doing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Doing::Connect => "it was connected to",
            Doing::Encrypt => "encryption was to begin",
            Doing::LogIn => "the account logged in",
            Doing::Select => "the folder was opened",
            Doing::Look => "the folder was looked into",
            Doing::Read => "a mail was read",
            Doing::Make => "the folder for what is ours was made",
            Doing::Move => "a mail was moved to the folder for what is ours",
            Doing::Wait => "news were waited for",
        })
    }
}

/// What a command came to. A server's own words are shown where they are about the account or a folder; about a mail they
/// could be the mail's.
pub(super) fn imap<T>(doing: Doing, done: Result<T, Error>) -> Result<T, MailboxError> {
    done.map_err(|error| match error {
        Error::No(words) | Error::Bad(words) => {
            let said = match doing {
                Doing::Read | Doing::Look | Doing::Move | Doing::Wait => String::new(),
                _ => format!(": {}", shown(&words)),
            };
            MailboxError::Closed(format!("the server refused when {doing}{said}"))
        }
        Error::Io(error) if error.kind() == io::ErrorKind::Other => MailboxError::not_understood(doing),
        Error::Io(error) => MailboxError::Unreachable(format!("the connection broke when {doing}: {}", told(&error))),
        Error::ConnectionLost => MailboxError::gone(),
        Error::Validate(_) => MailboxError::Closed(format!("a line end cannot be sent when {doing}")),
        _ => MailboxError::not_understood(doing),
    })
}

/// The system's own words, or the kind: the library's words show what came in, and that may be a mail.
fn told(error: &io::Error) -> String {
    if error.raw_os_error().is_some() { error.to_string() } else { error.kind().to_string() }
}

fn shown(words: &str) -> String {
    // The library prints what it parsed; what matters is the text in it.
    let plain = words.chars().filter(|char| !char.is_control());
    plain.take(SHOWN_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_came_in_is_shown() {
        for kind in [io::ErrorKind::Other, io::ErrorKind::InvalidData, io::ErrorKind::UnexpectedEof] {
            let error = Error::Io(io::Error::new(kind, "during parsing of \"AB123456C\""));
            let says = imap::<()>(Doing::Read, Err(error)).unwrap_err().to_string();
            assert!(says.contains("a mail was read") && !says.contains("AB123456C"), "{says}");
        }
        let system = Error::Io(io::Error::from_raw_os_error(104));
        assert!(imap::<()>(Doing::Look, Err(system)).unwrap_err().to_string().contains("reset by peer"));
        let refused = imap::<()>(Doing::Read, Err(Error::No("AB123456C".into()))).unwrap_err();
        assert!(refused.needs_a_person() && !refused.to_string().contains("AB123456C"));
    }
}
