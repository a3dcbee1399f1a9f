//! Scanning: the virus scanner is asked about every file that would be delivered.
//!
//! In:  [`Routed`] content. Out: [`Scanned`] content: nothing was found in any part, or no scanner is configured.
//! Holds: each part passes the scanner by itself, as it will be delivered, for a scanner's own bounds on archives would skip
//! members of a pack; without a verdict nothing goes on. A derived copy is made of cells of a part that passed.

use std::io::{self, Seek};

use super::check::Routed;
use super::identify::{archive_failure, open_archive, private_space};
use super::{Critical, Failure, Inbound};
use crate::domain::alarm::AlarmReason;
use crate::domain::causes::with_causes;
use crate::domain::{Consequence, Consignment, DeferCause, HoldReason, Standing};
use crate::durable::{PrivateContent, step};
use crate::effects::scanner::{Clamd, ScanFault, Stream, Verdict};

/// What the alarm about a scanner that gives no verdict is about.
const SCANNER: &str = "clamd";
/// What the alarm about files that are too large for it is about.
const LIMIT: &str = "clamd-limit";

/// Content in which nothing was found, if it was scanned.
pub(super) struct Scanned {
    pub routed: Routed,
    /// The scanner and its signatures; `None` if none is configured.
    pub by: Option<String>,
}

impl Inbound {
    pub(super) fn scan(&self, consignment: &Consignment, routed: Routed) -> Result<Scanned, Failure> {
        let Some(clamd) = &self.scanner else { return Ok(Scanned { routed, by: None }) };
        let mut routed = routed;
        let by = clamd.version().map_err(unscanned)?;
        let judged = self.scan_parts(clamd, &mut routed);
        if matches!(judged, Ok(()) | Err(Failure::This { consequence: Consequence::Hold(_), .. })) {
            self.alarm(SCANNER, None)?;
            if matches!(consignment.standing, Standing::Deferred { cause: DeferCause::ScannerLimit, .. }) {
                self.alarm(LIMIT, None)?;
            }
        }
        judged?;
        super::passed(step("scan.clean"))?;
        Ok(Scanned { routed, by: Some(by) })
    }

    fn scan_parts(&self, clamd: &Clamd, routed: &mut Routed) -> Result<(), Failure> {
        for (index, opened) in routed.opened.iter_mut().enumerate() {
            let parts = routed.parts.iter().map(|(part, _, _)| part);
            let sent: Vec<_> = parts.filter(|part| part.content == index && part.derived.is_none()).collect();
            if sent.iter().any(|part| part.member.is_none()) {
                scan_whole(clamd, &mut opened.content)?;
            }
            let members: Vec<(usize, u64)> = sent.iter().filter_map(|part| Some((part.member?, part.bytes))).collect();
            if !members.is_empty() {
                self.scan_members(clamd, &mut opened.content, &members)?;
            }
        }
        Ok(())
    }

    fn scan_members(
        &self,
        clamd: &Clamd,
        content: &mut PrivateContent,
        members: &[(usize, u64)],
    ) -> Result<(), Failure> {
        let mut pack = open_archive(content, &self.terms.archive)?;
        for (member, bytes) in members {
            let mut stream = clamd.scan().map_err(unscanned)?;
            match pack.extract(*member, &mut stream) {
                // It was measured before; unpacking is a function of the same bytes.
                Ok(unpacked) if unpacked == *bytes => clean(stream)?,
                Ok(_) => return Err(private_space(io::Error::other("a member unpacked differently"))),
                Err(error) => return Err(stream.fault().map_or_else(|| archive_failure(&error), unscanned)),
            }
        }
        Ok(())
    }

    /// What no scanner that is configured can end any more.
    pub(super) fn end_alarms_of_no_scanner(&self) -> Result<(), Critical> {
        if self.scanner.is_none() {
            self.alarm(SCANNER, None)?;
            self.alarm(LIMIT, None)?;
        }
        Ok(())
    }

    /// What is held for its size waits for the scanner no longer.
    pub(super) fn end_alarm_of_limit(&self, reason: &HoldReason) -> Result<(), Critical> {
        match reason {
            HoldReason::AttemptsExhausted { cause: DeferCause::ScannerLimit } => self.alarm(LIMIT, None),
            _ => Ok(()),
        }
    }
}

fn scan_whole(clamd: &Clamd, content: &mut PrivateContent) -> Result<(), Failure> {
    content.rewind().map_err(private_space)?;
    let mut stream = clamd.scan().map_err(unscanned)?;
    match io::copy(content, &mut stream) {
        Ok(_) => clean(stream),
        Err(error) => Err(stream.fault().map_or_else(|| private_space(error), unscanned)),
    }
}

fn clean(stream: Stream<'_>) -> Result<(), Failure> {
    match stream.verdict().map_err(unscanned)? {
        Verdict::Clean => Ok(()),
        Verdict::Found(signature) => {
            let detail = format!("the scanner found {signature}");
            Err(Failure::of(Consequence::Hold(HoldReason::Infected { signature }), detail))
        }
    }
}

fn unscanned(fault: ScanFault) -> Failure {
    let cause = fault.cause();
    let alarm = match cause {
        DeferCause::ScannerLimit => (LIMIT, AlarmReason::ScannerLimit),
        _ => (SCANNER, AlarmReason::ScannerSilent),
    };
    Failure::This {
        consequence: Consequence::Defer(cause),
        alarm: Some((alarm.0.to_owned(), alarm.1)),
        detail: with_causes(&fault),
    }
}
