//! By a folder: the sealed file is placed there whole, and some transport takes it away.
//!
//! In:  a parcel of sealed bytes.
//! Out: the file under its final name, or the reason why not.
//! Holds: nothing incomplete is ever visible; nothing is overwritten; the folder is never created.
//!
//! An attempt that ends without success leaves its hidden part: if the service died before it recorded that ending,
//! the part is what tells that nothing was taken. The next attempt replaces it.

use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::Arc;

use super::{Courier, CourierError, Evidence, Form, Interrupted, Parcel, Ready, Reply};
use crate::domain::{DeferCause, Digest};
use crate::durable::{Copied, CopyError, Directories, Directory, File, copy_and_digest, step, synced};
use crate::progress::{Through, hangs};

/// For the transport, by way of the folder's group. A part has it too: what is in it is sealed.
const PUBLISHED_MODE: u32 = 0o640;
/// A part that is moved in two steps, where the file system has no other way: it may have had both names.
const IN_TWO_STEPS_MODE: u32 = 0o740;
const PERMISSION_BITS: u32 = 0o7777;

/// The courier that puts files into a folder.
pub struct FolderCourier {
    folder: PathBuf,
    directories: Directories,
}

impl FolderCourier {
    /// Places files in this folder. Nothing is opened yet.
    pub fn new(folder: PathBuf) -> FolderCourier {
        FolderCourier { folder, directories: Directories::default() }
    }
}

impl Courier for FolderCourier {
    fn form(&self) -> Form {
        Form::Bare
    }

    fn prepare<'a>(&'a self, parcel: Parcel<'_>) -> Result<Box<dyn Ready + 'a>, CourierError> {
        let trouble = |error: &io::Error| self.trouble(error);
        let (name, sealed) = (parcel.file_name.to_owned(), Copied { digest: parcel.digest, bytes: parcel.bytes });
        // A hidden name would wait for ever, a path would lead elsewhere.
        if name.is_empty() || name.starts_with('.') || name.contains(['/', '\0']) {
            return Err(CourierError::TryLater {
                cause: DeferCause::CourierClosed,
                says: format!(
                    "`{name}` is no name for a file that a transport should take. Nothing was placed. Next: correct `file_name` of the return."
                ),
            });
        }
        if hangs(&self.folder) {
            let says = format!(
                "{} does not answer. Nothing was placed. Next: see whether its machine and the network are up; it is tried again by itself.",
                self.folder.display()
            );
            return Err(CourierError::TryLater { cause: DeferCause::DestinationHangs, says });
        }
        let directory = self.directories.at(&self.folder).map_err(|error| trouble(&error))?;
        let part = part_name(&sealed.digest);
        match content(&directory, &name, &sealed).map_err(|error| trouble(&error))? {
            Content::None => {}
            Content::Same => {
                directory.remove(&part).and_then(|()| directory.sync()).map_err(|error| trouble(&error))?;
                return Ok(Box::new(LiesThere { directory, name }));
            }
            Content::Other => {
                return Err(CourierError::TryLater { cause: DeferCause::NameTaken, says: self.conflict(&name) });
            }
        }
        directory.remove(&part).map_err(|error| trouble(&error))?;
        match self.place(&directory, &part, parcel.sealed, &sealed) {
            Ok(file) => Ok(Box::new(Placed { courier: self, directory, part, file, name, sealed })),
            Err(error) => {
                // Half a part would only take space; that it could not be removed changes nothing.
                let _ = directory.remove(&part);
                Err(error)
            }
        }
    }

    fn answers(&self) -> bool {
        !hangs(&self.folder)
    }

    fn evidence(&self, parcel: &Parcel<'_>, interrupted: &Interrupted<'_>) -> Evidence {
        let sealed = Copied { digest: parcel.digest, bytes: parcel.bytes };
        self.look(parcel.file_name, &sealed, interrupted).unwrap_or(Evidence::Unknown)
    }

    fn probe(&self) -> Result<String, CourierError> {
        let directory = self.directories.at(&self.folder).map_err(|error| self.trouble(&error))?;
        let name = format!(".hbcourier-probe-{}.part", std::process::id());
        let probed = directory.remove(&name).and_then(|()| directory.create(&name)).and_then(|file| file.sync_all());
        directory.remove(&name).and(probed).map_err(|error| self.trouble(&error))?;
        let free = directory.free_bytes().map_err(|error| self.trouble(&error))?;
        Ok(format!("{} can be written, {} MB free", self.folder.display(), free / 1_000_000))
    }
}

