//! Finding the OpenPGP in a mail, and the files in what comes out of it.
//!
//! In:  a whole mail (RFC 5322), or a MIME entity that was sealed in one. Out: its sealed parts, or its files; or why
//! nothing of it may be used.
//! Content decides, not labels: gateways rename, re-encode and regroup. Two libraries read the structure and must agree,
//! because what readers see differently is where attacks on mail live.
//! Holds: what is not sealed is never handed out, but for what is dropped with the mail: covering notes.
// RFC 3156 (OpenPGP in MIME), RFC 2045 and 2046 (MIME)

mod agreement;
mod answer;
mod bounds;
mod content;
mod form;
mod header;
mod part;

use std::borrow::Cow;

use content::Content;
use part::Part;

pub use answer::{Mentions, Report, mentions, report};

pub use crate::domain::reason::UnfitMail as Unfit;

/// Why nothing of a mail may be used, and what was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// Why.
    pub unfit: Unfit,
    /// What was found, for the log: it completes "the mail ...".
    pub why: &'static str,
}

fn doubt(unfit: Unfit, why: &'static str) -> Doubt {
    Doubt { unfit, why }
}

fn ambiguous(why: &'static str) -> Doubt {
    doubt(Unfit::Ambiguous, why)
}

/// A sealed part of a mail.
#[derive(Debug)]
pub struct Item<'m> {
    part: Part<'m>,
}

impl<'m> Item<'m> {
    /// The OpenPGP message: binary, or armoured.
    pub fn sealed(&self) -> Result<Cow<'m, [u8]>, Doubt> {
        self.part.decoded()
    }

    /// The name that the sender gave it.
    pub fn name(&self) -> Option<&str> {
        self.part.name.as_deref()
    }
}

/// A file of a MIME entity.
#[derive(Debug)]
pub struct EntityFile<'m> {
    part: Part<'m>,
}

impl<'m> EntityFile<'m> {
    /// Its bytes.
    pub fn content(&self) -> Result<Cow<'m, [u8]>, Doubt> {
        self.part.decoded()
    }

    /// The name that the sender gave it.
    pub fn name(&self) -> Option<&str> {
        self.part.name.as_deref()
    }
}

/// The sealed parts of a mail, in the order of their appearance, those of a forwarded mail among them.
pub fn sealed_items(mail: &[u8]) -> Result<Vec<Item<'_>>, Doubt> {
    form::check_line_ends(mail)?;
    let leaves = leaves(mail)?;
    let contents = leaves.iter().map(Content::of).collect::<Result<Vec<_>, _>>()?;
    let has = |content: Content| contents.contains(&content);
    if has(Content::Sealed) {
        let only = |content: &Content| matches!(content, Content::Sealed | Content::Note);
        if !contents.iter().all(only) {
            return Err(doubt(Unfit::PartlySealed, "has something in clear beside what is sealed"));
        }
        let sealed = leaves.into_iter().zip(&contents).filter(|(_, content)| **content == Content::Sealed);
        return Ok(sealed.map(|(part, _)| Item { part }).collect());
    }
    Err(match () {
        () if has(Content::SealedWithin) => doubt(Unfit::PartlySealed, "has text around a sealed message"),
        () if has(Content::SMime) => doubt(Unfit::SMime, "is S/MIME"),
        () if has(Content::Signed) => doubt(Unfit::SignedOnly, "is signed in clear"),
        () => doubt(Unfit::Plain, "has nothing sealed in it"),
    })
}

/// Whether this is the beginning of a MIME entity, as PGP/MIME seals it, and not of a file.
pub fn is_entity(head: &[u8]) -> bool {
    let line = head.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let name = line.split(|&byte| byte == b':').next().unwrap_or_default();
    let is_field = name.len() < line.len() && name.iter().all(|&byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let name = name.to_ascii_lowercase();
    is_field && (name.starts_with(b"content-") || name == b"mime-version")
}

/// The files of a MIME entity. A text without a name beside them is a covering note; alone it is the file.
pub fn entity_files(entity: &[u8]) -> Result<Vec<EntityFile<'_>>, Doubt> {
    let leaves = leaves(entity)?;
    let contents = leaves.iter().map(Content::of).collect::<Result<Vec<_>, _>>()?;
    // One layer is what was judged: what lies sealed within it would not be.
    if contents.iter().any(|content| matches!(content, Content::Sealed | Content::SealedWithin | Content::SMime)) {
        return Err(doubt(Unfit::PartlySealed, "has something sealed or S/MIME within what was sealed"));
    }
    let alone = leaves.len() == 1;
    let is_file = |part: &Part<'_>, content: Content| {
        let is_signature = part.kind == content::SIGNATURE;
        alone || (!is_signature && (content == Content::Other || part.has_file_name()))
    };
    let files = leaves.into_iter().zip(contents).filter(|(part, content)| is_file(part, *content));
    let files: Vec<_> = files.map(|(part, _)| EntityFile { part }).collect();
    if files.is_empty() { Err(doubt(Unfit::Plain, "was opened, and has no file in it")) } else { Ok(files) }
}

/// Everything that is not a container, of a mail that is [`checked`].
fn leaves(mail: &[u8]) -> Result<Vec<Part<'_>>, Doubt> {
    let mut leaves = Vec::new();
    checked(mail)?.into_leaves(&mut leaves);
    content::check_armour(mail, &leaves)?;
    Ok(leaves)
}

/// The mail as a tree of parts, once both readings agree and nothing in its form is doubtful.
fn checked(mail: &[u8]) -> Result<Part<'_>, Doubt> {
    bounds::check(mail)?;
    form::check_octets(mail)?;
    let root = part::read(mail)?;
    form::check(&root, 0)?;
    form::check_boundaries(mail, &root)?;
    agreement::check(mail, &root)?;
    Ok(root)
}

#[cfg(test)]
mod tests;
