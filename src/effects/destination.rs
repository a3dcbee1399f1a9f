//! A place plaintext is delivered to: staged hidden beside its final name, then published by one atomic move.
//!
//! Holds: a file under a final name is complete; nothing is overwritten; a hidden part is 0600 until it is published.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use crate::domain::{Consequence, DeferCause, Delivery, DeliveryId, Digest, HoldReason};
use crate::durable::{Copied, Directories, Directory, File, Whole, copy_and_digest, mounted, step, synced};
use crate::progress::{Through, hangs};

/// Every destination folder.
pub struct Destinations {
    directories: Arc<Directories>,
}

/// Who may read a delivered file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// Permission bits.
    pub mode: u32,
    /// Numeric group; the folder's rule decides if `None`.
    pub group: Option<u32>,
}

/// What lies at a destination for one delivery, after a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Our hidden part.
    pub part: Content,
    /// The final name.
    pub published: Content,
}

/// What lies under a name, compared with what should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Nothing.
    None,
    /// The delivery's content.
    Same,
    /// Something else.
    Other,
}

/// What went wrong at a destination.
#[derive(Debug, thiserror::Error)]
pub enum DestinationError {
    /// The folder is not there or closed to us.
    #[error("the destination folder {folder} cannot be used: {source}")]
    Missing {
        /// The configured folder.
        folder: String,
        /// The system's words.
        source: io::Error,
    },
    /// An operation in it has not returned.
    #[error("the destination folder {folder} does not answer")]
    Hangs {
        /// The configured folder.
        folder: String,
    },
    /// No space, or over quota.
    #[error("the disk of destination folder {folder} is full")]
    Full {
        /// The configured folder.
        folder: String,
    },
    /// The final name is taken by somebody else's file.
    #[error("the final name is taken in {folder}")]
    Conflict {
        /// The configured folder.
        folder: String,
    },
    /// Anything else.
    #[error("writing to the destination folder {folder} failed: {source}")]
    Fault {
        /// The configured folder.
        folder: String,
        /// The system's words.
        source: io::Error,
    },
}

impl DestinationError {
    fn of(path: &Path, error: io::Error) -> DestinationError {
        let folder = path.parent().unwrap_or(path).display().to_string();
        use io::ErrorKind as Kind;
        match error.kind() {
            Kind::StorageFull | Kind::QuotaExceeded => DestinationError::Full { folder },
            Kind::AlreadyExists => DestinationError::Conflict { folder },
            Kind::NotFound
            | Kind::NotADirectory
            | Kind::PermissionDenied
            | Kind::ReadOnlyFilesystem
            | Kind::NotConnected
            | Kind::StaleNetworkFileHandle => DestinationError::Missing { folder, source: error },
            _ => DestinationError::Fault { folder, source: error },
        }
    }

    /// What becomes of the consignment.
    pub fn consequence(&self) -> Consequence {
        match self {
            DestinationError::Missing { .. } => Consequence::Defer(DeferCause::DestinationMissing),
            DestinationError::Hangs { .. } => Consequence::Defer(DeferCause::DestinationHangs),
            DestinationError::Full { .. } => Consequence::Defer(DeferCause::DestinationFull),
            DestinationError::Conflict { .. } => Consequence::Hold(HoldReason::NameConflict),
            DestinationError::Fault { .. } => Consequence::Defer(DeferCause::DestinationFault),
        }
    }
}