impl FolderCourier {
    /// Writes the part and makes it last.
    fn place(&self, directory: &Directory, part: &str, mut from: File, sealed: &Copied) -> Result<File, CourierError> {
        let unreadable = |why: String| CourierError::TryLater {
            cause: DeferCause::SpoolUnreadable,
            says: format!(
                "The sealed bytes {why}. Nothing was placed in {}. Next: check the disk below the state directory.",
                self.folder.display()
            ),
        };
        let mut file = directory.create(part).map_err(|error| self.trouble(&error))?;
        let mut into = Through { file: &mut file, place: &self.folder };
        let copied = match copy_and_digest(&mut from, &mut into, sealed.bytes) {
            Ok(copied) => copied,
            Err(CopyError::Write(error)) => return Err(self.trouble(&error)),
            Err(CopyError::Read(error)) => return Err(unreadable(format!("could not be read: {error}"))),
            Err(CopyError::TooLarge(_)) => return Err(unreadable("are more than were sealed".to_owned())),
        };
        if copied != *sealed {
            return Err(unreadable("are no longer those that were sealed".to_owned()));
        }
        let _at = directory.during();
        file.set_mode(PUBLISHED_MODE)
            .and_then(|()| synced("sync.send.part-file", || file.sync_all()))
            .and_then(|()| synced("sync.send.part-directory", || directory.sync()))
            .map_err(|error| self.trouble(&error))?;
        Ok(file)
    }

    fn look(&self, name: &str, sealed: &Copied, interrupted: &Interrupted<'_>) -> io::Result<Evidence> {
        let directory = self.directories.at(&self.folder)?;
        let part = part_name(&sealed.digest);
        Ok(match (content(&directory, &part, sealed)?, content(&directory, name, sealed)?) {
            (_, Content::Same) => {
                directory.remove(&part)?;
                directory.sync()?;
                Evidence::Arrived(placed(name))
            }
            // After a restart of the machine the move may have been undone, or the folder may not be mounted.
            (Content::None | Content::Same, Content::None) if interrupted.rebooted => Evidence::Unknown,
            // Another folder, or another file system, is empty whatever became of the file.
            (Content::None, Content::None) if interrupted.place != Some(directory.place()?.as_str()) => {
                Evidence::Unknown
            }
            (Content::None, Content::None) => {
                Evidence::Arrived(format!("`{name}` was placed in the folder and has been taken by the transport"))
            }
            // It may have been taken when it had both names.
            (Content::Same, Content::None) if mode(&directory, &part)? == IN_TWO_STEPS_MODE => Evidence::Unknown,
            (Content::Same, Content::None) => Evidence::NotArrived,
            (Content::Other, Content::None) | (_, Content::Other) => Evidence::Unknown,
        })
    }

    fn conflict(&self, name: &str) -> String {
        format!(
            "{} already has another file named `{name}`, which was left as it is. Nothing was placed. Next: see whose it is and move it away; the return is then placed by itself.",
            self.folder.display()
        )
    }

    /// An error of the folder, before anything was visible.
    fn trouble(&self, error: &io::Error) -> CourierError {
        let (cause, says) = self.explain(error);
        CourierError::TryLater { cause, says }
    }

    fn explain(&self, error: &io::Error) -> (DeferCause, String) {
        let (cause, next) = match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::StaleNetworkFileHandle => (
                DeferCause::DestinationMissing,
                "see whether its file system is unmounted; the folder is never created",
            ),
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                (DeferCause::DestinationMissing, "let the service's user write there")
            }
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                (DeferCause::DestinationFull, "make room, or see why the transport takes nothing away")
            }
            _ => (DeferCause::DestinationFault, "check that disk or share"),
        };
        let says = format!(
            "Could not place the sealed file in {}: {error}. Next: {next}; it is tried again by itself.",
            self.folder.display()
        );
        (cause, says)
    }
}

/// The very file lies there already, from an attempt whose end was not recorded.
struct LiesThere {
    directory: Arc<Directory>,
    name: String,
}

impl Ready for LiesThere {
    fn place(&self) -> Option<String> {
        self.directory.place().ok()
    }

    fn commit(self: Box<Self>) -> Reply {
        Reply::Accepted(placed(&self.name))
    }
}

