//! The way in as a Stateless OpenPGP command, so that tools for any implementation can put questions to it.
//!
//!     cargo run --example sop -- decrypt --verify-with CERTS --verifications-out FILE KEYS < MESSAGE
//!     cargo run --example sop -- inline-verify --verifications-out FILE CERTS < MESSAGE
//!     cargo run --example sop -- verify SIGNATURE CERTS < CONTENT
//!
//! Judges by the product's own [`KeyRing`], as of now. Stricter than the command's description in one thing: nothing is
//! let through without a good signature, so `decrypt` needs `--verify-with` and ends with 3 where there is none. What is
//! signed only is put into an encryption first, because the product opens nothing else.
// draft-dkg-openpgp-stateless-cli

// Those rules are the product's.
#![allow(clippy::disallowed_methods)]

#[path = "../it/support/container.rs"]
mod container;

use std::io::{Cursor, Read, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;
use std::{env, fs, io};

use hbcourier::domain::PartnerName;
use hbcourier::effects::pgp::trust::fingerprint_of;
use hbcourier::effects::pgp::{
    KeyAlgorithm, KeyRing, OpenError, OpenRequest, Opener, SecretKeyBytes, Signers, Verdict,
};
use jiff::Timestamp;
use sequoia_openpgp::cert::CertParser;
use sequoia_openpgp::packet::Literal;
use sequoia_openpgp::packet::one_pass_sig::OnePassSig3;
use sequoia_openpgp::parse::Parse;
use sequoia_openpgp::serialize::SerializeInto;
use sequoia_openpgp::types::DataFormat;
use sequoia_openpgp::{Cert, Packet, PacketPile};
use tempfile::TempDir;

use container::Container;

const BYTES_MAX: u64 = 1 << 30;

/// Why a command ends otherwise than well: its exit status, and words for people.
// draft-dkg-openpgp-stateless-cli §7
struct Ends(u8, String);

const NO_SIGNATURE: u8 = 3;
const MISSING_ARG: u8 = 19;
const CANNOT_DECRYPT: u8 = 29;
const UNSUPPORTED_OPTION: u8 = 37;
const BAD_DATA: u8 = 41;
const MISSING_INPUT: u8 = 61;
const UNSUPPORTED_SUBCOMMAND: u8 = 69;

fn main() -> ExitCode {
    match run(&env::args().skip(1).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Ends(status, says)) => {
            eprintln!("sop: {says}");
            ExitCode::from(status)
        }
    }
}

fn run(args: &[String]) -> Result<(), Ends> {
    let missing = || Ends(MISSING_ARG, "see the head of tests/sop/main.rs".to_owned());
    let (verb, rest) = args.split_first().ok_or_else(missing)?;
    let Given { verify_with, verifications_out, files } = given(rest)?;
    match verb.as_str() {
        "version" => {
            println!("hbcourier-sop {}", env!("CARGO_PKG_VERSION"));
            Ok(())
        }
        "decrypt" => {
            let ring = Ring::with(files.iter().map(String::as_str), verify_with.iter().map(String::as_str))?;
            ring.lets_through(&input()?, verifications_out.as_deref())
        }
        "inline-verify" => {
            let ring = Ring::with([], files.iter().map(String::as_str))?;
            ring.lets_through(&ring.encrypted(&binary(&input()?)?)?, verifications_out.as_deref())
        }
        "verify" => {
            let (signature, certificates) = files.split_first().ok_or_else(missing)?;
            let ring = Ring::with([], certificates.iter().map(String::as_str))?;
            let message = signed(&read(signature)?, input()?)?;
            ring.judged(&ring.encrypted(&message)?).map(|(verdict, _)| println!("{}", line(&verdict)))
        }
        other => Err(Ends(UNSUPPORTED_SUBCOMMAND, format!("{other} is not supported"))),
    }
}

/// What stands on the command line behind the verb.
#[derive(Default)]
struct Given {
    verify_with: Vec<String>,
    verifications_out: Option<String>,
    files: Vec<String>,
}

fn given(args: &[String]) -> Result<Given, Ends> {
    let mut given = Given::default();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let (option, value) = match arg.split_once('=') {
            Some((option, value)) if arg.starts_with("--") => (option, Some(value.to_owned())),
            _ => (arg.as_str(), None),
        };
        let mut value = || value.clone().or_else(|| args.next().cloned()).ok_or(Ends(MISSING_ARG, option.to_owned()));
        match option {
            "--verify-with" => given.verify_with.push(value()?),
            "--verifications-out" => given.verifications_out = Some(value()?),
            option if option.starts_with("--") => return Err(Ends(UNSUPPORTED_OPTION, option.to_owned())),
            file => given.files.push(file.to_owned()),
        }
    }
    Ok(given)
}

fn read(file: &str) -> Result<Vec<u8>, Ends> {
    fs::read(file).map_err(|error| Ends(MISSING_INPUT, format!("{file}: {error}")))
}

