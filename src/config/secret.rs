//! Secrets by reference: a systemd credential, or a file only its owner can read.
//!
//! In:  a [`SecretReference`]. A credential is a file of that name, or one that the packaged unit passes in with all others
//! of a folder: systemd then puts the unit's word for the folder before the name.
//! Out: the secret, which no `Debug` or `Display` shows.
//! Holds: a file that anyone else can read, a link, a device or a pipe is refused before it is read.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use secrecy::SecretString;
use zeroize::{Zeroize, Zeroizing};

use super::settings::SecretReference;

/// What systemd puts before the name of each file of `LoadCredentialEncrypted=encrypted:/etc/hbcourier/credentials.encrypted`
/// and of `LoadCredential=plain:/etc/hbcourier/credentials`.
// systemd.exec(5), LoadCredential=
const FROM_FOLDERS: [&str; 2] = ["encrypted_", "plain_"];
/// No password is longer.
const SECRET_BYTES_MAX: u64 = 64 * 1024;

/// Why a secret could not be read. Never holds any of it.
#[derive(Debug, thiserror::Error)]
pub enum SecretFault {
    /// The service was not started with credentials.
    #[error(
        "the credential `{name}` cannot be read here: $CREDENTIALS_DIRECTORY is not set. Only what systemd starts has it, whose unit passes in what lies in /etc/hbcourier/credentials"
    )]
    NoCredentials {
        /// The credential's name.
        name: String,
    },
    /// The file is not there or does not open.
    #[error("could not open the secret's file {}", path.display())]
    Open {
        /// Which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A folder, a device, a pipe.
    #[error("the secret's file {} is not a regular file", path.display())]
    NotAFile {
        /// Which file.
        path: PathBuf,
    },
    /// Others could have read it.
    #[error("the secret's file {} has mode {mode:04o}; it must be readable by its owner alone: chmod 600", path.display())]
    Exposed {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Reading it failed.
    #[error("could not read the secret's file {}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Empty, too long or not text.
    #[error("the secret's file {} does not hold a secret: one line of text is needed, of 64 KiB at most", path.display())]
    NotASecret {
        /// Which file.
        path: PathBuf,
    },
}

impl SecretReference {
    /// Reads the secret, without the line end that editors leave.
    #[expect(clippy::disallowed_methods, reason = "systemd tells the folder of credentials this way")]
    pub fn read(&self) -> Result<SecretString, SecretFault> {
        self.read_with(std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from).as_deref())
    }

    /// Where the file is that holds it; of a credential, as far as systemd tells.
    #[expect(clippy::disallowed_methods, reason = "systemd tells the folder of credentials this way")]
    pub fn path(&self) -> Result<PathBuf, SecretFault> {
        match self {
            SecretReference::File(path) => Ok(path.clone()),
            SecretReference::Credential(name) => std::env::var_os("CREDENTIALS_DIRECTORY")
                .map(|folder| passed_in(Path::new(&folder), name))
                .ok_or_else(|| SecretFault::NoCredentials { name: name.clone() }),
        }
    }

    fn read_with(&self, credentials: Option<&Path>) -> Result<SecretString, SecretFault> {
        match self {
            SecretReference::File(path) => read_file(path, Exposure::OwnerOnly),
            SecretReference::Credential(name) => {
                let folder = credentials.ok_or_else(|| SecretFault::NoCredentials { name: name.clone() })?;
                read_file(&passed_in(folder, name), Exposure::AsSystemdMadeIt)
            }
        }
    }
}

