//! What was sealed and still lies in its folder: after a crash, or because it could not be removed.
//!
//! In:  the folder's files, and the note of what was last taken from it.
//! Out: the folder without that file; or the rest of the files, and an alarm.
//! Holds: only the very file that was read is removed, and only once the store names what it became.

use std::io;

use tracing::warn;

use super::alarm::Hindrance;
use super::critical::Critical;
use super::hand_in::{Obstacle, Place, Seen};
use super::pick_up::{Hidden, clear};
use super::round::Round;
use super::taken::{Note, Notes};
use crate::domain::{Digest, Series};
use crate::durable::{Back, Stamp, Withdrawn, step, synced};

/// What a file is called that is given back and whose name nobody knows any more.
const NAMELESS: &str = "unnamed";

impl Round<'_> {
    /// Removes what was sealed and still lies there; what cannot be removed is left out of `files`. `unsettled` may still lie
    /// under its hidden name.
    pub(super) fn clear_leftover(
        &mut self,
        place: &Place<'_>,
        files: &mut Vec<(String, Stamp)>,
        unsettled: &[Hidden],
        seen: &mut Seen,
    ) -> Result<(), Obstacle> {
        let Some(note) = self.notes()?.read(&place.series).map_err(Hindrance::State)? else {
            return Ok(());
        };
        let mut found = None;
        if self.is_recorded(&note)? {
            for (at, file) in files.iter().enumerate() {
                let known = seen.leftover.as_ref() == Some(file);
                if known || note.resembles(&file.1) && note.is(&place.directory, &file.0).map_err(Hindrance::File)? {
                    found = Some(at);
                    break;
                }
            }
        }
        let Some(at) = found else {
            seen.leftover = None;
            // Without its note nobody would know later what it is.
            if unsettled.iter().any(|hidden| hidden.sealed == note.sealed) {
                return Ok(());
            }
            // Nor may a power cut bring it back without one.
            let synced = synced("sync.seal.removed-directory", || place.directory.sync());
            synced.map_err(Hindrance::NotCleared)?;
            self.notes()?.forget(&place.series).map_err(Hindrance::State)?;
            return Ok(());
        };
        let (name, stamp) = files.remove(at);
        seen.leftover = Some((name.clone(), stamp));
        match self.clear_one(place, &name, &stamp, &note.sealed) {
            // The next month's file may lie beside it.
            Err(Obstacle::Hindrance(hindrance)) => self.tell_of(&place.series.authority, place.settings, &hindrance),
            cleared => cleared?,
        }
        Ok(())
    }

    pub(super) fn clear_one(
        &mut self,
        place: &Place<'_>,
        name: &str,
        stamp: &Stamp,
        sealed: &Digest,
    ) -> Result<(), Obstacle> {
        if let Withdrawn::GivenBack(back) =
            clear(&place.directory, name, stamp, sealed).map_err(Hindrance::NotCleared)?
        {
            self.tell_given_back(place, back);
        }
        step("seal.source-removed").map_err(Hindrance::NotCleared)?;
        self.notes()?.forget(&place.series).map_err(Hindrance::State)?;
        Ok(())
    }

    /// Removes what a crash left under a hidden name, if it is what was sealed; gives back what is not.
    ///
    /// `places` are one folder's series.
    pub(super) fn settle_withdrawn(&mut self, places: &[Place<'_>], withdrawn: &[Hidden]) -> Result<(), Obstacle> {
        for hidden in withdrawn {
            let Some(mut place) = places.first() else { return Ok(()) };
            let mut note = None;
            for its in places {
                let read = self.notes()?.read(&its.series).map_err(Hindrance::State)?;
                if let Some(read) = read.filter(|note| note.sealed == hidden.sealed) {
                    (place, note) = (its, Some(read));
                }
            }
            if let Some(note) = note.as_ref()
                && self.is_recorded(note)?
                && self.is_what_was_read(place, note, &hidden.name).map_err(Hindrance::File)?
            {
                let removed = place.directory.remove(&hidden.name);
                let removed = removed.and_then(|()| synced("sync.seal.leftover-directory", || place.directory.sync()));
                removed.map_err(Hindrance::NotCleared)?;
                self.notes()?.forget(&place.series).map_err(Hindrance::State)?;
                continue;
            }
            let name = note.map_or_else(|| NAMELESS.to_owned(), |note| note.name);
            let back = place.directory.give_back(&hidden.name, &name).map_err(Hindrance::NotCleared)?;
            self.tell_given_back(place, back);
        }
        Ok(())
    }

    fn is_what_was_read(&self, place: &Place<'_>, note: &Note, hidden: &str) -> io::Result<bool> {
        let stamp = place.directory.stamp(hidden)?;
        Ok(stamp.is_some_and(|stamp| note.resembles(&stamp)) && note.is(&place.directory, hidden)?)
    }

    fn tell_given_back(&mut self, place: &Place<'_>, back: Back) {
        let under = match back {
            Back::OwnName => "its own name",
            Back::LikeName => "a name with `.given-back-` in it, because its own was taken",
        };
        let Series { kind, authority, .. } = &place.series;
        warn!(
            "A file had taken the place of the sealed {kind} of LA {authority} before that was removed; \
             it is left in the folder, under {under}, and is looked at as any other"
        );
        self.retry();
    }

    /// Whether what the note names became the sealed file of its return.
    fn is_recorded(&self, note: &Note) -> Result<bool, Critical> {
        let Ok(key) = note.submission.parse() else { return Ok(false) };
        let sealed = self.submission(&key)?.and_then(|submission| submission.sealed);
        Ok(sealed.is_some_and(|sealed| sealed.sealed == note.sealed))
    }

    pub(super) fn notes(&mut self) -> Result<&Notes, Hindrance> {
        if self.memory.notes.is_none() {
            self.memory.notes = Some(Notes::open(&self.parts.state).map_err(Hindrance::State)?);
        }
        self.memory.notes.as_ref().ok_or_else(|| Hindrance::Fault("the notes are not open".to_owned()))
    }
}