/// Where the content of a part comes from.
pub enum Part<'a> {
    /// Exactly the content.
    Whole(Whole<'a>),
    /// Something that writes the content.
    Written(&'a mut dyn FnMut(&mut dyn Write) -> io::Result<()>),
}

impl Destinations {
    /// All of them share the directories.
    pub fn new(directories: Arc<Directories>) -> Destinations {
        Destinations { directories }
    }

    /// Whether this folder is known not to answer.
    pub fn hangs(&self, folder: &Path) -> bool {
        hangs(folder)
    }

    /// Whether the final name is free. With this every delivery begins, so a folder that hangs takes no further one.
    pub fn is_free(&self, delivery: &Delivery) -> Result<bool, DestinationError> {
        answers(delivery.path.parent())?;
        let (directory, name) = self.place(delivery)?;
        Ok(directory.stamp(name).map_err(|error| DestinationError::of(&delivery.path, error))?.is_none())
    }

    /// Puts the content beside its final name, hidden, complete and synced; the name itself by [`Self::sync`]. Out: the
    /// directory it was written in; an error if that is no longer the one at its path.
    pub fn stage(&self, delivery: &Delivery, access: Access, content: Part<'_>) -> Result<String, DestinationError> {
        let (directory, _) = self.place(delivery)?;
        let part = part_name(&delivery.id);
        let staged = write_part(&directory, &part, access, content).and_then(|()| in_its_place(&directory));
        if staged.is_err() {
            let _ = directory.remove(&part);
        }
        staged.map_err(|error| DestinationError::of(&delivery.path, error))
    }

    /// Gives a staged part its final name; the name lasts after [`Self::sync`].
    pub fn publish(&self, delivery: &Delivery, access: Access) -> Result<(), DestinationError> {
        let (directory, name) = self.place(delivery)?;
        let part = part_name(&delivery.id);
        let published = directory.open_file(&part).and_then(|file| {
            let _at = directory.during();
            file.set_mode(access.mode)?;
            directory.publish(&part, &directory, name)
        });
        published.map_err(|error| DestinationError::of(&delivery.path, error))?;
        step("publish.renamed").map_err(|error| DestinationError::of(&delivery.path, error))
    }

    /// Makes staged parts or published names last; `name` is that of the sync.
    pub fn sync(&self, deliveries: &[Delivery], name: &'static str) -> Result<(), DestinationError> {
        let mut folders: Vec<&Path> = deliveries.iter().filter_map(|delivery| delivery.path.parent()).collect();
        folders.sort();
        folders.dedup();
        for folder in folders {
            let done = self.directories.at(folder).and_then(|directory| synced(name, || directory.sync()));
            done.map_err(|error| DestinationError::of(&folder.join("-"), error))?;
        }
        Ok(())
    }

    /// What lies there now, compared byte for byte by digest.
    pub fn find(&self, delivery: &Delivery) -> Result<Found, DestinationError> {
        answers(delivery.path.parent())?;
        let (directory, name) = self.place(delivery)?;
        let compare = |name: &str| compare(&directory, name, &delivery.digest);
        let found =
            compare(&part_name(&delivery.id)).and_then(|part| compare(name).map(|published| Found { part, published }));
        found.map_err(|error| DestinationError::of(&delivery.path, error))
    }

    /// The hidden parts in this folder, of whichever installation.
    pub fn parts(&self, folder: &Path) -> Result<Vec<DeliveryId>, DestinationError> {
        answers(Some(folder))?;
        let names = self.directories.at(folder).and_then(|directory| directory.names());
        let names = names.map_err(|error| DestinationError::of(&folder.join("-"), error))?;
        Ok(names.iter().filter_map(|name| part_of(name.to_str()?)).collect())
    }

    /// Removes a hidden part from this folder.
    pub fn discard_part(&self, folder: &Path, part: &DeliveryId) -> Result<(), DestinationError> {
        answers(Some(folder))?;
        let removed = self.directories.at(folder).and_then(|directory| directory.remove(&part_name(part)));
        removed.map_err(|error| DestinationError::of(&folder.join("-"), error))
    }

    /// Which directory the delivery's folder is now.
    pub fn place_of(&self, delivery: &Delivery) -> Result<String, DestinationError> {
        let (directory, _) = self.place(delivery)?;
        directory.place().map_err(|error| DestinationError::of(&delivery.path, error))
    }

    /// Removes our hidden part. Nothing else is ever removed from a destination.
    pub fn discard(&self, delivery: &Delivery) -> Result<(), DestinationError> {
        answers(delivery.path.parent())?;
        let (directory, _) = self.place(delivery)?;
        directory.remove(&part_name(&delivery.id)).map_err(|error| DestinationError::of(&delivery.path, error))
    }

    fn place<'a>(&self, delivery: &'a Delivery) -> Result<(Arc<Directory>, &'a str), DestinationError> {
        let name = delivery.path.file_name().and_then(|name| name.to_str());
        let (Some(folder), Some(name)) = (delivery.path.parent(), name) else {
            let error = io::Error::new(io::ErrorKind::InvalidInput, "not a usable path");
            return Err(DestinationError::of(&delivery.path, error));
        };
        let directory = self.directories.at(folder).map_err(|error| DestinationError::of(&delivery.path, error))?;
        Ok((directory, name))
    }
}

/// An error for a folder that hangs.
fn answers(folder: Option<&Path>) -> Result<(), DestinationError> {
    match folder.filter(|folder| hangs(folder)) {
        Some(folder) => Err(DestinationError::Hangs { folder: folder.display().to_string() }),
        None => Ok(()),
    }
}

/// Which directory this is, if it is the one at its path.
fn in_its_place(directory: &Directory) -> io::Result<String> {
    let _at = directory.during();
    if mounted::identity(directory.path())? != directory.identity()? {
        return Err(io::Error::new(io::ErrorKind::NotFound, "it was replaced while it was written to"));
    }
    directory.place()
}

fn part_name(id: &DeliveryId) -> String {
    format!(".hbcourier-{id}.part")
}

/// Whose a hidden part is; `None` for what is no part.
fn part_of(name: &str) -> Option<DeliveryId> {
    name.strip_prefix(".hbcourier-")?.strip_suffix(".part")?.parse().ok()
}

