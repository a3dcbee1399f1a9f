//! Where checks put what they find, and the checks that many keys share.
//!
//! Each takes a value that may be missing: that it is missing has been reported by then.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use crate::config::location::{Places, TreePath};
use crate::config::notation::{WrittenDuration, WrittenSize, duration_text, size_text};
use crate::config::problems::{Problem, Problems};
use crate::config::spelling::nearest;

pub(super) struct Report<'a> {
    places: Places,
    problems: &'a mut Problems,
}

impl<'a> Report<'a> {
    pub(super) fn new(places: Places, problems: &'a mut Problems) -> Report<'a> {
        Report { places, problems }
    }

    pub(super) fn wrong(&mut self, at: &TreePath, wrong: impl Into<String>, next: impl Into<String>) {
        let (origin, key) = self.places.of(at);
        self.problems.add(Problem { origin, key, wrong: wrong.into(), next: next.into() });
    }

    /// A key as people read it, with its place.
    pub(super) fn named(&self, at: &TreePath) -> String {
        let (origin, key) = self.places.of(at);
        format!("{key} ({origin})")
    }

    pub(super) fn parse<T>(&mut self, at: &TreePath, text: &Option<String>) -> Option<T>
    where
        T: FromStr<Err: Display>,
    {
        self.parse_text(at, text.as_deref()?)
    }

    pub(super) fn parse_text<T>(&mut self, at: &TreePath, text: &str) -> Option<T>
    where
        T: FromStr<Err: Display>,
    {
        let parsed: Result<T, T::Err> = text.parse();
        parsed.map_err(|error: T::Err| self.wrong(at, error.to_string(), "correct it")).ok()
    }

    /// Every text of a list; nothing if one of them was refused.
    pub(super) fn parse_each<T>(&mut self, at: &TreePath, texts: &[String]) -> Option<Vec<T>>
    where
        T: FromStr<Err: Display>,
    {
        let parsed: Vec<Option<T>> =
            texts.iter().enumerate().map(|(i, text)| self.parse_text(&at.key(&i.to_string()), text)).collect();
        parsed.into_iter().collect()
    }

    /// As [`Report::parse_each`], for a list that must hold something.
    pub(super) fn parse_some<T>(&mut self, at: &TreePath, texts: &Option<Vec<String>>) -> Option<Vec<T>>
    where
        T: FromStr<Err: Display>,
    {
        let texts = texts.as_deref()?;
        if texts.is_empty() {
            self.wrong(at, "the list is empty", "name at least one");
            return None;
        }
        self.parse_each(at, texts)
    }

    /// What a parser of [`crate::config::notation`] accepts.
    pub(super) fn noted<T>(&mut self, at: &TreePath, parsed: Option<T>, wrong: &str, next: &str) -> Option<T> {
        if parsed.is_none() {
            self.wrong(at, wrong, next);
        }
        parsed
    }

    pub(super) fn absolute(&mut self, at: &TreePath, text: &Option<String>) -> Option<PathBuf> {
        let text = text.as_deref()?;
        let path = absolute(text);
        self.noted(at, path, &format!("`{text}` is not an absolute path"), "begin it with `/` and leave out `..`")
    }

    pub(super) fn duration(
        &mut self,
        at: &TreePath,
        written: &WrittenDuration,
        allowed: RangeInclusive<Duration>,
    ) -> Option<Duration> {
        let wrong = format!("`{}` is not a duration", written.0);
        let duration = self.noted(at, written.parse(), &wrong, "write it as in \"30s\", \"5m\", \"2h\" or \"30d\"")?;
        if allowed.contains(&duration) {
            return Some(duration);
        }
        let (least, most) = (duration_text(*allowed.start()), duration_text(*allowed.end()));
        self.wrong(
            at,
            format!("{} is out of range", duration_text(duration)),
            format!("write one from {least} to {most}"),
        );
        None
    }

    pub(super) fn size(&mut self, at: &TreePath, written: &WrittenSize, allowed: RangeInclusive<u64>) -> Option<u64> {
        let next = "write a number of bytes, or a size as in \"100 MiB\"";
        let bytes = self.noted(at, written.parse(), "this is not a size", next)?;
        if allowed.contains(&bytes) {
            return Some(bytes);
        }
        let (least, most) = (size_text(*allowed.start()), size_text(*allowed.end()));
        self.wrong(at, format!("{} is out of range", size_text(bytes)), format!("write one from {least} to {most}"));
        None
    }

    /// A name that stands for something defined elsewhere in the configuration.
    pub(super) fn refers(&mut self, at: &TreePath, table: &str, name: &str, defined: &[&str]) {
        if defined.contains(&name) {
            return;
        }
        let next = match nearest(name, defined.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("add a [[{table}]] of this name"),
        };
        self.wrong(at, format!("there is no {table} `{name}`"), next);
    }
}

/// Without `.` and repeated slashes. Nothing if it is relative, the root itself, or has `..` in it.
pub(super) fn absolute(text: &str) -> Option<PathBuf> {
    let path: PathBuf = Path::new(text).components().collect();
    let plain = path.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
    (path.is_absolute() && plain && path.parent().is_some() && !text.contains('\0')).then_some(path)
}
