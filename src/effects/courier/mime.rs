//! MIME: the entity that is sealed, and the message that carries what was sealed.
//!
//! In:  a file to seal; later, the parcel of its sealed bytes.
//! Out: the entity as a stream; the whole message in memory, at most as large as the courier's limit.
//! Holds: the same input gives the same bytes, whenever and however often; the armoured bytes of PGP/MIME go out as they
//! are, but for line ends, which SMTP wants to be CRLF.

use std::io::{self, Read};
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use lettre::Address;
use lettre::message::header::{
    ContentDisposition, Date, From as Sender, HeaderName, HeaderValue, Headers, Subject, To,
};
use lettre::message::header::{ContentTransferEncoding, MIME_VERSION_1_0};
use lettre::message::{Mailbox, Mailboxes};

use super::{CourierError, Parcel};
use crate::domain::{DeferCause, Digest};
use crate::durable::{CopyError, copy_and_digest};

/// Content bytes in one line of base64: 76 characters.
// RFC 2045 §6.8
const LINE_BYTES: usize = 57;
/// Content bytes read at a time; whole lines.
const STRETCH_BYTES: usize = LINE_BYTES * 512;
/// Recipients every server must accept in one message.
// RFC 5321 §4.5.3.1.8
const RECIPIENTS_MAX: usize = 100;
/// Longest Message-ID: with its header's name it stays within one line.
// RFC 5322 §2.1.1
const MESSAGE_ID_BYTES_MAX: usize = 900;
/// Longest line of an armoured message.
// RFC 9580 §6.2
const ARMOUR_LINE_BYTES_MAX: usize = 76;
/// Longest armour header: the lines between the first one and the data.
const ARMOUR_HEADER_BYTES_MAX: usize = 200;

const ARMOUR_BEGIN: &[u8] = b"-----BEGIN PGP MESSAGE-----";
const ARMOUR_END: &[u8] = b"-----END PGP MESSAGE-----";

/// The entity to seal for a partner who receives by mail: `content` as an attachment of that name.
// RFC 3156 §4
pub fn entity<R: Read>(file_name: &str, content: R) -> Entity<R> {
    let mut headers = Headers::new();
    headers.insert_raw(octet_stream());
    headers.set(ContentTransferEncoding::Base64);
    headers.set(ContentDisposition::attachment(file_name));
    Entity { content, raw: Vec::new(), ready: format!("{headers}\r\n").into_bytes(), taken: 0, ended: false }
}

/// A MIME entity as a stream of bytes. See [`entity`].
pub struct Entity<R> {
    content: R,
    raw: Vec<u8>,
    ready: Vec<u8>,
    taken: usize,
    ended: bool,
}

impl<R: Read> Read for Entity<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.ready.len() && !self.ended {
            self.encode_more()?;
        }
        let rest = &self.ready[self.taken..];
        let count = rest.len().min(into.len());
        into[..count].copy_from_slice(&rest[..count]);
        self.taken += count;
        Ok(count)
    }
}

impl<R: Read> Entity<R> {
    fn encode_more(&mut self) -> io::Result<()> {
        // What was read before an error stays in `raw`, so that reading may simply go on.
        let wanted = (STRETCH_BYTES - self.raw.len()) as u64;
        self.content.by_ref().take(wanted).read_to_end(&mut self.raw)?;
        self.ended = self.raw.len() < STRETCH_BYTES;
        self.ready.clear();
        self.taken = 0;
        let mut line = [0; LINE_BYTES.div_ceil(3) * 4];
        for piece in self.raw.chunks(LINE_BYTES) {
            let length = STANDARD.encode_slice(piece, &mut line).map_err(io::Error::other)?;
            self.ready.extend_from_slice(&line[..length]);
            self.ready.extend_from_slice(b"\r\n");
        }
        self.raw.clear();
        Ok(())
    }
}

/// How a sealed return lies in its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailForm {
    /// PGP/MIME: mail programs open it themselves.
    // RFC 3156 §4
    PgpMime,
    /// A sealed file attached to a line of text, for partners whose gateway takes PGP/MIME apart.
    Attachment,
}

