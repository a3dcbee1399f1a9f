//! One conversation with the server, step by step, so that it is known what had left when it broke.
//!
//! In:  the server's settings; a message.
//! Out: a reply, or trouble that says which step it came at.
//! Holds: every answer is the one its command must have; neither account nor message before verified TLS.

use std::fs::File;
use std::io::Read;
use std::iter;
use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{Certificate, CertificateStore, SmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Ehlo, Mail, Noop, Rcpt};
use lettre::transport::smtp::extension::{ClientId, MailParameter, RcptParameter};
use lettre::transport::smtp::response::Response;
use secrecy::ExposeSecret as _;

use super::super::Reply;
use super::super::mime::Message;
use super::wording::{Doing, Wording};
use super::{Login, SmtpServer, Tls};
use crate::domain::DeferCause;
use crate::progress;

/// How long to listen for answers to questions that nobody asked.
const UNASKED_WAIT: Duration = Duration::from_millis(20);
/// The message goes out in pieces of this size.
const PIECE_BYTES: usize = 64 * 1024;
/// Longest name by which reports may be asked for.
// RFC 3461 §4.4
const ENVELOPE_ID_BYTES_MAX: usize = 100;
/// Largest file of certificates.
const CA_FILE_BYTES_MAX: u64 = 4 << 20;

/// Why a conversation ended before the message left.
#[derive(Debug)]
pub(super) enum Trouble {
    /// There is no conversation to be had, now.
    Unreachable(String),
    /// The server, or what is configured for it, does not let a message be offered until a person mends it.
    Closed(String),
    /// The server answered: not now.
    Busy(String),
    /// The server was offered this message and answered: never.
    Refused(String),
}

/// An open, encrypted and authenticated connection.
pub(super) struct Session<'a> {
    server: &'a SmtpServer,
    connection: SmtpConnection,
    wording: Wording,
    /// What the server says it takes at most.
    size_max: Option<u64>,
    /// Whether reports on a message may be asked for.
    reports: bool,
}

