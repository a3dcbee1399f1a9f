//! The keys on disk, and what is kept ready of them.
//!
//! In:  `<state>/keys/own/<FPR>.asc` and `<state>/keys/partner/<partner>/<FPR>.asc`; own keys that systemd passes in; the
//!      passphrase of own keys; what people decided about keys.
//! Out: certificates parsed once and secret keys prepared once, until a file changes.
//! Holds: a file that cannot be used is a fault that is remembered, never a key that is silently missing; nothing gets in
//! here from a message.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use secrecy::{ExposeSecret, SecretString};
use sequoia_openpgp::cert::CertParser;
use sequoia_openpgp::crypto::Password;
use sequoia_openpgp::parse::Parse;
use sequoia_openpgp::{Cert, KeyHandle};

use crate::domain::{Fingerprint, KeyRules, PartnerName};

use super::place;
use super::secret::{self, SecretKey};
use super::standing;

/// Own keys and trusted certificates below the state directory. Notices changed files by itself.
#[derive(Debug)]
pub struct KeyRing {
    pub(super) keys: PathBuf,
    restrictions: BTreeMap<PartnerName, Vec<Fingerprint>>,
    /// Own keys elsewhere: the file, or why it is not known.
    elsewhere: Vec<Result<PathBuf, KeyFault>>,
    pub(super) passphrase: Passphrase,
    rules: RwLock<Arc<KeyRules>>,
    loaded: RwLock<Option<(Stamp, Arc<Ring>)>>,
}

impl KeyRing {
    /// The keys below this state directory. Reads nothing yet.
    pub fn at(state: &Path) -> KeyRing {
        KeyRing {
            keys: state.join("keys"),
            restrictions: BTreeMap::new(),
            elsewhere: Vec::new(),
            passphrase: Passphrase::None,
            rules: RwLock::default(),
            loaded: RwLock::new(None),
        }
    }

