//! The root element of an XML file, and which ones an authority accepts.
//!
//! No public schema of LAIDs exists, so an authority that knows its own vocabulary may name it.

use std::fmt;
use std::str::FromStr;

/// Longest name or namespace that is compared; a longer one is on no list.
pub const TEXT_BYTES_MAX: usize = 500;

/// A root element: its name without a prefix, and its namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XmlRoot {
    /// Such as `LAIDBatch`.
    pub name: String,
    /// The namespace it is in, if it is in one.
    pub namespace: Option<String>,
}

/// A root element that is accepted: by name, by namespace, or by both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedRoot {
    name: Option<String>,
    namespace: Option<String>,
}

/// The text names no root element.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no root element: write LAIDBatch, {{urn:example:laid}} or {{urn:example:laid}}LAIDBatch")]
pub struct NotARoot(pub String);

impl AcceptedRoot {
    /// Whether this is one.
    pub fn accepts(&self, root: &XmlRoot) -> bool {
        self.name.as_ref().is_none_or(|name| *name == root.name)
            && self.namespace.as_ref().is_none_or(|namespace| Some(namespace) == root.namespace.as_ref())
    }
}

// The notation is James Clark's.
impl FromStr for AcceptedRoot {
    type Err = NotARoot;

    fn from_str(text: &str) -> Result<Self, NotARoot> {
        let bad = || NotARoot(text.to_owned());
        let (namespace, name) = match text.strip_prefix('{') {
            None => (None, text),
            Some(rest) => {
                let (namespace, name) = rest.split_once('}').ok_or_else(bad)?;
                (Some(namespace), name)
            }
        };
        let plain = |part: &str| !part.contains(['{', '}', '<', '>', '"', ' ']) && !part.contains(char::is_control);
        let is_name = plain(name) && !name.contains(':');
        let is_namespace = namespace.is_none_or(|namespace| !namespace.is_empty() && plain(namespace));
        let is_empty = name.is_empty() && namespace.is_none();
        if is_empty || !is_name || !is_namespace || text.len() > TEXT_BYTES_MAX {
            return Err(bad());
        }
        let name = (!name.is_empty()).then(|| name.to_owned());
        Ok(AcceptedRoot { name, namespace: namespace.map(str::to_owned) })
    }
}

impl fmt::Display for AcceptedRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(namespace) = &self.namespace {
            write!(f, "{{{namespace}}}")?;
        }
        f.write_str(self.name.as_deref().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(name: &str, namespace: Option<&str>) -> XmlRoot {
        XmlRoot { name: name.to_owned(), namespace: namespace.map(str::to_owned) }
    }

    #[test]
    fn by_name_by_namespace_or_by_both() {
        let accepts = |text: &str, root: &XmlRoot| text.parse::<AcceptedRoot>().unwrap().accepts(root);
        let (plain, named) = (root("LAIDBatch", None), root("LAIDBatch", Some("urn:example:laid")));
        assert!(accepts("LAIDBatch", &plain) && accepts("LAIDBatch", &named));
        assert!(!accepts("LAID", &plain) && !accepts("laidbatch", &plain), "names in XML have a case");
        assert!(accepts("{urn:example:laid}", &named) && !accepts("{urn:example:laid}", &plain));
        assert!(accepts("{urn:example:laid}LAIDBatch", &named) && !accepts("{urn:example:laid}LAID", &named));
        assert!(!accepts("{urn:example:other}LAIDBatch", &named));
    }

    #[test]
    fn what_names_none_is_refused_and_the_rest_is_written_as_it_was_read() {
        for bad in ["", "{}", "{urn:x", "a b", "x:LAID", "{urn:x}x:LAID", "<LAID>", "{}LAID", &"x".repeat(501)] {
            assert!(bad.parse::<AcceptedRoot>().is_err(), "{bad}");
        }
        for good in ["LAID", "{urn:x}", "{urn:x}LAID", "{http://example/laid}LAID"] {
            assert_eq!(good.parse::<AcceptedRoot>().unwrap().to_string(), good);
        }
    }
}