/// A part that is whole and durable.
struct Placed<'a> {
    courier: &'a FolderCourier,
    directory: Arc<Directory>,
    part: String,
    file: File,
    name: String,
    sealed: Copied,
}

impl Ready for Placed<'_> {
    fn place(&self) -> Option<String> {
        self.directory.place().ok()
    }

    fn commit(self: Box<Self>) -> Reply {
        let _at = self.directory.during();
        match self.publish() {
            Ok(()) => self.published(),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => self.name_taken(),
            Err(error) => match self.directory.stamp(&self.name) {
                Ok(None) if self.is_still_hidden() => self.try_later(&error),
                // The file has its final name, or had it, or it cannot be seen whether it has.
                Ok(_) | Err(_) => self.silence(&error),
            },
        }
    }
}

impl Placed<'_> {
    fn publish(&self) -> io::Result<()> {
        if self.directory.publish_at_once(&self.part, &self.directory, &self.name)? {
            return Ok(());
        }
        self.file.set_mode(IN_TWO_STEPS_MODE)?;
        self.file.sync_all()?;
        self.directory.publish(&self.part, &self.directory, &self.name)?;
        self.file.set_mode(PUBLISHED_MODE)?;
        self.file.sync_all()
    }

    fn published(&self) -> Reply {
        match step("send.placed").and_then(|()| synced("sync.send.directory", || self.directory.sync())) {
            Ok(()) => Reply::Accepted(placed(&self.name)),
            Err(error) => self.silence(&error),
        }
    }

    /// Somebody put a file there since the attempt was prepared.
    fn name_taken(&self) -> Reply {
        let exists = io::Error::from(ErrorKind::AlreadyExists);
        match content(&self.directory, &self.name, &self.sealed) {
            Ok(Content::Same) => match self.directory.remove(&self.part) {
                Ok(()) => self.published(),
                Err(error) => self.silence(&error),
            },
            Ok(Content::Other) if matches!(self.hidden(), Ok(Content::Same)) => {
                Reply::TryLater(DeferCause::NameTaken, self.courier.conflict(&self.name))
            }
            Ok(Content::None) if self.is_still_hidden() => self.try_later(&exists),
            Err(error) if self.is_still_hidden() => self.try_later(&error),
            Ok(Content::Other | Content::None) | Err(_) => self.silence(&exists),
        }
    }

    /// Whether it never had its final name. A step can be told as failed that was done, as shares do, and the transport can
    /// have taken the file before anybody looks: only its part tells.
    fn is_still_hidden(&self) -> bool {
        let in_one_step = mode(&self.directory, &self.part).is_ok_and(|mode| mode != IN_TWO_STEPS_MODE);
        in_one_step && matches!(self.hidden(), Ok(Content::Same))
    }

    fn hidden(&self) -> io::Result<Content> {
        content(&self.directory, &self.part, &self.sealed)
    }

    fn try_later(&self, error: &io::Error) -> Reply {
        let (cause, says) = self.courier.explain(error);
        Reply::TryLater(cause, says)
    }

    fn silence(&self, error: &io::Error) -> Reply {
        Reply::Silence(format!(
            "`{}` may or may not have been placed in {}: {error}. Next: look there, and see whether the transport took it.",
            self.name,
            self.courier.folder.display()
        ))
    }
}

/// What is under a name, compared with what should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    None,
    Same,
    Other,
}

fn content(directory: &Directory, name: &str, sealed: &Copied) -> io::Result<Content> {
    match directory.stamp(name)? {
        None => return Ok(Content::None),
        Some(stamp) if !stamp.regular || stamp.bytes != sealed.bytes => return Ok(Content::Other),
        Some(_) => {}
    }
    let mut file = match directory.open_file(name) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Content::None),
        opened => opened?,
    };
    match copy_and_digest(&mut file, &mut io::sink(), sealed.bytes) {
        Ok(copied) if copied == *sealed => Ok(Content::Same),
        Ok(_) | Err(CopyError::TooLarge(_)) => Ok(Content::Other),
        Err(CopyError::Read(error) | CopyError::Write(error)) => Err(error),
    }
}

fn mode(directory: &Directory, name: &str) -> io::Result<u32> {
    Ok(directory.open_file(name)?.mode()? & PERMISSION_BITS)
}

fn part_name(digest: &Digest) -> String {
    format!(".hbcourier-{}.part", &digest.to_string()[..16])
}

fn placed(name: &str) -> String {
    format!("placed in the folder as {name}")
}
