//! Secrets that the configuration names and the service cannot read: told at the start, not on the day they are needed.
//!
//! In:  the settings. Out: an alarm (CN-564) for each, which ends when it is there, or named no more.
//! Holds: what is read is dropped at once; of a secret only its name is told.

use std::collections::BTreeMap;
use std::fs::File;

use crate::config::Settings;
use crate::config::secret::SecretFault;
use crate::config::settings::{CourierWay, SecretReference};
use crate::domain::AlarmReason;
use crate::domain::causes::with_causes;
use crate::inbound::{Critical, Inbound};

/// What the configuration names, by what an alarm about it is about.
pub(super) struct Secrets(BTreeMap<String, Named>);

enum Named {
    /// A password or the like, of one line.
    Word(SecretReference),
    /// A whole file, such as a key.
    File(SecretReference),
}

impl Secrets {
    /// Those of these settings.
    pub(super) fn of(settings: &Settings) -> Secrets {
        let servers = settings.couriers.iter().filter_map(|courier| match &courier.way {
            CourierWay::Smtp(server) => server.login.as_ref().map(|(_, secret)| secret),
            CourierWay::Folder { .. } => None,
        });
        let mailboxes = settings.authorities.iter().flat_map(|authority| &authority.mailboxes);
        let words = servers
            .chain(mailboxes.map(|mailbox| &mailbox.login.1))
            .chain(&settings.keys.passphrase)
            .chain(&settings.audit.key);
        let words = words.map(|secret| (about(secret), Named::Word(secret.clone())));
        let files = settings.keys.secrets.iter().map(|secret| (about(secret), Named::File(secret.clone())));
        Secrets(words.chain(files).collect())
    }

    /// Looks at each once.
    pub(super) fn look(&self, inbound: &Inbound) -> Result<(), Critical> {
        for (about, secret) in &self.0 {
            let fault = secret.fault();
            if let Some(fault) = &fault {
                tracing::debug!(about, "{}", with_causes(fault));
            }
            inbound.alarm(about, fault.map(|_| AlarmReason::SecretMissing))?;
        }
        let code = AlarmReason::SecretMissing.notice("").code;
        let raised = inbound.queries.alarms()?;
        for alarm in raised.iter().filter(|alarm| alarm.code == code && !self.0.contains_key(&alarm.about)) {
            inbound.alarm(&alarm.about, None)?;
        }
        Ok(())
    }
}

fn about(secret: &SecretReference) -> String {
    match secret {
        SecretReference::Credential(name) => format!("secret-{name}"),
        SecretReference::File(path) => format!("secret-{}", path.display()),
    }
}

impl Named {
    fn fault(&self) -> Option<SecretFault> {
        match self {
            Named::Word(secret) => secret.read().err(),
            Named::File(secret) => secret
                .path()
                .and_then(|path| File::open(&path).map(drop).map_err(|source| SecretFault::Open { path, source }))
                .err(),
        }
    }
}
