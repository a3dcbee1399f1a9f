//! One TOML file, with the line of every value.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use config::{Map, Value, ValueKind};
use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use crate::config::location::Origin;
use crate::config::problems::{Problem, Problems};

/// No configuration of people's making is longer.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// The file's tree; nothing if it cannot be read or does not parse, with every fault reported.
pub(super) fn read(path: &Path, problems: &mut Problems) -> Option<Map<String, Value>> {
    let text = match text(path) {
        Ok(text) => text,
        Err(error) => {
            problems.add(Problem {
                origin: Origin::file(path),
                key: String::new(),
                wrong: format!("the file could not be read: {error}"),
                next: "check its path and that the service's user may read it; `hbcourier init DIR` makes a new one"
                    .to_owned(),
            });
            return None;
        }
    };
    let lines = Lines::of(path, &text);
    let (table, errors) = DeTable::parse_recoverable(&text);
    for error in &errors {
        let line = error.span().map(|span| lines.line(span.start));
        problems.add(Problem {
            origin: Origin { line, ..Origin::file(path) },
            key: String::new(),
            // Only the message: the error's own text quotes the line.
            wrong: format!("this is not TOML: {}", error.message().replace('\n', "; ")),
            next: "correct the line; texts need quotation marks, and a key may stand only once in a table".to_owned(),
        });
    }
    let odd = odd_keys(table.get_ref(), &lines);
    let whole = errors.is_empty() && odd.is_empty();
    odd.into_iter().for_each(|problem| problems.add(problem));
    whole.then(|| lines.table(table.get_ref()))
}

/// The merge reads a top-level `"a.b"` or `"a[9]"` as a path; no key of ours looks like that.
fn odd_keys(table: &DeTable<'_>, lines: &Lines<'_>) -> Vec<Problem> {
    let plain = |key: &str| !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
    let odd = table.keys().filter(|key| !plain(key.get_ref()));
    let problem = |key: &Spanned<std::borrow::Cow<'_, str>>| Problem {
        origin: Origin { line: Some(lines.line(key.span().start)), ..Origin::file(lines.path) },
        key: key.get_ref().to_string(),
        wrong: "there is no such key".to_owned(),
        next: "take it out; no key needs quotation marks".to_owned(),
    };
    odd.map(problem).collect()
}

fn text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(io::Error::other("it is longer than 4 MiB, the most that is read"));
    }
    Ok(text)
}

/// Finds lines by offset.
struct Lines<'a> {
    path: &'a Path,
    ends: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn of(path: &'a Path, text: &str) -> Lines<'a> {
        Lines { path, ends: text.match_indices('\n').map(|(at, _)| at).collect() }
    }

    fn line(&self, offset: usize) -> usize {
        self.ends.partition_point(|end| *end < offset) + 1
    }

    fn table(&self, table: &DeTable<'_>) -> Map<String, Value> {
        // A key's own span: a table's value may span from its header to anywhere.
        table.iter().map(|(key, value)| (key.get_ref().to_string(), self.value(value, key.span().start))).collect()
    }

    fn value(&self, value: &Spanned<DeValue<'_>>, offset: usize) -> Value {
        let kind = match value.get_ref() {
            DeValue::String(text) => ValueKind::String(text.to_string()),
            DeValue::Integer(number) => integer(number),
            DeValue::Float(number) => ValueKind::Float(number.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Boolean(yes) => ValueKind::Boolean(*yes),
            DeValue::Datetime(moment) => ValueKind::String(moment.to_string()),
            DeValue::Array(items) => {
                ValueKind::Array(items.iter().map(|item| self.value(item, item.span().start)).collect())
            }
            DeValue::Table(table) => ValueKind::Table(self.table(table)),
        };
        let origin = Origin { line: Some(self.line(offset)), ..Origin::file(self.path) };
        Value::new(Some(&origin.to_string()), kind)
    }
}

/// Beyond 64 bits it stays wide, and is refused where a range is known.
fn integer(number: &DeInteger<'_>) -> ValueKind {
    let wide = i128::from_str_radix(number.as_str(), number.radix()).unwrap_or(i128::MAX);
    i64::try_from(wide).map_or(ValueKind::I128(wide), ValueKind::I64)
}
