//! The rules of XML that the parser leaves to its caller, kept event by event.
// XML 1.0, fifth edition

use quick_xml::XmlVersion;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::super::Gathered;
use super::super::finding::Finding;
use crate::domain::xml_root::TEXT_BYTES_MAX;
use crate::domain::{LaNumber, XmlRoot};

const DEPTH_MAX: usize = 100;
const ATTRIBUTES_MAX: usize = 256;
const SHOWN_CHARS: usize = 80;
const XINCLUDE: &str = "http://www.w3.org/2001/XInclude";

/// Whether to go on.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    More,
    Ended,
}

/// Where in the document we are, and what was met on the way.
#[derive(Debug, Default)]
pub(super) struct Walk {
    depth: usize,
    begun: bool,
    root: Option<XmlRoot>,
    namespace: Option<String>,
    /// The text so far of an element that is named for an LA number.
    number: Option<String>,
    authorities: Vec<LaNumber>,
}

pub(super) fn not_well_formed(says: &str) -> Finding {
    Finding::error("xml-not-well-formed", format!("is not well-formed XML: it {says}"))
}

impl Walk {
    pub(super) fn step(&mut self, event: &Event<'_>) -> Result<Next, Finding> {
        let first = !std::mem::replace(&mut self.begun, true);
        match event {
            Event::Start(tag) => {
                self.open(tag)?;
                self.depth += 1;
                if self.depth > DEPTH_MAX {
                    return Err(Finding::error("xml-depth", format!("nests elements more than {DEPTH_MAX} deep")));
                }
            }
            Event::Empty(tag) => {
                self.open(tag)?;
                self.number = None;
            }
            Event::End(_) => {
                self.depth = self.depth.saturating_sub(1);
                if let Some(number) = self.number.take().and_then(|text| text.trim().parse().ok()) {
                    self.meet(number);
                }
            }
            Event::Text(text) => self.text(text)?,
            Event::CData(text) => {
                legal(text)?;
                self.inside("has text outside its root element")?;
                self.part_of_number(text);
            }
            Event::GeneralRef(reference) => self.reference(reference)?,
            Event::Comment(text) => legal(text)?,
            Event::PI(instruction) => legal(instruction)?,
            Event::Decl(_) if first => {}
            Event::Decl(_) => return Err(not_well_formed("has a second declaration")),
            Event::DocType(_) => {
                return Err(Finding::error(
                    "xml-doctype",
                    "declares a document type, which is never needed and can do harm",
                ));
            }
            Event::Eof if self.root.is_none() => return Err(not_well_formed("has no element")),
            Event::Eof if self.depth > 0 => return Err(not_well_formed("ends before its root element does")),
            Event::Eof => return Ok(Next::Ended),
        }
        Ok(Next::More)
    }

