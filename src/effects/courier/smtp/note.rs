//! A note to the people of the house: plain text, by the same server that returns leave by.
//!
//! Holds: only to addresses of the configuration; what it says has no personal data in it, because nothing here seals it.

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message as Built};

use super::super::mime::Message;
use super::super::{CourierError, Reply};
use super::session::Session;
use super::{SmtpCourier, mime};
use crate::domain::DeferCause;

impl SmtpCourier {
    /// Sends the note, and waits for the server's answer to it.
    pub fn note(&self, to: &[String], subject: &str, text: &str) -> Result<(), CourierError> {
        let message = note(&self.server.from, to, subject, text)?;
        let mut session = Session::open(&self.server)?;
        session.offer(&message)?;
        match session.deliver(&message.text, self.server.command_timeout) {
            Reply::Accepted(_) => Ok(()),
            Reply::TryLater(cause, says) => Err(CourierError::TryLater { cause, says }),
            Reply::Refused(says) => Err(CourierError::Refused { says }),
            // A note that comes twice does no harm.
            Reply::Silence(says) => Err(CourierError::TryLater { cause: DeferCause::CourierUnreachable, says }),
        }
    }
}

fn note(from: &str, to: &[String], subject: &str, text: &str) -> Result<Message, CourierError> {
    let from = mime::address(from, "the courier's `from`")?;
    let to = to.iter().map(|to| mime::address(to, "an address for alarms")).collect::<Result<Vec<_>, _>>()?;
    let mut built =
        Built::builder().from(Mailbox::new(None, from.clone())).subject(subject).header(ContentType::TEXT_PLAIN);
    for to in &to {
        built = built.to(Mailbox::new(None, to.clone()));
    }
    // RFC 3834 §5: nobody's machine shall answer.
    let automatic = HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned());
    let built = built.raw_header(automatic).body(text.to_owned()).map_err(|error| CourierError::TryLater {
        cause: DeferCause::CourierClosed,
        says: format!("The note could not be written as a mail: {error}"),
    })?;
    let mut text = built.formatted();
    if !text.ends_with(b"\r\n") {
        text.extend_from_slice(b"\r\n");
    }
    Ok(Message { envelope_id: None, from, to, journal: None, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_a_plain_mail_that_says_it_is_automatic() {
        let to = ["it@council.example".to_owned(), "benefits@council.example".to_owned()];
        let made = note("hbcourier@council.example", &to, "2 alarms", "CN-501 about drop-12302: é\n").unwrap();
        let text = String::from_utf8(made.text).unwrap();
        for line in ["Subject: 2 alarms", "Auto-Submitted: auto-generated", "From: hbcourier@council.example"] {
            assert!(text.contains(&format!("{line}\r\n")), "{line}: {text}");
        }
        assert!(text.ends_with("\r\n") && made.to.len() == 2);
        assert!(note("nobody", &to, "x", "y").is_err());
    }
}
