//! Collecting from a Maildir: a mail becomes ours, and is moved to the processed folder.
//!
//! In:  a mail that a look saw. Nothing need settle: what lies in `new` or `cur` is whole.
//! Out: a consignment at Collected, and the mail moved; or why it stays.
//! Order matters: spool, then record, then move.
//! Holds: a mail is known by its bytes alone, whatever its flags are and wherever it lies.

use std::io;

use super::collect::{Stopped, passed};
use super::{Critical, HandedIn, Inbound, Source};
use crate::domain::{AlarmReason, ConsignmentId};
use crate::durable::step;
use crate::effects::maildir::{Mail, Maildir};

/// What became of a mail in a Maildir.
#[derive(Debug)]
pub enum Carried {
    /// It is ours now.
    Ours(ConsignmentId),
    /// It was ours before, and is moved away now.
    Moved,
    /// It changed, was moved or was taken away meanwhile; another look tells.
    Changed,
    /// It stays where it is, for this reason.
    Left(AlarmReason),
}

impl Inbound {
    /// Takes the mail into the spool and records it, unless its bytes are ours; then moves it to the processed folder.
    pub fn carry_mail(&self, source: &Source, mail: &Mail) -> Result<Carried, Critical> {
        match self.collect_mail(source, mail) {
            Ok(carried) => Ok(carried),
            Err(Stopped::Critical(critical)) => Err(critical),
            Err(Stopped::Left(reason, error)) => {
                self.tell_left(source, &mail.place(), &mail.stamp, reason, &error);
                Ok(Carried::Left(reason))
            }
        }
    }

    fn collect_mail(&self, source: &Source, mail: &Mail) -> Result<Carried, Stopped> {
        let maildir = source.maildir().map_err(fault)?;
        let place = mail.place();
        if self.left.is_collected(&source.name, &place, &mail.stamp) == Some(true) {
            return move_away(maildir, mail, Carried::Moved);
        }
        let Some(mut bytes) = maildir.open(mail).map_err(fault)? else { return Ok(Carried::Changed) };
        match self.take_mail(source, mail.unique(), mail.stamp.bytes, &mut bytes)? {
            HandedIn::Ours(consignment) => move_away(maildir, mail, Carried::Ours(consignment.id)),
            HandedIn::Known(known) => {
                self.note_moved_away(source, &known)?;
                self.left.compared(&source.name, &place, &mail.stamp, true);
                move_away(maildir, mail, Carried::Moved)
            }
            HandedIn::Unread(_) if bytes.has_changed() => Ok(Carried::Changed),
            HandedIn::Unread(error) => Err(fault(error)),
            HandedIn::Left(reason) => Ok(Carried::Left(reason)),
        }
    }
}

/// Call only once the mail's entry has committed.
fn move_away(maildir: &Maildir, mail: &Mail, carried: Carried) -> Result<Carried, Stopped> {
    let is_moved = maildir.clear(mail).map_err(fault)?;
    passed(step("collect.cleared"))?;
    // What is ours is, wherever the mail is by now; if it still lies there, it is known at the next look.
    Ok(if is_moved || matches!(carried, Carried::Ours(_)) { carried } else { Carried::Changed })
}

fn fault(error: io::Error) -> Stopped {
    Stopped::Left(AlarmReason::SourceFault, error)
}