impl<'a> Session<'a> {
    /// Connects, encrypts, and logs in if there is an account.
    pub(super) fn open(server: &'a SmtpServer) -> Result<Session<'a>, Trouble> {
        let _answers = progress::quiet(server.command_timeout);
        let mut wording = Wording::new(&server.host, server.port, server.command_timeout);
        wording.keep_private(&server.from);
        let tls = verified_tls(server, &wording)?;
        let hello = hello(server);
        let at_once = (server.tls == Tls::Implicit).then_some(&tls);
        let address = (server.host.as_str(), server.port);
        let mut connection = SmtpConnection::connect(address, Some(server.command_timeout), &hello, at_once, None)
            .map_err(|error| wording.trouble(Doing::Connect, &error))?;
        if server.tls == Tls::Starttls {
            if !connection.can_starttls() {
                connection.abort();
                return Err(wording.closed(Doing::Encrypt, "it does not offer STARTTLS"));
            }
            connection.starttls(&tls, &hello).map_err(|error| wording.trouble(Doing::Encrypt, &error))?;
        }
        let mut session = Session { server, connection, wording, size_max: None, reports: false };
        session.require_clean_encryption()?;
        let greeting = session.ask(Doing::Encrypt, Ehlo::new(hello), 250)?;
        session.size_max = advertised_size(&greeting);
        session.reports = greeting.message().any(|line| line.trim().eq_ignore_ascii_case("DSN"));
        if let Some(login) = &server.login {
            session.log_in(login)?;
        }
        Ok(session)
    }

    /// Goes up to the point where the server waits for the message.
    pub(super) fn offer(&mut self, message: &Message) -> Result<(), Trouble> {
        message.to.iter().chain(&message.journal).for_each(|to| self.wording.keep_private(to.as_ref()));
        let _answers = progress::quiet(self.server.command_timeout);
        let outcome = self.offer_or_trouble(message);
        if let Err(Trouble::Closed(_) | Trouble::Busy(_) | Trouble::Refused(_)) = &outcome {
            let _ = self.connection.quit();
        }
        outcome
    }

    fn offer_or_trouble(&mut self, message: &Message) -> Result<(), Trouble> {
        let bytes = message.text.len() as u64;
        // RFC 1870 §4: 0 means that no fixed limit is known.
        if let Some(size_max) = self.size_max.filter(|&size_max| size_max != 0 && bytes > size_max) {
            return Err(self.wording.too_large(bytes, size_max));
        }
        let named = |id: &&String| self.reports && id.len() <= ENVELOPE_ID_BYTES_MAX;
        let mut report_as = message.envelope_id.as_ref().filter(named);
        match self.name_sender(message, report_as) {
            // What a server offers it may yet not take: the return goes without.
            Err(Trouble::Refused(_)) if report_as.is_some() => {
                report_as = None;
                self.name_sender(message, report_as)?;
            }
            named => named?,
        }
        let recipient = |to: &Address, reports: &str| {
            let notify = report_as.map(|_| ("NOTIFY".to_owned(), Some(reports.to_owned())));
            let notify = notify.map(|(keyword, value)| RcptParameter::Other { keyword, value });
            Rcpt::new(to.clone(), notify.into_iter().collect())
        };
        for to in &message.to {
            self.ask(Doing::Recipient, recipient(to, "FAILURE,DELAY"), 250)?;
        }
        if let Some(journal) = &message.journal {
            // A full journal is no news of the return.
            self.ask(Doing::Journal, recipient(journal, "NEVER"), 250)?;
        }
        self.ask(Doing::Data, Data, 354)?;
        Ok(())
    }

    /// `report_as`: the name by which reports are asked for.
    // RFC 3461 §4: without the message
    fn name_sender(&mut self, message: &Message, report_as: Option<&String>) -> Result<(), Trouble> {
        let mut parameters = Vec::new();
        if self.size_max.is_some() {
            parameters.push(MailParameter::Size(message.text.len()));
        }
        if let Some(id) = report_as {
            for (keyword, value) in [("RET", "HDRS"), ("ENVID", id)] {
                let (keyword, value) = (keyword.to_owned(), Some(value.to_owned()));
                parameters.push(MailParameter::Other { keyword, value });
            }
        }
        self.ask(Doing::Sender, Mail::new(Some(message.from.clone()), parameters), 250).map(drop)
    }

    /// Sends the message and waits for the answer.
    pub(super) fn deliver(mut self, text: &[u8], reply_timeout: Duration) -> Reply {
        let unreachable = |says| Reply::TryLater(DeferCause::CourierUnreachable, says);
        self.wording.wait(reply_timeout);
        if let Err(error) = self.connection.set_timeout(Some(reply_timeout)) {
            return unreachable(self.wording.lost_before_the_end(&error));
        }
        // The dot is sent with a line end before it, so the message's own is left off.
        let mut pieces = text.strip_suffix(b"\r\n").unwrap_or(text).chunks(PIECE_BYTES);
        let mut may_have_ended = false;
        let _answer = progress::quiet(reply_timeout);
        let answer = self.connection.message_iter(iter::from_fn(|| {
            progress::made();
            let piece = pieces.next();
            // The next thing to leave is the dot.
            may_have_ended = piece.is_none();
            piece
        }));
        match answer {
            Ok(response) if (200..300).any(|code| response.has_code(code)) => {
                let says = self.wording.reply(&response);
                self.quit();
                Reply::Accepted(says)
            }
            Ok(response) => Reply::Silence(self.wording.nonsense(Doing::Message, &response)),
            Err(error) if !may_have_ended => unreachable(self.wording.lost_before_the_end(&error)),
            Err(error) => match self.wording.trouble(Doing::Message, &error) {
                Trouble::Busy(says) => Reply::TryLater(DeferCause::CourierBusy, says),
                Trouble::Refused(says) => Reply::Refused(says),
                Trouble::Unreachable(says) | Trouble::Closed(says) => Reply::Silence(says),
            },
        }
    }

    /// Leaves again, and tells what was found.
    pub(super) fn probe(mut self) -> Result<String, Trouble> {
        self.ask(Doing::Probe, Noop, 250)?;
        let has_login = self.server.login.is_some();
        let says = self.wording.well(has_login, self.size_max, self.server.message_bytes_max);
        self.quit();
        Ok(says)
    }

    /// STARTTLS leaves what came in clear with its answer in the reader: somebody on the way could put answers there
    /// that would be taken for the server's. A server that talks unasked is not listened to.
    // RFC 3207 §4.2
    fn require_clean_encryption(&mut self) -> Result<(), Trouble> {
        if !self.connection.is_encrypted() {
            return Err(self.wording.unreachable(Doing::Encrypt, "the connection is not encrypted"));
        }
        if self.server.tls == Tls::Implicit {
            return Ok(());
        }
        let wait = |connection: &mut SmtpConnection, time| connection.set_timeout(Some(time));
        wait(&mut self.connection, UNASKED_WAIT).map_err(|error| self.wording.trouble(Doing::Encrypt, &error))?;
        match self.connection.read_response() {
            Err(error) if Wording::is_timeout(&error) => {}
            Ok(_) | Err(_) => {
                return Err(self.wording.unreachable(Doing::Encrypt, "it sent answers that nobody asked for"));
            }
        }
        wait(&mut self.connection, self.server.command_timeout)
            .map_err(|error| self.wording.trouble(Doing::Encrypt, &error))
    }

    fn log_in(&mut self, login: &Login) -> Result<(), Trouble> {
        self.wording.keep_private(&login.account);
        let password = (login.password)().map_err(|error| self.wording.no_password(&error, login.is_token))?;
        let credentials = Credentials::new(login.account.clone(), password.expose_secret().to_owned());
        let (mechanisms, missing): (&[Mechanism], _) = if login.is_token {
            (&[Mechanism::Xoauth2], "it does not offer AUTH XOAUTH2")
        } else {
            (&[Mechanism::Plain, Mechanism::Login], "it offers neither AUTH PLAIN nor AUTH LOGIN")
        };
        if self.connection.server_info().get_auth_mechanism(mechanisms).is_none() {
            self.quit();
            return Err(self.wording.closed(Doing::LogIn, missing));
        }
        match self.connection.auth(mechanisms, &credentials) {
            Ok(response) => self.expect(Doing::LogIn, response, 235).map(drop),
            // A question behind the token is how some servers begin a refusal; the library takes it for a fault of ours.
            Err(error) if login.is_token && error.is_client() => {
                Err(self.wording.closed(Doing::LogIn, "it refused the token"))
            }
            Err(error) => Err(self.wording.trouble(Doing::LogIn, &error)),
        }
    }

    fn ask(&mut self, doing: Doing, command: impl std::fmt::Display, code: u16) -> Result<Response, Trouble> {
        let response = self.connection.command(command).map_err(|error| self.wording.trouble(doing, &error))?;
        self.expect(doing, response, code)
    }

    /// An answer to another question than the last one means that the conversation is not what it seems.
    fn expect(&self, doing: Doing, response: Response, code: u16) -> Result<Response, Trouble> {
        // RFC 5321 §4.2.3: 251 is a way to accept a recipient.
        let names_somebody = matches!(doing, Doing::Recipient | Doing::Journal);
        let good = response.has_code(code) || (names_somebody && response.has_code(251));
        if good { Ok(response) } else { Err(Trouble::Unreachable(self.wording.nonsense(doing, &response))) }
    }

    fn quit(&mut self) {
        let _ = self.connection.set_timeout(Some(self.server.command_timeout));
        let _ = self.connection.quit();
    }
}

/// The name we go by: the sender's domain.
fn hello(server: &SmtpServer) -> ClientId {
    let domain = server.from.parse::<Address>().map(|from| from.domain().to_owned());
    domain.map_or_else(|_| ClientId::default(), ClientId::Domain)
}

fn verified_tls(server: &SmtpServer, wording: &Wording) -> Result<TlsParameters, Trouble> {
    let mut builder = TlsParameters::builder(server.host.clone());
    if let Some(path) = &server.ca_file {
        let mut pem = Vec::new();
        File::open(path)
            .and_then(|file| file.take(CA_FILE_BYTES_MAX).read_to_end(&mut pem))
            .map_err(|error| wording.no_certificates(path, &error))?;
        let certificates = Certificate::from_pem(&pem).map_err(|error| wording.no_certificates(path, &error))?;
        if !pem.windows(11).any(|window| window == b"CERTIFICATE") {
            return Err(wording.no_certificates(path, &"there is no certificate in it"));
        }
        builder = builder.certificate_store(CertificateStore::None).add_root_certificate(certificates);
    }
    builder.build().map_err(|error| wording.trouble(Doing::Encrypt, &error))
}

// RFC 1870 §4
fn advertised_size(greeting: &Response) -> Option<u64> {
    greeting.message().find_map(|line| {
        let mut words = line.split_ascii_whitespace();
        words.next().filter(|word| word.eq_ignore_ascii_case("SIZE"))?;
        Some(words.next().and_then(|size| size.parse().ok()).unwrap_or(0))
    })
}
