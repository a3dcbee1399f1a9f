//! What a mail says about another one: a report of a mail system, or a reply.
//!
//! In:  a mail, or its beginning. Out: the Message-IDs that it names, and for a report what became of that message.
//! Holds: nothing of the mail is believed here; whoever asks knows which Message-IDs are its own.
// RFC 3462 (multipart/report), RFC 3464 (delivery status), RFC 5322 §3.6.4 (identification fields)

use super::header::fields;
use super::part::Part;
use super::{Doubt, checked};
use crate::domain::Answer;

/// Message-IDs of one mail that are looked at.
const IDS_MAX: usize = 64;
/// Longest Message-ID that is looked at.
const ID_BYTES_MAX: usize = 998;
/// Longest status code.
// RFC 3463 §2: three numbers, of which the last two have at most three digits
const STATUS_BYTES_MAX: usize = 9;

/// What the header of a mail names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mentions {
    /// Its own Message-ID, without angle brackets.
    pub own: Option<String>,
    /// Those of the mails that it replies to, the nearest first.
    pub replies_to: Vec<String>,
    /// It says that it is a report of a mail system.
    pub is_report: bool,
}

/// What a mail system reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The Message-IDs by which it may name the message that it is about.
    pub about: Vec<String>,
    /// What became of it; of several recipients the worst.
    pub answer: Answer,
    /// The status code of that.
    pub status: Option<String>,
}

/// What the header names of a mail that begins so. One that cannot be read names nothing.
pub fn mentions(head: &[u8]) -> Mentions {
    let ends = [&b"\n\r\n"[..], b"\n\n"].map(|end| memchr::memmem::find(head, end));
    let end = ends.into_iter().flatten().min();
    let Ok(fields) = fields(&head[..end.unwrap_or(head.len())]) else { return Mentions::default() };
    let ids = |name: &'static str| {
        let values = fields.iter().filter(move |(field, _)| field == name).map(|(_, value)| value);
        values.flat_map(|value| ids_in(value)).take(IDS_MAX)
    };
    // The last of the references is the nearest.
    let mut references: Vec<String> = ids("references").collect();
    references.reverse();
    let kind = fields.iter().find(|(name, _)| name == "content-type").map(|(_, value)| value.trim_start());
    Mentions {
        own: ids("message-id").next(),
        replies_to: ids("in-reply-to").chain(references).collect(),
        is_report: kind.is_some_and(|kind| kind.to_ascii_lowercase().starts_with("multipart/report")),
    }
}

/// The report that this mail is, if it is one about the delivery of a message, and brings nothing but what it is about.
pub fn report(mail: &[u8]) -> Result<Option<Report>, Doubt> {
    let root = checked(mail)?;
    let mut about = Vec::new();
    let mut worst: Option<(Answer, Option<String>)> = None;
    if root.kind != "multipart/report" || !gather(&root, &mut about, &mut worst)? {
        return Ok(None);
    }
    Ok(worst.map(|(answer, status)| Report { about, answer, status }))
}

/// `false`: there is a file in it, which somebody may want.
fn gather(
    part: &Part<'_>,
    about: &mut Vec<String>,
    worst: &mut Option<(Answer, Option<String>)>,
) -> Result<bool, Doubt> {
    match part.kind.as_str() {
        "message/delivery-status" | "message/global-delivery-status" => {
            for block in blocks(&part.decoded()?) {
                let field = |name: &str| block.iter().find(|(field, _)| field == name).map(|(_, value)| value.trim());
                about.extend(field("original-envelope-id").map(str::to_owned));
                let answer = field("action").and_then(answer);
                if let Some(answer) = answer.filter(|answer| worst.as_ref().is_none_or(|(known, _)| known < answer)) {
                    *worst = Some((answer, field("status").and_then(status)));
                }
            }
        }
        "text/rfc822-headers" | "message/global-headers" => about.extend(mentions(&part.decoded()?).own),
        _ if part.is_forwarded() => {
            about.extend(part.children.first().and_then(|message| mentions(message.header()).own));
        }
        _ if part.is_multipart() => {
            for child in &part.children {
                if !gather(child, about, worst)? {
                    return Ok(false);
                }
            }
        }
        kind => return Ok(kind.starts_with("text/") && !part.has_file_name()),
    }
    about.truncate(IDS_MAX);
    Ok(true)
}

/// The groups of fields of a delivery status: the message's, then each recipient's.
fn blocks(text: &[u8]) -> Vec<Vec<(String, String)>> {
    let mut blocks = vec![Vec::new()];
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        match blocks.last_mut() {
            Some(block) if !line.trim_ascii().is_empty() => block.extend_from_slice(line),
            _ => blocks.push(Vec::new()),
        }
    }
    blocks.iter().filter_map(|block| fields(block).ok()).collect()
}

