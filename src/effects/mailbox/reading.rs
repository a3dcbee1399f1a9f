//! The bytes of one mail, fetched in pieces: memory does not grow with the mail.

use std::io::{self, Read};

use super::{Mail, Mailbox, MailboxError};

/// How much is asked for at once.
const PIECE_BYTES: usize = 256 * 1024;

/// The bytes of a mail. It ends at an empty piece: servers give short ones, and tell sizes that are not so.
pub struct MailBytes<'m> {
    mailbox: &'m mut Mailbox,
    mail: Mail,
    piece: Vec<u8>,
    given: usize,
    fetched: u64,
    ended: bool,
    trouble: Option<MailboxError>,
}

impl<'m> MailBytes<'m> {
    pub(super) fn new(mailbox: &'m mut Mailbox, mail: Mail) -> MailBytes<'m> {
        MailBytes { mailbox, mail, piece: Vec::new(), given: 0, fetched: 0, ended: false, trouble: None }
    }

    /// Why it could not be read to its end; `None` also if somebody has moved or deleted it meanwhile.
    pub fn into_trouble(self) -> Option<MailboxError> {
        self.trouble
    }
}

impl Read for MailBytes<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given == self.piece.len() && !self.ended {
            let piece = match self.mailbox.piece(self.mail.uid, self.fetched, PIECE_BYTES) {
                Ok(Some(piece)) => piece,
                Ok(None) if self.fetched > 0 && self.fetched >= self.mail.bytes => Vec::new(),
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