/// A message and to whom it goes.
pub struct Message {
    /// What reports about it are to name it by; none are asked for if `None`.
    // RFC 3461 §4.4
    pub envelope_id: Option<String>,
    /// Who sends it.
    pub from: Address,
    /// Who receives it; at least one.
    pub to: Vec<Address>,
    /// Who receives it too, and is not named in it.
    pub journal: Option<Address>,
    /// The message itself; every line ends in CRLF.
    pub text: Vec<u8>,
}

/// The message around the parcel's sealed bytes.
///
/// Refused if it could not be written as a message, or were larger than `bytes_max`.
pub fn message(parcel: Parcel<'_>, from: &str, form: MailForm, bytes_max: u64) -> Result<Message, CourierError> {
    let (name, subject) = (parcel.file_name.to_owned(), parcel.subject);
    let envelope_id = Some(parcel.message_id.to_owned());
    let from = address(from, "the courier's `from`")?;
    let to = recipients(parcel.to)?;
    let boundary = boundary(parcel.message_id);
    let mut text = headers(&parcel, &from, &to, form, &boundary)?.into_bytes();
    let sealed = sealed_bytes(parcel, bytes_max)?;
    let written = match form {
        MailForm::PgpMime => append_pgp_mime(&sealed, &name, &boundary, &mut text),
        MailForm::Attachment => append_attachment(&sealed, &name, subject, &boundary, &mut text),
    };
    written.ok_or_else(|| {
        hindered(format!(
            "`{name}` was sealed for another form of mail than the courier's `form`. Nothing was sent; set `form` back until this return has left."
        ))
    })?;
    text.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    if text.len() as u64 > bytes_max {
        return Err(too_large(&name, text.len() as u64, bytes_max));
    }
    Ok(Message { envelope_id, from, to, journal: None, text })
}

// RFC 3156 §4
fn append_pgp_mime(sealed: &[u8], name: &str, boundary: &str, text: &mut Vec<u8>) -> Option<()> {
    text.extend_from_slice(first_part(boundary).as_bytes());
    text.extend_from_slice(second_part_headers(boundary, name).as_bytes());
    append_armour(sealed, text)?;
    // RFC 2046 §5.1.1: the line end before a boundary belongs to the boundary, and is not the last of the armour.
    text.extend_from_slice(if sealed.ends_with(b"\n") { b"\r\n" } else { b"" });
    Some(())
}

/// `None` if what was sealed is armoured, and so a MIME entity.
fn append_attachment(sealed: &[u8], name: &str, subject: &str, boundary: &str, text: &mut Vec<u8>) -> Option<()> {
    if sealed.is_empty() || sealed.starts_with(ARMOUR_BEGIN) {
        return None;
    }
    let note = format!(
        "Content-Type: text/plain; charset=us-ascii\r\n\r\n{subject}: the attached file is sealed with OpenPGP.\r\n"
    );
    text.extend_from_slice(format!("--{boundary}\r\n{note}\r\n--{boundary}\r\n").as_bytes());
    entity(name, sealed).read_to_end(text).ok()?;
    Some(())
}

fn headers(
    parcel: &Parcel<'_>,
    from: &Address,
    to: &[Address],
    form: MailForm,
    boundary: &str,
) -> Result<String, CourierError> {
    if parcel.subject.chars().any(|char| char.is_control() || !char.is_ascii()) {
        return Err(hindered(
            "The subject of the return has other than plain characters in it. Nothing was sent; report this fault.",
        ));
    }
    let mut headers = Headers::new();
    let mailbox = |address: &Address| Mailbox::new(None, address.clone());
    headers.set(Date::new(SystemTime::from(parcel.date.max(Timestamp::UNIX_EPOCH))));
    headers.set(Sender::from(Mailboxes::from(mailbox(from))));
    headers.set(To::from(to.iter().map(mailbox).collect::<Mailboxes>()));
    headers.insert_raw(message_id(parcel.message_id)?);
    headers.set(Subject::from(parcel.subject.to_owned()));
    headers.set(MIME_VERSION_1_0);
    let kind = match form {
        MailForm::PgpMime => "multipart/encrypted; protocol=\"application/pgp-encrypted\"",
        MailForm::Attachment => "multipart/mixed",
    };
    Ok(format!("{headers}Content-Type: {kind};\r\n boundary=\"{boundary}\"\r\n\r\n"))
}

