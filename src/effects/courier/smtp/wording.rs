//! What people read about a conversation: which server, at which step, in whose words, and what to do.
//!
//! In:  a step, and the server's answer or the connection's error.
//! Out: the trouble it means, in one or two sentences.
//! Holds: no address and no account is in any of it, whatever the server wrote.

use std::error::Error as _;
use std::fmt;
use std::io;
use std::path::Path;
use std::time::Duration;

use lettre::transport::smtp::Error;
use lettre::transport::smtp::response::Response;

use super::session::Trouble;

/// Longest text of a reply that is kept, in characters.
const REPLY_CHARS_MAX: usize = 200;
/// Stands where something private was.
const LEFT_OUT: &str = "[…]";

/// Answers that ask for a login or encryption, whatever command they come to.
// RFC 4954 §6, RFC 3207 §4
const NOT_LOGGED_IN: [&str; 4] = ["530", "534", "535", "538"];

/// The steps of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doing {
    Connect,
    Encrypt,
    LogIn,
    Probe,
    Sender,
    Recipient,
    /// The authority's own copy.
    Journal,
    Data,
    Message,
}

impl Doing {
    /// Completes "… was not possible".
    fn what(self) -> &'static str {
        match self {
            Doing::Connect => "connect",
            Doing::Encrypt => "agree on encryption",
            Doing::LogIn => "log in",
            Doing::Probe => "talk",
            Doing::Sender => "name the sender",
            Doing::Recipient => "name a recipient",
            Doing::Journal => "name the journal as a recipient",
            Doing::Data => "begin the message",
            Doing::Message => "get an answer to the message",
        }
    }

    /// Whether an answer at this step is one to the message, rather than to us.
    fn is_about_the_message(self) -> bool {
        matches!(self, Doing::Sender | Doing::Recipient | Doing::Data | Doing::Message)
    }

    /// What a person does about it.
    fn next(self) -> &'static str {
        match self {
            Doing::Connect => {
                "check the courier's `host`, `port` and `tls`, the network and the server, then run `hbcourier check`."
            }
            Doing::Encrypt => {
                "check that `host` is the name in the server's certificate, that `ca_file` is its authority, and that `tls` fits the port, then run `hbcourier check`."
            }
            Doing::LogIn => "check the courier's account and password with `hbcourier check`.",
            Doing::Probe => "ask whoever runs the mail server.",
            Doing::Sender => {
                "check with whoever runs the mail server that the courier's account may send from its `from`."
            }
            Doing::Recipient => {
                "check the partner's `addresses`, and with whoever runs the mail server that it takes mail for them."
            }
            Doing::Journal => {
                "check the courier's `journal`, or take it out; the return waits until then. Then run `hbcourier check`."
            }
            Doing::Data => "ask whoever runs the mail server.",
            Doing::Message => {
                "see with `hbcourier returns list` what became of the return, and ask whoever runs the mail server."
            }
        }
    }
}

/// Words about one server.
pub(super) struct Wording {
    server: String,
    waiting: Duration,
    private: Vec<String>,
}

impl Wording {
    pub(super) fn new(host: &str, port: u16, waiting: Duration) -> Wording {
        Wording { server: format!("{host}:{port}"), waiting, private: Vec::new() }
    }

    /// Neither this address nor the name before its `@` will be repeated.
    pub(super) fn keep_private(&mut self, address: &str) {
        let name = address.rsplit_once('@').map_or(address, |(name, _)| name);
        self.private.extend([address.to_lowercase(), name.to_lowercase()]);
    }

    /// How long answers are waited for from now on.
    pub(super) fn wait(&mut self, waiting: Duration) {
        self.waiting = waiting;
    }

    /// The server's own words.
    pub(super) fn reply(&self, response: &Response) -> String {
        self.plain(&format!("{} {}", response.code(), response.first_line().unwrap_or_default()))
    }