    fn open(&mut self, tag: &BytesStart<'_>) -> Result<(), Finding> {
        if !is_name(tag.name().0) {
            return Err(not_well_formed("has an element whose name is none"));
        }
        let is_root = self.depth == 0;
        if is_root && self.root.is_some() {
            return Err(not_well_formed("has a second root element"));
        }
        for (count, attribute) in tag.attributes().enumerate() {
            if count == ATTRIBUTES_MAX {
                return Err(Finding::error(
                    "xml-attributes",
                    format!("has more than {ATTRIBUTES_MAX} attributes on one element"),
                ));
            }
            let attribute = attribute.map_err(|_| not_well_formed("has a broken or repeated attribute"))?;
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|_| Finding::error("xml-entity", "uses an entity that it would have to declare"))?;
            if !is_name(attribute.key.0) || attribute.value.contains('<') {
                return Err(not_well_formed("has a broken attribute"));
            }
            legal(&value)?;
            if value == XINCLUDE {
                return Err(Finding::error("xml-include", "asks for content from elsewhere (XInclude)"));
            }
            if is_root && is_namespace_of(attribute.key.0, tag.name().0) {
                self.namespace = Some(bounded(&value)).filter(|namespace| !namespace.is_empty());
            }
            if names_an_authority(attribute.key.local_name().into_inner())
                && let Ok(number) = value.trim().parse()
            {
                self.meet(number);
            }
        }
        if is_root {
            let namespace = self.namespace.take();
            self.root = Some(XmlRoot { name: bounded(tag.local_name().into_inner()), namespace });
        }
        self.number = names_an_authority(tag.local_name().into_inner()).then(String::new);
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), Finding> {
        legal(text)?;
        if text.contains('>') && text.contains("]]>") {
            return Err(not_well_formed("has the end of a CDATA section without its beginning"));
        }
        if !text.trim_matches([' ', '\t', '\r', '\n']).is_empty() {
            self.inside("has text outside its root element")?;
        }
        self.part_of_number(text);
        Ok(())
    }

    /// Longer text is no number; the parts need not be kept.
    fn part_of_number(&mut self, text: &str) {
        if let Some(number) = self.number.as_mut().filter(|number| number.len() < SHOWN_CHARS) {
            number.extend(text.chars().take(SHOWN_CHARS));
        }
    }

    fn reference(&mut self, reference: &BytesRef<'_>) -> Result<(), Finding> {
        self.inside("has text outside its root element")?;
        if reference.is_char_ref() {
            let char = reference.resolve_char_ref().ok().flatten().filter(|char| is_legal(*char));
            let char = char.ok_or_else(|| not_well_formed("refers to a character that does not exist"))?;
            self.part_of_number(char.encode_utf8(&mut [0; 4]));
            return Ok(());
        }
        match &**reference {
            "lt" | "gt" | "amp" | "apos" | "quot" => Ok(()),
            _ => Err(Finding::error("xml-entity", "uses an entity that it would have to declare")),
        }
    }

    fn inside(&self, otherwise: &str) -> Result<(), Finding> {
        if self.depth > 0 { Ok(()) } else { Err(not_well_formed(otherwise)) }
    }

    fn meet(&mut self, number: LaNumber) {
        // Stops a file of numbers from filling memory; the report takes fewer still.
        if self.authorities.len() < ATTRIBUTES_MAX && !self.authorities.contains(&number) {
            self.authorities.push(number);
        }
    }

    pub(super) fn report(&mut self, seen: &mut Gathered) {
        if let Some(root) = &self.root {
            let name = shown(&root.name);
            seen.note(match root.namespace.as_deref().map(shown) {
                Some(namespace) => format!("its root element is <{name}> in the namespace {namespace}"),
                None => format!("its root element is <{name}>"),
            });
        }
        seen.root.clone_from(&self.root);
        seen.authorities.append(&mut self.authorities);
    }

    pub(super) fn into_root(self) -> Option<String> {
        self.root.map(|root| root.name)
    }
}

/// Names that can only mean the LA number, whatever their case and joints.
fn names_an_authority(local: &str) -> bool {
    let first = local.bytes().find(u8::is_ascii_alphanumeric);
    if local.len() > 40 || first.is_none_or(|first| !first.eq_ignore_ascii_case(&b'l')) {
        return false;
    }
    let plain: String = local.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    matches!(plain.as_str(), "lanumber" | "lano" | "lacode" | "localauthoritynumber" | "localauthoritycode")
}

fn is_namespace_of(key: &str, root: &str) -> bool {
    match root.split_once(':') {
        Some((prefix, _)) => key.strip_prefix("xmlns:") == Some(prefix),
        None => key == "xmlns",
    }
}

/// For comparing with what an authority accepts: one byte more than can be accepted tells it apart.
fn bounded(text: &str) -> String {
    let mut end = text.len().min(TEXT_BYTES_MAX + 1);
    while !text.is_char_boundary(end) {
        end += 1;
    }
    text[..end].to_owned()
}

/// For showing to a person: short, and nothing that a terminal would act on.
fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARS).map(|c| if c.is_ascii_graphic() { c } else { '?' }).collect()
}

// XML 1.0 §2.3, with every character beyond ASCII allowed
fn is_name(name: &str) -> bool {
    let starts = |c: char| c.is_ascii_alphabetic() || matches!(c, '_' | ':') || !c.is_ascii();
    let goes_on = |c: char| starts(c) || c.is_ascii_digit() || matches!(c, '-' | '.');
    name.starts_with(starts) && name.chars().all(goes_on)
}

fn legal(text: &str) -> Result<(), Finding> {
    // What is refused is below the space, or begins with 0xEF: text without either needs no second look.
    let suspect = text.as_bytes().iter().fold(false, |any, &b| any | (b < b' ') | (b == 0xEF));
    if !suspect || text.chars().all(is_legal) { Ok(()) } else { Err(not_well_formed("has control characters")) }
}

// XML 1.0 §2.2
fn is_legal(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r') || (c >= ' ' && !matches!(c, '\u{FFFE}' | '\u{FFFF}'))
}
