//! The walk over exported entries: each line beside the hash that stands for it.
//!
//! In:  lines, one after the other. Out: what is wrong with them, and with which first.
//! Holds: a walk can be cloned at any line and go on in another way, so that tests try every alteration of every line.
//! Where checkpoints vouch for the hashes, the first line that does not fit its hash is the bad one. Where they do not, the
//! lines are held against the checkpoints themselves.

use std::io;

use super::agreement::{Agreement, Standing};
use super::line::{Piece, number_of};
use super::verdict::{Bad, Kind};
use super::{Leaves, LeavesFound, Notes};
use crate::domain::Digest;
use crate::domain::merkle::leaf;

/// A walk under way.
#[derive(Clone)]
pub struct Walk<'a> {
    leaves: &'a dyn Leaves,
    found: &'a LeavesFound<'a>,
    covered: u64,
    place: u64,
    /// The first line that does not fit its hash.
    differs: Option<Difference>,
    /// The first line without an end.
    unended: Option<u64>,
    /// The first line that bears another number than its place's.
    misnumbered: Option<(u64, Option<u64>)>,
    /// The lines' own tree, where that of the hashes is not what was signed.
    own: Option<Agreement<'a>>,
}

/// A line that does not fit its hash, and what tells how that came about.
#[derive(Clone, Debug)]
struct Difference {
    at: u64,
    /// Whether there is a line at all.
    is_there: bool,
    ended: bool,
    hash: Option<Digest>,
    claims: Option<u64>,
    next: Next,
}

/// The line behind it.
#[derive(Clone, Debug)]
enum Next {
    Awaited,
    None,
    Line(Option<Digest>),
}

