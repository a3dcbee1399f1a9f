//! A good encryption around any bytes, as anybody can make it who has the certificate.
//!
//! Shared by `tests/it`, `tests/fuzz` and `tests/sop`.

use std::io::{self, Write};

use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::serialize::stream::{Encryptor, Message, Recipient};
use sequoia_openpgp::types::Features;
use sequoia_openpgp::{Cert, KeyHandle};

/// Which container.
// RFC 9580 §5.13.1 and §5.13.2
#[allow(dead_code)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// With a digest at its end, as GnuPG makes it.
    V1,
    /// With authenticated chunks, as the newest programs make it.
    V2,
}

/// `packets`, whatever they are, encrypted to this certificate.
pub fn encrypted_to(certificate: &Cert, container: Container, packets: &[u8]) -> io::Result<Vec<u8>> {
    let policy = StandardPolicy::new();
    let keys = certificate.keys().with_policy(&policy, None).supported().alive().for_transport_encryption();
    let recipients = keys.map(|one| match container {
        Container::V1 => {
            let handle = KeyHandle::from(one.key().keyid());
            Recipient::new(Features::empty().set_seipdv1(), handle, one.key())
        }
        Container::V2 => {
            let handle = KeyHandle::from(one.key().fingerprint());
            Recipient::new(Features::empty().set_seipdv2(), handle, one.key())
        }
    });
    let mut sealed = Vec::new();
    let mut message =
        Encryptor::for_recipients(Message::new(&mut sealed), recipients).build().map_err(io::Error::other)?;
    message.write_all(packets)?;
    message.finalize().map_err(io::Error::other)?;
    Ok(sealed)
}