    /// What an error at this step means.
    pub(super) fn trouble(&self, doing: Doing, error: &(impl AsTrouble + ?Sized)) -> Trouble {
        match error.answer() {
            Some((code, text)) => {
                let reply = self.plain(&format!("{code} {text}"));
                let says = format!(
                    "{} did not let us {}: it answered `{reply}`. Next: {}",
                    self.server,
                    doing.what(),
                    doing.next()
                );
                if code.starts_with('4') {
                    Trouble::Busy(says)
                } else if doing == Doing::Message
                    || doing.is_about_the_message() && !NOT_LOGGED_IN.contains(&code.as_str())
                {
                    // Whatever the code: a definite no to the message itself is no silence.
                    Trouble::Refused(says)
                } else {
                    Trouble::Closed(says)
                }
            }
            None => {
                let cause = error.cause();
                let handshake = matches!(&cause, Cause::Io(error) if is_tls(error));
                if handshake {
                    return self.closed(Doing::Encrypt, &self.cause(cause));
                }
                self.unreachable(doing, &self.cause(cause))
            }
        }
    }

    /// The conversation could not be had, because `why`.
    pub(super) fn unreachable(&self, doing: Doing, why: &str) -> Trouble {
        Trouble::Unreachable(self.could_not(doing, why))
    }

    /// As [`Wording::unreachable`], and so it stays until a person mends it.
    pub(super) fn closed(&self, doing: Doing, why: &str) -> Trouble {
        Trouble::Closed(self.could_not(doing, why))
    }

    fn could_not(&self, doing: Doing, why: &str) -> String {
        format!("Could not {} with {}: {why}. Next: {}", doing.what(), self.server, doing.next())
    }

    /// An answer that does not fit the question.
    pub(super) fn nonsense(&self, doing: Doing, response: &Response) -> String {
        format!(
            "Could not {} with {}: `{}` is no answer to that. Next: {}",
            doing.what(),
            self.server,
            self.reply(response),
            doing.next()
        )
    }

    pub(super) fn too_large(&self, bytes: u64, size_max: u64) -> Trouble {
        Trouble::Closed(format!(
            "{} takes messages of {size_max} bytes at most, and this one has {bytes}. Nothing was sent. Next: ask whoever runs the mail server to take larger ones.",
            self.server
        ))
    }

    /// The connection broke while the message was on its way, before its last line.
    pub(super) fn lost_before_the_end(&self, error: &(impl AsTrouble + ?Sized)) -> String {
        let why = match error.answer() {
            Some((code, text)) => self.plain(&format!("{code} {text}")),
            None => self.cause(error.cause()),
        };
        format!(
            "The connection to {} broke before the end of the message, so it was not accepted: {why}. Next: check the network and the server; it is tried again by itself.",
            self.server
        )
    }

    pub(super) fn no_password(&self, error: &io::Error, is_token: bool) -> Trouble {
        let why = self.plain(&error.to_string());
        if error.kind() == io::ErrorKind::NotConnected {
            return self.unreachable(Doing::LogIn, &why);
        }
        if is_token {
            return self.closed(Doing::LogIn, &why);
        }
        Trouble::Closed(format!(
            "The password for {} could not be read: {why}. Next: check the credential or file that the courier's configuration names.",
            self.server
        ))
    }

    pub(super) fn no_certificates(&self, path: &Path, error: &impl fmt::Display) -> Trouble {
        Trouble::Closed(format!(
            "`{}`, whose certificates may vouch for {}, could not be used: {error}. Next: correct `ca_file`.",
            path.display(),
            self.server
        ))
    }

    /// All is well.
    pub(super) fn well(&self, has_login: bool, size_max: Option<u64>, message_bytes_max: u64) -> String {
        let login = if has_login { "the login was accepted" } else { "no login is configured" };
        let size = match size_max {
            None | Some(0) => "it names no limit of size".to_owned(),
            Some(size) if size < message_bytes_max => {
                format!(
                    "it takes messages of {size} bytes at most, less than the courier's `message_bytes_max` of {message_bytes_max}"
                )
            }
            Some(size) => format!("it takes messages of {size} bytes"),
        };
        format!("{} answers over verified TLS; {login}; {size}", self.server)
    }

