//! `[audit]`: the ledger's name and key, and who keeps its checkpoints.

use std::collections::BTreeSet;

use super::report::Report;
use super::{each_in, exchange};
use crate::config::location::TreePath;
use crate::config::raw::Raw;
use crate::config::raw::audit::{RawAudit, RawRecipient};
use crate::config::settings::{AuditSettings, RecipientSettings, RecipientWay};
use crate::domain::checkpoint::Vkey;

pub(super) fn check(raw: &Raw, report: &mut Report<'_>) -> Option<AuditSettings> {
    let (audit, at) = (&raw.audit, TreePath::root().key("audit"));
    let name = name(audit, raw, &at, report);
    let key = exchange::secret((&audit.key_credential, &audit.key_file), ("key_credential", "key_file"), &at, report);
    let mut names = BTreeSet::new();
    let recipients = each_in(&audit.recipient, &at, "recipient", &mut |raw, at| {
        let once = raw.name.as_ref().is_none_or(|name| names.insert(name.clone()));
        if !once {
            report.wrong(&at.key("name"), "another recipient has this name", "rename one of the two");
        }
        recipient(raw, at, report).filter(|_| once)
    });
    Some(AuditSettings { name: name?, key: key?, recipients: recipients? })
}

fn name(audit: &RawAudit, raw: &Raw, at: &TreePath, report: &mut Report<'_>) -> Option<String> {
    let first = raw.authority.first().and_then(|authority| authority.number.as_ref());
    let name = audit.name.clone().or_else(|| first.map(|number| format!("hbcourier/{number}")))?;
    // Whatever a vkey may be named.
    let fit = Vkey::new(&name, [0; 32]).is_ok() && name.is_ascii() && name.len() <= 100;
    let next = "write up to 100 letters, digits and signs, without spaces and `+`, as in hbcourier/12302";
    report.noted(&at.key("name"), fit.then_some(name), "a ledger cannot be named so", next)
}

fn recipient(raw: &RawRecipient, at: &TreePath, report: &mut Report<'_>) -> Option<RecipientSettings> {
    let name = report.parse(&at.key("name"), &raw.name);
    let way = match (&raw.folder, &raw.courier, &raw.address) {
        (Some(_), None, None) => report.absolute(&at.key("folder"), &raw.folder).map(RecipientWay::Folder),
        (None, Some(_), Some(address)) => {
            let courier = report.parse(&at.key("courier"), &raw.courier);
            let address = exchange::address(address, &at.key("address"), report);
            Some(RecipientWay::Mail { courier: courier?, address: address?.to_string() })
        }
        _ => {
            let wrong = "checkpoints leave either into a `folder`, or by a `courier` to an `address`";
            report.wrong(at, wrong, "keep `folder` alone, or `courier` and `address` together");
            None
        }
    };
    Some(RecipientSettings { name: name?, way: way? })
}