fn answer(action: &str) -> Option<Answer> {
    // A comment may follow.
    match action.split([' ', '(']).next().unwrap_or_default().to_ascii_lowercase().as_str() {
        "failed" => Some(Answer::Failed),
        "delayed" => Some(Answer::Delayed),
        "delivered" | "relayed" | "expanded" => Some(Answer::Delivered),
        _ => None,
    }
}

/// A status code, without the words that may follow it: those may name people.
fn status(value: &str) -> Option<String> {
    let code = value.split_ascii_whitespace().next()?;
    let is_code = code.len() <= STATUS_BYTES_MAX && code.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    is_code.then(|| code.to_owned())
}

/// The Message-IDs in the value of a field.
fn ids_in(value: &str) -> impl Iterator<Item = String> {
    let bracketed = value.split('<').skip(1).filter_map(|piece| piece.split_once('>'));
    bracketed.map(|(id, _)| id.trim().to_owned()).filter(|id| !id.is_empty() && id.len() <= ID_BYTES_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNCE: &str = "From: MAILER-DAEMON@mx.example\r\nTo: hb@la.example\r\nMIME-Version: 1.0\r\n\
        Message-ID: <1@mx.example>\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n\
        --b\r\nContent-Type: text/plain\r\n\r\nIt could not be delivered.\r\n\
        --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\
        Original-Envelope-Id:\r\n env@la.example\r\n\r\nFinal-Recipient: rfc822; one@dwp.example\r\nAction: delivered\r\n\
        Status: 2.0.0\r\n\r\nFinal-Recipient: rfc822; two@dwp.example\r\nAction: FAILED (mailbox full)\r\nStatus: 5.1.1 (Jane Roe)\r\n\r\n\
        --b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <ours@la.example>\r\nSubject: SHBE\r\n\
        --b--\r\n";

    #[test]
    fn a_report_tells_of_the_worst_and_names_the_message() {
        let told = report(BOUNCE.as_bytes()).unwrap().unwrap();
        assert_eq!((told.answer, told.status.as_deref()), (Answer::Failed, Some("5.1.1")), "without its words");
        assert_eq!(told.about, ["env@la.example", "ours@la.example"]);
        assert!(mentions(BOUNCE.as_bytes()).is_report);
        let delayed = BOUNCE.replace("FAILED", "delayed");
        assert_eq!(report(delayed.as_bytes()).unwrap().unwrap().answer, Answer::Delayed);
        let whole = BOUNCE.replace("text/rfc822-headers", "message/rfc822").replace("SHBE\r\n", "SHBE\r\n\r\nIt.\r\n");
        assert_eq!(report(whole.as_bytes()).unwrap().unwrap().about, ["env@la.example", "ours@la.example"]);
    }

    #[test]
    fn what_is_no_report_of_delivery_is_none() {
        let read_receipt = BOUNCE.replace("message/delivery-status", "message/disposition-notification");
        assert_eq!(report(read_receipt.as_bytes()).unwrap(), None);
        let mixed = BOUNCE.replace("multipart/report; report-type=delivery-status", "multipart/mixed");
        assert_eq!(report(mixed.as_bytes()).unwrap(), None, "a report that somebody forwards is not the report");
    }

    #[test]
    fn a_report_that_brings_a_file_is_not_only_that() {
        let with =
            |kind: &str| BOUNCE.replacen("--b\r\nContent-Type: text/plain", &format!("--b\r\nContent-Type: {kind}"), 1);
        assert!(report(with("text/html").as_bytes()).unwrap().is_some());
        for kind in ["text/csv; name=risk.csv", "application/pdf", "text/plain\r\nContent-Disposition: attachment"] {
            assert_eq!(report(with(kind).as_bytes()).unwrap(), None, "{kind}");
        }
    }

    #[test]
    fn a_reply_names_the_nearest_first() {
        let head = b"Message-ID: <own@dwp.example>\r\nReferences: <far@la.example>\r\n <near@la.example>\r\n\
            In-Reply-To: <answered@la.example>\r\nContent-Type: text/plain\r\n\r\nIn-Reply-To: <body@la.example>\r\n";
        let named = mentions(head);
        assert_eq!(named.own.as_deref(), Some("own@dwp.example"));
        assert_eq!(named.replies_to, ["answered@la.example", "near@la.example", "far@la.example"]);
        assert!(!named.is_report);
        assert_eq!(mentions(b"no field\r\n\r\n"), Mentions::default());
    }
}
