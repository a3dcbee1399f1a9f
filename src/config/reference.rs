//! The commented reference file: every key, what it means, its default.
//!
//! In:  the schema of the raw types and some values.
//! Out: a file that works as it stands: the values given are set, everything else stands commented out at its default.
//! `hbcourier init` writes its file with the same function.

use serde_json::{Map, Value};

use super::schema::{self, Field, Form};

const MINIMAL: &str = include_str!("../../config/hbcourier.minimal.toml");

const HEADER: &str = "\
# hbcourier's configuration: every key there is.
#
# A line such as `#key = value`, without a space after the `#`, is a key at its default, or an example where there is no
# default: take the `#` away to set it. Required keys are set here.
# Settings merge in this order: built-in defaults, this file, the files conf.d/*.toml beside it in the order of their
# names, and HBCOURIER__SECTION__KEY environment variables (single values of [service] and its subtables). A later file
# overrides a single value; [[lists of tables]] from several files are joined: one file per authority is the habit.
# Unknown keys are refused. `hbcourier check` prints every problem, then tries everything for real.
# Durations are texts such as \"30s\", \"5m\", \"1h 30m\" or \"30d\"; sizes are bytes or texts such as \"100 MiB\".
";

/// The reference: the minimal configuration with every key explained.
pub fn reference() -> String {
    let minimal: Value = toml::from_str(MINIMAL).unwrap_or_default();
    annotated(&minimal)
}

/// A configuration with these values, every key explained.
pub fn annotated(values: &Value) -> String {
    let mut page = Page { text: HEADER.to_owned() };
    page.tables(&schema::whole(), values.as_object().unwrap_or(&Map::new()), "", Detail::Full);
    page.text.trim_end().to_owned() + "\n"
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Detail {
    /// Every key with its meaning.
    Full,
    /// Only what is set: the meaning stands at the first table of the list.
    Brief,
    /// A table nobody set: everything commented out.
    Out,
}

struct Page {
    text: String,
}

impl Page {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn comment(&mut self, text: &str) {
        for line in text.lines() {
            self.line(format!("# {}", line.trim()).trim_end());
        }
    }

    /// One empty line, never two.
    fn blank(&mut self) {
        if !self.text.ends_with("\n\n") {
            self.line("");
        }
    }

    /// The subtables of one table, below their headers.
    fn tables(&mut self, fields: &[Field], values: &Map<String, Value>, prefix: &str, detail: Detail) {
        for field in fields {
            let name = if prefix.is_empty() { field.key.clone() } else { format!("{prefix}.{}", field.key) };
            let given = values.get(&field.key);
            match &field.form {
                Form::Table(inner) => {
                    let kept = given.is_some() || field.default.is_some();
                    let detail = if kept { detail } else { detail.without_values() };
                    self.table(
                        inner,
                        given.and_then(Value::as_object),
                        &format!("[{name}]"),
                        &name,
                        &field.doc,
                        detail,
                    );
                }
                Form::Tables(inner) => self.list(inner, given, &name, &field.doc, detail),
                _ => {}
            }
        }
    }

    fn list(&mut self, inner: &[Field], given: Option<&Value>, name: &str, doc: &str, detail: Detail) {
        let header = format!("[[{name}]]");
        let items = given.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        if items.is_empty() {
            return self.table(inner, None, &header, name, doc, detail.without_values());
        }
        for (i, item) in items.iter().enumerate() {
            let detail = if i == 0 { detail } else { Detail::Brief };
            self.table(inner, item.as_object(), &header, name, doc, detail);
        }
    }

    fn table(
        &mut self,
        fields: &[Field],
        given: Option<&Map<String, Value>>,
        header: &str,
        name: &str,
        doc: &str,
        detail: Detail,
    ) {
        let none = Map::new();
        let given = given.unwrap_or(&none);
        if detail == Detail::Brief && given.is_empty() {
            return;
        }
        self.blank();
        if detail != Detail::Brief {
            self.comment(doc);
        }
        self.line(&if detail == Detail::Out { format!("#{header}") } else { header.to_owned() });
        for field in fields.iter().filter(|field| !matches!(field.form, Form::Table(_) | Form::Tables(_))) {
            self.key(field, given.get(&field.key), detail);
        }
        self.tables(fields, given, name, detail);
    }

    fn key(&mut self, field: &Field, given: Option<&Value>, detail: Detail) {
        if detail == Detail::Brief {
            if let Some(value) = given {
                self.line(&format!("{} = {}", field.key, in_toml(value)));
            }
            return;
        }
        self.comment(&field.doc);
        self.comment(&bounds(field));
        let (sign, shown) = match given {
            Some(value) => ("", Some(value)),
            None => ("#", default(field).or(field.example.as_ref())),
        };
        self.line(&format!("{sign}{} = {}", field.key, shown.map(in_toml).unwrap_or_default()));
        self.blank();
    }
}

impl Detail {
    fn without_values(self) -> Detail {
        match self {
            Detail::Full | Detail::Out => Detail::Out,
            Detail::Brief => Detail::Brief,
        }
    }
}

/// What may be written, and what it is if nothing is. The default itself is shown by the line of the key.
fn bounds(field: &Field) -> String {
    let mut lines = Vec::new();
    match &field.form {
        Form::Choice(choices) => {
            lines.extend(choices.iter().map(|choice| format!("\"{}\": {}", choice.word, choice.doc)));
        }
        Form::Integer { min, max } => lines.push(format!("{min} to {max}.")),
        _ => {}
    }
    match default(field) {
        _ if field.required => lines.push("Required.".to_owned()),
        Some(default) => lines.push(format!("Default: {}", in_toml(default))),
        None => lines.push("Optional.".to_owned()),
    }
    lines.join("\n")
}

/// An empty list is no default worth showing.
fn default(field: &Field) -> Option<&Value> {
    field.default.as_ref().filter(|default| default.as_array().is_none_or(|items| !items.is_empty()))
}

fn in_toml(value: &Value) -> String {
    toml::Value::try_from(value).map(|value| value.to_string()).unwrap_or_default()
}
