//! What is signed, what never, and what is remembered of it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::domain::merkle::leaf;
use crate::domain::merkle::proof::{consistency, root};

const NAME: &str = "hbcourier/12302";

fn secret(state: &Path) -> SecretString {
    SecretString::from(fs::read_to_string(state.join(KEY_FILE)).unwrap())
}

fn open(state: &Path) -> LedgerKey {
    LedgerKey::make(state, NAME).unwrap();
    LedgerKey::open(state, NAME, &secret(state)).unwrap()
}

/// Leaves of a ledger; from `fork` on another one's.
fn leaves(count: u32, fork: u32) -> Vec<Digest> {
    (0..count).map(|n| leaf(format!("{n} {}", n >= fork).as_bytes())).collect()
}

fn sign(key: &LedgerKey, leaves: &[Digest]) -> Result<SignedCheckpoint, Unsigned> {
    let (last, size) = (key.last(), leaves.len() as u64);
    let proof = consistency(leaves, last.as_ref().map_or(0, |last| last.size), size).unwrap();
    key.sign(last.as_ref(), size, root(leaves, size).unwrap(), &proof)
}

#[test]
fn continuations_are_signed_and_the_last_is_remembered_over_restarts() {
    let state = tempfile::tempdir().unwrap();
    for size in [1, 2, 7, 64, 65, 65] {
        let key = open(state.path());
        let signed = sign(&key, &leaves(size, u32::MAX)).unwrap();
        assert_eq!(key.vkey().verify(signed.note()).unwrap(), signed);
        assert_eq!(fs::read_to_string(state.path().join(HEAD_FILE)).unwrap(), signed.note());
        assert_eq!(open(state.path()).last().unwrap(), *signed.checkpoint());
    }
    let mode = |file: &str| fs::metadata(state.path().join(file)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(KEY_FILE), mode(HEAD_FILE), mode(VKEY_FILE)), (0o600, 0o600, 0o644));
    let vkey: Vkey = fs::read_to_string(state.path().join(VKEY_FILE)).unwrap().parse().unwrap();
    assert_eq!(vkey, *open(state.path()).vkey());
}

#[test]
fn a_smaller_or_another_ledger_is_never_signed() {
    let state = tempfile::tempdir().unwrap();
    sign(&open(state.path()), &leaves(40, u32::MAX)).unwrap();
    let noted = fs::read(state.path().join(HEAD_FILE)).unwrap();
    let key = open(state.path());
    assert!(matches!(sign(&key, &leaves(39, u32::MAX)), Err(Unsigned::Smaller { size: 39, last: 40 })));
    assert!(matches!(sign(&key, &leaves(40, 39)), Err(Unsigned::OtherRoot { size: 40 })));
    assert!(matches!(sign(&key, &leaves(50, 39)), Err(Unsigned::NoContinuation { size: 50, last: 40 })));
    let good = leaves(50, u32::MAX);
    let (last, proof) = (key.last().unwrap(), consistency(good.as_slice(), 40, 50).unwrap());
    let root = root(good.as_slice(), 50).unwrap();
    assert!(matches!(key.sign(None, 50, root, &[]), Err(Unsigned::OtherLast)), "as if it were the first");
    let other = Checkpoint { root: leaf(b"other"), ..last.clone() };
    assert!(matches!(key.sign(Some(&other), 50, root, &proof), Err(Unsigned::OtherLast)));
    assert!(matches!(key.sign(Some(&last), 50, root, &proof[1..]), Err(Unsigned::NoContinuation { .. })));
    assert_eq!(fs::read(state.path().join(HEAD_FILE)).unwrap(), noted, "none of it left a trace");
    assert!(key.sign(Some(&last), 50, root, &proof).is_ok());
}

#[test]
fn altered_files_are_refused() {
    let state = tempfile::tempdir().unwrap();
    sign(&open(state.path()), &leaves(40, u32::MAX)).unwrap();
    let text = fs::read_to_string(state.path().join(HEAD_FILE)).unwrap();
    fs::write(state.path().join(HEAD_FILE), text.replace("\n40\n", "\n30\n")).unwrap();
    let fault = LedgerKey::open(state.path(), NAME, &secret(state.path())).err().unwrap();
    assert!(matches!(fault, LedgerKeyFault::Head { .. }), "{fault}");
    fs::write(state.path().join(HEAD_FILE), text).unwrap();
    for wrong in ["", "PRIVATE+KEY+", "PRIVATE+KEY+a+b+c", "hunter2"] {
        let fault = LedgerKey::open(state.path(), NAME, &SecretString::from(wrong)).err().unwrap();
        assert!(matches!(fault, LedgerKeyFault::NotAKey) && !fault.to_string().contains("hunter2"), "{fault}");
    }
    // Another key did not sign this head.
    let other = tempfile::tempdir().unwrap();
    LedgerKey::make(other.path(), NAME).unwrap();
    assert!(LedgerKey::open(state.path(), NAME, &secret(other.path())).is_err());
    // Under another name the head is no longer the key's own; what it says still counts.
    let renamed = LedgerKey::open(state.path(), "hbcourier/12302-2", &secret(state.path())).unwrap();
    assert_eq!(renamed.last().unwrap().size, 40);
}

#[test]
fn a_key_is_made_once() {
    let state = tempfile::tempdir().unwrap();
    let first = open(state.path()).vkey().clone();
    assert_eq!(*open(state.path()).vkey(), first);
    let key = open(state.path());
    assert!(!format!("{:?}", secret(state.path())).contains("PRIVATE"));
    assert!(key.last().is_none());
}