    pub(super) fn is_timeout(error: &Error) -> bool {
        let kind = io_cause(error).map(io::Error::kind);
        matches!(kind, Some(io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut))
    }

    fn cause(&self, cause: Cause<'_>) -> String {
        match cause {
            Cause::Io(error) => match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                    format!("no answer within {} seconds", self.waiting.as_secs().max(1))
                }
                io::ErrorKind::ConnectionRefused => "nothing listens there".to_owned(),
                _ if is_tls(error) => format!("TLS failed ({})", self.plain(&error.to_string())),
                _ => self.plain(&error.to_string()),
            },
            Cause::Other(text) => self.plain(&text),
        }
    }

    /// One line of bounded length without control characters, addresses and account names.
    fn plain(&self, text: &str) -> String {
        let spaced: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let words = spaced.split_whitespace().map(|word| if self.is_private(word) { LEFT_OUT } else { word });
        words.collect::<Vec<_>>().join(" ").chars().take(REPLY_CHARS_MAX).collect()
    }

    fn is_private(&self, word: &str) -> bool {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
        word.contains('@') || word.contains('<') || (!bare.is_empty() && self.private.contains(&bare))
    }
}

/// Why there was no answer.
pub(super) enum Cause<'a> {
    Io(&'a io::Error),
    Other(String),
}

/// An error as this file looks at it.
pub(super) trait AsTrouble {
    /// The server's code and text, if it answered.
    fn answer(&self) -> Option<(String, String)>;
    /// Why not, if it did not.
    fn cause(&self) -> Cause<'_>;
}

impl AsTrouble for Error {
    fn answer(&self) -> Option<(String, String)> {
        let text = self.source().map(ToString::to_string).unwrap_or_default();
        self.status().map(|code| (code.to_string(), text))
    }

    fn cause(&self) -> Cause<'_> {
        io_cause(self).map_or_else(|| Cause::Other(self.to_string()), Cause::Io)
    }
}

impl AsTrouble for io::Error {
    fn answer(&self) -> Option<(String, String)> {
        None
    }

    fn cause(&self) -> Cause<'_> {
        Cause::Io(self)
    }
}

/// Whether rustls found something wrong; other nonsense, such as no UTF-8, has the same kind.
fn is_tls(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<tokio_rustls::rustls::Error>())
}

fn io_cause(error: &Error) -> Option<&io::Error> {
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(io) = cause.downcast_ref() {
            return Some(io);
        }
        source = cause.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use lettre::transport::smtp::response::{Category, Code, Detail, Severity};

    use super::*;

    fn wording() -> Wording {
        let mut wording = Wording::new("mail.council.example", 587, Duration::from_secs(300));
        wording.keep_private("Jo.Bloggs@dwp.example");
        wording
    }

    #[test]
    fn replies_are_one_short_line_without_addresses() {
        let code = Code::new(Severity::PositiveCompletion, Category::MailSystem, Detail::Zero);
        let said = format!("2.0.0 <a b@dwp.example> for jo.bloggs: Ok\u{7}: queued as 4F {}", "x".repeat(500));
        let reply = wording().reply(&Response::new(code, vec![said, "second line".to_owned()]));
        assert!(reply.starts_with("250 2.0.0 […] […] for […] Ok : queued as 4F xxx"), "{reply}");
        assert_eq!(reply.chars().count(), REPLY_CHARS_MAX);
    }

    #[test]
    fn every_step_names_the_server_and_the_next_step() {
        use Doing::*;
        for doing in [Connect, Encrypt, LogIn, Probe, Sender, Recipient, Journal, Data, Message] {
            let Trouble::Unreachable(says) = wording().trouble(doing, &io::Error::from(io::ErrorKind::TimedOut)) else {
                panic!("a time-out is no answer");
            };
            assert!(says.contains("mail.council.example:587") && says.contains("300 seconds"), "{says}");
            assert!(says.contains("Next: "), "{says}");
        }
    }
}
