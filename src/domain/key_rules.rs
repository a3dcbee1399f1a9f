//! What people decided about keys beyond which certificates are pinned: from when and until when one counts, and which
//! old algorithm a partner may still use for a while.
//!
//! In:  the decisions, in the order of their ledger entries. Out: what holds at a time.
//! Holds: everything is judged as of receipt, so a later decision does not change what an earlier one let in; only a
//! compromise reaches back.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::ids::ConsignmentId;
use super::ledger::Event;
use super::partner::{Fingerprint, PartnerName};

/// Hours within which a second person must agree to a proposal.
pub const PROPOSAL_HOURS_MAX: i64 = 72;
/// Days for which an exception may be granted: twelve months.
pub const EXCEPTION_DAYS_MAX: i64 = 366;

/// An algorithm that is no longer safe, and that a partner may be excepted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LegacyAlgorithm {
    /// Signatures, on content and on keys, by SHA-1.
    Sha1,
    /// Encryption by Triple DES.
    #[serde(rename = "3des")]
    TripleDes,
    /// Encryption by CAST5.
    Cast5,
    /// Encryption by IDEA.
    Idea,
    /// Signatures by RSA keys of less than 2048 bits.
    Rsa1024,
    /// Signatures by DSA keys of less than 2048 bits.
    Dsa1024,
}

impl LegacyAlgorithm {
    /// All of them.
    pub const ALL: [LegacyAlgorithm; 6] = [
        LegacyAlgorithm::Sha1,
        LegacyAlgorithm::TripleDes,
        LegacyAlgorithm::Cast5,
        LegacyAlgorithm::Idea,
        LegacyAlgorithm::Rsa1024,
        LegacyAlgorithm::Dsa1024,
    ];

    /// Its word, on the command line and in the ledger.
    pub fn word(self) -> &'static str {
        match self {
            LegacyAlgorithm::Sha1 => "sha1",
            LegacyAlgorithm::TripleDes => "3des",
            LegacyAlgorithm::Cast5 => "cast5",
            LegacyAlgorithm::Idea => "idea",
            LegacyAlgorithm::Rsa1024 => "rsa1024",
            LegacyAlgorithm::Dsa1024 => "dsa1024",
        }
    }
}

impl fmt::Display for LegacyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for LegacyAlgorithm {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = || LegacyAlgorithm::ALL.map(LegacyAlgorithm::word).join(", ");
        let found = LegacyAlgorithm::ALL.into_iter().find(|algorithm| algorithm.word() == text);
        found.ok_or_else(|| format!("no algorithm that can be excepted; one of {}", known()))
    }
}

/// One decision about keys, as its ledger entry tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "step", deny_unknown_fields)]
pub enum KeyStep {
    /// One person wants a certificate to be trusted.
    Proposed {
        /// For whom.
        partner: PartnerName,
        /// Which one.
        fingerprint: Fingerprint,
        /// SHA-256 of the file's bytes.
        certificate: Digest,
        /// From when on it shall count; from ever, if `None`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<Timestamp>,
    },
    /// A certificate is trusted.
    Trusted {
        /// For whom.
        partner: PartnerName,
        /// Which one.
        fingerprint: Fingerprint,
        /// SHA-256 of the file's bytes.
        certificate: Digest,
        /// From when on it counts; from ever, if `None`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<Timestamp>,
        /// The entry with the first person's proposal; `None` where one person decides.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        proposal: Option<u64>,
    },
    /// A certificate counts no longer.
    Retired {
        /// Whose; `None` for our own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        partner: Option<PartnerName>,
        /// Which one.
        fingerprint: Fingerprint,
        /// From when on.
        from: Timestamp,
        /// Since when somebody else may have had the key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        compromised_since: Option<Timestamp>,
    },
    /// One person wants an exception for a partner.
    ExceptionProposed {
        /// For whom.
        partner: PartnerName,
        /// Which algorithm.
        allow: LegacyAlgorithm,
        /// From when on.
        from: Timestamp,
        /// Until when.
        until: Timestamp,
    },
    /// A partner has an exception.
    ExceptionGranted {
        /// For whom.
        partner: PartnerName,
        /// Which algorithm.
        allow: LegacyAlgorithm,
        /// From when on.
        from: Timestamp,
        /// Until when.
        until: Timestamp,
        /// The entry with the first person's proposal; `None` where one person decides.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        proposal: Option<u64>,
    },
    /// An exception was ended before its time.
    ExceptionEnded {
        /// The entry that granted it.
        exception: u64,
        /// From when on.
        from: Timestamp,
    },
    /// An exception let a transfer in.
    ExceptionUsed {
        /// The entry that granted it.
        exception: u64,
        /// Which transfer.
        transfer: ConsignmentId,
    },
}

