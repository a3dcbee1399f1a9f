//! Every mailbox, tried: logged in to, and looked into. Nothing is read, nothing is moved.

use std::sync::Arc;

use super::Probe;
use crate::config::Settings;
use crate::daemon::build::imap_server;
use crate::effects::mailbox::Mailbox;

const PROBE: &str = "mailbox";

pub(super) fn probe(settings: &Settings) -> Vec<Probe> {
    let mailboxes = settings.authorities.iter().flat_map(|authority| &authority.mailboxes);
    let probes = mailboxes.map(|settings| {
        let looked = Mailbox::open(Arc::new(imap_server(settings))).and_then(|mut mailbox| {
            let mails = mailbox.look()?.len();
            let (told, clears) = (mailbox.tells_news(), mailbox.can_clear());
            mailbox.close();
            Ok((mails, told, clears))
        });
        let folder = format!("`{}` at {}", settings.folder, settings.host);
        match looked {
            Ok((mails, _, false)) => {
                let says = format!(
                    "{folder} can be read ({mails} mails), but its server offers neither MOVE nor UIDPLUS, so mails stay there when they are ours."
                );
                Probe::warning(PROBE, &settings.name, says, "Let somebody empty that folder now and then.")
            }
            Ok((mails, true, true)) => Probe::ok(PROBE, &settings.name, format!("{folder} can be read; {mails} mails lie there.")),
            Ok((mails, false, true)) => {
                let says = format!("{folder} can be read; {mails} mails lie there. New ones are found by looking: no IDLE.");
                Probe::ok(PROBE, &settings.name, says)
            }
            Err(error) => {
                let next = "Correct the mailbox in the configuration, or mend what it needs; mail is collected again by itself.";
                Probe::problem(PROBE, &settings.name, format!("{folder}: {error}."), next)
            }
        }
    });
    probes.collect()
}
