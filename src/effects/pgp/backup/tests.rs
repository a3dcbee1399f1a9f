use std::io::{Read, Seek, SeekFrom, Write};
use std::time::SystemTime;

use sequoia_openpgp::cert::CertBuilder;
use sequoia_openpgp::serialize::SerializeInto;
use sequoia_openpgp::types::KeyFlags;

use super::*;

const AT: &str = "2026-01-01T00:00:00Z";

/// A key for backups, protected with this passphrase.
fn key(passphrase: Option<&str>) -> Cert {
    let at: Timestamp = AT.parse().unwrap();
    let flags = KeyFlags::empty().set_transport_encryption().set_storage_encryption();
    let builder = CertBuilder::new().add_userid("Backups <backups@council.test>").add_subkey(flags, None, None);
    let builder = builder.set_creation_time(SystemTime::from(at)).set_password(passphrase.map(Password::from));
    builder.generate().unwrap().0
}

fn secret(key: &Cert) -> Vec<u8> {
    key.as_tsk().armored().to_vec().unwrap()
}

/// Sealed, in a file without a name; nobody signs, for there is no own key.
fn sealed(content: &[u8], to: &Cert) -> File {
    let (at, state) = (AT.parse().unwrap(), tempfile::tempdir().unwrap());
    let to = BackupCertificate::read(&to.armored().to_vec().unwrap(), at).unwrap();
    let file = tempfile::tempfile().unwrap();
    let written = |into: &mut dyn Write| into.write_all(content);
    let ((), signed) = KeyRing::at(state.path()).seal_backup(&file, &to, at, written).unwrap();
    assert!(signed.unwrap_err().contains("no key of our own"));
    file
}

/// No two places of it are alike.
fn content(bytes: u32) -> Vec<u8> {
    (0..bytes / 4).flat_map(u32::to_be_bytes).collect()
}

fn open(file: File, key: &Cert) -> Result<SealedBackup, SealedBackupFault> {
    SealedBackup::open(file, BackupKey::read(&secret(key), None).unwrap(), None)
}

#[test]
fn it_is_read_at_any_place_also_backwards() {
    let (key, content) = (key(None), content(14 << 20));
    let mut backup = open(sealed(&content, &key), &key).unwrap();
    assert!(backup.tail.len() < content.len() / 2 + (1 << 20), "only the end is kept");
    assert_eq!(backup.seek(SeekFrom::End(0)).unwrap(), content.len() as u64);
    assert_eq!(backup.read(&mut [0]).unwrap(), 0);
    for place in [content.len() - 9, 0, 100, 5_000_000, 4_999_999, 3, content.len() - 6_000_000, 7_000_000] {
        let mut found = [0; 5000];
        backup.seek(SeekFrom::Start(place as u64)).unwrap();
        let expected = &content[place..content.len().min(place + found.len())];
        backup.read_exact(&mut found[..expected.len()]).unwrap();
        assert_eq!(&found[..expected.len()], expected, "{place}");
    }
    backup.is_still_the_same().unwrap();
}

#[test]
fn one_that_is_exchanged_meanwhile_is_told() {
    let key = key(None);
    let file = sealed(&content(14 << 20), &key);
    let mut backup = open(file.try_clone().unwrap(), &key).unwrap();
    let mut other = content(14 << 20);
    other[1 << 20] ^= 1;
    let (mut from, mut into) = (sealed(&other, &key), file);
    from.rewind().unwrap();
    into.rewind().unwrap();
    io::copy(&mut from, &mut into).unwrap();
    backup.read_exact(&mut [0; 100]).unwrap();
    assert!(backup.is_still_the_same().unwrap_err().to_string().contains("changed while it was read"));
}

#[test]
fn whatever_octet_is_altered_or_missing_it_is_refused() {
    let key = key(None);
    let mut whole = Vec::new();
    let mut file = sealed(&content(4000), &key);
    file.rewind().unwrap();
    file.read_to_end(&mut whole).unwrap();
    let refused = |bytes: &[u8]| {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        open(file, &key).is_err()
    };
    assert!(!refused(&whole));
    for at in (0..whole.len()).step_by(7) {
        let mut altered = whole.clone();
        altered[at] ^= 0x10;
        assert!(refused(&altered), "altered at {at}");
        assert!(refused(&whole[..at]), "cut at {at}");
    }
    assert!(refused(&[&whole[..], b"more"].concat()));
}

#[test]
fn another_key_opens_nothing_and_a_passphrase_must_be_right() {
    let (key, other) = (key(Some("Trustno1")), key(None));
    let file = sealed(b"content", &key);
    assert!(matches!(open(file.try_clone().unwrap(), &other), Err(SealedBackupFault::OtherKey)));
    let read = |passphrase: Option<&str>| {
        BackupKey::read(&secret(&key), passphrase.map(SecretString::from).as_ref()).map(drop)
    };
    assert_eq!(read(None), Err(BackupKeyFault::NoPassphrase));
    assert_eq!(read(Some("Trustno2")), Err(BackupKeyFault::WrongPassphrase));
    assert_eq!(read(Some("Trustno1")), Ok(()));
    let certificate = BackupKey::read(&key.armored().to_vec().unwrap(), None).map(drop);
    assert_eq!(certificate, Err(BackupKeyFault::NoSecret));
    assert_eq!(BackupKey::read(b"no key", None).map(drop), Err(BackupKeyFault::NotOne));
    let unlocked = BackupKey::read(&secret(&key), Some(&SecretString::from("Trustno1"))).unwrap();
    let mut opened = String::new();
    SealedBackup::open(file, unlocked, None).unwrap().read_to_string(&mut opened).unwrap();
    assert_eq!(opened, "content");
}
