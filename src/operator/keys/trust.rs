//! Partners' certificates: what one would change, a proposal, and the trust itself.
//!
//! In:  the certificate's bytes, the fingerprint that was read over the telephone. Out: entries; the certificate pinned.
//! Holds: the same bytes are proposed and trusted; a certificate that was retired for a compromise never comes back.

use jiff::Timestamp;

use super::{Accepted, KeysDone, Operator, Refused, accepted_since};
use crate::domain::causes::with_causes;
use crate::domain::key_rules::{PROPOSAL_HOURS_MAX, Term};
use crate::domain::ledger::{Event, Facts};
use crate::domain::{Actor, Digest, Fingerprint, KeyStep, PartnerName};
use crate::effects::pgp::{CertificateReport, KeyChange};
use crate::operator::Done;
use crate::store::StateChange;

impl Operator {
    pub(super) fn import(
        &self,
        actor: &Actor,
        partner: &PartnerName,
        certificate: &[u8],
        from: Option<Timestamp>,
    ) -> Result<Done, Refused> {
        let person = self.person(actor)?;
        let report = self.examine(partner, certificate)?;
        let fingerprint = report.fingerprint.clone();
        let how = format!("hbcourier keys trust {partner} --fingerprint {fingerprint}");
        let Some(person) = person else {
            let says = format!(
                "Nothing was changed. If the fingerprint is the one that {partner} reads out, trust it: `hbcourier keys \
                 trust {partner} FILE --fingerprint {fingerprint}`."
            );
            return Ok(done(says, report, None));
        };
        self.is_trustworthy(partner, &report, from)?;
        let digest = report.digest;
        let same = |step: &KeyStep| matches!(step, KeyStep::Proposed { partner: to, certificate, .. } if to == partner && *certificate == digest);
        let alike = self.waiting(same)?;
        if alike.iter().any(|(_, by)| *by != person) {
            return Err(Refused::Unfit(format!("the same was proposed by somebody else; agree to it with `{how}`")));
        }
        self.may_propose(&alike)?;
        let step = KeyStep::Proposed { partner: partner.clone(), fingerprint, certificate: digest, from };
        self.decide_about_keys(actor, step, Some(certificate.to_vec()), None)?;
        let says = format!(
            "Proposed. Another keymaster must have {partner} read out the fingerprint, and agree within \
             {PROPOSAL_HOURS_MAX} hours: `{how}`."
        );
        Ok(done(says, report, None))
    }

    pub(super) fn trust(
        &self,
        actor: &Actor,
        partner: &PartnerName,
        certificate: Option<&[u8]>,
        fingerprint: &Fingerprint,
        from: Option<Timestamp>,
    ) -> Result<Done, Refused> {
        let agreed = match (self.person(actor)?, certificate) {
            (None, Some(bytes)) => Agreed { bytes: bytes.to_vec(), from, proposal: None },
            (None, None) => {
                let says = "one person decides here, so the certificate's file is needed: `hbcourier keys trust PARTNER \
                            FILE --fingerprint FPR`";
                return Err(Refused::Unfit(says.to_owned()));
            }
            (Some(person), bytes) => self.agreed_to(person, partner, bytes, fingerprint, from)?,
        };
        let report = self.examine(partner, &agreed.bytes)?;
        if report.fingerprint == *fingerprint {
            self.is_trustworthy(partner, &report, agreed.from)?;
        }
        let facts =
            Facts { fingerprint: Some(fingerprint.clone()), about: Some(partner.to_string()), ..Facts::default() };
        self.record(actor, Event::TrustOrdered, facts, StateChange::None)?;
        let trusted = self.keys.trust(partner, &agreed.bytes, Some(fingerprint), self.clock.now());
        let trusted = trusted.map_err(|error| Refused::Unfit(with_causes(&error)))?;
        let step = KeyStep::Trusted {
            partner: partner.clone(),
            fingerprint: fingerprint.clone(),
            certificate: report.digest,
            from: agreed.from,
            proposal: agreed.proposal,
        };
        self.decide_about_keys(actor, step, None, None)?;
        let how = if trusted.renewed { "renewed" } else { "trusted" };
        let from = agreed.from.map_or_else(String::new, |from| format!(" It counts from {from} on."));
        let accepted = self.accepted_by_revoked(&report)?;
        let more = accepted.as_ref().map_or_else(String::new, Accepted::in_a_sentence);
        let says = format!("Certificate {fingerprint} of {partner} is {how}.{from}{more}");
        Ok(done(says, report, accepted))
    }

