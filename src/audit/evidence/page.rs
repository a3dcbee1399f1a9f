//! The page of evidence that people read: the same facts, in sentences.

use std::fmt::{self, Display, Formatter};

use jiff::Timestamp;

use super::{Evidence, Returned};
use crate::effects::clock::london;

impl Display for Evidence {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "Evidence about {}", self.about)?;
        writeln!(f, "from the ledger {} of hbcourier, by {}\n", self.ledger.origin, self.made_by)?;
        if let Some(authority) = &self.authority {
            writeln!(f, "It is LA {authority}'s.")?;
        }
        self.how_it_came(f)?;
        for part in &self.parts {
            let derived = if part.derived { ", a copy in another layout" } else { "" };
            writeln!(
                f,
                "Part: {}, {} bytes, SHA-256 {}, to {}{derived}.",
                part.kind, part.bytes, part.content, part.to
            )?;
        }
        if let Some(returned) = &self.returned {
            tell_return(returned, f)?;
        }
        let code = self.outcome.code.as_ref().map_or_else(String::new, |code| format!(" ({code})"));
        writeln!(f, "Last: {}{code}, on {}.", self.outcome.event, moment(self.outcome.at))?;
        for person in &self.people {
            let why = person.why.as_ref().map_or_else(String::new, |why| format!(" Reason given: {why}"));
            let (event, account, uid) = (person.event, &person.account, person.uid);
            writeln!(f, "By a person: {event}, by account {account} ({uid}), on {}.{why}", moment(person.at))?;
        }
        for start in &self.in_force {
            let version = start.version.as_deref().unwrap_or("unknown");
            let config = start.config.map_or_else(|| "unknown".to_owned(), |digest| digest.to_string());
            writeln!(f, "In force from {}: version {version}, settings {config}.", moment(start.from))?;
        }
        writeln!(f, "\nWhat happened, as far as these entries go, by their numbers:\n")?;
        for step in &self.steps {
            let line = format!(
                "{:>10}  {}  {:<22}  {}",
                step.seq,
                moment(step.at),
                step.event.to_string(),
                step.code.as_deref().unwrap_or_default()
            );
            writeln!(f, "{}", line.trim_end())?;
        }
        writeln!(f, "\nThe ledger had {} entries when its root was signed:\n{}\n", self.ledger.size, self.ledger.root)?;
        writeln!(
            f,
            "Everything above is worked out from the entries in proof.json, which the signed checkpoint proves. Whether there"
        )?;
        writeln!(f, "are others about it, this does not show: an export of the whole ledger does.")?;
        writeln!(
            f,
            "To check it, with the ledger's public key as you have it: hbcourier audit check-proof FILE --vkey KEY"
        )
    }
}

impl Evidence {
    fn how_it_came(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(received) = &self.received {
            let source = received.source.as_deref().unwrap_or("an unknown source");
            writeln!(f, "Received on {} from {source}.", moment(received.at))?;
            if let Some(sealed) = received.sealed {
                writeln!(f, "What came: {} bytes, SHA-256 {sealed}.", received.bytes.unwrap_or_default())?;
            }
        }
        match &self.signer {
            Some(signer) => writeln!(f, "Signed by the certificate {signer}."),
            None => Ok(()),
        }
    }
}

fn tell_return(returned: &Returned, f: &mut Formatter<'_>) -> fmt::Result {
    if let Some(day) = returned.transfer_on {
        writeln!(f, "Owed to DWP on {day}.")?;
    }
    if let (Some(content), Some(sealed)) = (returned.content, returned.sealed) {
        writeln!(f, "File: SHA-256 {content}; as it was sealed: SHA-256 {sealed}.")?;
    }
    if let Some(message_id) = &returned.message_id {
        writeln!(f, "Message-ID: <{message_id}>.")?;
    }
    match (returned.sent_at, returned.in_time) {
        (Some(at), Some(true)) => writeln!(f, "Sent on {}, in time.", moment(at))?,
        (Some(at), Some(false)) => writeln!(f, "Sent on {}, too late.", moment(at))?,
        (Some(at), None) => writeln!(f, "Sent on {}.", moment(at))?,
        (None, _) => writeln!(f, "Not sent, as far as these entries go.")?,
    }
    match &returned.reply {
        Some(reply) => writeln!(f, "Answer: {reply}"),
        None => Ok(()),
    }
}

fn moment(at: Timestamp) -> String {
    at.to_zoned(london()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
}
