//! The keys of a new set-up, made and trusted as orders, so that its ledger begins with them.

use std::path::Path;

use super::init::{KeyFault, KeyMaking, OwnCertificate};
use super::order::{Terms, carry_out};
use crate::domain::PartnerName;
use crate::domain::timetable::Timetables;
use crate::effects::pgp::{KeyRing, trust};
use crate::operator::{Order, OwnKeyAlgorithm};

/// Makes keys through the ledger.
pub struct RecordedKeys;

impl KeyMaking for RecordedKeys {
    fn generate(&self, state: &Path, user_id: &str) -> Result<OwnCertificate, KeyFault> {
        let order = Order::GenerateKey { algorithm: OwnKeyAlgorithm::Rsa3072, user_id: user_id.to_owned() };
        let done = carry_out(state, terms(state), &order)?;
        let fingerprint = done.fingerprint.ok_or("the key that was made has no fingerprint")?;
        Ok(OwnCertificate { fingerprint, armoured: KeyRing::at(state).export_own()? })
    }

    fn trust(&self, state: &Path, partner: &PartnerName, certificate: &[u8]) -> Result<(), KeyFault> {
        let fingerprint = trust::fingerprint_of(certificate)?;
        let order = Order::Trust { partner: partner.clone(), certificate: certificate.to_vec(), fingerprint };
        carry_out(state, terms(state), &order)?;
        Ok(())
    }
}

fn terms(state: &Path) -> Terms {
    Terms { keys: KeyRing::at(state), policy: None, timetables: Timetables::default() }
}