impl KeyStep {
    /// The event that tells of it.
    pub fn event(&self) -> Event {
        match self {
            KeyStep::Proposed { .. } => Event::KeyProposed,
            KeyStep::Trusted { .. } => Event::KeyTrusted,
            KeyStep::Retired { .. } => Event::KeyRetired,
            KeyStep::ExceptionProposed { .. } => Event::ExceptionProposed,
            KeyStep::ExceptionGranted { .. } => Event::ExceptionGranted,
            KeyStep::ExceptionEnded { .. } => Event::ExceptionEnded,
            KeyStep::ExceptionUsed { .. } => Event::ExceptionUsed,
        }
    }

    /// The entry that this one concludes: each can be concluded once.
    pub fn concludes(&self) -> Option<u64> {
        match self {
            KeyStep::Trusted { proposal, .. } | KeyStep::ExceptionGranted { proposal, .. } => *proposal,
            KeyStep::ExceptionEnded { exception, .. } => Some(*exception),
            KeyStep::Proposed { .. }
            | KeyStep::Retired { .. }
            | KeyStep::ExceptionProposed { .. }
            | KeyStep::ExceptionUsed { .. } => None,
        }
    }

    /// The certificate it is about.
    pub fn fingerprint(&self) -> Option<&Fingerprint> {
        match self {
            KeyStep::Proposed { fingerprint, .. }
            | KeyStep::Trusted { fingerprint, .. }
            | KeyStep::Retired { fingerprint, .. } => Some(fingerprint),
            _ => None,
        }
    }

    /// The partner it is about.
    pub fn partner(&self) -> Option<&PartnerName> {
        match self {
            KeyStep::Proposed { partner, .. }
            | KeyStep::Trusted { partner, .. }
            | KeyStep::ExceptionProposed { partner, .. }
            | KeyStep::ExceptionGranted { partner, .. } => Some(partner),
            KeyStep::Retired { partner, .. } => partner.as_ref(),
            KeyStep::ExceptionEnded { .. } | KeyStep::ExceptionUsed { .. } => None,
        }
    }
}

/// A time in which a certificate counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// Whose; `None` for our own.
    pub partner: Option<PartnerName>,
    /// Which one.
    pub fingerprint: Fingerprint,
    /// From when on; from ever, if `None`.
    pub from: Option<Timestamp>,
    /// Until when; without end, if `None`.
    pub until: Option<Timestamp>,
    /// Ended because somebody else may have had the key.
    pub compromised: bool,
}

impl Term {
    fn is_of(&self, partner: Option<&PartnerName>, fingerprint: &Fingerprint) -> bool {
        self.partner.as_ref() == partner && self.fingerprint == *fingerprint
    }

    fn covers(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= at) && self.until.is_none_or(|until| at < until)
    }
}

/// What a partner was excepted for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// The entry that granted it.
    pub entry: u64,
    /// For whom.
    pub partner: PartnerName,
    /// Which algorithm.
    pub allow: LegacyAlgorithm,
    /// From when on.
    pub from: Timestamp,
    /// Until when: its end, or when it was ended.
    pub until: Timestamp,
}

/// A proposal that nobody has agreed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Its entry.
    pub entry: u64,
    /// When it was made.
    pub at: Timestamp,
    /// [`KeyStep::Proposed`] or [`KeyStep::ExceptionProposed`].
    pub step: KeyStep,
}

impl Proposal {
    /// Until when a second person can agree.
    pub fn until(&self) -> Timestamp {
        self.at + SignedDuration::from_hours(PROPOSAL_HOURS_MAX)
    }
}

/// Everything that was decided about keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyRules {
    terms: Vec<Term>,
    exceptions: Vec<Exception>,
    proposals: Vec<Proposal>,
}

