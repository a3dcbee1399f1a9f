//! Exceptions in the policy: an old algorithm that one partner may still use, for a time.
//!
//! In:  the exceptions that hold at receipt, and what a message turned out to be. Out: which of them it needed.
//! Holds: whose an exception is shows only after decryption, so what any partner of the source may use opens the message,
//! and then it is judged again by what its signer's partner alone may use. Integrity protection is never waived.

use jiff::Timestamp;
use sequoia_openpgp::cert::amalgamation::ValidateAmalgamation;
use sequoia_openpgp::packet::Signature;
use sequoia_openpgp::policy::{AsymmetricAlgorithm, HashAlgoSecurity, Policy, StandardPolicy};
use sequoia_openpgp::types::{HashAlgorithm, PublicKeyAlgorithm, SymmetricAlgorithm};

use crate::domain::key_rules::{Exception, KeyRules};
use crate::domain::{LegacyAlgorithm, PartnerName, Waiver};

use super::ring::KeyRing;
use super::standing::{self, UsableKey, system_time};
use super::{OpenError, OpenRequest, Signers, layers};

/// Shorter keys are broken in hours; no exception covers them.
const LEGACY_KEY_BITS_MIN: usize = 1024;

/// The policy as of this time, with these algorithms allowed besides.
pub(super) fn allowing<'p>(at: Timestamp, allow: impl IntoIterator<Item = LegacyAlgorithm>) -> StandardPolicy<'p> {
    let mut policy = StandardPolicy::at(system_time(at));
    for algorithm in allow {
        #[allow(deprecated)]
        match algorithm {
            LegacyAlgorithm::Sha1 => policy.accept_hash(HashAlgorithm::SHA1),
            LegacyAlgorithm::TripleDes => policy.accept_symmetric_algo(SymmetricAlgorithm::TripleDES),
            LegacyAlgorithm::Cast5 => policy.accept_symmetric_algo(SymmetricAlgorithm::CAST5),
            LegacyAlgorithm::Idea => policy.accept_symmetric_algo(SymmetricAlgorithm::IDEA),
            LegacyAlgorithm::Rsa1024 => policy.accept_asymmetric_algo(AsymmetricAlgorithm::RSA1024),
            LegacyAlgorithm::Dsa1024 => policy.accept_asymmetric_algo(AsymmetricAlgorithm::DSA1024),
        }
    }
    policy
}

impl KeyRing {
    /// Whether the cryptographic library of this machine has the algorithm at all.
    pub fn has(&self, algorithm: LegacyAlgorithm) -> bool {
        #[allow(deprecated)]
        match algorithm {
            LegacyAlgorithm::Sha1 => HashAlgorithm::SHA1.is_supported(),
            LegacyAlgorithm::TripleDes => SymmetricAlgorithm::TripleDES.is_supported(),
            LegacyAlgorithm::Cast5 => SymmetricAlgorithm::CAST5.is_supported(),
            LegacyAlgorithm::Idea => SymmetricAlgorithm::IDEA.is_supported(),
            LegacyAlgorithm::Rsa1024 => PublicKeyAlgorithm::RSAEncryptSign.is_supported(),
            LegacyAlgorithm::Dsa1024 => PublicKeyAlgorithm::DSA.is_supported(),
        }
    }
}

/// What the partners who may have signed are excepted for, as of receipt.
pub(super) struct Leniency<'r> {
    excepted: Vec<&'r Exception>,
    at: Timestamp,
}

impl<'r> Leniency<'r> {
    pub(super) fn of(rules: &'r KeyRules, request: &OpenRequest<'_>) -> Leniency<'r> {
        let partners = match request.signers {
            // What is let through without a good signature is nobody's, so nobody's exceptions cover it.
            Signers::Partners(_) if request.waived.is_some_and(Waiver::is_about_the_signature) => &[],
            Signers::Partners(partners) => partners,
            Signers::Own => &[],
        };
        let excepted = partners.iter().flat_map(|partner| rules.excepted(partner, request.at)).collect();
        Leniency { excepted, at: request.at }
    }

    /// Nobody is excepted for anything.
    pub(super) fn is_none(&self) -> bool {
        self.excepted.is_empty()
    }

    /// Whether this cipher is accepted by an exception only.
    pub(super) fn is_needed_for(&self, cipher: SymmetricAlgorithm) -> bool {
        !self.is_none() && allowing(self.at, []).symmetric_algorithm(cipher).is_err()
    }

    /// The policy under which it may turn out who has signed.
    pub(super) fn policy<'p>(&self) -> StandardPolicy<'p> {
        allowing(self.at, self.excepted.iter().map(|one| one.allow))
    }

    /// The exceptions that a message of this partner needed, by the entries that granted them.
    pub(super) fn used(
        &self,
        partner: &PartnerName,
        signature: &Signature,
        key: &UsableKey<'_>,
        symmetric: Option<SymmetricAlgorithm>,
    ) -> Result<Vec<u64>, OpenError> {
        let theirs = || self.excepted.iter().filter(|one| one.partner == *partner);
        let will_do = |allow: &mut dyn Iterator<Item = LegacyAlgorithm>| {
            let policy = allowing(self.at, allow);
            symmetric.is_none_or(|algorithm| policy.symmetric_algorithm(algorithm).is_ok())
                && will_do(&policy, signature, key, self.at)
        };
        if !will_do(&mut theirs().map(|one| one.allow)) || !is_long_enough(key) {
            return Err(OpenError::LegacyAlgorithm);
        }
        let needed =
            |one: &&&Exception| !will_do(&mut theirs().map(|other| other.allow).filter(|allow| *allow != one.allow));
        Ok(theirs().filter(needed).map(|one| one.entry).collect())
    }
}

/// Whether signature, signing key and certificate pass this policy, as of receipt and as of the signature.
fn will_do(policy: &dyn Policy, signature: &Signature, key: &UsableKey<'_>, at: Timestamp) -> bool {
    let moments = [Some(layers::moment(signature, at)), signature.signature_creation_time()];
    policy.signature(signature, HashAlgoSecurity::CollisionResistance).is_ok()
        && standing::valid(key.cert(), policy, layers::moment(signature, at)).is_ok()
        && moments.into_iter().flatten().all(|moment| {
            let then = key.clone().with_policy(policy, moment);
            then.is_ok_and(|key| key.for_signing())
        })
}

fn is_long_enough(key: &UsableKey<'_>) -> bool {
    #[allow(deprecated)]
    let by_length = |algorithm| {
        matches!(algorithm, PublicKeyAlgorithm::RSAEncryptSign | PublicKeyAlgorithm::RSASign | PublicKeyAlgorithm::DSA)
    };
    let signing = (key.key().pk_algo(), key.key().mpis().bits());
    let primary = key.cert().primary_key();
    let primary = (primary.key().pk_algo(), primary.key().mpis().bits());
    [signing, primary]
        .into_iter()
        .all(|(algorithm, bits)| !by_length(algorithm) || bits.is_some_and(|bits| bits >= LEGACY_KEY_BITS_MIN))
}
