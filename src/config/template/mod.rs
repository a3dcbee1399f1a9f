//! File name templates: what a delivered or a sealed file is called.
//!
//! In:  a template such as `{kind}_{la}_{received}_{id}.{ext}`, checked once, when the configuration is loaded.
//! Out: names that are one safe component of a path.
//! Holds: whatever a sender called a file, a rendered name has no `/`, no NUL, no control character, no leading dot,
//! nothing Windows shares refuse, and at most 255 bytes.

mod plain;

use std::fmt;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::LaNumber;
use plain::{EXT_BYTES_MAX, ending, guard_beginning, plain, senders_name, shortened};

/// The name of a delivered file unless a route says otherwise.
pub const DELIVERY_NAME: &str = "{kind}_{la}_{received}_{id}.{ext}";
/// The name of a derived copy unless its route says otherwise.
pub const DERIVED_NAME: &str = "{kind}_{la}_{received}_{id}.derived.csv";
/// The name of a sealed return unless the return says otherwise.
pub const RETURN_NAME: &str = "{kind}_{la}_{month}.{ext}.pgp";

/// The longest name a Linux file system takes.
const NAME_BYTES_MAX: usize = 255;
/// What at least must remain for the sender's own name.
const SENDERS_NAME_BYTES_MIN: usize = 32;
const ID_BYTES_MAX: usize = 64;
/// What a Windows share refuses in a name.
const REFUSED_BY_SHARES: &[char] = &['\\', ':', '*', '?', '"', '<', '>', '|'];

/// A checked template for a delivered or sealed file's name, such as `{kind}_{la}_{received}_{id}.{ext}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileNameTemplate {
    pieces: Vec<Piece>,
    /// What the other pieces leave for the sender's name.
    senders_name_bytes_max: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Placeholder(Placeholder),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Placeholder {
    Kind,
    La,
    Received,
    Id,
    Month,
    Name,
    Ext,
}

/// What a template names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplateUse {
    /// A file delivered to the back office.
    Delivery,
    /// A sealed return.
    Return,
}

/// What is known of the file to be named.
#[derive(Clone, Debug)]
pub struct NameFacts<'a> {
    /// `FileKind::as_str` or `ReturnKind::as_str`.
    pub kind: &'static str,
    /// Whose file it is.
    pub la: &'a LaNumber,
    /// When it was received.
    pub received: Option<Timestamp>,
    /// What makes the name unique: `DeliveryId::short`.
    pub id: Option<String>,
    /// The month a return is for, and of which earlier workbook it is: `2020-06-workbook-2020-04`.
    pub month: Option<&'a str>,
    /// What the sender called it.
    pub name: Option<&'a str>,
    /// The usual ending for the content, without the dot.
    pub ext: &'a str,
}

/// Why a template is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateFault {
    /// Such as `{when}`.
    #[error("{{{placeholder}}} is no placeholder here; there are {choices}")]
    Unknown {
        /// As written, without the braces.
        placeholder: String,
        /// Those that may be used.
        choices: String,
    },
    /// `{` without `}` or the other way round.
    #[error("a brace is not closed, or was never opened")]
    Unbalanced,
    /// A placeholder stands twice.
    #[error("{0} stands twice")]
    Repeated(String),
    /// A character that could leave the folder, or that shares refuse.
    #[error("{0:?} cannot be part of a file's name")]
    Character(char),
    /// The name would be hidden, or be taken for an option.
    #[error("a name cannot begin with `{0}`")]
    Beginning(char),
    /// Windows shares drop these.
    #[error("a name cannot end with `{0}`")]
    Ending(char),
    /// Two deliveries would have the same name.
    #[error("neither {{id}} nor {{name}} is in it, so that two files would get the same name")]
    NotUnique,
    /// Two months would have the same name.
    #[error("{{month}} is not in it, so that two months would get the same name")]
    NotMonthly,
    /// Longer than a file system takes.
    #[error("names would be up to {0} bytes long, and a file's name may have {NAME_BYTES_MAX}")]
    TooLong(usize),
}

impl Placeholder {
    fn allowed(to: TemplateUse) -> &'static [Placeholder] {
        use Placeholder::*;
        match to {
            TemplateUse::Delivery => &[Kind, La, Received, Id, Name, Ext],
            TemplateUse::Return => &[Kind, La, Month, Ext],
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Placeholder::Kind => "kind",
            Placeholder::La => "la",
            Placeholder::Received => "received",
            Placeholder::Id => "id",
            Placeholder::Month => "month",
            Placeholder::Name => "name",
            Placeholder::Ext => "ext",
        }
    }

    /// The most it can become; for the sender's name, the least that must be left for it.
    fn bytes(self) -> usize {
        match self {
            Placeholder::Kind => 16,
            Placeholder::La => 6,
            Placeholder::Received => 16,
            Placeholder::Id => ID_BYTES_MAX,
            Placeholder::Month => 7,
            Placeholder::Name => SENDERS_NAME_BYTES_MIN,
            Placeholder::Ext => EXT_BYTES_MAX,
        }
    }
}

