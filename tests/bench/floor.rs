//! The floor that hbcourier is held against: the least that opening the same messages takes here, and the least that writing
//! what is in them takes.
//!
//! In:  the words below, and paths on standard input, one a line. `tests/bench/run` calls it; see `floor.py`.
//! `open sequoia|own KEY CERTIFICATE THREADS`: decrypts and verifies each, and throws the content away; by sequoia-openpgp as
//! its documentation has it, or by the product's own [`KeyRing`].
//! `content KEY CERTIFICATE FOLDER`: decrypts and verifies each into the folder.
//! `write each|together|ahead FOLDER THREADS BATCH`: writes files of the same content under hidden names, syncs them, renames
//! them and syncs the folder, a batch at a time. Synced is each by itself, or all with one syncfs, or each while it is being
//! written already.
//! Out: seconds, as a JSON number; they begin when keys are loaded and files are in memory.
//! Holds: nothing counts as opened without a good signature of the certificate given.

// As in the tests: the world around the product fails loudly.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, missing_docs)]

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use hbcourier::domain::PartnerName;
use hbcourier::effects::pgp::{KeyRing, OpenRequest, Opener, SecretKeyBytes, Signers, trust::fingerprint_of};
use jiff::Timestamp;
use sequoia_openpgp::crypto::{KeyPair, SessionKey};
use sequoia_openpgp::packet::{PKESK, SKESK};
use sequoia_openpgp::parse::Parse;
use sequoia_openpgp::parse::stream::{
    DecryptionHelper, DecryptorBuilder, MessageLayer, MessageStructure, VerificationHelper,
};
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::types::SymmetricAlgorithm;
use sequoia_openpgp::{Cert, KeyHandle, anyhow};
use tempfile::TempDir;

const COPY_BYTES: usize = 1 << 16;
/// What sequoia holds back until it is verified: its own 25 MiB do not fit a processor's caches, and are slower.
const HELD_BACK_BYTES: usize = 128 * 1024;
const WRITE_BYTES: usize = 1 << 20;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let files: Vec<PathBuf> = io::stdin().lines().map(|line| line.unwrap().into()).collect();
    let seconds = match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["open", "sequoia", key, certificate, threads] => {
            let keys = Keys::new(key, certificate);
            timed_in(threads, &files, |file| keys.open(file, &mut io::sink()))
        }
        ["open", "own", key, certificate, threads] => {
            let keys = OwnPath::new(key, certificate);
            timed_in(threads, &files, |file| keys.open(file))
        }
        ["content", key, certificate, folder] => {
            let keys = Keys::new(key, certificate);
            let name = |file: &Path| Path::new(folder).join(file.file_stem().unwrap());
            timed_in("1", &files, |file| keys.open(file, &mut File::create_new(name(file)).unwrap()))
        }
        ["write", sync @ ("each" | "together" | "ahead"), folder, threads, batch] => {
            let contents: Vec<Content> = files.iter().map(|file| Content::of(file)).collect();
            let batches: Vec<_> = contents.chunks(batch.parse().unwrap()).collect();
            let place = Place { path: Path::new(folder), handle: File::open(folder).unwrap() };
            timed(threads.parse().unwrap(), &batches, |batch| place.write(sync, batch))
        }
        _ => {
            eprintln!("see the head of tests/bench/floor.rs");
            std::process::exit(2);
        }
    };
    println!("{seconds}");
}

/// Seconds that so many threads take over all files, which are read once before.
fn timed_in(threads: &str, files: &[PathBuf], work: impl Fn(&Path) + Sync) -> f64 {
    for file in files {
        io::copy(&mut File::open(file).unwrap(), &mut io::sink()).unwrap();
    }
    timed(threads.parse().unwrap(), files, |file| work(file))
}

/// Seconds that so many threads take over all of them.
fn timed<T: Sync>(threads: usize, all: &[T], work: impl Fn(&T) + Sync) -> f64 {
    let next = AtomicUsize::new(0);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(one) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    work(one);
                }
            });
        }
    });
    begun.elapsed().as_secs_f64()
}

/// Whose key opens, and whose signature counts.
struct Keys {
    own: Vec<(KeyHandle, KeyPair)>,
    signer: Cert,
    policy: StandardPolicy<'static>,
}

impl Keys {
    fn new(key: &str, certificate: &str) -> Keys {
        let own = Cert::from_file(key).unwrap();
        let own = own.keys().unencrypted_secret().map(|one| {
            let pair = one.key().clone().into_keypair().unwrap();
            (one.key().key_handle(), pair)
        });
        Keys { own: own.collect(), signer: Cert::from_file(certificate).unwrap(), policy: StandardPolicy::new() }
    }

