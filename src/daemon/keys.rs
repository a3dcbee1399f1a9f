//! The key ring of the settings.
//!
//! In:  checked settings, the store. Out: a [`KeyRing`] that judges as people decided.

use crate::config::Settings;
use crate::config::secret::SecretFault;
use crate::domain::causes::with_causes;
use crate::effects::pgp::{KeyRing, Unhad};
use crate::operator::key_rules;
use crate::store::{Queries, QueryError};

/// The key ring of the settings: certificates below the state directory, restricted where partners are.
pub fn key_ring(settings: &Settings) -> KeyRing {
    let mut keys = KeyRing::at(&settings.service.state);
    for partner in settings.partners.iter().filter(|partner| !partner.fingerprints.is_empty()) {
        keys.restrict(&partner.name, &partner.fingerprints);
    }
    let in_words = |fault: SecretFault| {
        let only_the_service = matches!(fault, SecretFault::NoCredentials { .. });
        Unhad { says: with_causes(&fault), only_the_service }
    };
    if let Some(passphrase) = &settings.keys.passphrase {
        keys.unlock_with(passphrase.read().map_err(in_words));
    }
    keys.passed_in(settings.keys.secrets.iter().map(|secret| secret.path().map_err(in_words)));
    keys
}

/// The key ring of the settings, judging by what people decided about keys.
pub fn key_ring_by(settings: &Settings, queries: &dyn Queries) -> Result<KeyRing, QueryError> {
    let keys = key_ring(settings);
    keys.judge_by(key_rules(queries)?);
    Ok(keys)
}