/// Written as it is: encoding or folding it would make it another one.
fn message_id(id: &str) -> Result<HeaderValue, CourierError> {
    // RFC 5322 §3.6.4: dot-atom-text on both sides.
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&b);
    let good = id.len() <= MESSAGE_ID_BYTES_MAX
        && id
            .split_once('@')
            .is_some_and(|(left, right)| [left, right].iter().all(|side| !side.is_empty() && side.bytes().all(plain)));
    if !good {
        return Err(hindered("The Message-ID of the return is not one. Nothing was sent; report this fault."));
    }
    let id = format!("<{id}>");
    Ok(HeaderValue::dangerous_new_pre_encoded(HeaderName::new_from_ascii_str("Message-ID"), id.clone(), id))
}

/// No line of an armoured message begins like it.
fn boundary(message_id: &str) -> String {
    let digest = Digest::of(message_id.as_bytes()).to_string();
    format!("hbcourier-{}", &digest[..32])
}

fn first_part(boundary: &str) -> String {
    format!("--{boundary}\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n\r\n")
}

fn second_part_headers(boundary: &str, file_name: &str) -> String {
    let mut headers = Headers::new();
    headers.insert_raw(octet_stream());
    headers.set(ContentDisposition::inline_with_name(file_name));
    format!("--{boundary}\r\n{headers}\r\n")
}

fn octet_stream() -> HeaderValue {
    let text = "application/octet-stream".to_owned();
    HeaderValue::dangerous_new_pre_encoded(HeaderName::new_from_ascii_str("Content-Type"), text.clone(), text)
}

/// The parcel's bytes, after making sure that they are what was sealed.
fn sealed_bytes(mut parcel: Parcel<'_>, bytes_max: u64) -> Result<Vec<u8>, CourierError> {
    let name = parcel.file_name;
    if parcel.bytes > bytes_max {
        return Err(too_large(name, parcel.bytes, bytes_max));
    }
    let unreadable = |why: String| CourierError::TryLater {
        cause: DeferCause::SpoolUnreadable,
        says: format!(
            "The sealed bytes of `{name}` {why}. Nothing was sent; check the disk below the state directory."
        ),
    };
    let mut sealed = Vec::with_capacity(usize::try_from(parcel.bytes).unwrap_or(0));
    let copied = match copy_and_digest(&mut parcel.sealed, &mut sealed, parcel.bytes) {
        Ok(copied) => copied,
        Err(CopyError::TooLarge(_)) => return Err(unreadable("are more than were sealed".to_owned())),
        Err(CopyError::Read(error) | CopyError::Write(error)) => {
            return Err(unreadable(format!("could not be read: {error}")));
        }
    };
    if (copied.digest, copied.bytes) != (parcel.digest, parcel.bytes) {
        return Err(unreadable("are no longer those that were sealed".to_owned()));
    }
    Ok(sealed)
}

/// Appends the armoured message with CRLF at each line's end; `None` if it is not just that.
fn append_armour(sealed: &[u8], text: &mut Vec<u8>) -> Option<()> {
    let lines = sealed.strip_suffix(b"\n").unwrap_or(sealed).split(|&b| b == b'\n');
    let mut lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let mut append = |line: &[u8]| {
        text.extend_from_slice(line);
        text.extend_from_slice(b"\r\n");
    };
    append(lines.next().filter(|&line| line == ARMOUR_BEGIN)?);
    let mut bytes_max = ARMOUR_HEADER_BYTES_MAX;
    while let Some(line) = lines.next() {
        append(line);
        if line == ARMOUR_END {
            return lines.next().is_none().then_some(());
        }
        let plain = line.iter().all(|b| (b' '..=b'~').contains(b)) && !line.starts_with(b"-");
        if !plain || line.len() > bytes_max {
            return None;
        }
        if line.is_empty() {
            bytes_max = ARMOUR_LINE_BYTES_MAX;
        }
    }
    None
}

fn recipients(to: &[String]) -> Result<Vec<Address>, CourierError> {
    if to.is_empty() || to.len() > RECIPIENTS_MAX {
        return Err(hindered(format!(
            "The partner has {} addresses, where 1 to {RECIPIENTS_MAX} can be written to. Nothing was sent; correct `addresses` of the partner.",
            to.len()
        )));
    }
    to.iter().map(|to| address(to, "one of the partner's `addresses`")).collect()
}

