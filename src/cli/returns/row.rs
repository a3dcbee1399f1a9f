//! One return as scripts see it.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use crate::domain::{Digest, LaNumber, RelevantMonth, ReturnKind, Stage, Submission};

/// One return. Absent facts are `null`.
#[derive(Serialize)]
pub(super) struct Row<'a> {
    #[serde(rename = "return")]
    kind: ReturnKind,
    authority: &'a LaNumber,
    relevant_month: RelevantMonth,
    /// The month of the earlier workbook that is returned once more.
    workbook: Option<RelevantMonth>,
    extract_from: Option<Date>,
    transfer_on: Date,
    stage: &'static str,
    /// When that was decided.
    at: Option<Timestamp>,
    message_id: Option<&'a str>,
    /// SHA-256 of the sealed bytes: of what is or was sent.
    sha256: Option<Digest>,
    /// SHA-256 of the file that was picked up; for one that is held, of that file.
    content_sha256: Option<Digest>,
    file_name: Option<&'a str>,
    sealed_at: Option<Timestamp>,
    /// Not tried again before this time.
    until: Option<Timestamp>,
    attempts: Option<u8>,
    /// When a person last ordered that it be sent.
    ordered: Option<Timestamp>,
    reply: Option<&'a str>,
    code: Option<&'static str>,
    says: Option<String>,
    next: Option<&'static str>,
}

impl Row<'_> {
    pub(super) fn of(submission: &Submission) -> Row<'_> {
        let sealed = submission.sealed.as_ref();
        let mut row = Row {
            kind: submission.key.kind,
            authority: &submission.key.authority,
            relevant_month: submission.key.month,
            workbook: submission.key.workbook,
            extract_from: submission.extract_from,
            transfer_on: submission.transfer_on,
            stage: submission.stage.word(),
            at: None,
            message_id: sealed.map(|sealed| sealed.message_id.as_str()),
            sha256: sealed.map(|sealed| sealed.sealed),
            content_sha256: sealed.map(|sealed| sealed.content),
            file_name: sealed.map(|sealed| sealed.file_name.as_str()),
            sealed_at: sealed.map(|sealed| sealed.at),
            until: None,
            attempts: None,
            ordered: submission.ordered,
            reply: None,
            code: None,
            says: None,
            next: None,
        };
        row.stage_facts(submission);
        row
    }
}

impl<'a> Row<'a> {
    fn stage_facts(&mut self, submission: &'a Submission) {
        let about = || submission.key.to_string();
        let notice = match &submission.stage {
            Stage::Scheduled => None,
            Stage::Held { since, reason, content } => {
                (self.at, self.content_sha256) = (Some(*since), content.or(self.content_sha256));
                Some(reason.notice())
            }
            Stage::Sealed => {
                self.at = self.sealed_at;
                None
            }
            Stage::Sending { at, attempt, .. } => {
                (self.at, self.attempts) = (Some(*at), Some(*attempt));
                None
            }
            Stage::Deferred { until, attempts, cause, reply } => {
                (self.until, self.attempts, self.reply) = (Some(*until), Some(*attempts), reply.as_deref());
                Some(cause.notice())
            }
            Stage::Sent { at, reply } => {
                (self.at, self.reply) = (Some(*at), Some(reply.as_str()));
                None
            }
            Stage::Failed { at, reply } => {
                (self.at, self.reply) = (Some(*at), Some(reply.as_str()));
                Some(crate::domain::AlarmReason::Refused.notice(&about()))
            }
            Stage::Uncertain { since, restored } => {
                self.at = Some(*since);
                Some(match restored {
                    true => crate::domain::AlarmReason::uncertain_since_restored(&about()),
                    false => crate::domain::AlarmReason::Uncertain.notice(&about()),
                })
            }
            Stage::Missed { since } => {
                self.at = Some(*since);
                Some(crate::domain::AlarmReason::Missed.notice(&about()))
            }
            Stage::Acknowledged { at } | Stage::Waived { at } => {
                self.at = Some(*at);
                None
            }
        };
        if let Some(notice) = notice {
            (self.code, self.says, self.next) = (Some(notice.code), Some(notice.says), Some(notice.next));
        }
    }

    /// What happened and what to do, for people.
    pub(super) fn words(&self) -> String {
        let reply = self.reply.map(str::to_owned);
        let says = self.says.clone().zip(self.code).map(|(says, code)| format!("{code}: {says}"));
        [says, reply].into_iter().flatten().collect::<Vec<_>>().join(" ")
    }

    /// What to do.
    pub(super) fn next(&self) -> Option<&'static str> {
        self.next
    }

    /// The other facts, for people: a label and a value each.
    pub(super) fn facts(&self) -> Vec<(&'static str, String)> {
        let mut facts = vec![("transfer on", self.transfer_on.to_string()), ("stage", self.stage.to_owned())];
        let mut fact = |label, value: Option<String>| facts.extend(value.map(|value| (label, value)));
        fact("earliest extraction", self.extract_from.map(|day| day.to_string()));
        fact("since", self.at.map(|at| at.to_string()));
        fact("not before", self.until.map(|until| until.to_string()));
        fact("attempts", self.attempts.map(|attempts| attempts.to_string()));
        fact("ordered", self.ordered.map(|at| at.to_string()));
        fact("sealed at", self.sealed_at.map(|at| at.to_string()));
        fact("sent as", self.file_name.map(str::to_owned));
        fact("Message-ID", self.message_id.map(|id| format!("<{id}>")));
        fact("SHA-256 of what is sent", self.sha256.map(|digest| digest.to_string()));
        fact("SHA-256 of the file", self.content_sha256.map(|digest| digest.to_string()));
        facts
    }
}
