//! Sealing and opening without keys: OpenPGP's frame, so that the product can tell whether a file is whole, and within it a
//! name, the content's digest and the content.
//!
//! What OpenPGP itself does is tested elsewhere, against GnuPG.

use std::io::{Read, Write};

use hbcourier::domain::{Digest, Fingerprint};
use hbcourier::effects::pgp::{
    OpenError, OpenRequest, Opener, SealError, SealRequest, SealedFacts, Sealer, Signers, Verdict,
};

/// A packet of encrypted data, with its length in four octets.
// RFC 9580 §4.2, §5.13
const HEADER: [u8; 2] = [0xD2, 0xFF];
const HEADER_BYTES: usize = 6;
const DIGEST_BYTES: usize = 32;

#[derive(Clone, Debug)]
pub struct Sealed {
    pub bytes: Vec<u8>,
    pub digest: Digest,
}

pub fn seal(name: &str, content: &[u8]) -> Sealed {
    let body = 1 + name.len() + DIGEST_BYTES + content.len();
    let mut bytes = HEADER.to_vec();
    bytes.extend((body as u32).to_be_bytes());
    bytes.push(name.len() as u8);
    bytes.extend(name.bytes());
    bytes.extend(Digest::of(content).as_bytes());
    bytes.extend(content);
    let digest = Digest::of(&bytes);
    Sealed { bytes, digest }
}

/// Name and content.
pub fn open(sealed: &[u8]) -> Result<(&str, &[u8]), OpenError> {
    if sealed.is_empty() || !HEADER.starts_with(&sealed[..sealed.len().min(2)]) {
        return Err(OpenError::NotOpenPgp);
    }
    let (header, body) = sealed.split_at_checked(HEADER_BYTES).ok_or(OpenError::Truncated)?;
    let length = u32::from_be_bytes([header[2], header[3], header[4], header[5]]) as usize;
    if body.len() != length {
        return Err(OpenError::Truncated);
    }
    let (name_bytes, rest) = body.split_first().ok_or(OpenError::Tampered)?;
    let (name, rest) = rest.split_at_checked(usize::from(*name_bytes)).ok_or(OpenError::Tampered)?;
    let (digest, content) = rest.split_at_checked(DIGEST_BYTES).ok_or(OpenError::Tampered)?;
    if Digest::of(content).as_bytes()[..] != *digest {
        return Err(OpenError::Tampered);
    }
    Ok((std::str::from_utf8(name).map_err(|_| OpenError::Tampered)?, content))
}

pub struct Keyless;

impl Opener for Keyless {
    fn open(
        &self,
        sealed: &mut (dyn Read + Send + Sync),
        into: &mut (dyn Write + Send),
        request: &OpenRequest<'_>,
    ) -> Result<Verdict, OpenError> {
        let mut bytes = Vec::new();
        sealed.read_to_end(&mut bytes).map_err(OpenError::Read)?;
        let (name, content) = open(&bytes)?;
        into.write_all(content).map_err(OpenError::Write)?;
        let (signer, partner) = match request.signers {
            Signers::Partners(partners) => (Some("A".repeat(40)), partners.first().cloned()),
            Signers::Own => (Some("B".repeat(40)), None),
        };
        Ok(Verdict {
            signer: signer.map(|digits| digits.parse::<Fingerprint>().unwrap()),
            partner,
            content: Digest::of(content),
            bytes: content.len() as u64,
            sealed: Digest::of(&bytes),
            file_name: Some(name.to_owned()),
            signed_at: Some(request.at),
            exceptions: Vec::new(),
        })
    }
}

impl Sealer for Keyless {
    fn seal(
        &self,
        content: &mut dyn Read,
        into: &mut (dyn Write + Send + Sync),
        request: &SealRequest<'_>,
    ) -> Result<SealedFacts, SealError> {
        let mut plain = Vec::new();
        content.read_to_end(&mut plain).map_err(SealError::Read)?;
        let Sealed { bytes, digest } = seal(request.file_name, &plain);
        into.write_all(&bytes).map_err(SealError::Write)?;
        Ok(SealedFacts {
            content: Digest::of(&plain),
            content_bytes: plain.len() as u64,
            sealed: digest,
            sealed_bytes: bytes.len() as u64,
        })
    }
}
