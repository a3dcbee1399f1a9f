//! Holding the merged tree against the schema: unknown keys, wrong types, numbers out of range, missing keys.
//!
//! In:  the merged tree.
//! Out: the part of it that is in shape, as [`Raw`] values, and the place of every value. What is out of shape is reported
//! and left out, so that the values beside it are still checked and every problem comes at once.
//! Holds: the value of an unknown key is never repeated: it may be a secret.

use config::{Map, Value, ValueKind};
use serde_json::Value as Json;

use super::location::{Places, TreePath, joined};
use super::problems::{Problem, Problems};
use super::raw::Raw;
use super::schema::{Choice, Field, Form};
use super::spelling::nearest;

/// Words in a key that make it a secret's.
const SECRET_WORDS: [&str; 5] = ["password", "passwd", "passphrase", "secret", "token"];

/// What tells the tables of one list apart, in the order of preference.
const LABELS: [&str; 5] = ["number", "name", "destination", "kind", "file"];

/// Reports everything out of shape and returns the rest.
pub(super) fn hold(merged: Map<String, Value>, schema: &[Field], places: &mut Places, problems: &mut Problems) -> Raw {
    let mut shape = Shape { places, problems };
    let tree = shape.table(merged, schema, &TreePath::root(), "");
    match serde_json::from_value(tree) {
        Ok(raw) => raw,
        Err(error) => {
            shape.wrong(&TreePath::root(), &format!("the settings could not be read: {error}"), "correct the value");
            Raw::default()
        }
    }
}

struct Shape<'a> {
    places: &'a mut Places,
    problems: &'a mut Problems,
}

impl Shape<'_> {
    fn wrong(&mut self, at: &TreePath, wrong: &str, next: &str) {
        let (origin, key) = self.places.of(at);
        self.problems.add(Problem { origin, key, wrong: wrong.to_owned(), next: next.to_owned() });
    }

    fn table(&mut self, mut given: Map<String, Value>, fields: &[Field], at: &TreePath, shown: &str) -> Json {
        let mut kept = serde_json::Map::new();
        for field in fields {
            let here = at.key(&field.key);
            match given.remove(&field.key) {
                Some(value) => {
                    let shown = joined(shown, &field.key);
                    self.places.note(here.clone(), value.origin(), shown.clone());
                    if let Some(value) = self.value(value, field, &here, &shown) {
                        kept.insert(field.key.clone(), value);
                    }
                }
                None if field.required => {
                    let example = field.example.as_ref().map(Json::to_string).unwrap_or_default();
                    self.wrong(
                        &here,
                        "this key is required and missing",
                        &format!("add it, such as {} = {example}", field.key),
                    );
                }
                // A table that is left out may still have required keys.
                None => {
                    if let (Form::Table(inner), true) = (&field.form, field.default.is_some()) {
                        let shown = joined(shown, &field.key);
                        kept.insert(field.key.clone(), self.table(Map::new(), inner, &here, &shown));
                    }
                }
            }
        }
        let mut unknown: Vec<(String, Value)> = given.into_iter().collect();
        unknown.sort_by(|(one, _), (other, _)| one.cmp(other));
        for (key, value) in unknown {
            self.unknown(&key, &value, fields, at, shown);
        }
        Json::Object(kept)
    }

    fn unknown(&mut self, key: &str, value: &Value, fields: &[Field], at: &TreePath, shown: &str) {
        let here = at.key(key);
        self.places.note(here.clone(), value.origin(), joined(shown, key));
        let known: Vec<&str> = fields.iter().map(|field| field.key.as_str()).collect();
        if SECRET_WORDS.iter().any(|word| key.to_lowercase().contains(word))
            && !matches!(value.kind, ValueKind::Table(_))
        {
            let secret = "a secret is never written in the configuration";
            let next = "take it out, change it, and name a systemd credential in password_credential or a file of mode \
                        0600 in password_file";
            return self.wrong(&here, secret, next);
        }
        let next = match nearest(key, known.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("take it out; the keys here are {}", known.join(", ")),
        };
        self.wrong(&here, "there is no such key", &next);
    }

    fn value(&mut self, value: Value, field: &Field, at: &TreePath, shown: &str) -> Option<Json> {
        let found = what(&value.kind);
        match (&field.form, value.kind) {
            (Form::Table(fields), ValueKind::Table(given)) => Some(self.table(given, fields, at, shown)),
            (Form::Tables(fields), ValueKind::Array(items)) => Some(self.tables(items, fields, at, shown)),
            (Form::Texts, ValueKind::Array(items)) => Some(self.texts(items, at, shown)),
            (Form::Text | Form::Duration | Form::Size, ValueKind::String(text)) => Some(Json::String(text)),
            (Form::Size, ValueKind::I64(bytes)) if bytes >= 0 => Some(bytes.into()),
            (Form::Integer { min, max }, ValueKind::I64(number)) if (*min..=*max).contains(&number) => {
                Some(number.into())
            }
            (Form::Integer { min, max }, ValueKind::I64(_) | ValueKind::I128(_)) => {
                self.wrong(at, "the number is out of range", &format!("write one from {min} to {max}"));
                None
            }
            (Form::Choice(choices), ValueKind::String(word)) => self.choice(choices, word, at),
            (form, _) => {
                self.wrong(at, &format!("{found} stands here"), &format!("write {}", wanted(form)));
                None
            }
        }
    }

    fn tables(&mut self, items: Vec<Value>, fields: &[Field], at: &TreePath, shown: &str) -> Json {
        let mut kept = Vec::new();
        for (index, item) in items.into_iter().enumerate() {
            let here = at.key(&index.to_string());
            let shown = format!("{shown}[{}]", label(&item, index));
            self.places.note(here.clone(), item.origin(), shown.clone());
            match item.kind {
                ValueKind::Table(given) => kept.push(self.table(given, fields, &here, &shown)),
                other => {
                    self.wrong(&here, &format!("{} stands here", what(&other)), "write a table");
                    // Kept as an empty one, so that the indexes of those after it stay right.
                    kept.push(Json::Object(serde_json::Map::new()));
                }
            }
        }
        Json::Array(kept)
    }

    fn texts(&mut self, items: Vec<Value>, at: &TreePath, shown: &str) -> Json {
        let mut kept = Vec::new();
        for (index, item) in items.into_iter().enumerate() {
            let here = at.key(&index.to_string());
            self.places.note(here.clone(), item.origin(), format!("{shown}[#{}]", index + 1));
            match item.kind {
                ValueKind::String(text) => kept.push(Json::String(text)),
                other => self.wrong(&here, &format!("{} stands here", what(&other)), "write a text in quotation marks"),
            }
        }
        Json::Array(kept)
    }

    fn choice(&mut self, choices: &[Choice], word: String, at: &TreePath) -> Option<Json> {
        if choices.iter().any(|choice| choice.word == word) {
            return Some(Json::String(word));
        }
        let words: Vec<&str> = choices.iter().map(|choice| choice.word.as_str()).collect();
        self.wrong(at, &format!("`{word}` is not one of the choices"), &format!("write {}", words.join(" or ")));
        None
    }
}

