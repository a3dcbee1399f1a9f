//! The secret half as one line of text, in the form in which tools for signed notes keep theirs.
// golang.org/x/mod/sumdb/note: `PRIVATE+KEY+<name>+<hash>+<base64 of the algorithm's octet and the seed>`

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::pkey::{Id, PKey, Private};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::{LedgerKeyFault, public_half};

const BEGINNING: &str = "PRIVATE+KEY+";
const ED25519: u8 = 0x01;

/// A fresh key, as a line.
pub(super) fn generate(name: &str) -> Result<Zeroizing<String>, LedgerKeyFault> {
    let secret = PKey::generate_ed25519()?;
    let id = u32::from_be_bytes(public_half(name, &secret)?.id());
    let octets = Zeroizing::new([&[ED25519][..], &Zeroizing::new(secret.raw_private_key()?)].concat());
    let encoded = Zeroizing::new(STANDARD.encode(octets.as_slice()));
    Ok(Zeroizing::new(format!("{BEGINNING}{name}+{id:08x}+{}\n", encoded.as_str())))
}

/// The key in the text; `None` if it is none, or a letter of it was lost or altered.
pub(super) fn read(text: &SecretString) -> Option<PKey<Private>> {
    let mut pieces = text.expose_secret().trim().strip_prefix(BEGINNING)?.splitn(3, '+');
    let (name, id, octets) = (pieces.next()?, pieces.next()?, pieces.next()?);
    let octets = Zeroizing::new(STANDARD.decode(octets).ok()?);
    let (algorithm, seed) = octets.split_first()?;
    let secret = PKey::private_key_from_raw_bytes(seed, Id::ED25519).ok().filter(|_| *algorithm == ED25519)?;
    let fits = format!("{:08x}", u32::from_be_bytes(public_half(name, &secret).ok()?.id())) == id;
    fits.then_some(secret)
}
