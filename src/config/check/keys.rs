//! `[keys]`: how own secret keys are kept.

use super::exchange::credential;
use super::report::Report;
use crate::config::location::TreePath;
use crate::config::raw::RawKeys;
use crate::config::settings::{KeySettings, SecretReference};

/// Checks the table.
pub(super) fn check(raw: &RawKeys, at: &TreePath, report: &mut Report<'_>) -> Option<KeySettings> {
    let passphrase = match (&raw.passphrase_credential, &raw.passphrase_file) {
        (None, None) => Some(None),
        (Some(name), None) => credential(name, &at.key("passphrase_credential"), report).map(Some),
        (None, Some(_)) => {
            let path = report.absolute(&at.key("passphrase_file"), &raw.passphrase_file);
            path.map(|path| Some(SecretReference::File(path)))
        }
        (Some(_), Some(_)) => {
            report.wrong(at, "it has both `passphrase_credential` and `passphrase_file`", "keep one of them");
            None
        }
    };
    let names = raw.secret_credentials.iter();
    let secrets: Vec<_> = names.map(|name| credential(name, &at.key("secret_credentials"), report)).collect();
    Some(KeySettings { passphrase: passphrase?, secrets: secrets.into_iter().collect::<Option<_>>()? })
}