    /// Unlocks own keys with this passphrase, and protects new ones with it; or remembers why it could not be read.
    pub fn unlock_with(&mut self, passphrase: Result<SecretString, Unhad>) {
        self.passphrase = match passphrase {
            Ok(passphrase) => Passphrase::Known(Password::from(passphrase.expose_secret())),
            Err(why) => Passphrase::Unreadable(why),
        };
        *self.loaded.get_mut().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Takes in own keys from files that systemd made for the service; or remembers why there are none.
    pub fn passed_in(&mut self, files: impl IntoIterator<Item = Result<PathBuf, Unhad>>) {
        let fault = |why| KeyFault::NotPassedIn { why };
        self.elsewhere.extend(files.into_iter().map(|file| file.map_err(fault)));
        *self.loaded.get_mut().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Judges by these decisions of people from now on.
    pub fn judge_by(&self, rules: KeyRules) {
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rules);
    }

    /// The decisions of people that it judges by.
    pub fn rules(&self) -> Arc<KeyRules> {
        self.rules.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Of this partner's certificates, lets only these count.
    pub fn restrict(&mut self, partner: &PartnerName, to: &[Fingerprint]) {
        self.restrictions.insert(partner.clone(), to.to_vec());
        *self.loaded.get_mut().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The keys as they are on disk now. Reads them again only if a file has changed.
    pub(super) fn ring(&self) -> Arc<Ring> {
        // Taken before reading: a change in between makes the next stamp differ.
        let stamp = Stamp::of(&self.keys, &self.elsewhere);
        if let Some((known, ring)) = &*self.loaded.read().unwrap_or_else(PoisonError::into_inner)
            && *known == stamp
        {
            return ring.clone();
        }
        let ring = Arc::new(Ring::load(&stamp, self));
        *self.loaded.write().unwrap_or_else(PoisonError::into_inner) = Some((stamp, ring.clone()));
        ring
    }
}

/// What own keys are protected with.
#[derive(Clone, Debug, Default)]
pub(super) enum Passphrase {
    /// Nothing: file permissions alone.
    #[default]
    None,
    /// This.
    Known(Password),
    /// It is configured and could not be read.
    Unreadable(Unhad),
}

/// Why a secret could not be had.
#[derive(Clone, Debug)]
pub struct Unhad {
    /// In words.
    pub says: String,
    /// Whether only the service is passed it, so that nothing can be tried here.
    pub only_the_service: bool,
}

impl std::fmt::Display for Unhad {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.says)
    }
}

/// What is wrong with a key file.
#[derive(Clone, Debug, thiserror::Error)]
pub enum KeyFault {
    /// It, or its directory, could not be read.
    #[error("could not read `{}`", file.display())]
    Unreadable {
        /// Which file, below the state directory.
        file: PathBuf,
        /// Why.
        #[source]
        source: Arc<io::Error>,
    },
    /// It is something else.
    #[error("`{}` is not one OpenPGP certificate", file.display())]
    NotACertificate {
        /// Which file, below the state directory.
        file: PathBuf,
    },
    /// It is a certificate other than its name says.
    #[error("`{}` holds another certificate than its name says", file.display())]
    Misnamed {
        /// Which file, below the state directory.
        file: PathBuf,
    },
    /// Others could read our secret key.
    #[error(
        "`{}` is open to other accounts; in the state directory, run `chmod 600 {}`",
        file.display(), file.display()
    )]
    Exposed {
        /// Which file, below the state directory.
        file: PathBuf,
    },
    /// It is protected with a passphrase, and none is configured.
    #[error(
        "`{}` is protected with a passphrase and none is configured; name it with `keys.passphrase_credential` or \
         `keys.passphrase_file`",
        file.display()
    )]
    NoPassphrase {
        /// Which file, below the state directory.
        file: PathBuf,
    },
    /// It is protected with another passphrase.
    #[error("the configured passphrase does not open `{}`; mend the passphrase, or put the right key there", file.display())]
    WrongPassphrase {
        /// Which file, below the state directory.
        file: PathBuf,
    },
    /// The passphrase is configured and could not be read.
    #[error("`{}` needs its passphrase, and that could not be read: {why}", file.display())]
    PassphraseUnreadable {
        /// Which file, below the state directory.
        file: PathBuf,
        /// Why.
        why: Unhad,
    },
    /// An own key that systemd should have passed in.
    #[error("an own key in `keys.secret_credentials` is not there: {why}")]
    NotPassedIn {
        /// Why.
        why: Unhad,
    },
    /// No secret key in it can be used.
    #[error("`{}` holds no secret key that can be used", file.display())]
    NoUsableSecret {
        /// Which file, below the state directory.
        file: PathBuf,
    },
    /// There is nothing to open or sign with.
    #[error("there is no key of our own; make one with `hbcourier keys generate`, or put back the one that was lost")]
    NoOwnKey,
    /// A partner's secret key.
    #[error("`{}` holds a secret key that is not ours to hold", file.display())]
    ForeignSecret {
        /// Which file, below the state directory.
        file: PathBuf,
    },
}

impl KeyFault {
    /// Whether only the service could tell, because it alone is passed the secret.
    pub fn is_only_the_services(&self) -> bool {
        match self {
            KeyFault::PassphraseUnreadable { why, .. } | KeyFault::NotPassedIn { why } => why.only_the_service,
            _ => false,
        }
    }
}

/// What the key files looked like from outside. Equal stamps: nothing has changed.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    own: Result<Vec<Seen>, Unread>,
    elsewhere: Vec<Result<Seen, Unread>>,
    partners: Result<BTreeMap<PartnerName, Result<Vec<Seen>, Unread>>, Unread>,
}

/// What could not be read, and why.
type Unread = (PathBuf, io::ErrorKind);

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Seen {
    file: PathBuf,
    marks: [i64; 6],
    mode: u32,
}

impl Stamp {
    fn of(keys: &Path, elsewhere: &[Result<PathBuf, KeyFault>]) -> Stamp {
        let elsewhere = elsewhere.iter().flatten().map(|file| {
            let named = || PathBuf::from(file.file_name().unwrap_or_default());
            look_at(file.clone()).map_err(|error| (named(), error.kind()))
        });
        let elsewhere = elsewhere.collect();
        Stamp { own: seen(&keys.join(place::OWN)), elsewhere, partners: partners(&keys.join(place::PARTNER)) }
    }
}

