//! What the program stands on, tried without anybody's files: digests, own keys, the clocks.

use std::io;

use super::{Expected, Trial};
use crate::config::Settings;
use crate::daemon::keys::key_ring;
use crate::domain::{Digest, PartnerName};
use crate::effects::clock::{Clock, MachineClock};
use crate::effects::pgp::{KeyRing, OpenRequest, Opener, SealRequest, Sealer, Signers};

/// FIPS 180-4, the digest of "abc".
const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

/// Tries all of it.
pub(super) fn trials(settings: &Settings) -> Vec<Trial> {
    let tried = |what: String, done| Trial::of(what, Expected::Done, done);
    let keys = key_ring(settings);
    let mut trials = vec![
        tried("compute a digest that is known".to_owned(), known_digest()),
        tried("read the clocks, which go on".to_owned(), clocks()),
    ];
    for partner in &settings.partners {
        let what = format!("seal for {} and open it again with our own key", partner.name);
        trials.push(tried(what, seals_and_opens(&keys, &partner.name)));
    }
    trials
}

fn known_digest() -> io::Result<()> {
    holds(Digest::of(b"abc").to_string().ends_with(ABC), "the digest is wrong")
}

fn clocks() -> io::Result<()> {
    let (earlier, moment) = (MachineClock.since_boot(), MachineClock.now());
    let is_later = MachineClock.since_boot() >= earlier && MachineClock.now() >= moment;
    holds(is_later, "a clock went back")
}

fn seals_and_opens(keys: &KeyRing, partner: &PartnerName) -> io::Result<()> {
    let (content, at) = (b"hbcourier selftest".as_slice(), MachineClock.now());
    let to = [partner.clone()];
    let request = SealRequest { to: &to, file_name: "selftest.txt", at, armour: false };
    let mut sealed = Vec::new();
    keys.seal(&mut &*content, &mut sealed, &request).map_err(io::Error::other)?;
    let request = OpenRequest { at, signers: Signers::Own, plaintext_bytes_max: content.len() as u64, waived: None };
    let mut opened = Vec::new();
    let verdict = keys.open(&mut sealed.as_slice(), &mut opened, &request).map_err(io::Error::other)?;
    holds(opened == content && verdict.content == Digest::of(content), "what came out is not what went in")
}

fn holds(is_so: bool, otherwise: &'static str) -> io::Result<()> {
    if is_so { Ok(()) } else { Err(io::Error::other(otherwise)) }
}
