//! The order to sign the ledger as it stands, and to take that to the folders of those who keep checkpoints.

use super::{Done, Operator, Refused};
use crate::checkpoints::{Ordered, Unmade};
use crate::domain::Actor;
use crate::domain::causes::with_causes;

impl Operator {
    pub(super) fn checkpoint(&self, actor: &Actor, by: Option<&str>, why: Option<&str>) -> Result<Done, Refused> {
        let Some(checkpoints) = &self.checkpoints else {
            return Err(Refused::Unfinished("no key of the ledger is at hand here".to_owned()));
        };
        let made = checkpoints.make(&Ordered { actor, by, why }).map_err(|unmade| match unmade {
            Unmade::Empty => Refused::Unfit("the ledger has no entry yet; there is nothing to sign".to_owned()),
            Unmade::Record(error) => error.into(),
            Unmade::Query(error) => error.into(),
            unmade => Refused::Unfinished(with_causes(&unmade)),
        })?;
        // Mail servers may take their time; the service goes to them by itself.
        checkpoints.leave_to_folders().map_err(|error| {
            let size = made.size;
            Refused::Unfinished(format!("the checkpoint over {size} entries was made, but not taken away: {error}"))
        })?;
        let says = format!("A checkpoint over {} entries was made: {}.", made.size, made.stem());
        Ok(Done::saying(says))
    }
}
