//! The keys of the configuration as data: what the raw types and their doc comments say.
//!
//! In:  the JSON Schema that `schemars` derives from the raw types.
//! Out: [`Field`]s in the order they are declared. Unknown keys are found with them, and the reference is written from
//! them, so neither can drift from what is really read.

use serde_json::Value;

use super::raw::Raw;

/// One key.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) key: String,
    /// The doc comment.
    pub(super) doc: String,
    pub(super) required: bool,
    /// What it is if left out.
    pub(super) default: Option<Value>,
    /// A value to show where there is no default.
    pub(super) example: Option<Value>,
    pub(super) form: Form,
}

/// What a key's value looks like.
#[derive(Clone, Debug)]
pub(super) enum Form {
    /// `[table]`
    Table(Vec<Field>),
    /// `[[table]]`
    Tables(Vec<Field>),
    /// `["a", "b"]`
    Texts,
    Text,
    Duration,
    Size,
    Integer {
        min: i64,
        max: i64,
    },
    Choice(Vec<Choice>),
}

/// One of the values a key may have.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    pub(super) word: String,
    pub(super) doc: String,
}

/// Every top-level key.
pub(super) fn whole() -> Vec<Field> {
    let settings =
        schemars::generate::SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    fields(settings.into_generator().into_root_schema_for::<Raw>().as_value())
}

fn fields(table: &Value) -> Vec<Field> {
    let properties = table["properties"].as_object().into_iter().flatten();
    properties.map(|(key, property)| field(key, property)).collect()
}

fn field(key: &str, property: &Value) -> Field {
    let default = property.get("default").filter(|value| !value.is_null()).cloned();
    Field {
        key: key.to_owned(),
        doc: text(&property["description"]),
        // To serde every key may be left out. One that is marked required has a type without null all the same.
        required: property["default"].is_null() && !nullable(property),
        default,
        example: property["examples"].get(0).cloned(),
        form: form(property),
    }
}

fn nullable(property: &Value) -> bool {
    let alternatives = property["anyOf"].as_array().into_iter().flatten();
    is(property, "null") || alternatives.into_iter().any(|one| is(one, "null"))
}

fn is(property: &Value, wanted: &str) -> bool {
    let kind = &property["type"];
    kind == wanted || kind.as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == wanted))
}

fn form(property: &Value) -> Form {
    // An optional value is "this or null", and TOML has no null.
    if let Some(some) = property["anyOf"].as_array().and_then(|either| either.iter().find(|one| one["type"] != "null"))
        && property.get("format").is_none()
    {
        return form(some);
    }
    match property["format"].as_str() {
        Some("duration") => return Form::Duration,
        Some("size") => return Form::Size,
        _ => {}
    }
    if let Some(choices) = property["oneOf"].as_array() {
        return Form::Choice(choices.iter().map(choice).collect());
    }
    if is(property, "object") {
        Form::Table(fields(property))
    } else if is(property, "array") && property["items"]["type"] == "object" {
        Form::Tables(fields(&property["items"]))
    } else if is(property, "array") {
        Form::Texts
    } else if is(property, "integer") {
        let bound = |name: &str, otherwise| property[name].as_i64().unwrap_or(otherwise);
        Form::Integer { min: bound("minimum", i64::MIN), max: bound("maximum", i64::MAX) }
    } else {
        Form::Text
    }
}

fn choice(one: &Value) -> Choice {
    Choice { word: text(&one["const"]), doc: text(&one["description"]) }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_field<'a>(fields: &'a [Field], visit: &mut dyn FnMut(&'a Field)) {
        for field in fields {
            visit(field);
            if let Form::Table(inner) | Form::Tables(inner) = &field.form {
                every_field(inner, visit);
            }
        }
    }

    #[test]
    fn every_key_says_what_it_means_and_can_be_shown() {
        let schema = whole();
        let mut seen = 0;
        every_field(&schema, &mut |field| {
            seen += 1;
            assert!(field.doc.len() > 15, "{} has no meaning written down", field.key);
            let table = matches!(field.form, Form::Table(_) | Form::Tables(_));
            assert!(table || field.default.is_some() || field.example.is_some(), "{} has nothing to show", field.key);
        });
        assert!(seen > 40, "only {seen} keys were found");
    }

    #[test]
    fn forms_are_told_apart() {
        let schema = whole();
        let mut forms = std::collections::BTreeMap::new();
        every_field(&schema, &mut |field| {
            forms.insert(field.key.as_str(), (format!("{:?}", field.form), field.required));
        });
        assert_eq!(forms["attempts_max"], ("Integer { min: 1, max: 100 }".to_owned(), false));
        assert_eq!(forms["port"], ("Integer { min: 1, max: 65535 }".to_owned(), false));
        assert_eq!(forms["sweep_every"].0, "Duration");
        assert_eq!(forms["free_bytes_min"].0, "Size");
        assert_eq!(forms["partners"], ("Texts".to_owned(), true));
        assert_eq!(forms["state"], ("Text".to_owned(), true));
        assert!(forms["noticing"].0.starts_with("Choice") && forms["noticing"].0.contains("\"poll\""));
        assert!(forms["smtp"].0.starts_with("Table") && forms["return"].0.starts_with("Tables"));
    }
}