fn write_part(directory: &Directory, part: &str, access: Access, content: Part<'_>) -> io::Result<()> {
    // A leftover of our own, from before a crash: its name is derived from this very delivery.
    directory.remove(part)?;
    let place = directory.path();
    let file = match content {
        Part::Whole(Whole::File(whole)) => place_whole(directory, part, whole)?,
        Part::Whole(Whole::Memory(whole)) => {
            let mut file = directory.create(part)?;
            Through { file: &mut file, place }.write_all(whole)?;
            file
        }
        Part::Written(write) => {
            let mut file = directory.create(part)?;
            write(&mut Through { file: &mut file, place })?;
            file
        }
    };
    if let Some(group) = access.group {
        let _at = directory.during();
        file.give_to_group(group)?;
    }
    step("stage.written")?;
    let done = {
        let _at = directory.during();
        synced("sync.stage.file", || file.sync_all())
    };
    done?;
    step("stage.synced")
}

/// By a name for the nameless file itself where the folder lies on its file system and passes no access list on;
/// by a copy elsewhere.
fn place_whole(directory: &Directory, part: &str, whole: &File) -> io::Result<File> {
    if whole.device()? == directory.device() && !directory.has_default_acl() {
        match directory.link(whole, part) {
            Ok(()) => {
                let Some(group) = directory.inherited_group()? else { return whole.try_clone() };
                match whole.give_to_group(group) {
                    Ok(()) => return whole.try_clone(),
                    // The folder gives its group to what is made in it, though this account is not of that group.
                    Err(error) if error.kind() == io::ErrorKind::PermissionDenied => directory.remove(part)?,
                    Err(error) => return Err(error),
                }
            }
            // Another mount of the same file system, or a file that has lost its last name: a copy does.
            Err(error) if matches!(error.kind(), io::ErrorKind::CrossesDevices | io::ErrorKind::NotFound) => {}
            Err(error) => return Err(error),
        }
    }
    let mut file = directory.create(part)?;
    let mut from = FromStart { file: whole, offset: 0 };
    let mut into = Through { file: &mut file, place: directory.path() };
    io::copy(&mut io::BufReader::with_capacity(256 * 1024, &mut from), &mut into)?;
    Ok(file)
}

/// Reads a file from its start without moving its position.
struct FromStart<'a> {
    file: &'a File,
    offset: u64,
}

impl io::Read for FromStart<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.file.read_at(buffer, self.offset)?;
        self.offset += got as u64;
        Ok(got)
    }
}

fn compare(directory: &Directory, name: &str, expected: &Digest) -> io::Result<Content> {
    match directory.stamp(name)? {
        None => return Ok(Content::None),
        Some(stamp) if !stamp.regular => return Ok(Content::Other),
        Some(_) => {}
    }
    let mut file = Through { file: directory.open_file(name)?, place: directory.path() };
    let Copied { digest, .. } = copy_and_digest(&mut file, &mut io::sink(), u64::MAX).map_err(io::Error::other)?;
    Ok(if digest == *expected { Content::Same } else { Content::Other })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ConsignmentId, FileKind, Naming};

    #[test]
    fn a_folder_that_is_replaced_while_it_is_written_to_has_no_part_of_it() {
        let dir = tempfile::tempdir().unwrap();
        let (folder, away) = (dir.path().join("laid"), dir.path().join("away"));
        std::fs::create_dir(&folder).unwrap();
        let digest = Digest::of(b"content");
        let consignment = ConsignmentId::derive(&"drop-12302".parse().unwrap(), "native", &digest);
        let destination = "laid-12302".parse().unwrap();
        let delivery = Delivery {
            id: DeliveryId::derive(&consignment, 0, &destination),
            consignment,
            part: 0,
            kind: FileKind::LaidXml,
            digest,
            bytes: 7,
            destination,
            path: folder.join("file.xml"),
            naming: Naming::Ours,
            place: None,
            published: false,
        };
        let destinations = Destinations::new(Arc::default());
        let mut replaces = |into: &mut dyn Write| {
            std::fs::rename(&folder, &away)?;
            std::fs::create_dir(&folder)?;
            into.write_all(b"content")
        };
        let access = Access { mode: 0o600, group: None };
        let staged = destinations.stage(&delivery, access, Part::Written(&mut replaces));
        assert!(matches!(staged, Err(DestinationError::Missing { .. })), "{staged:?}");
        for folder in [&folder, &away] {
            assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0, "{}", folder.display());
        }
        let mut writes = |into: &mut dyn Write| into.write_all(b"content");
        let staged = destinations.stage(&delivery, access, Part::Written(&mut writes)).unwrap();
        assert_eq!(staged, destinations.place_of(&delivery).unwrap());
    }
}