    fn open(&self, file: &Path, into: &mut dyn Write) {
        let builder = DecryptorBuilder::from_file(file).unwrap().buffer_size(HELD_BACK_BYTES);
        let mut content = builder.with_policy(&self.policy, None, self).unwrap();
        let mut buffer = vec![0; COPY_BYTES];
        loop {
            match content.read(&mut buffer).unwrap() {
                0 => break,
                n => into.write_all(&buffer[..n]).unwrap(),
            }
        }
    }
}

impl DecryptionHelper for &Keys {
    fn decrypt(
        &mut self,
        sealed_to: &[PKESK],
        _: &[SKESK],
        algorithm: Option<SymmetricAlgorithm>,
        decrypt: &mut dyn FnMut(Option<SymmetricAlgorithm>, &SessionKey) -> bool,
    ) -> sequoia_openpgp::Result<Option<Cert>> {
        for one in sealed_to {
            for (handle, pair) in &self.own {
                if one.recipient().is_some_and(|recipient| recipient.aliases(handle))
                    && one.decrypt(&mut pair.clone(), algorithm).is_some_and(|(found, key)| decrypt(found, &key))
                {
                    return Ok(None);
                }
            }
        }
        Err(anyhow::anyhow!("the key does not open it"))
    }
}

impl VerificationHelper for &Keys {
    fn get_certs(&mut self, _: &[KeyHandle]) -> sequoia_openpgp::Result<Vec<Cert>> {
        Ok(vec![self.signer.clone()])
    }

    fn check(&mut self, structure: MessageStructure<'_>) -> sequoia_openpgp::Result<()> {
        let good = structure.iter().any(|layer| match layer {
            MessageLayer::SignatureGroup { results } => results.iter().any(Result::is_ok),
            _ => false,
        });
        if good { Ok(()) } else { Err(anyhow::anyhow!("no good signature")) }
    }
}

/// The product's way in, by itself.
struct OwnPath {
    _state: TempDir,
    ring: KeyRing,
    signers: [PartnerName; 1],
}

impl OwnPath {
    fn new(key: &str, certificate: &str) -> OwnPath {
        let state = TempDir::new().unwrap();
        let (ring, now) = (KeyRing::at(state.path()), Timestamp::now());
        ring.import_own(&SecretKeyBytes::from(fs::read(key).unwrap()), now).unwrap();
        let (signer, certificate): (PartnerName, _) = ("signer".parse().unwrap(), fs::read(certificate).unwrap());
        ring.trust(&signer, &certificate, Some(&fingerprint_of(&certificate).unwrap()), now).unwrap();
        OwnPath { _state: state, ring, signers: [signer] }
    }

    fn open(&self, file: &Path) {
        let signers = Signers::Partners(&self.signers);
        let request = OpenRequest { at: Timestamp::now(), signers, plaintext_bytes_max: u64::MAX, waived: None };
        self.ring.open(&mut File::open(file).unwrap(), &mut io::sink(), &request).unwrap();
    }
}

struct Content {
    name: String,
    bytes: Vec<u8>,
}

impl Content {
    fn of(file: &Path) -> Content {
        Content { name: file.file_name().unwrap().to_str().unwrap().to_owned(), bytes: fs::read(file).unwrap() }
    }
}

/// The folder that is written to.
struct Place<'p> {
    path: &'p Path,
    handle: File,
}

impl Place<'_> {
    fn write(&self, sync: &str, batch: &[Content]) {
        let hidden = |content: &Content| self.path.join(format!(".{}.part", content.name));
        let put = |content: &Content| {
            let file = File::create_new(hidden(content)).unwrap();
            if sync == "ahead" {
                copy_ahead(&file, &content.bytes)
            } else {
                copy(&file, &content.bytes)
            }
            file
        };
        let files: Vec<File> = batch.iter().map(put).collect();
        match sync {
            "together" => rustix::fs::syncfs(&self.handle).unwrap(),
            _ => files.iter().for_each(|file| file.sync_all().unwrap()),
        }
        drop(files);
        for content in batch {
            fs::rename(hidden(content), self.path.join(&content.name)).unwrap();
        }
        self.handle.sync_all().unwrap();
    }
}

fn copy(mut file: &File, bytes: &[u8]) {
    for piece in bytes.chunks(WRITE_BYTES) {
        file.write_all(piece).unwrap();
    }
}

/// Has the disk at work while more is copied.
fn copy_ahead(file: &File, bytes: &[u8]) {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                file.sync_data().unwrap();
            }
        });
        copy(file, bytes);
        done.store(true, Ordering::Relaxed);
    });
}