impl<'a> Walk<'a> {
    /// Before the first line.
    pub fn new(leaves: &'a dyn Leaves, found: &'a LeavesFound<'a>, notes: &'a Notes) -> Walk<'a> {
        Walk {
            leaves,
            found,
            covered: notes.covered(),
            place: 0,
            differs: None,
            unended: None,
            misnumbered: None,
            own: found.standing.wrong.is_some().then(|| Agreement::new(notes.marks())),
        }
    }

    /// How many lines there were so far.
    pub fn lines(&self) -> u64 {
        self.place
    }

    /// Whether nothing that may follow changes what is wrong first. Lines still count.
    pub fn is_settled(&self) -> bool {
        let known = self.differs.as_ref().is_some_and(|differs| !matches!(differs.next, Next::Awaited));
        let vouched = |at: u64| self.own.is_none() || at < self.found.standing.proven;
        known && self.differs.as_ref().is_some_and(|differs| vouched(differs.at))
    }

    /// Counts a line that is not looked at any more.
    pub fn pass(&mut self) {
        self.place += 1;
    }

    /// Takes the next line.
    pub fn line(&mut self, piece: Piece<'_>) -> io::Result<()> {
        let place = self.place;
        self.place += 1;
        let hash = piece.bytes.map(leaf);
        if let Some(differs) = &mut self.differs
            && matches!(differs.next, Next::Awaited)
        {
            differs.next = Next::Line(hash);
        }
        let claims = piece.bytes.and_then(number_of);
        if self.differs.is_none() && (hash.is_none() || self.leaves.at(place)? != hash) {
            let ended = piece.ended;
            self.differs = Some(Difference { at: place, is_there: true, ended, hash, claims, next: Next::Awaited });
        }
        if !piece.ended {
            self.unended = self.unended.or(Some(place));
        }
        if claims != Some(place) && self.misnumbered.is_none() {
            self.misnumbered = Some((place, claims));
        }
        if let Some(own) = &mut self.own {
            // A line that is too long to be read is no entry, so any hash but its own says so.
            own.push(hash.unwrap_or(Digest::of(b"")));
        }
        Ok(())
    }

    /// Takes bytes as a line with its end.
    pub fn text(&mut self, line: &[u8]) -> io::Result<()> {
        self.line(Piece { bytes: Some(line), ended: true })
    }

    /// There are no more lines: what is wrong first, if anything.
    pub fn end(mut self) -> io::Result<Ended<'a>> {
        match &mut self.differs {
            Some(differs) if matches!(differs.next, Next::Awaited) => differs.next = Next::None,
            Some(_) => {}
            None if self.found.broken || self.leaves.at(self.place)?.is_some() => {
                let (is_there, hash, claims) = (false, None, None);
                self.differs =
                    Some(Difference { at: self.place, is_there, ended: false, hash, claims, next: Next::None });
            }
            None => {}
        }
        let standing = self.own.as_ref().map_or_else(|| self.found.standing.clone(), Agreement::end);
        let bad = match (&self.own, &self.differs) {
            (None, _) => self.exact()?,
            (Some(_), Some(differs)) if differs.at < self.found.standing.proven => self.exact()?,
            (Some(_), Some(differs)) if standing.wrong.is_none() => Some(Bad::at(Kind::Leaves, differs.at)),
            (Some(_), _) => self.without_hashes(&standing),
        };
        Ok(Ended { lines: self.place, bad, standing })
    }

    /// The hashes are vouched for where the fault is.
    fn exact(&self) -> io::Result<Option<Bad>> {
        let mut first = None;
        if let Some(differs) = &self.differs {
            first = Some(Bad { claims: differs.claims, ..Bad::at(self.kind_of(differs)?, differs.at) });
        }
        let earlier = |bad: &Option<Bad>, at: u64| bad.as_ref().is_none_or(|bad| at < bad.at);
        if let Some(at) = self.unended.filter(|at| earlier(&first, *at)) {
            first = Some(Bad::at(Kind::Cut, at));
        }
        if let Some((at, claims)) = self.misnumbered.filter(|(at, _)| earlier(&first, *at)) {
            first = Some(Bad { claims, ..Bad::at(Kind::Misnumbered, at) });
        }
        Ok(first)
    }

    /// The hashes were altered with the lines, or are not those of what was signed.
    fn without_hashes(&self, standing: &Standing<'_>) -> Option<Bad> {
        let unended = self.unended.map(|at| Bad::at(Kind::Cut, at));
        let misnumbered = self.misnumbered.map(|(at, claims)| Bad { claims, ..Bad::at(Kind::Misnumbered, at) });
        // Of two at one place, that the line has no end tells more.
        if let Some(bad) = unended.into_iter().chain(misnumbered).min_by_key(|bad| bad.at) {
            return Some(bad);
        }
        let wrong = standing.wrong?;
        if wrong.size > self.place {
            return Some(Bad::at(Kind::Cut, self.place));
        }
        let (kind, at) = match standing.own_is_wrong {
            true => (Kind::Rewritten, standing.proven),
            false => (Kind::Fork, standing.anchored),
        };
        Some(Bad { before: Some(wrong.size), ..Bad::at(kind, at) })
    }

    fn kind_of(&self, differs: &Difference) -> io::Result<Kind> {
        let (at, proven) = (differs.at, self.found.standing.proven);
        if !differs.is_there {
            // What is more in the list of hashes than was ever signed is the list's own fault.
            let is_whole = at >= proven && at == self.covered;
            return Ok(if is_whole { Kind::Leaves } else { Kind::Cut });
        }
        if !differs.ended {
            return Ok(Kind::Cut);
        }
        let expected = self.leaves.at(at)?;
        if expected.is_none() && self.found.broken {
            return Ok(Kind::Leaves);
        }
        let next = match &differs.next {
            Next::Line(hash) => *hash,
            Next::Awaited | Next::None => None,
        };
        let other = differs.claims.filter(|claims| *claims < proven && *claims != at);
        if let Some(other) = other
            && differs.hash.is_some()
            && self.leaves.at(other)? == differs.hash
        {
            let goes_on = next.is_some() && (next == expected || next == self.leaves.at(at + 1)?);
            return Ok(match (other < at, goes_on) {
                (true, _) => Kind::Doubled,
                (false, true) => Kind::Moved,
                (false, false) => Kind::Missing,
            });
        }
        let comes_next = next.is_some() && next == expected;
        Ok(if comes_next || expected.is_none() { Kind::Inserted } else { Kind::Altered })
    }
}

/// A walk that is over.
#[derive(Clone, Debug)]
pub struct Ended<'a> {
    /// How many lines there were.
    pub lines: u64,
    /// What is wrong first, if anything.
    pub bad: Option<Bad>,
    pub(super) standing: Standing<'a>,
}
