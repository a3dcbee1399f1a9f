//! What the service stands on: keys, space, checkpoints.
//!
//! In:  the keys, the folders of the settings, the ledger. Out: how long and how much there is of each.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::Serialize;

use crate::cli::output::CliError;
use crate::cli::reading::Reading;
use crate::effects::pgp::KeyListing;
use crate::effects::thread::asked::room;
use crate::foresight::keys::last_end;

/// Until when somebody's keys can be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct KeysUntil {
    /// `own`, or the partner.
    pub holder: String,
    /// Whether there are any.
    pub usable: bool,
    /// Whether only the service is passed the secret that they take, so that nobody else can tell.
    pub only_the_service: bool,
    /// When the last of them ends; nothing if one never does.
    pub until: Option<Timestamp>,
}

/// Room on the file system of a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Space {
    /// `state`, or the destination.
    pub place: String,
    /// Bytes that may still be written; nothing if the folder cannot be asked.
    pub free: Option<u64>,
}

/// How far the ledger is vouched for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Vouched {
    /// Entries in the ledger.
    pub entries: u64,
    /// When the latest checkpoint was made.
    pub made: Option<Timestamp>,
    /// What left last to each who keeps them elsewhere.
    pub left: Vec<Left>,
}

/// The last checkpoint that left to somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Left {
    /// To whom.
    pub recipient: String,
    /// When; nothing if none ever did.
    pub at: Option<Timestamp>,
    /// How many entries it covers.
    pub covers: u64,
}

/// Our own keys, and those of every partner.
pub(super) fn keys(reading: &Reading<'_>, keys: &KeyListing) -> Vec<KeysUntil> {
    let own = KeysUntil {
        holder: "own".to_owned(),
        usable: keys.own.iter().any(|facts| facts.can_sign && facts.can_encrypt),
        only_the_service: keys.own.is_empty() && keys.faults.iter().any(|(_, fault)| fault.is_only_the_services()),
        until: last_end(None, keys),
    };
    let partners = reading.settings.partners.iter().map(|partner| KeysUntil {
        holder: partner.name.to_string(),
        usable: keys.partners.iter().any(|(name, facts)| *name == partner.name && facts.can_encrypt),
        only_the_service: false,
        until: last_end(Some(&partner.name), keys),
    });
    [own].into_iter().chain(partners).collect()
}

/// Below the state directory, and at every destination. A folder that hangs has no answer, and keeps nobody waiting long.
pub(super) fn space(reading: &Reading<'_>) -> Vec<Space> {
    let routes = reading.settings.authorities.iter().flat_map(|authority| &authority.routes);
    let mut places = BTreeMap::from([("state".to_owned(), reading.settings.service.state.clone())]);
    places.extend(routes.map(|route| (route.destination.to_string(), route.folder.clone())));
    let folders: Vec<PathBuf> = places.values().cloned().collect();
    let rooms = room(&folders);
    let free = |folder| rooms.get(folder).copied().flatten().flatten().map(|room| room.free);
    places.iter().map(|(place, folder)| Space { place: place.clone(), free: free(folder) }).collect()
}

pub(super) fn vouched(reading: &Reading<'_>) -> Result<Vouched, CliError> {
    let queries = reading.queries;
    let mut left = Vec::new();
    for recipient in &reading.settings.audit.recipients {
        let last = queries.last_left(&recipient.name)?;
        let at = match &last {
            Some(last) => queries.left_to(last.size)?.into_iter().find(|(name, _)| *name == recipient.name),
            None => None,
        };
        let covers = last.map_or(0, |last| last.size);
        left.push(Left { recipient: recipient.name.to_string(), at: at.map(|(_, at)| at), covers });
    }
    let made = queries.latest_checkpoint()?.map(|latest| latest.at);
    Ok(Vouched { entries: queries.head()?.entries, made, left })
}