fn partners(directory: &Path) -> Result<BTreeMap<PartnerName, Result<Vec<Seen>, Unread>>, Unread> {
    let fault = |error: io::Error| (below_state(directory), error.kind());
    let mut partners = BTreeMap::new();
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(partners),
        other => other.map_err(fault)?,
    };
    for entry in entries {
        let entry = entry.map_err(fault)?;
        if let Some(partner) = entry.file_name().to_str().and_then(|name| name.parse().ok()) {
            partners.insert(partner, seen(&entry.path()));
        }
    }
    Ok(partners)
}

fn seen(directory: &Path) -> Result<Vec<Seen>, Unread> {
    let fault = |error: io::Error| (below_state(directory), error.kind());
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(fault)?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let file = entry.map_err(fault)?.path();
        let hidden = file.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if hidden || file.extension().is_none_or(|extension| extension != "asc") {
            continue;
        }
        files.push(look_at(file).map_err(fault)?);
    }
    files.sort();
    Ok(files)
}

fn look_at(file: PathBuf) -> io::Result<Seen> {
    let about = fs::metadata(&file)?;
    let size = i64::try_from(about.size()).unwrap_or(i64::MAX);
    let node = i64::from_ne_bytes(about.ino().to_ne_bytes());
    let marks = [node, size, about.mtime(), about.mtime_nsec(), about.ctime(), about.ctime_nsec()];
    Ok(Seen { file, marks, mode: about.mode() })
}

/// The last three parts of a path: enough to find a key file, and nothing about the machine.
fn below_state(file: &Path) -> PathBuf {
    let parts: Vec<_> = file.components().collect();
    let keys = parts.iter().rposition(|part| part.as_os_str() == "keys");
    // One that systemd passed in is known by its name.
    let from = keys.unwrap_or(parts.len().saturating_sub(1));
    parts[from..].iter().collect()
}

/// A partner's certificates, and the files that could not be used.
#[derive(Debug, Default)]
pub(super) struct Pinned {
    pub certs: Vec<Cert>,
    pub faults: Vec<KeyFault>,
}

/// Everything that is kept ready.
#[derive(Default)]
pub(super) struct Ring {
    /// Own certificates, without their secrets.
    pub own: Vec<Cert>,
    pub own_faults: Vec<KeyFault>,
    pub partners: BTreeMap<PartnerName, Pinned>,
    /// Why it is not known which partners there are.
    pub partners_fault: Option<KeyFault>,
    secrets: Vec<Secret>,
}

struct Secret {
    handle: KeyHandle,
    /// Index into `own`.
    owner: usize,
    key: SecretKey,
    decrypts: bool,
}

impl std::fmt::Debug for Ring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ring").field("own", &self.own.len()).field("partners", &self.partners.len()).finish()
    }
}

impl Ring {
    fn load(stamp: &Stamp, settings: &KeyRing) -> Ring {
        let mut ring = Ring::default();
        let passphrase = &settings.passphrase;
        match &stamp.own {
            Ok(files) => files.iter().for_each(|seen| ring.load_own(seen, Home::State, passphrase)),
            Err(fault) => ring.own_faults.push(unreadable(fault)),
        }
        for file in &stamp.elsewhere {
            match file {
                Ok(seen) => ring.load_own(seen, Home::Elsewhere, passphrase),
                Err(fault) => ring.own_faults.push(unreadable(fault)),
            }
        }
        ring.own_faults.extend(settings.elsewhere.iter().filter_map(|file| file.as_ref().err().cloned()));
        ring.partners_fault = stamp.partners.as_ref().err().map(unreadable);
        for (partner, files) in stamp.partners.iter().flatten() {
            let pinned = ring.partners.entry(partner.clone()).or_default();
            let Ok(files) = files.as_ref().map_err(|fault| pinned.faults.push(unreadable(fault))) else { continue };
            for seen in files {
                match read_partner(&seen.file) {
                    Ok(cert) => pinned.certs.push(cert),
                    Err(fault) => pinned.faults.push(fault),
                }
            }
            if let Some(allowed) = settings.restrictions.get(partner) {
                pinned.certs.retain(|cert| standing::fingerprint(cert).is_some_and(|found| allowed.contains(&found)));
            }
        }
        ring
    }

