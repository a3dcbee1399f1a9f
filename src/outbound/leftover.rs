//! What was sealed and still lies in its folder: after a crash, or because it could not be removed.
//!
//! In:  the folder's files, and the note of what was last taken from it.
//! Out: the folder without that file; or the rest of the files, and an alarm.
//! Holds: only the very file that was read is removed, and only once the store names what it became.

use super::alarm::Hindrance;
use super::critical::Critical;
use super::hand_in::{Obstacle, Place, Seen};
use super::pick_up::clear;
use super::round::Round;
use super::taken::{Note, Notes};
use crate::durable::{Stamp, step};

impl Round<'_> {
    /// Removes what was sealed and still lies there; what cannot be removed is left out of `files`.
    pub(super) fn clear_leftover(
        &mut self,
        place: &Place<'_>,
        files: &mut Vec<(String, Stamp)>,
        seen: &mut Seen,
    ) -> Result<(), Obstacle> {
        let Some(note) = self.notes()?.read(place.authority, place.kind()).map_err(Hindrance::State)? else {
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
            self.notes()?.forget(place.authority, place.kind()).map_err(Hindrance::State)?;
            return Ok(());
        };
        let (name, stamp) = files.remove(at);
        seen.leftover = Some((name.clone(), stamp));
        match self.clear_one(place, &name, &stamp) {
            // The next month's file may lie beside it.
            Err(Obstacle::Hindrance(hindrance)) => self.tell_of(place.authority, place.settings, &hindrance),
            cleared => cleared?,
        }
        Ok(())
    }

    pub(super) fn clear_one(&mut self, place: &Place<'_>, name: &str, stamp: &Stamp) -> Result<(), Obstacle> {
        clear(&place.directory, name, stamp).map_err(Hindrance::NotCleared)?;
        step("seal.source-removed").map_err(Hindrance::NotCleared)?;
        self.notes()?.forget(place.authority, place.kind()).map_err(Hindrance::State)?;
        Ok(())
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
