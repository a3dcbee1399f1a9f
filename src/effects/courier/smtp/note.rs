//! A note to the people of the house: plain text, by the same server that returns leave by.
//!
//! Holds: only to addresses of the configuration; what it says has no personal data in it, because nothing here seals it.

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, Message as Built, MultiPart, SinglePart};

use super::super::mime::Message;
use super::super::{CourierError, Reply};
use super::session::Session;
use super::{SmtpCourier, mime};
use crate::domain::DeferCause;

impl SmtpCourier {
    /// Sends the note, and waits for the server's answer to it.
    pub fn note(&self, to: &[String], subject: &str, text: &str) -> Result<(), CourierError> {
        self.note_with(to, subject, text, &[])
    }

    /// As [`SmtpCourier::note`], with these texts attached by their names.
    pub fn note_with(
        &self,
        to: &[String],
        subject: &str,
        text: &str,
        files: &[(String, String)],
    ) -> Result<(), CourierError> {
        let message = note(&self.server.from, to, subject, text, files)?;
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

fn note(
    from: &str,
    to: &[String],
    subject: &str,
    text: &str,
    files: &[(String, String)],
) -> Result<Message, CourierError> {
    let from = mime::address(from, "the courier's `from`")?;
    let to = to.iter().map(|to| mime::address(to, "an address for alarms")).collect::<Result<Vec<_>, _>>()?;
    let mut built = Built::builder().from(Mailbox::new(None, from.clone())).subject(subject);
    for to in &to {
        built = built.to(Mailbox::new(None, to.clone()));
    }
    // RFC 3834 §5: nobody's machine shall answer.
    let automatic = HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned());
    let built = built.raw_header(automatic);
    let built = if files.is_empty() {
        built.header(ContentType::TEXT_PLAIN).body(text.to_owned())
    } else {
        let parts = MultiPart::mixed().singlepart(SinglePart::plain(text.to_owned()));
        let attached = |parts: MultiPart, (name, text): &(String, String)| {
            // As bytes: a mail server may not change their line ends.
            let octets = text.clone().into_bytes();
            parts.singlepart(Attachment::new(name.clone()).body(octets, ContentType::TEXT_PLAIN))
        };
        built.multipart(files.iter().fold(parts, attached))
    };
    let built = built.map_err(|error| CourierError::TryLater {
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
        let made = note("hbcourier@council.example", &to, "2 alarms", "CN-501 about drop-12302: é\n", &[]).unwrap();
        let text = String::from_utf8(made.text).unwrap();
        for line in ["Subject: 2 alarms", "Auto-Submitted: auto-generated", "From: hbcourier@council.example"] {
            assert!(text.contains(&format!("{line}\r\n")), "{line}: {text}");
        }
        assert!(text.ends_with("\r\n") && made.to.len() == 2);
        assert!(note("nobody", &to, "x", "y", &[]).is_err());
    }
}
