//! The make-believe DWP: keys of its own, and what it does with them.

use std::path::Path;
use std::time::Duration;

use super::could_not;
use crate::cli::output::CliError;
use crate::domain::{Digest, PartnerName};
use crate::effects::clock::{Clock, MachineClock};
use crate::effects::pgp::{KeyAlgorithm, KeyRing, OpenRequest, Opener, SealRequest, Sealer, Signers};

const DAY: Duration = Duration::from_secs(24 * 3600);

pub(super) struct Dwp {
    keys: KeyRing,
    council: PartnerName,
}

impl Dwp {
    pub(super) fn new(folder: &Path) -> Result<Dwp, CliError> {
        let keys = KeyRing::at(folder);
        keys.generate("Make-believe DWP (demonstration)", KeyAlgorithm::Rsa3072, MachineClock.now(), 7 * DAY)
            .map_err(|error| could_not("make DWP's keys", &error))?;
        let council = "council".parse().map_err(|error| could_not("name the council", &error))?;
        Ok(Dwp { keys, council })
    }

    pub(super) fn certificate(&self) -> Result<Vec<u8>, CliError> {
        self.keys.export_own().map_err(|error| could_not("export DWP's certificate", &error))
    }

    pub(super) fn trusts(&self, certificate: &[u8]) -> Result<(), CliError> {
        let trusted = self.keys.trust(&self.council, certificate, None, MachineClock.now());
        trusted.map(drop).map_err(|error| could_not("give DWP the council's certificate", &error))
    }

    pub(super) fn seals(&self, content: &[u8], file_name: &str) -> Result<Vec<u8>, CliError> {
        let mut sealed = Vec::new();
        let to = [self.council.clone()];
        let request = SealRequest { to: &to, file_name, at: MachineClock.now(), armour: false };
        let facts = self.keys.seal(&mut &content[..], &mut sealed, &request);
        facts.map_err(|error| could_not("seal a file as DWP", &error))?;
        Ok(sealed)
    }

    /// The content's digest, if the file opens and is signed by the council.
    pub(super) fn opens(&self, sealed: &[u8]) -> Option<Digest> {
        let council = [self.council.clone()];
        let signers = Signers::Partners(&council);
        let request = OpenRequest { at: MachineClock.now(), signers, plaintext_bytes_max: 1 << 20, waived: None };
        let verdict = self.keys.open(&mut &sealed[..], &mut std::io::sink(), &request).ok()?;
        Some(verdict.content)
    }
}
