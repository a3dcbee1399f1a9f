//! Files under our hidden names in drop folders: a crash came while they were being cleared.
//!
//! In:  a look at the folder. Out: the file removed, if its bytes are those that were collected as the transfer in its
//! hidden name; given back otherwise, because somebody had put it in the collected one's place.
//! Holds: a removal has its entry first; what is being cleared at the moment is left alone.

use std::io;

use super::collect::Stopped;
use super::{Critical, Inbound, Source};
use crate::domain::{AlarmReason, ConsignmentId};
use crate::durable::{Back, Stamp, Through, copy_and_digest};
use crate::effects::drop_folder::{Hidden, Look};

/// What a file is called that is given back and whose name nobody knows any more.
const NAMELESS: &str = "unnamed.pgp";

impl Inbound {
    /// Deals with every hidden file of ours in the folder. Why one of them stays, if one does.
    pub fn settle_withdrawn(&self, source: &Source, look: &Look) -> Result<Option<AlarmReason>, Critical> {
        let mut stays = None;
        for hidden in &look.withdrawn {
            let Some(_claim) = self.claims.claim(&hidden.transfer) else { continue };
            let directory = source.folder().and_then(|folder| folder.directory());
            let Ok(Some(stamp)) = directory.and_then(|directory| directory.stamp(&hidden.name)) else { continue };
            match self.settle_one(source, hidden, &stamp) {
                Ok(()) => {}
                Err(Stopped::Critical(critical)) => return Err(critical),
                Err(Stopped::Left(reason, error)) => {
                    if self.left.is_news(&source.name, &hidden.name, &stamp, reason) {
                        let transfer = hidden.transfer;
                        tracing::warn!(source = %source.name, %transfer, %error, "Left a hidden file of ours: {error}");
                    }
                    stays = Some(reason);
                }
            }
        }
        Ok(stays)
    }

    fn settle_one(&self, source: &Source, hidden: &Hidden, stamp: &Stamp) -> Result<(), Stopped> {
        let fault = |error| Stopped::Left(AlarmReason::SourceFault, error);
        let directory = source.folder().and_then(|folder| folder.directory()).map_err(fault)?;
        let known = self.queries.consignment(&hidden.transfer).map_err(Critical::from)?;
        let (consignment, name) = known.unzip();
        if let Some(consignment) = consignment.filter(|_| stamp.regular) {
            let before = self.left.is_collected(&source.name, &hidden.name, stamp);
            let is_collected = match before {
                Some(is_collected) => is_collected,
                None => {
                    let file = directory.open_file(&hidden.name).map_err(fault)?;
                    let mut file = Through { file, place: directory.path() };
                    let read = copy_and_digest(&mut file, &mut io::sink(), u64::MAX);
                    read.map_err(|error| fault(io::Error::other(error)))?.digest == consignment.sealed_digest
                }
            };
            if is_collected && before.is_none() {
                self.note_cleared_again(source, &consignment)?;
            }
            self.left.compared(&source.name, &hidden.name, stamp, is_collected);
            if is_collected {
                return directory.remove(&hidden.name).and_then(|()| directory.sync()).map_err(fault);
            }
        }
        let name = name.flatten().filter(|name| !name.is_empty()).unwrap_or_else(|| NAMELESS.to_owned());
        let back = directory.give_back(&hidden.name, &name).map_err(fault)?;
        tell_given_back(source, &hidden.transfer, back);
        Ok(())
    }
}

/// Says so: the file is collected as any other, perhaps under a name that its sender did not give it.
pub(super) fn tell_given_back(source: &Source, transfer: &ConsignmentId, back: Back) {
    let under = match back {
        Back::OwnName => "its own name",
        Back::LikeName => "a name with `.given-back-` in it, because its own was taken",
    };
    tracing::warn!(
        source = %source.name,
        %transfer,
        "A file had taken the place of transfer {transfer} in {} before that was cleared; it is left there, under {under}, \
         and collected as any other",
        source.name
    );
}
