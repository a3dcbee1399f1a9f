//! Opening a mail: what is sealed in it, and the files that come out of that.
//!
//! In:  a consignment at Collected whose bytes are a whole mail. Out: [`Opened`] content for each file.
//! Holds: all or nothing, all signed by the same; one large mail is in memory at a time; the same file twice in one mail
//! is one file.

use std::io::{Cursor, Read, Seek, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::open::{Opened, spool_changed};
use super::{Failure, Inbound, Source};
use crate::catalogue::mail::{Doubt, Item, Unfit, entity_files, is_entity, sealed_items};
use crate::catalogue::{authority_in_name, without_openpgp_ending};
use crate::domain::{Consequence, Consignment, DeferCause, Digest, HoldReason, LaNumber, Waiver};
use crate::durable::{PrivateContent, step};
use crate::effects::pgp::Verdict;

/// Largest mail, and largest MIME entity sealed in one, that is read: both are read in memory.
pub(super) const MAIL_BYTES_MAX: u64 = 64 << 20;
/// From this size on a mail waits until no other one is in memory.
const LARGE_BYTES: u64 = 1 << 20;
const HEAD_BYTES: u64 = 256;

static LARGE_MAIL: Mutex<()> = Mutex::new(());

impl Inbound {
    pub(super) fn open_mail(
        &self,
        source: &Source,
        consignment: &Consignment,
        waived: Option<&Waiver>,
    ) -> Result<Vec<Opened>, Failure> {
        if consignment.sealed_bytes > MAIL_BYTES_MAX {
            return Err(unfit(Doubt { unfit: Unfit::TooComplex, why: "is larger than is read" }));
        }
        let _alone = alone(consignment);
        // What is sealed in it is opened first; only then, without the mail in memory, is looked at what came out.
        let mut opened = Vec::new();
        for sealed in self.open_sealed_in(source, consignment, waived)? {
            opened.extend(self.files(sealed)?);
        }
        super::passed(step("open.opened"))?;
        one_signer(opened)
    }

    /// What came out of each sealed part of the mail, under the name the sender gave that.
    fn open_sealed_in(
        &self,
        source: &Source,
        consignment: &Consignment,
        waived: Option<&Waiver>,
    ) -> Result<Vec<Opened>, Failure> {
        let mail = self.whole_mail(consignment)?;
        let open = |item: &Item<'_>| {
            let (sealed, at) = (item.sealed().map_err(unfit)?, consignment.received_at);
            let (content, verdict) = self
                .open_sealed(source, &mut Cursor::new(&sealed), at, waived)
                .map_err(|error| self.blame(consignment, error.consequence(), &error))?;
            let outer_name = item.name().map(|name| without_openpgp_ending(name).to_owned());
            Ok(Opened { content, verdict, at, sealed_bytes: sealed.len() as u64, outer_name })
        };
        sealed_items(&mail).map_err(unfit)?.iter().map(open).collect()
    }

    /// A mail as it was collected. Only for one that is [`alone`].
    pub(super) fn whole_mail(&self, consignment: &Consignment) -> Result<Vec<u8>, Failure> {
        let mail = self.beginning(consignment, MAIL_BYTES_MAX + 1)?;
        if Digest::of(&mail) == consignment.sealed_digest { Ok(mail) } else { Err(spool_changed()) }
    }

    /// At most the first `bytes` of a mail.
    pub(super) fn beginning(&self, consignment: &Consignment, bytes: u64) -> Result<Vec<u8>, Failure> {
        let unreadable = |error| Failure::of(Consequence::Defer(DeferCause::SpoolUnreadable), error);
        let size = usize::try_from(consignment.sealed_bytes.min(bytes)).unwrap_or_default();
        let mut mail = Vec::with_capacity(size);
        let file = self.spool.raw(&consignment.source, &consignment.id).map_err(unreadable)?;
        file.take(bytes).read_to_end(&mut mail).map_err(unreadable)?;
        Ok(mail)
    }

    /// The content itself, or the files of the MIME entity that it is.
    fn files(&self, mut opened: Opened) -> Result<Vec<Opened>, Failure> {
        let mut head = Vec::new();
        let rewound = opened.content.rewind();
        rewound.and_then(|()| (&mut opened.content).take(HEAD_BYTES).read_to_end(&mut head)).map_err(private_space)?;
        opened.content.rewind().map_err(private_space)?;
        if !is_entity(&head) {
            return Ok(vec![opened]);
        }
        if opened.verdict.bytes > MAIL_BYTES_MAX {
            return Err(unfit(Doubt { unfit: Unfit::TooComplex, why: "is larger than is read" }));
        }
        let Opened { mut content, verdict, at, sealed_bytes, outer_name } = opened;
        let mut entity = Vec::new();
        content.read_to_end(&mut entity).map_err(private_space)?;
        drop(content);
        let mut files = Vec::new();
        for file in entity_files(&entity).map_err(unfit)? {
            let bytes = file.content().map_err(unfit)?;
            let content = self.private(&bytes).map_err(private_space)?;
            let file_name = file.name().map(str::to_owned);
            let verdict =
                Verdict { content: Digest::of(&bytes), bytes: bytes.len() as u64, file_name, ..verdict.clone() };
            // What has no name within the seal has the entity's.
            files.push(Opened { content, verdict, at, sealed_bytes, outer_name: outer_name.clone() });
        }
        Ok(files)
    }

    fn private(&self, bytes: &[u8]) -> std::io::Result<PrivateContent> {
        let mut content = self.spool.private_content();
        content.write_all(bytes)?;
        content.rewind()?;
        Ok(content)
    }
}

/// Waits until no other large mail is in memory, if this is one.
pub(super) fn alone(consignment: &Consignment) -> Option<MutexGuard<'static, ()>> {
    let large = consignment.sealed_bytes >= LARGE_BYTES;
    large.then(|| LARGE_MAIL.lock().unwrap_or_else(PoisonError::into_inner))
}

fn one_signer(opened: Vec<Opened>) -> Result<Vec<Opened>, Failure> {
    let mut kept: Vec<Opened> = Vec::with_capacity(opened.len());
    for one in opened {
        if kept.iter().any(|other| other.verdict.signer != one.verdict.signer) {
            return Err(unfit(Doubt { unfit: Unfit::SeveralSigners, why: "has parts signed by different keys" }));
        }
        // The same file twice is one file, unless its names say that it is for two authorities.
        let same = |other: &Opened| other.verdict.content == one.verdict.content && named(other).eq(named(&one));
        if !kept.iter().any(same) {
            kept.push(one);
        }
    }
    Ok(kept)
}

/// The LA numbers in its names.
fn named(opened: &Opened) -> impl Iterator<Item = LaNumber> {
    let names = [&opened.verdict.file_name, &opened.outer_name];
    names.into_iter().flatten().filter_map(|name| authority_in_name(name))
}

pub(super) fn unfit(Doubt { unfit, why }: Doubt) -> Failure {
    Failure::of(Consequence::Hold(HoldReason::Mail { unfit }), format!("the mail {why}"))
}

fn private_space(error: std::io::Error) -> Failure {
    Failure::of(Consequence::Defer(DeferCause::PrivateSpace), error)
}
