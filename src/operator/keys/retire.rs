//! Retiring a certificate: a partner's verifies nothing more and is sealed to no more; one of our own signs nothing more
//! and is given out no more, and still opens.
//!
//! In:  which, from when on, and since when somebody else may have had the key. Out: an entry; the list of what was accepted.
//! Holds: a compromise reaches back to when it may have begun; what was accepted since is named, not undone.

use jiff::Timestamp;

use super::{KeysDone, Operator, Refused, accepted_since, with_reason};
use crate::domain::{Actor, Fingerprint, KeyStep, PartnerName};
use crate::operator::Done;

impl Operator {
    pub(super) fn retire(
        &self,
        actor: &Actor,
        partner: Option<&PartnerName>,
        fingerprint: &Fingerprint,
        (from, compromised_since): (Option<Timestamp>, Option<Timestamp>),
        reason: &str,
    ) -> Result<Done, Refused> {
        let reason = with_reason(reason)?;
        let now = self.clock.now();
        let from = from.unwrap_or(now);
        self.can_be_retired(partner, fingerprint, (from, compromised_since), now)?;
        let step =
            KeyStep::Retired { partner: partner.cloned(), fingerprint: fingerprint.clone(), from, compromised_since };
        self.decide_about_keys(actor, step, None, Some(reason))?;
        let Some(partner) = partner else {
            let public = self.keys.publish_own().map_err(|error| {
                let told = crate::domain::causes::with_causes(&error);
                Refused::Unfinished(format!(
                    "own key {fingerprint} is retired, but what is given away still names it: {told}"
                ))
            })?;
            let says = format!(
                "Own key {fingerprint} signs nothing from {from} on; it still opens what is sealed to it. Give {} to \
                 your partners.",
                public.display()
            );
            return Ok(Done { fingerprint: Some(fingerprint.clone()), ..Done::saying(says) });
        };
        let others = self.keys.list(from).partners.into_iter().filter(|(name, facts)| {
            name == partner && facts.fingerprint != *fingerprint && (facts.can_sign || facts.can_encrypt)
        });
        let left = match others.count() {
            0 => format!(" No other certificate of {partner} counts then: nothing goes through until one is trusted."),
            _ => String::new(),
        };
        let accepted = compromised_since.map(|since| accepted_since(&*self.queries, fingerprint, Some(since)));
        let accepted = accepted.transpose()?;
        let more = accepted.as_ref().map_or_else(String::new, super::Accepted::in_a_sentence);
        let since = compromised_since.map_or(from, |since| since.min(from));
        let says = format!("Certificate {fingerprint} of {partner} does not count from {since} on.{left}{more}");
        let keys = accepted.map(|accepted| Box::new(KeysDone { certificate: None, accepted: Some(accepted) }));
        Ok(Done { fingerprint: Some(fingerprint.clone()), keys, ..Done::saying(says) })
    }

    fn can_be_retired(
        &self,
        partner: Option<&PartnerName>,
        fingerprint: &Fingerprint,
        (from, compromised_since): (Timestamp, Option<Timestamp>),
        now: Timestamp,
    ) -> Result<(), Refused> {
        let unfit = |says: String| Err(Refused::Unfit(says));
        let keys = self.keys.list(from.max(now));
        let known = match partner {
            None => keys.own.iter().any(|own| own.fingerprint == *fingerprint),
            Some(partner) => {
                keys.partners.iter().any(|(name, facts)| name == partner && facts.fingerprint == *fingerprint)
            }
        };
        if !known {
            return unfit(format!("there is no such certificate {fingerprint}; `hbcourier keys list` shows them"));
        }
        if compromised_since.is_some_and(|since| since > now) {
            return unfit("`--compromised-since` lies in the future".to_owned());
        }
        let rules = self.keys.rules();
        let last = rules.last(partner, fingerprint);
        let until = compromised_since.map_or(from, |since| since.min(from));
        if let Some(earlier) = last.and_then(|term| term.until).filter(|earlier| *earlier <= until)
            && (compromised_since.is_none() || last.is_some_and(|term| term.compromised))
        {
            return unfit(format!("certificate {fingerprint} is retired from {earlier} on already"));
        }
        let another_signs =
            || keys.own.iter().any(|own| own.fingerprint != *fingerprint && own.can_sign && own.can_encrypt);
        if partner.is_none() && !another_signs() {
            return unfit(format!(
                "no other key of our own can sign then, so no return could leave; first make one with `hbcourier keys \
                 generate`, and give it to the partners before {fingerprint} is retired"
            ));
        }
        Ok(())
    }
}