impl KeyRules {
    /// From the decisions, each with its entry's number and time, in their order.
    pub fn of(steps: impl IntoIterator<Item = (u64, Timestamp, KeyStep)>) -> KeyRules {
        let mut rules = KeyRules::default();
        steps.into_iter().for_each(|(entry, at, step)| rules.take_in(entry, at, step));
        rules
    }

    fn take_in(&mut self, entry: u64, at: Timestamp, step: KeyStep) {
        if let Some(concluded) = step.concludes() {
            self.proposals.retain(|proposal| proposal.entry != concluded);
        }
        match step {
            KeyStep::Proposed { .. } | KeyStep::ExceptionProposed { .. } => {
                self.proposals.push(Proposal { entry, at, step });
            }
            KeyStep::Trusted { partner, fingerprint, from, .. } => self.begin(partner, fingerprint, from),
            KeyStep::Retired { partner, fingerprint, from, compromised_since } => {
                let until = compromised_since.map_or(from, |since| since.min(from));
                self.end(partner, fingerprint, until, compromised_since.is_some());
            }
            KeyStep::ExceptionGranted { partner, allow, from, until, .. } => {
                self.exceptions.push(Exception { entry, partner, allow, from, until });
            }
            KeyStep::ExceptionEnded { exception, from } => {
                let ended = self.exceptions.iter_mut().find(|one| one.entry == exception);
                ended.into_iter().for_each(|one| one.until = one.until.min(from));
            }
            KeyStep::ExceptionUsed { .. } => {}
        }
    }

    fn begin(&mut self, partner: PartnerName, fingerprint: Fingerprint, from: Option<Timestamp>) {
        let partner = Some(partner);
        let from = match self.last(partner.as_ref(), &fingerprint) {
            // A renewed copy of what counts already.
            Some(Term { until: None, .. }) => return,
            Some(Term { compromised: true, .. }) => return,
            // Trusted again: what came in between stays out.
            Some(Term { until: Some(until), .. }) => Some(from.map_or(*until, |from| from.max(*until))),
            None => from,
        };
        self.terms.push(Term { partner, fingerprint, from, until: None, compromised: false });
    }

    fn end(&mut self, partner: Option<PartnerName>, fingerprint: Fingerprint, until: Timestamp, compromised: bool) {
        let mut known = false;
        for term in self.terms.iter_mut().filter(|term| term.is_of(partner.as_ref(), &fingerprint)) {
            term.until = Some(term.until.map_or(until, |earlier| earlier.min(until)));
            term.compromised |= compromised;
            known = true;
        }
        if !known {
            self.terms.push(Term { partner, fingerprint, from: None, until: Some(until), compromised });
        }
    }

    /// The last time in which it counts, if anything was decided about it; `None` as partner for our own.
    pub fn last(&self, partner: Option<&PartnerName>, fingerprint: &Fingerprint) -> Option<&Term> {
        self.terms.iter().rev().find(|term| term.is_of(partner, fingerprint))
    }

    /// Whether the pinned certificate counts at this time. One about which nothing was decided does.
    pub fn counts(&self, partner: Option<&PartnerName>, fingerprint: &Fingerprint, at: Timestamp) -> bool {
        let mut terms = self.terms.iter().filter(|term| term.is_of(partner, fingerprint)).peekable();
        terms.peek().is_none() || terms.any(|term| term.covers(at))
    }

    /// Every time in which a certificate counts.
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// Every exception that was ever granted.
    pub fn exceptions(&self) -> &[Exception] {
        &self.exceptions
    }

    /// What this partner is excepted for at this time, each algorithm once.
    pub fn excepted(&self, partner: &PartnerName, at: Timestamp) -> Vec<&Exception> {
        let mut excepted: Vec<&Exception> = Vec::new();
        for one in self.exceptions.iter().filter(|one| one.partner == *partner && one.from <= at && at < one.until) {
            if excepted.iter().all(|known| known.allow != one.allow) {
                excepted.push(one);
            }
        }
        excepted
    }

    /// The proposals that a second person can still agree to at this time.
    pub fn waiting(&self, at: Timestamp) -> impl Iterator<Item = &Proposal> {
        self.proposals.iter().filter(move |proposal| at < proposal.until())
    }
}

#[cfg(test)]
mod tests;