    fn load_own(&mut self, seen: &Seen, home: Home, passphrase: &Passphrase) {
        let file = below_state(&seen.file);
        if home == Home::State && seen.mode & 0o077 != 0 {
            return self.own_faults.push(KeyFault::Exposed { file });
        }
        let cert = match read(&seen.file, home) {
            Ok(cert) => cert,
            Err(fault) => return self.own_faults.push(fault),
        };
        let owner = self.own.len();
        let mut secrets = Vec::new();
        for key in cert.keys().secret() {
            let algorithm = key.key().pk_algo();
            let prepared = match secret::unlocked(key.key().clone(), passphrase) {
                Ok(key) => SecretKey::prepare(key).map_err(|_| secret::Locked::NotUsable),
                Err(locked) => Err(locked),
            };
            let prepared = match prepared {
                Ok(prepared) => prepared,
                Err(locked @ secret::Locked::NotUsable) => {
                    self.own_faults.push(locked.fault(&file));
                    continue;
                }
                // One passphrase for all the keys of a file.
                Err(locked) => return self.own_faults.push(locked.fault(&file)),
            };
            secrets.push(Secret {
                handle: key.key().key_handle(),
                owner,
                key: prepared,
                decrypts: algorithm.for_encryption(),
            });
        }
        if secrets.is_empty() {
            return self.own_faults.push(KeyFault::NoUsableSecret { file });
        }
        self.secrets.append(&mut secrets);
        self.own.push(cert.strip_secret_key_material());
    }

    /// Our keys that may open what is encrypted to this recipient: by key id, so that expired ones still open old files.
    /// Hidden recipients could be any of them.
    pub(super) fn decrypting(&self, recipient: Option<&KeyHandle>) -> impl Iterator<Item = (&Cert, &SecretKey)> {
        self.secrets
            .iter()
            .filter(move |secret| secret.decrypts && recipient.is_none_or(|handle| handle.aliases(&secret.handle)))
            .filter_map(|secret| Some((self.own.get(secret.owner)?, &secret.key)))
    }

    /// The keys of this own certificate that decrypt.
    pub(super) fn decrypting_of(&self, cert: &Cert) -> impl Iterator<Item = &SecretKey> {
        let owner = self.own.iter().position(|own| own.fingerprint() == cert.fingerprint());
        let theirs = move |secret: &&Secret| secret.decrypts && Some(secret.owner) == owner;
        self.secrets.iter().filter(theirs).map(|secret| &secret.key)
    }

    /// The secret of one of our keys.
    pub(super) fn secret(&self, handle: &KeyHandle) -> Option<&SecretKey> {
        self.secrets.iter().find(|secret| secret.handle == *handle).map(|secret| &secret.key)
    }
}

fn unreadable((file, kind): &Unread) -> KeyFault {
    KeyFault::Unreadable { file: file.clone(), source: Arc::new(io::Error::from(*kind)) }
}

/// Where a key file lies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Home {
    /// Below the state directory, named after its key.
    State,
    /// Where systemd put it: let in by an access list, whose mask shows as group bits.
    Elsewhere,
}

fn read_partner(path: &Path) -> Result<Cert, KeyFault> {
    let cert = read(path, Home::State)?;
    if cert.is_tsk() {
        return Err(KeyFault::ForeignSecret { file: below_state(path) });
    }
    Ok(cert)
}

/// Reads the one certificate of a file, which below the state directory is named after it.
fn read(path: &Path, home: Home) -> Result<Cert, KeyFault> {
    let file = below_state(path);
    let bytes =
        fs::read(path).map_err(|source| KeyFault::Unreadable { file: file.clone(), source: Arc::new(source) })?;
    let mut certs = CertParser::from_bytes(&bytes).into_iter().flatten();
    let (Some(Ok(cert)), None) = (certs.next(), certs.next()) else {
        return Err(KeyFault::NotACertificate { file });
    };
    let named = path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned);
    if home == Home::State && named != Some(cert.fingerprint().to_hex()) {
        return Err(KeyFault::Misnamed { file });
    }
    Ok(cert)
}
