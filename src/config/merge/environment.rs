//! `HBCOURIER__SECTION__KEY` variables: single values of `[service]` and its subtables.
//!
//! Holds: a variable that sets nothing is refused, as a misspelt key in a file is; a variable's value is never repeated.

use std::ffi::OsString;

use config::{Value, ValueKind};

use crate::config::location::Origin;
use crate::config::problems::{Problem, Problems};
use crate::config::schema::{Field, Form};
use crate::config::spelling::nearest;

const PREFIX: &str = "HBCOURIER__";

/// Each value that a variable sets, by its dotted key.
pub(super) fn overrides(
    variables: impl IntoIterator<Item = (OsString, OsString)>,
    schema: &[Field],
    problems: &mut Problems,
) -> Vec<(String, Value)> {
    let ours = variables.into_iter().filter(|(name, _)| name.as_encoded_bytes().starts_with(PREFIX.as_bytes()));
    let mut ours: Vec<(OsString, OsString)> = ours.collect();
    ours.sort();
    let mut set = Vec::new();
    for (name, value) in ours {
        let origin = format!("${}", name.to_string_lossy());
        match one(&name.to_string_lossy(), &value, schema) {
            Ok((key, kind)) => set.push((key, Value::new(Some(&origin), kind))),
            Err((key, wrong, next)) => {
                problems.add(Problem { origin: Origin { file: origin, line: None }, key, wrong, next });
            }
        }
    }
    set
}

type Refusal = (String, String, String);

fn one(name: &str, value: &OsString, schema: &[Field]) -> Result<(String, ValueKind), Refusal> {
    let key = name[PREFIX.len()..].to_lowercase().replace("__", ".");
    let refuse = |wrong: &str, next: String| (key.clone(), wrong.to_owned(), next);
    let mut fields = schema;
    let mut found = None;
    for word in key.split('.') {
        let field = fields.iter().find(|field| field.key == word).ok_or_else(|| {
            let meant = nearest(word, fields.iter().map(|field| field.key.as_str()));
            let hint = meant.map(|meant| format!("did you mean {}? ", meant.to_uppercase())).unwrap_or_default();
            refuse("no key has this name", format!("{hint}unset the variable or name it {PREFIX}SECTION__KEY"))
        })?;
        fields = match &field.form {
            Form::Table(inner) => inner,
            _ => &[],
        };
        found = Some(&field.form);
    }
    let text = value.to_str().ok_or_else(|| refuse("the value is not UTF-8", "set it to plain text".to_owned()))?;
    match found {
        Some(Form::Tables(_) | Form::Texts) => {
            let next = "put it into a file of conf.d and unset the variable".to_owned();
            Err(refuse("a list cannot be set from the environment", next))
        }
        Some(Form::Table(_)) | None => {
            Err(refuse("this is a whole table", format!("name one key of it: {PREFIX}SECTION__KEY")))
        }
        Some(Form::Integer { .. }) => {
            Ok((key.clone(), text.parse().map_or(ValueKind::String(text.to_owned()), ValueKind::I64)))
        }
        Some(Form::Text | Form::Duration | Form::Size | Form::Choice(_)) => {
            Ok((key.clone(), ValueKind::String(text.to_owned())))
        }
    }
}
