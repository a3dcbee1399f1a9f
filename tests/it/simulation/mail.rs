//! A courier like mail: what was offered may have been taken, whatever is answered.

use std::io::Read;
use std::sync::Arc;

use hbcourier::domain::{DeferCause, Digest};
use hbcourier::effects::courier::folder::FolderCourier;
use hbcourier::effects::courier::{Courier, CourierError, Evidence, Form, Interrupted, Parcel, Ready, Reply};

use super::ground::Ground;
use super::mutations::Mutation;

pub struct Mail(pub Arc<Ground>);

struct Offered<'a> {
    ground: &'a Ground,
    message: (String, Digest),
}

impl Ready for Offered<'_> {
    fn commit(self: Box<Self>) -> Reply {
        let mut ground = self.ground.lock();
        let Ok(ends) = ground.enter_marked() else { return Reply::Silence("it never left".to_owned()) };
        let fate = ground.chance.below(8);
        ground.note(|_| {
            format!(
                "mail: {}",
                ["accepted", "silent though taken", "silent", "later", "refused"][fate.saturating_sub(3) as usize]
            )
        });
        if fate <= 4 {
            ground.world.received.push(self.message.clone());
        }
        if ends {
            ground.end();
        }
        match fate {
            0..=3 => Reply::Accepted("250 taken".to_owned()),
            4 | 5 if ground.mutation == Mutation::SilenceTriedAgain => {
                Reply::TryLater(DeferCause::CourierUnreachable, "no answer".to_owned())
            }
            4 | 5 => Reply::Silence("no answer".to_owned()),
            6 => Reply::TryLater(DeferCause::CourierUnreachable, "450 later".to_owned()),
            _ => Reply::Refused("550 no".to_owned()),
        }
    }
}

impl Courier for Mail {
    fn form(&self) -> Form {
        Form::Bare
    }

    fn prepare<'a>(&'a self, mut parcel: Parcel<'_>) -> Result<Box<dyn Ready + 'a>, CourierError> {
        let later =
            |says: &str| CourierError::TryLater { cause: DeferCause::CourierUnreachable, says: says.to_owned() };
        let mut bytes = Vec::new();
        parcel.sealed.read_to_end(&mut bytes).map_err(|_| later("the sealed bytes cannot be read"))?;
        let mut ground = self.0.lock();
        let ends = ground.enter().map_err(|_| later("nobody is there any more"))?;
        if ends {
            ground.end();
        }
        if ends || ground.chance.falls(200) {
            ground.note(|_| "mail: unreachable".to_owned());
            return Err(later("unreachable"));
        }
        Ok(Box::new(Offered { ground: &self.0, message: (parcel.message_id.to_owned(), Digest::of(&bytes)) }))
    }

    fn evidence(&self, parcel: &Parcel<'_>, _: &Interrupted<'_>) -> Evidence {
        let ground = self.0.lock();
        if ground.mutation == Mutation::EvidenceNotLookedFor {
            return Evidence::NotArrived;
        }
        // The copy in the journal tells that it arrived, and nothing that it did not.
        match ground.world.received.iter().any(|(id, _)| id == parcel.message_id) && ground.calls.is_multiple_of(2) {
            true => Evidence::Arrived("its copy is there".to_owned()),
            false => Evidence::Unknown,
        }
    }

    fn probe(&self) -> Result<String, CourierError> {
        Ok("there".to_owned())
    }
}

/// The real courier by folder, which can be made to forget what it should look at.
pub struct ByFolder(pub FolderCourier, pub Arc<Ground>);

impl Courier for ByFolder {
    fn form(&self) -> Form {
        self.0.form()
    }

    fn prepare<'a>(&'a self, parcel: Parcel<'_>) -> Result<Box<dyn Ready + 'a>, CourierError> {
        self.0.prepare(parcel)
    }

    fn evidence(&self, parcel: &Parcel<'_>, interrupted: &Interrupted<'_>) -> Evidence {
        let is_forgotten = self.1.lock().mutation == Mutation::EvidenceNotLookedFor;
        if is_forgotten { Evidence::NotArrived } else { self.0.evidence(parcel, interrupted) }
    }

    fn probe(&self) -> Result<String, CourierError> {
        self.0.probe()
    }
}
