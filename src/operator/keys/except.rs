//! Exceptions: an old algorithm that one partner may still use, for a time, because two people decided so.
//!
//! In:  which partner, which algorithm, until when, why. Out: a proposal, or the exception; its end.
//! Holds: at most twelve months; one at a time of each algorithm; the last day is decided now, not later.

use jiff::{SignedDuration, Timestamp};

use super::{Operator, Refused, with_reason};
use crate::domain::key_rules::{EXCEPTION_DAYS_MAX, PROPOSAL_HOURS_MAX};
use crate::domain::reason::SIGNATURE_DAYS_MAX;
use crate::domain::{Actor, KeyStep, LegacyAlgorithm, PartnerName};
use crate::effects::clock::london;
use crate::operator::Done;

impl Operator {
    pub(super) fn except(
        &self,
        actor: &Actor,
        partner: &PartnerName,
        allow: LegacyAlgorithm,
        (from, until): (Option<Timestamp>, Timestamp),
        reason: &str,
    ) -> Result<Done, Refused> {
        let reason = with_reason(reason)?;
        let person = self.person(actor)?;
        let now = self.clock.now();
        let begins = from.unwrap_or_else(|| beginning_of_day(now));
        self.can_be_excepted(partner, allow, (begins, until), now)?;
        let same = |step: &KeyStep| {
            matches!(step, KeyStep::ExceptionProposed { partner: to, allow: what, from: begun, until: ends }
                if to == partner && *what == allow && *ends == until && from.is_none_or(|from| from == *begun))
        };
        let (partner_name, word) = (partner.clone(), allow.word());
        let proposal = match person {
            None => None,
            Some(person) => {
                let waiting = self.waiting(same)?;
                match Self::by_another(waiting.clone(), person) {
                    Some(proposal) => Some(proposal),
                    None => {
                        self.may_propose(&waiting)?;
                        let partner = partner_name;
                        let step = KeyStep::ExceptionProposed { partner, allow, from: begins, until };
                        self.decide_about_keys(actor, step, None, Some(reason))?;
                        let says = format!(
                            "Proposed. Another keymaster must order the same within {PROPOSAL_HOURS_MAX} hours for \
                             {word} to be accepted from this partner."
                        );
                        return Ok(Done::saying(says));
                    }
                }
            }
        };
        let from = match proposal.as_ref().map(|proposal| &proposal.step) {
            Some(KeyStep::ExceptionProposed { from, .. }) => *from,
            _ => begins,
        };
        let proposal = proposal.map(|proposal| proposal.entry);
        let step = KeyStep::ExceptionGranted { partner: partner_name, allow, from, until, proposal };
        self.decide_about_keys(actor, step, None, Some(reason))?;
        let says = format!(
            "What comes from {partner} from {from} until {until} may use {word}. Each use is recorded; what is held for it \
             can be tried again with `hbcourier held retry`."
        );
        Ok(Done::saying(says))
    }

    pub(super) fn end_exception(
        &self,
        actor: &Actor,
        partner: &PartnerName,
        allow: LegacyAlgorithm,
        reason: &str,
    ) -> Result<Done, Refused> {
        let reason = with_reason(reason)?;
        let (now, rules) = (self.clock.now(), self.keys.rules());
        let open =
            rules.exceptions().iter().find(|one| one.partner == *partner && one.allow == allow && now < one.until);
        let Some(exception) = open else {
            return Err(Refused::Unfit(format!(
                "{partner} has no exception for {allow} that could be ended; `hbcourier keys check` lists them"
            )));
        };
        let step = KeyStep::ExceptionEnded { exception: exception.entry, from: now };
        self.decide_about_keys(actor, step, None, Some(reason))?;
        let says = format!("What comes from {partner} from now on may not use {allow}.");
        Ok(Done::saying(says))
    }

    fn can_be_excepted(
        &self,
        partner: &PartnerName,
        allow: LegacyAlgorithm,
        (from, until): (Timestamp, Timestamp),
        now: Timestamp,
    ) -> Result<(), Refused> {
        let unfit = |says: String| Err(Refused::Unfit(says));
        let days = |days: i64| SignedDuration::from_hours(24 * days);
        if !self.keys.has(allow) {
            return unfit(format!(
                "the OpenSSL of this machine cannot do {allow}, so an exception would change nothing"
            ));
        }
        if until <= now || until <= from {
            return unfit("the exception would be over before it begins; name a later `--until`".to_owned());
        }
        if until > now + days(EXCEPTION_DAYS_MAX) {
            return unfit("an exception lasts at most twelve months; name an earlier `--until`".to_owned());
        }
        if from < now - days(SIGNATURE_DAYS_MAX) {
            return unfit(format!(
                "an exception reaches back at most {SIGNATURE_DAYS_MAX} days; name a later `--from`"
            ));
        }
        let rules = self.keys.rules();
        let there = rules.exceptions().iter().find(|one| {
            one.partner == *partner && one.allow == allow && one.from < until && from < one.until && now < one.until
        });
        match there {
            None => Ok(()),
            Some(there) => unfit(format!(
                "{partner} has an exception for {allow} until {} already (ledger entry {}); end that one first: \
                 `hbcourier keys except`, with `--end`",
                there.until, there.entry
            )),
        }
    }
}

/// The first moment of this day in London: what came today is meant as well.
fn beginning_of_day(now: Timestamp) -> Timestamp {
    now.to_zoned(london()).start_of_day().map_or(now, |midnight| midnight.timestamp())
}
