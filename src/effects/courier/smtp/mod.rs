//! By SMTP: one message to the partner's addresses, over TLS whose certificate was verified.
//!
//! In:  a parcel of sealed bytes.
//! Out: the server's answer, or silence.
//! Holds: nothing leaves before the handshake succeeded; all recipients or none; an attempt that is dropped before
//! [`Ready::commit`] closes the connection inside DATA, and a server throws such a message away.

mod note;
mod session;
mod wording;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use self::session::{Session, Trouble};
use super::mime::{self, MailForm, Message};
use super::{Courier, CourierError, Evidence, Form, Interrupted, Parcel, Ready, Reply};
use crate::domain::DeferCause;

/// A mail submission server and how it is spoken to.
pub struct SmtpServer {
    /// Host name, also the name its certificate must bear.
    pub host: String,
    /// Port.
    pub port: u16,
    /// When TLS begins. It is always required.
    pub tls: Tls,
    /// PEM file of the only authorities that may vouch for the server; the system's store if `None`.
    pub ca_file: Option<PathBuf>,
    /// The account to log in with, if the server wants one.
    pub login: Option<Login>,
    /// The sender's address.
    pub from: String,
    /// How returns lie in their messages.
    pub form: MailForm,
    /// Where a copy of each return goes that its recipients do not see.
    pub journal: Option<String>,
    /// How long to wait for the answer to the message. At least 600 s in use.
    // RFC 5321 §4.5.3.2.6
    pub reply_timeout: Duration,
    /// How long to wait for any other answer.
    pub command_timeout: Duration,
    /// Largest message.
    pub message_bytes_max: u64,
}

/// When TLS begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// With the connection.
    Implicit,
    /// By STARTTLS, without which the server is not spoken to.
    Starttls,
}

/// An account at the server.
pub struct Login {
    /// Its name.
    pub account: String,
    /// Fetches the password or the token, anew for each connection.
    pub password: Password,
    /// Whether it is a token, and XOAUTH2 the way to log in.
    pub is_token: bool,
}

/// Where a password comes from when it is needed.
pub type Password = Box<dyn Fn() -> io::Result<SecretString> + Send + Sync>;

/// The courier that mails.
pub struct SmtpCourier {
    server: SmtpServer,
}

impl SmtpCourier {
    /// Mails through this server. Nothing is opened yet.
    pub fn new(server: SmtpServer) -> SmtpCourier {
        SmtpCourier { server }
    }
}

impl Courier for SmtpCourier {
    fn form(&self) -> Form {
        match self.server.form {
            MailForm::PgpMime => Form::MimeEntity,
            MailForm::Attachment => Form::Bare,
        }
    }

    fn prepare<'a>(&'a self, parcel: Parcel<'_>) -> Result<Box<dyn Ready + 'a>, CourierError> {
        let mut message = mime::message(parcel, &self.server.from, self.server.form, self.server.message_bytes_max)?;
        if let Some(journal) = &self.server.journal {
            message.journal = Some(mime::address(journal, "the courier's `journal`")?);
        }
        let mut session = Session::open(&self.server)?;
        session.offer(&message)?;
        Ok(Box::new(Offered { session, message, reply_timeout: self.server.reply_timeout }))
    }

    fn evidence(&self, _parcel: &Parcel<'_>, _interrupted: &Interrupted<'_>) -> Evidence {
        // SMTP has no way to ask afterwards.
        Evidence::Unknown
    }

    fn probe(&self) -> Result<String, CourierError> {
        mime::address(&self.server.from, "the courier's `from`")?;
        Ok(Session::open(&self.server)?.probe()?)
    }
}

/// The server has said that it takes the message; none of it has left.
struct Offered<'a> {
    session: Session<'a>,
    message: Message,
    reply_timeout: Duration,
}

impl Ready for Offered<'_> {
    fn commit(self: Box<Self>) -> Reply {
        self.session.deliver(&self.message.text, self.reply_timeout)
    }
}

impl From<Trouble> for CourierError {
    fn from(trouble: Trouble) -> CourierError {
        match trouble {
            Trouble::Unreachable(says) => CourierError::TryLater { cause: DeferCause::CourierUnreachable, says },
            Trouble::Closed(says) => CourierError::TryLater { cause: DeferCause::CourierClosed, says },
            Trouble::Busy(says) => CourierError::TryLater { cause: DeferCause::CourierBusy, says },
            Trouble::Refused(says) => CourierError::Refused { says },
        }
    }
}
