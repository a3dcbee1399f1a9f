//! The keys of a new set-up, made and trusted as orders, so that its ledger begins with them.

use std::path::Path;

use super::init::{KeyFault, KeyMaking, OwnCertificate};
use super::order::{Terms, carry_out};
use crate::config::settings::SecretReference;
use crate::domain::PartnerName;
use crate::domain::checkpoint::Vkey;
use crate::domain::timetable::Timetables;
use crate::effects::ledger_key::{KEY_FILE, LedgerKey};
use crate::effects::pgp::{KeyRing, trust};
use crate::operator::{KeyOrder, Order, OwnKeyAlgorithm};

/// Makes keys through the ledger.
pub struct RecordedKeys;

impl KeyMaking for RecordedKeys {
    fn generate(&self, state: &Path, user_id: &str) -> Result<OwnCertificate, KeyFault> {
        // A run before this one may have been ended after it had made the key.
        if let Ok(armoured) = KeyRing::at(state).export_own() {
            return Ok(OwnCertificate { fingerprint: trust::fingerprint_of(&armoured)?, armoured });
        }
        let order =
            Order::Keys(KeyOrder::Generate { algorithm: OwnKeyAlgorithm::Rsa3072, user_id: user_id.to_owned() });
        let done = carry_out(state, terms(state), &order)?;
        let fingerprint = done.fingerprint.ok_or("the key that was made has no fingerprint")?;
        Ok(OwnCertificate { fingerprint, armoured: KeyRing::at(state).export_own()? })
    }

    fn ledger(&self, state: &Path, name: &str) -> Result<Vkey, KeyFault> {
        LedgerKey::make(state, name)?;
        let secret = SecretReference::File(state.join(KEY_FILE)).read()?;
        Ok(LedgerKey::open(state, name, &secret)?.vkey().clone())
    }

    fn trust(&self, state: &Path, partner: &PartnerName, certificate: &[u8]) -> Result<(), KeyFault> {
        let fingerprint = trust::fingerprint_of(certificate)?;
        let (partner, certificate) = (partner.clone(), Some(certificate.to_vec()));
        let order = Order::Keys(KeyOrder::Trust { partner, certificate, fingerprint, from: None });
        carry_out(state, terms(state), &order)?;
        Ok(())
    }
}

fn terms(state: &Path) -> Terms<'static> {
    Terms { keys: KeyRing::at(state), timetables: Timetables::default(), settings: None }
}
