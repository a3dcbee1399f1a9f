//! The bytes of one mail, fetched in pieces: memory does not grow with the mail.

use std::io::{self, Read};
use std::time::{Duration, Instant};

use super::{Mail, Mailbox, MailboxError};

/// How much is asked for at once.
const PIECE_BYTES: usize = 256 * 1024;
/// Slower than that, behind a beginning that may take as long as one answer, and the mail is left for later.
const BYTES_A_SECOND_MIN: u64 = 8 * 1024;
const BEGINNING: Duration = Duration::from_secs(120);

/// The bytes of a mail. It ends at an empty piece: servers give short ones, and tell sizes that are not so.
pub struct MailBytes<'m> {
    mailbox: &'m mut Mailbox,
    mail: Mail,
    began: Instant,
    piece: Vec<u8>,
    given: usize,
    fetched: u64,
    ended: bool,
    trouble: Option<MailboxError>,
}

impl<'m> MailBytes<'m> {
    pub(super) fn new(mailbox: &'m mut Mailbox, mail: Mail) -> MailBytes<'m> {
        let began = Instant::now();
        MailBytes { mailbox, mail, began, piece: Vec::new(), given: 0, fetched: 0, ended: false, trouble: None }
    }

    /// Why it could not be read to its end; `None` also if somebody has moved or deleted it meanwhile.
    pub fn into_trouble(self) -> Option<MailboxError> {
        self.trouble
    }

    /// The next piece, empty at the end; `None` if there is no such mail.
    fn next(&mut self) -> Result<Option<Vec<u8>>, MailboxError> {
        if self.began.elapsed() > BEGINNING + Duration::from_secs(self.fetched / BYTES_A_SECOND_MIN) {
            return Err(MailboxError::Unreachable("the server gives a mail too slowly to be waited for".to_owned()));
        }
        let piece = self.mailbox.piece(self.mail.uid, self.fetched, PIECE_BYTES)?;
        let early = piece.as_ref().is_some_and(Vec::is_empty) && self.fetched < self.mail.bytes;
        if !early {
            return Ok(piece);
        }
        // The told size may be an estimate, so a second such answer counts; that of a mail with nothing in it does not.
        match self.mailbox.piece(self.mail.uid, self.fetched, PIECE_BYTES)? {
            Some(again) if again.is_empty() && self.fetched == 0 => {
                Err(MailboxError::Unreachable("the server lists a mail and gives nothing of it".to_owned()))
            }
            again => Ok(again),
        }
    }
}

impl Read for MailBytes<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given == self.piece.len() && !self.ended {
            let piece = match self.next() {
                Ok(Some(piece)) => piece,
                Ok(None) => return Err(io::Error::new(io::ErrorKind::NotFound, "the mail is not there any more")),
                Err(error) => {
                    let says = error.to_string();
                    self.trouble = Some(error);
                    return Err(io::Error::other(says));
                }
            };
            self.fetched += piece.len() as u64;
            self.ended = piece.is_empty();
            (self.piece, self.given) = (piece, 0);
        }
        let read = (&self.piece[self.given..]).read(buffer)?;
        self.given += read;
        Ok(read)
    }
}
