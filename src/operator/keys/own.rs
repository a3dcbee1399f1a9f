//! Keys of our own: made, or taken in from elsewhere.
//!
//! In:  what kind of key, or the secret key itself. Out: the key in its place, an entry, the certificate to give away.
//! Holds: the entry comes first, so that no key counts of which the ledger does not tell; it knows fingerprints alone.

use std::time::Duration;

use super::{Operator, OwnKeyAlgorithm, Refused};
use crate::domain::Actor;
use crate::domain::causes::with_causes;
use crate::domain::ledger::{Event, Facts};
use crate::effects::pgp::{KeyAlgorithm, SecretKeyBytes, UnkeptKey};
use crate::operator::Done;
use crate::store::StateChange;

/// How long a key of our own is good for: two years, so that one rotation a year overlaps.
const OWN_KEY_VALID: Duration = Duration::from_secs(2 * 365 * 24 * 3600);

impl Operator {
    pub(super) fn generate(&self, actor: &Actor, algorithm: OwnKeyAlgorithm, user_id: &str) -> Result<Done, Refused> {
        let kind = match algorithm {
            OwnKeyAlgorithm::Rsa3072 => KeyAlgorithm::Rsa3072,
            OwnKeyAlgorithm::Curve25519 => KeyAlgorithm::Curve25519,
        };
        let own = self.keys.make(user_id, kind, self.clock.now(), OWN_KEY_VALID);
        let own = own.map_err(|error| Refused::Unfit(with_causes(&error)))?;
        let public = self.takes_in(actor, Event::KeyGenerated, &own)?;
        let says = format!(
            "Own key {} was made. Give {public} to your partners; it holds no secret. Until the older key ends, that one signs.",
            own.facts.fingerprint,
        );
        Ok(Done { fingerprint: Some(own.facts.fingerprint), ..Done::saying(says) })
    }

    pub(super) fn import_own(&self, actor: &Actor, key: &SecretKeyBytes) -> Result<Done, Refused> {
        let own = self.keys.read_own(key, self.clock.now());
        let own = own.map_err(|error| Refused::Unfit(with_causes(&error)))?;
        let public = self.takes_in(actor, Event::KeyImported, &own)?;
        let fingerprint = own.facts.fingerprint;
        let more = own.facts.problem.map_or_else(String::new, |problem| {
            format!(" It opens what is sealed to it; otherwise it cannot be used: {problem}.")
        });
        let says = format!(
            "Own key {fingerprint} was taken in.{more} Delete the file it came from, and its copies. {public} is what \
             partners may have."
        );
        Ok(Done { fingerprint: Some(fingerprint), ..Done::saying(says) })
    }

    /// Records the key, keeps it, and writes what is given away. Returns where that is.
    fn takes_in(&self, actor: &Actor, event: Event, key: &UnkeptKey) -> Result<String, Refused> {
        let own = &key.facts.fingerprint;
        let facts = Facts { fingerprint: Some(own.clone()), ..Facts::default() };
        self.record(actor, event, facts, StateChange::None)?;
        self.keys.keep(key).map_err(|error| {
            Refused::Unfinished(format!("own key {own} is recorded, but does not count: {}", with_causes(&error)))
        })?;
        let public = self.keys.publish_own().map_err(|error| {
            Refused::Unfinished(format!(
                "own key {own} is there, but its certificate could not be written for giving away: {}",
                with_causes(&error)
            ))
        })?;
        Ok(public.display().to_string())
    }
}
