//! Whoever looks at the sources: the lookout over drop folders, a reader for each Maildir, one for each mailbox.
//!
//! In:  the service as it was put together. Out: each of them, ready to run.

use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};

use super::build::{Service, imap_server};
use super::carriers::{Left, Queue};
use super::health::Health;
use super::lookout::{LeftFiles, Lookout, Watched};
use super::mailboxes::Postman;
use super::maildirs::MaildirReader;
use super::stop::Stop;
use crate::config::settings::{MailboxSettings, Noticing as How};
use crate::domain::AlarmReason;
use crate::effects::noticing::Hint;

/// The lookout over all drop folders, without hints.
pub(super) fn lookout(
    service: &Service,
    queue: &Arc<Queue>,
    stop: &Arc<Stop>,
    health: &Arc<Health>,
    hints: Arc<Mutex<Receiver<Hint>>>,
) -> Lookout {
    let folders = service.settings.authorities.iter().flat_map(|authority| authority.drop_folders.iter().cloned());
    let pick_ups = service.settings.authorities.iter().flat_map(|authority| &authority.returns);
    Lookout {
        inbound: service.inbound.clone(),
        queue: queue.clone(),
        stop: stop.clone(),
        health: health.clone(),
        clock: service.clock.clone(),
        hints,
        hints_lost: Arc::default(),
        noticing: None,
        sweep_every: service.settings.service.sweep_every,
        pick_ups: pick_ups.map(|settings| (settings.pick_up.clone(), None)).collect(),
        watched: folders.map(Watched::new).collect(),
        left: service.left.clone(),
        elsewhere: Box::new(|| ()),
        replaced: Arc::default(),
    }
}

/// Keeps in mind what carriers had to leave, for the lookout's next sweep.
pub(super) fn left_files_alarm(service: &Service) -> Box<Left> {
    let left: Arc<LeftFiles> = service.left.clone();
    Box::new(move |source, name: &str, reason: Option<AlarmReason>| {
        let mut left = left.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match reason {
            Some(reason) => drop(left.insert((source, name.to_owned()), reason)),
            None => drop(left.remove(&(source, name.to_owned()))),
        }
    })
}

/// Whoever reads each of the Maildirs, by looking alone.
pub(super) fn maildir_readers(
    service: &Service,
    queue: &Arc<Queue>,
    stop: &Arc<Stop>,
    health: &Arc<Health>,
) -> Vec<MaildirReader> {
    let sources = service.inbound.sources.iter().enumerate();
    let maildirs = sources.filter(|(_, source)| source.maildir().is_ok());
    let reader = |(source, _)| MaildirReader {
        inbound: service.inbound.clone(),
        queue: queue.clone(),
        stop: stop.clone(),
        health: health.clone(),
        left: service.left.clone(),
        source,
        sweep_every: service.settings.service.sweep_every,
        ear: None,
    };
    maildirs.map(reader).collect()
}

/// Whoever reads each of the mailboxes.
pub(super) fn postmen(service: &Service, queue: &Arc<Queue>, stop: &Arc<Stop>, health: &Arc<Health>) -> Vec<Postman> {
    let settings = service.settings.authorities.iter().flat_map(|authority| &authority.mailboxes);
    let postman = |mailbox: &MailboxSettings| {
        let source = service.inbound.sources.iter().position(|source| source.name == mailbox.name)?;
        Some(Postman {
            inbound: service.inbound.clone(),
            queue: queue.clone(),
            stop: stop.clone(),
            health: health.clone(),
            source,
            server: Arc::new(imap_server(mailbox)),
            poll: mailbox.poll,
        })
    };
    settings.filter_map(postman).collect()
}

/// Settings under which every folder is polled: nothing is noticed without the kernel's help.
pub(super) fn poll_only(lookout: &mut Lookout) {
    lookout.watched.iter_mut().for_each(|watched| watched.folder.noticing = How::Poll);
}