impl FileNameTemplate {
    /// Checks a template for its use.
    pub fn parse(text: &str, to: TemplateUse) -> Result<FileNameTemplate, TemplateFault> {
        let pieces = pieces(text, to)?;
        check_edges(&pieces)?;
        let has = |wanted| pieces.contains(&Piece::Placeholder(wanted));
        match to {
            TemplateUse::Delivery if !has(Placeholder::Id) && !has(Placeholder::Name) => {
                return Err(TemplateFault::NotUnique);
            }
            TemplateUse::Return if !has(Placeholder::Month) => return Err(TemplateFault::NotMonthly),
            TemplateUse::Delivery | TemplateUse::Return => {}
        }
        let bytes = pieces.iter().map(Piece::bytes).sum();
        match usize::checked_sub(NAME_BYTES_MAX, bytes) {
            None => Err(TemplateFault::TooLong(bytes)),
            Some(left) => Ok(FileNameTemplate { pieces, senders_name_bytes_max: left + SENDERS_NAME_BYTES_MIN }),
        }
    }

    /// Whether what the sender called a file is part of its name.
    pub fn has_senders_name(&self) -> bool {
        self.pieces.contains(&Piece::Placeholder(Placeholder::Name))
    }

    /// The file's name. A fact that is missing is written as `none`.
    pub fn render(&self, facts: &NameFacts<'_>) -> String {
        let name: String = self.pieces.iter().map(|piece| self.piece(piece, facts)).collect();
        guard_beginning(name)
    }

    fn piece(&self, piece: &Piece, facts: &NameFacts<'_>) -> String {
        let absent = || "none".to_owned();
        match piece {
            Piece::Literal(text) => text.clone(),
            Piece::Placeholder(Placeholder::Kind) => facts.kind.to_owned(),
            Piece::Placeholder(Placeholder::La) => facts.la.to_string(),
            Piece::Placeholder(Placeholder::Received) => facts.received.map_or_else(absent, compact),
            Piece::Placeholder(Placeholder::Id) => {
                facts.id.as_deref().map_or_else(absent, |id| shortened(&plain(id), ID_BYTES_MAX))
            }
            Piece::Placeholder(Placeholder::Month) => facts.month.map_or_else(absent, str::to_owned),
            Piece::Placeholder(Placeholder::Name) => senders_name(facts.name, self.senders_name_bytes_max),
            Piece::Placeholder(Placeholder::Ext) => ending(facts.ext),
        }
    }
}

impl Piece {
    fn bytes(&self) -> usize {
        match self {
            Piece::Literal(text) => text.len(),
            Piece::Placeholder(placeholder) => placeholder.bytes(),
        }
    }
}

impl fmt::Display for FileNameTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pieces.iter().try_for_each(|piece| match piece {
            Piece::Literal(text) => f.write_str(text),
            Piece::Placeholder(placeholder) => write!(f, "{{{}}}", placeholder.as_str()),
        })
    }
}

fn pieces(text: &str, to: TemplateUse) -> Result<Vec<Piece>, TemplateFault> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(brace) = rest.find(['{', '}']) {
        let (literal, from_brace) = rest.split_at(brace);
        let inside = from_brace.strip_prefix('{').ok_or(TemplateFault::Unbalanced)?;
        let (word, after) = inside.split_once('}').ok_or(TemplateFault::Unbalanced)?;
        push_literal(&mut pieces, literal)?;
        let placeholder = Piece::Placeholder(known(word, to)?);
        if pieces.contains(&placeholder) {
            return Err(TemplateFault::Repeated(format!("{{{word}}}")));
        }
        pieces.push(placeholder);
        rest = after;
    }
    push_literal(&mut pieces, rest)?;
    Ok(pieces)
}

fn push_literal(pieces: &mut Vec<Piece>, text: &str) -> Result<(), TemplateFault> {
    let refused = |c: &char| *c == '/' || c.is_control() || REFUSED_BY_SHARES.contains(c);
    if let Some(character) = text.chars().find(refused) {
        return Err(TemplateFault::Character(character));
    }
    if !text.is_empty() {
        pieces.push(Piece::Literal(text.to_owned()));
    }
    Ok(())
}

fn known(word: &str, to: TemplateUse) -> Result<Placeholder, TemplateFault> {
    let allowed = Placeholder::allowed(to);
    allowed.iter().copied().find(|placeholder| placeholder.as_str() == word).ok_or_else(|| TemplateFault::Unknown {
        placeholder: word.to_owned(),
        choices: allowed
            .iter()
            .map(|placeholder| format!("{{{}}}", placeholder.as_str()))
            .collect::<Vec<_>>()
            .join(" "),
    })
}

fn check_edges(pieces: &[Piece]) -> Result<(), TemplateFault> {
    if let Some(Piece::Literal(text)) = pieces.first()
        && let Some(first @ ('.' | '-' | '~' | ' ')) = text.chars().next()
    {
        return Err(TemplateFault::Beginning(first));
    }
    if let Some(Piece::Literal(text)) = pieces.last()
        && let Some(last @ ('.' | ' ')) = text.chars().next_back()
    {
        return Err(TemplateFault::Ending(last));
    }
    Ok(())
}

/// `20200414T093000Z`
fn compact(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ").to_string()
}

#[cfg(test)]
mod tests;