/// By its own name if it is there, else as one of the folder of encrypted ones, else of the plain ones.
fn passed_in(credentials: &Path, name: &str) -> PathBuf {
    let own = credentials.join(name);
    let of_folders = FROM_FOLDERS.map(|before| credentials.join(format!("{before}{name}")));
    [own.clone()].into_iter().chain(of_folders).find(|path| path.exists()).unwrap_or(own)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Exposure {
    OwnerOnly,
    /// systemd lets the service's user in by an ACL, whose mask shows as group bits.
    AsSystemdMadeIt,
}

fn read_file(path: &Path, exposure: Exposure) -> Result<SecretString, SecretFault> {
    let path_buf = || path.to_path_buf();
    // NONBLOCK: a pipe must not stop us before we see that it is one.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let opened = rustix::fs::open(path, flags, Mode::empty());
    let file: File = opened.map_err(|errno| SecretFault::Open { path: path_buf(), source: errno.into() })?.into();
    let facts = file.metadata().map_err(|source| SecretFault::Open { path: path_buf(), source })?;
    if !facts.is_file() {
        return Err(SecretFault::NotAFile { path: path_buf() });
    }
    let mode = facts.mode() & 0o7777;
    if exposure == Exposure::OwnerOnly && mode & 0o077 != 0 {
        return Err(SecretFault::Exposed { path: path_buf(), mode });
    }
    let mut bytes = Zeroizing::new(Vec::new());
    let read = file.take(SECRET_BYTES_MAX + 1).read_to_end(&mut bytes);
    read.map_err(|source| SecretFault::Read { path: path_buf(), source })?;
    one_line(&bytes).ok_or_else(|| SecretFault::NotASecret { path: path_buf() })
}

fn one_line(bytes: &[u8]) -> Option<SecretString> {
    if bytes.len() as u64 > SECRET_BYTES_MAX {
        return None;
    }
    let text = std::str::from_utf8(bytes).ok()?;
    let line = text.strip_suffix('\n').unwrap_or(text);
    let mut line = line.strip_suffix('\r').unwrap_or(line).to_owned();
    if line.is_empty() || line.chars().any(char::is_control) {
        line.zeroize();
        return None;
    }
    Some(SecretString::from(line))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use secrecy::ExposeSecret;

    use super::*;

    fn secret_file(folder: &Path, content: &[u8], mode: u32) -> PathBuf {
        let path = folder.join("secret");
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn a_private_file_is_read_without_its_line_end() {
        let folder = tempfile::tempdir().unwrap();
        let secret = SecretReference::File(secret_file(folder.path(), b"correct horse\r\n", 0o600)).read().unwrap();
        assert_eq!(secret.expose_secret(), "correct horse");
        assert!(!format!("{secret:?}").contains("horse"));
    }

    #[test]
    fn what_others_can_read_or_is_no_plain_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let open = secret_file(folder.path(), b"x", 0o640);
        assert!(matches!(SecretReference::File(open.clone()).read(), Err(SecretFault::Exposed { mode: 0o640, .. })));
        let link = folder.path().join("link");
        symlink(secret_file(folder.path(), b"x", 0o600), &link).unwrap();
        assert!(matches!(SecretReference::File(link).read(), Err(SecretFault::Open { .. })));
        let directory = SecretReference::File(folder.path().to_path_buf());
        assert!(matches!(directory.read(), Err(SecretFault::NotAFile { .. })));
        assert!(matches!(SecretReference::File(folder.path().join("none")).read(), Err(SecretFault::Open { .. })));
    }

    #[test]
    fn what_is_not_one_line_of_text_is_refused_and_not_repeated() {
        let folder = tempfile::tempdir().unwrap();
        for content in [&b""[..], b"\n", b"hunter2\nhunter2\n", b"\xff\xfe", &[b'x'; 70_000]] {
            let fault = SecretReference::File(secret_file(folder.path(), content, 0o600)).read().unwrap_err();
            assert!(matches!(fault, SecretFault::NotASecret { .. }));
            assert!(!format!("{fault} {fault:?}").contains("hunter2"));
        }
    }

    #[test]
    fn a_credential_comes_from_systemds_folder() {
        let folder = tempfile::tempdir().unwrap();
        secret_file(folder.path(), b"from systemd", 0o440);
        let reference = SecretReference::Credential("secret".to_owned());
        assert_eq!(reference.read_with(Some(folder.path())).unwrap().expose_secret(), "from systemd");
        assert!(matches!(reference.read_with(None), Err(SecretFault::NoCredentials { .. })));
    }

    #[test]
    fn a_credential_may_be_one_of_a_folder_and_its_own_name_goes_first() {
        let folder = tempfile::tempdir().unwrap();
        let of_folder = secret_file(folder.path(), b"of the folder", 0o440);
        std::fs::rename(of_folder, folder.path().join("plain_mail")).unwrap();
        let read = || {
            let secret = SecretReference::Credential("mail".to_owned()).read_with(Some(folder.path())).unwrap();
            secret.expose_secret().to_owned()
        };
        assert_eq!(read(), "of the folder");
        let encrypted = secret_file(folder.path(), b"encrypted", 0o440);
        std::fs::rename(encrypted, folder.path().join("encrypted_mail")).unwrap();
        assert_eq!(read(), "encrypted");
        let own = secret_file(folder.path(), b"its own", 0o440);
        std::fs::rename(own, folder.path().join("mail")).unwrap();
        assert_eq!(read(), "its own");
    }
}