fn input() -> Result<Vec<u8>, Ends> {
    let mut bytes = Vec::new();
    io::stdin().take(BYTES_MAX).read_to_end(&mut bytes).map_err(|error| Ends(MISSING_INPUT, error.to_string()))?;
    Ok(bytes)
}

fn bad(error: impl std::fmt::Display) -> Ends {
    Ends(BAD_DATA, error.to_string())
}

/// Packets, out of their armour if they have one.
fn binary(bytes: &[u8]) -> Result<Vec<u8>, Ends> {
    PacketPile::from_bytes(bytes).and_then(|pile| pile.to_vec()).map_err(bad)
}

/// A message out of a signature and what it is about.
fn signed(signature: &[u8], content: Vec<u8>) -> Result<Vec<u8>, Ends> {
    let pile = PacketPile::from_bytes(signature).map_err(bad)?;
    let Some((Packet::Signature(signature), 1)) = pile.path_ref(&[0]).map(|one| (one.clone(), pile.children().count()))
    else {
        return Err(bad("one signature is wanted"));
    };
    let mut literal = Literal::new(DataFormat::Binary);
    literal.set_body(content);
    let announced = OnePassSig3::try_from(&signature).map_err(bad)?;
    let packets = [Packet::from(announced), Packet::from(literal), Packet::from(signature)];
    PacketPile::from(packets.to_vec()).to_vec().map_err(bad)
}

/// The product's key ring, with these keys and trusted certificates.
struct Ring {
    _state: TempDir,
    ring: KeyRing,
    signers: [PartnerName; 1],
    at: Timestamp,
}

impl Ring {
    fn with<'a>(
        keys: impl IntoIterator<Item = &'a str>,
        certificates: impl IntoIterator<Item = &'a str>,
    ) -> Result<Ring, Ends> {
        let state = TempDir::new().map_err(bad)?;
        let (ring, at) = (KeyRing::at(state.path()), Timestamp::now());
        let mut own = 0;
        for key in keys {
            for cert in CertParser::from_bytes(&read(key)?).map_err(bad)? {
                let key = cert.and_then(|cert| cert.as_tsk().to_vec()).map_err(bad)?;
                ring.import_own(&SecretKeyBytes::from(key), at).map_err(bad)?;
                own += 1;
            }
        }
        if own == 0 {
            ring.generate("sop", KeyAlgorithm::Curve25519, at, Duration::from_secs(24 * 3600)).map_err(bad)?;
        }
        let signer: PartnerName = "signer".parse().map_err(bad)?;
        for certificate in certificates {
            for cert in CertParser::from_bytes(&read(certificate)?).map_err(bad)? {
                let bytes = cert.and_then(|cert| cert.to_vec()).map_err(bad)?;
                let fingerprint = fingerprint_of(&bytes).map_err(bad)?;
                ring.trust(&signer, &bytes, Some(&fingerprint), at).map_err(bad)?;
            }
        }
        Ok(Ring { _state: state, ring, signers: [signer], at })
    }

    fn encrypted(&self, packets: &[u8]) -> Result<Vec<u8>, Ends> {
        let own = Cert::from_bytes(&self.ring.export_own().map_err(bad)?).map_err(bad)?;
        container::encrypted_to(&own, Container::V2, packets).map_err(bad)
    }

    fn judged(&self, sealed: &[u8]) -> Result<(Verdict, Vec<u8>), Ends> {
        let signers = Signers::Partners(&self.signers);
        let request = OpenRequest { at: self.at, signers, plaintext_bytes_max: BYTES_MAX, waived: None };
        let mut content = Vec::new();
        match self.ring.open(&mut Cursor::new(sealed), &mut content, &request) {
            Ok(verdict) => Ok((verdict, content)),
            Err(error) => Err(Ends(status(&error), error.to_string())),
        }
    }

    /// The content on the standard output, if somebody vouched for all of it.
    fn lets_through(&self, sealed: &[u8], verifications_out: Option<&str>) -> Result<(), Ends> {
        let (verdict, content) = self.judged(sealed)?;
        if let Some(file) = verifications_out {
            fs::write(Path::new(file), line(&verdict) + "\n").map_err(bad)?;
        }
        io::stdout().write_all(&content).map_err(bad)
    }
}

/// A verification: when it was signed, and by whom.
fn line(verdict: &Verdict) -> String {
    let signer = verdict.signer.as_ref().map(ToString::to_string).unwrap_or_default();
    let at = verdict.signed_at.map(|at| at.to_string()).unwrap_or_default();
    format!("{at} {signer} {signer} mode:binary")
}

fn status(error: &OpenError) -> u8 {
    match error {
        OpenError::NoKey | OpenError::PassphraseOnly => CANNOT_DECRYPT,
        OpenError::Unsigned
        | OpenError::Stranger
        | OpenError::BadSignature
        | OpenError::SignerRevoked { .. }
        | OpenError::SignerRetired { .. }
        | OpenError::SignerExpired { .. }
        | OpenError::LegacyAlgorithm
        | OpenError::SignatureTooOld { .. }
        | OpenError::SignatureAhead { .. } => NO_SIGNATURE,
        _ => BAD_DATA,
    }
}