/// Addresses are ASCII: a server that cannot do more would change them.
pub(super) fn address(text: &str, whose: &str) -> Result<Address, CourierError> {
    let parsed = text.parse::<Address>().ok().filter(|_| text.is_ascii());
    parsed.ok_or_else(|| {
        hindered(format!(
            "What is configured as {whose} is not a mail address. Nothing was sent; correct the configuration."
        ))
    })
}

fn too_large(name: &str, bytes: u64, bytes_max: u64) -> CourierError {
    hindered(format!(
        "The message with `{name}` would have at least {bytes} bytes, more than the courier's limit of {bytes_max}. Nothing was sent; raise `message_bytes_max` if the mail server and the partner take that much."
    ))
}

fn hindered(says: impl Into<String>) -> CourierError {
    CourierError::TryLater { cause: DeferCause::CourierClosed, says: says.into() }
}

#[cfg(test)]
mod tests {
    use std::io::{Seek, Write};

    use proptest::prelude::*;

    use super::*;

    fn read_in_steps(mut from: impl Read, step: usize) -> Vec<u8> {
        let (mut all, mut buffer) = (Vec::new(), vec![0; step]);
        loop {
            match from.read(&mut buffer).unwrap() {
                0 => return all,
                got => all.extend_from_slice(&buffer[..got]),
            }
        }
    }

    proptest! {
        #[test]
        fn an_entity_decodes_to_its_content(
            seed in proptest::collection::vec(any::<u8>(), 1..200),
            length in 0..3 * STRETCH_BYTES,
            step in 1usize..5000,
        ) {
            let content: Vec<u8> = seed.into_iter().cycle().take(length).collect();
            let entity = read_in_steps(entity("return.csv", content.as_slice()), step);
            let split = entity.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
            let lines: Vec<_> = std::str::from_utf8(&entity[split..]).unwrap().split_terminator("\r\n").collect();
            prop_assert!(lines.iter().all(|line| (1..=76).contains(&line.len())));
            prop_assert_eq!(STANDARD.decode(lines.concat()).unwrap(), content);
        }

        #[test]
        fn no_file_name_breaks_out_of_its_header(name in any::<String>()) {
            let entity = read_in_steps(entity(&name, &b""[..]), 64);
            let entity = String::from_utf8(entity).unwrap();
            let headers = entity.strip_suffix("\r\n\r\n").unwrap().split("\r\n").filter(|l| !l.starts_with(' '));
            let names: Vec<_> = headers.map(|h| h.split(':').next().unwrap()).collect();
            prop_assert_eq!(names, ["Content-Type", "Content-Transfer-Encoding", "Content-Disposition"]);
        }
    }