/// `12302`, `drop-12302`, or `#2` for a table without a name.
fn label(item: &Value, index: usize) -> String {
    let table = match &item.kind {
        ValueKind::Table(table) => Some(table),
        _ => None,
    };
    let named = |key: &&str| match &table?.get(*key)?.kind {
        ValueKind::String(text) => Some(text.clone()),
        _ => None,
    };
    LABELS.iter().find_map(named).unwrap_or_else(|| format!("#{}", index + 1))
}

fn what(kind: &ValueKind) -> &'static str {
    match kind {
        ValueKind::Nil => "nothing",
        ValueKind::Boolean(_) => "true or false",
        ValueKind::I64(_) | ValueKind::I128(_) | ValueKind::U64(_) | ValueKind::U128(_) => "a whole number",
        ValueKind::Float(_) => "a fraction",
        ValueKind::String(_) => "a text",
        ValueKind::Table(_) => "a table",
        ValueKind::Array(_) => "a list",
    }
}

fn wanted(form: &Form) -> String {
    match form {
        Form::Table(_) => "a table, [in.brackets]".to_owned(),
        Form::Tables(_) => "a list of tables, [[in.double.brackets]]".to_owned(),
        Form::Texts => "a list of texts, such as [\"a\", \"b\"]".to_owned(),
        Form::Text => "a text in quotation marks".to_owned(),
        Form::Duration => "a duration in quotation marks, such as \"30s\", \"5m\" or \"2d\"".to_owned(),
        Form::Size => "a number of bytes, or a size in quotation marks such as \"100 MiB\"".to_owned(),
        Form::Integer { min, max } => format!("a whole number from {min} to {max}"),
        Form::Choice(choices) => choices.iter().map(|c| format!("\"{}\"", c.word)).collect::<Vec<_>>().join(" or "),
    }
}
