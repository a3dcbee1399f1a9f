//! Every folder outside the state directory that the service must be able to write to.

use std::collections::BTreeSet;
use std::path::Path;

use super::{CourierWay, RecipientWay, Settings};

impl Settings {
    /// Where files come from, go to, and are left, each once. Sources too: what was taken is removed from them.
    pub fn folders(&self) -> BTreeSet<&Path> {
        let mut folders: BTreeSet<&Path> = BTreeSet::new();
        for authority in &self.authorities {
            folders.extend(authority.drop_folders.iter().map(|drop| drop.path.as_path()));
            folders.extend(authority.maildirs.iter().map(|maildir| maildir.path.as_path()));
            folders.extend(authority.routes.iter().map(|route| route.folder.as_path()));
            let derived = authority.routes.iter().filter_map(|route| route.derived.as_ref());
            folders.extend(derived.map(|derived| derived.folder.as_path()));
            folders.extend(authority.returns.iter().map(|owed| owed.pick_up.as_path()));
        }
        folders.extend(self.couriers.iter().filter_map(|courier| match &courier.way {
            CourierWay::Folder { folder } => Some(folder.as_path()),
            CourierWay::Smtp(_) => None,
        }));
        folders.extend(self.audit.recipients.iter().filter_map(|recipient| match &recipient.way {
            RecipientWay::Folder(folder) => Some(folder.as_path()),
            RecipientWay::Mail { .. } => None,
        }));
        folders
    }
}