    #[test]
    fn an_entity_outlives_an_interruption_of_its_source() {
        struct Stumbling<'a>(&'a [u8], bool);
        impl Read for Stumbling<'_> {
            fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
                self.1 = !self.1;
                if self.1 { self.0.read(&mut into[..1]) } else { Err(io::Error::from(io::ErrorKind::WouldBlock)) }
            }
        }
        let content = vec![7; 200];
        let (mut stumbling, mut got) = (entity("f", Stumbling(&content, false)), Vec::new());
        let mut buffer = [0; 16];
        loop {
            match stumbling.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => got.extend_from_slice(&buffer[..count]),
                Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
            }
        }
        assert_eq!(got, read_in_steps(entity("f", content.as_slice()), 64));
    }

    const ARMOUR: &str = "-----BEGIN PGP MESSAGE-----\n\nwUwDAAAA\n=AAAA\n-----END PGP MESSAGE-----\n";
    const ID: &str = "shbe.12302.2020-04.1f0c9d63a1b2c3d4e5f60718293a4b5c6d7e8f901a2b3c4d5e6f708192a3b4c5@example.test";

    fn made(sealed: &str, subject: &str, to: &str, bytes_max: u64) -> Result<String, CourierError> {
        made_as(MailForm::PgpMime, sealed, subject, to, bytes_max)
    }

    fn made_as(form: MailForm, sealed: &str, subject: &str, to: &str, bytes_max: u64) -> Result<String, CourierError> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(sealed.as_bytes()).unwrap();
        file.rewind().unwrap();
        let to = [to.to_owned()];
        let parcel = Parcel {
            sealed: file.into(),
            bytes: sealed.len() as u64,
            digest: Digest::of(sealed.as_bytes()),
            file_name: "SHBE_12302_2020-04.asc",
            message_id: ID,
            date: "2020-04-06T09:00:00Z".parse().unwrap(),
            subject,
            to: &to,
        };
        message(parcel, "returns@council.example", form, bytes_max).map(|made| String::from_utf8(made.text).unwrap())
    }

    #[test]
    fn a_message_is_the_same_each_time_and_carries_the_bytes_as_they_are() {
        let text = made(ARMOUR, "SHBE 12302 2020-04", "hbms@dwp.example", 10_000).unwrap();
        assert_eq!(text, made(ARMOUR, "SHBE 12302 2020-04", "hbms@dwp.example", 10_000).unwrap());
        assert_eq!(
            text,
            made(&ARMOUR.replace('\n', "\r\n"), "SHBE 12302 2020-04", "hbms@dwp.example", 10_000).unwrap()
        );
        assert!(text.contains(&format!("\r\nMessage-ID: <{ID}>\r\n")), "{text}");
        assert!(text.starts_with("Date: Mon, 06 Apr 2020 09:00:00 +0000\r\n"), "{text}");
        assert!(text.contains(&format!("\r\n\r\n{}\r\n--hbcourier-", ARMOUR.replace('\n', "\r\n"))), "{text}");
        assert!(text.split("\r\n").all(|line| line.len() <= 998 && !line.contains(['\r', '\n'])));
    }

    #[test]
    fn what_cannot_be_a_message_is_hindered_before_it_is_sent() {
        let hindered = |result: Result<String, CourierError>| {
            matches!(result, Err(CourierError::TryLater { cause: DeferCause::CourierClosed, .. }))
        };
        let to = "hbms@dwp.example";
        assert!(hindered(made(ARMOUR, "two\r\nBcc: lines", to, 10_000)));
        assert!(hindered(made(ARMOUR, "s", "not an address", 10_000)));
        assert!(hindered(made(ARMOUR, "s", "x@dwp.example>\r\nRCPT TO:<y@dwp.example", 10_000)));
        assert!(hindered(made(ARMOUR, "s", to, 100)), "larger than the limit");
        assert!(hindered(made(ARMOUR, "s", to, ARMOUR.len() as u64)), "larger with its headers");
        for bad in ["", "binary \u{85}", "-----BEGIN PGP MESSAGE-----\n\nwUwD\n"] {
            assert!(hindered(made(bad, "s", to, 10_000)), "{bad:?}");
        }
        assert!(hindered(made(&format!("{ARMOUR}after"), "s", to, 10_000)));
        assert!(hindered(made(&ARMOUR.replace("wUw", "--hbcourier"), "s", to, 10_000)));
    }

    #[test]
    fn an_attachment_is_what_was_sealed_for_one() {
        let made =
            |sealed: &str| made_as(MailForm::Attachment, sealed, "SHBE 12302 2020-04", "hbms@dwp.example", 10_000);
        let text = made("binary \u{85}").unwrap();
        assert_eq!(text, made("binary \u{85}").unwrap());
        assert!(text.contains("SHBE 12302 2020-04: the attached file"), "{text}");
        assert!(text.contains(&format!("\r\n\r\n{}\r\n--hbcourier-", STANDARD.encode("binary \u{85}"))), "{text}");
        let other = made(ARMOUR).unwrap_err().to_string();
        assert!(other.contains("sealed for another form"), "{other}");
    }

    #[test]
    fn bytes_that_changed_since_they_were_sealed_are_not_sent() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(ARMOUR.replace("wUw", "wUx").as_bytes()).unwrap();
        file.rewind().unwrap();
        let to = ["hbms@dwp.example".to_owned()];
        let parcel = Parcel {
            sealed: file.into(),
            bytes: ARMOUR.len() as u64,
            digest: Digest::of(ARMOUR.as_bytes()),
            file_name: "f.asc",
            message_id: ID,
            date: Timestamp::UNIX_EPOCH,
            subject: "s",
            to: &to,
        };
        let error = message(parcel, "returns@council.example", MailForm::PgpMime, 10_000).err().unwrap();
        assert!(matches!(error, CourierError::TryLater { cause: DeferCause::SpoolUnreadable, .. }), "{error}");
    }
}