    /// The proposal of somebody else that this person agrees to.
    fn agreed_to(
        &self,
        person: u32,
        partner: &PartnerName,
        bytes: Option<&[u8]>,
        fingerprint: &Fingerprint,
        from: Option<Timestamp>,
    ) -> Result<Agreed, Refused> {
        let given = bytes.map(Digest::of);
        let fits = |step: &KeyStep| {
            matches!(step, KeyStep::Proposed { partner: to, fingerprint: of, certificate, .. }
                if to == partner && of == fingerprint && given.is_none_or(|given| given == *certificate))
        };
        let waiting = self.waiting(fits)?;
        let any = !waiting.is_empty();
        let Some(proposal) = Self::by_another(waiting, person) else {
            return Err(Refused::Unfit(match any {
                true => "you proposed it yourself; a second keymaster must agree".to_owned(),
                false => format!(
                    "nobody has proposed this certificate within {PROPOSAL_HOURS_MAX} hours; propose it with `hbcourier \
                     keys import {partner} FILE`"
                ),
            }));
        };
        let KeyStep::Proposed { certificate, from: proposed_from, .. } = proposal.step else {
            return Err(Refused::Unfit("the proposal is not about a certificate".to_owned()));
        };
        if from.is_some() && from != proposed_from {
            let says = "it was proposed with another `--from`; leave it out, or propose it anew";
            return Err(Refused::Unfit(says.to_owned()));
        }
        let kept = self.queries.proposed_certificate(proposal.entry)?.filter(|kept| Digest::of(kept) == certificate);
        let Some(bytes) = kept else {
            return Err(Refused::Unfit(format!(
                "the certificate of ledger entry {} is not as it was proposed; run `hbcourier audit verify`",
                proposal.entry
            )));
        };
        Ok(Agreed { bytes, from: proposed_from, proposal: Some(proposal.entry) })
    }

    fn examine(&self, partner: &PartnerName, bytes: &[u8]) -> Result<CertificateReport, Refused> {
        let report = self.keys.examine(partner, bytes, self.clock.now());
        report.map_err(|error| Refused::Unfit(with_causes(&error)))
    }

    fn is_trustworthy(
        &self,
        partner: &PartnerName,
        report: &CertificateReport,
        from: Option<Timestamp>,
    ) -> Result<(), Refused> {
        let (rules, fingerprint) = (self.keys.rules(), &report.fingerprint);
        let last = rules.last(Some(partner), fingerprint);
        if last.is_some_and(|term| term.compromised) {
            return Err(Refused::Unfit(format!(
                "certificate {fingerprint} was retired because somebody else may have its key; {partner} needs another key"
            )));
        }
        let counts = match last {
            None => report.pinned,
            Some(Term { until, .. }) => until.is_none(),
        };
        if counts && from.is_some() {
            let says = format!("certificate {fingerprint} counts already, so a renewal has no `--from`; leave it out");
            return Err(Refused::Unfit(says));
        }
        let excepted = !rules.excepted(partner, self.clock.now()).is_empty();
        match &report.problem {
            Some(problem) if !report.pinned && !excepted => Err(Refused::Unfit(format!(
                "certificate {fingerprint} cannot be used: {problem}; ask the partner for a current one"
            ))),
            _ => Ok(()),
        }
    }

    /// What was accepted by a certificate that its owner has revoked since it was pinned.
    fn accepted_by_revoked(&self, report: &CertificateReport) -> Result<Option<Accepted>, Refused> {
        let revoked = report.changes.iter().find_map(|change| match change {
            KeyChange::Revoked { since, hard, .. } => Some(since.filter(|_| !hard)),
            _ => None,
        });
        let accepted = revoked.map(|since| accepted_since(&*self.queries, &report.fingerprint, since));
        Ok(accepted.transpose()?)
    }
}

/// What is trusted.
struct Agreed {
    bytes: Vec<u8>,
    from: Option<Timestamp>,
    proposal: Option<u64>,
}

impl Accepted {
    /// How many, and where the list is had again.
    pub(super) fn in_a_sentence(&self) -> String {
        let (count, more) = (self.transfers.len(), if self.more { "more than " } else { "" });
        format!(
            " Accepted with its signature since: {more}{count} transfers; `hbcourier keys check --accepted-since DATE \
             --signer {}` lists them again.",
            self.signer
        )
    }
}

fn done(says: String, report: CertificateReport, accepted: Option<Accepted>) -> Done {
    let fingerprint = Some(report.fingerprint.clone());
    Done { fingerprint, keys: Some(Box::new(KeysDone { certificate: Some(report), accepted })), ..Done::saying(says) }
}
