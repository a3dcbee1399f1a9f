//! A Rust source file as far as the layering test must understand it: which paths it names, and which are for tests.
//!
//! In:  the text of one file.
//! Out: its paths into the crate, made absolute; its paths out of the crate; the files that only tests compile.
//! Holds: nothing within a comment, a literal or a test module counts.

use std::path::{Path, PathBuf};

/// One file.
pub struct Source {
    /// Relative to `src`.
    pub file: String,
    /// The module it is, such as `["effects", "pgp", "open"]`.
    pub module: Vec<String>,
    /// Whether it begins with a header.
    pub header: bool,
    /// Paths that begin with `crate`, `super` or `self`, from the crate's root.
    pub inside: Vec<Reference>,
    /// All other paths of two parts or more, and what `use` brings in.
    pub outside: Vec<Reference>,
    /// Modules declared for tests only, as files without their extension.
    pub test_files: Vec<PathBuf>,
}

/// A path that is named somewhere.
pub struct Reference {
    /// Counted from one.
    pub line: usize,
    /// Its parts.
    pub path: Vec<String>,
}

impl Source {
    pub fn read(file: &str, text: &str) -> Source {
        let module = module_of(file);
        let code = without_literals(text);
        let (code, test_files) = without_tests(file, &code, text);
        let (mut inside, mut outside) = (Vec::new(), Vec::new());
        for Reference { line, path } in paths(&code) {
            match absolute(&module, &path) {
                Some(path) => inside.push(Reference { line, path }),
                None => outside.push(Reference { line, path }),
            }
        }
        Source { file: file.to_owned(), module, header: text.starts_with("//!"), inside, outside, test_files }
    }
}

fn module_of(file: &str) -> Vec<String> {
    let plain = file.trim_end_matches(".rs").trim_end_matches("/mod");
    plain.split('/').map(str::to_owned).collect()
}

/// The path from the crate's root, if it is a path into the crate.
fn absolute(module: &[String], path: &[String]) -> Option<Vec<String>> {
    let supers = path.iter().take_while(|part| *part == "super").count();
    match path.first().map(String::as_str) {
        Some("crate") => Some(path[1..].to_vec()),
        Some("super") => {
            let kept = &module[..module.len().saturating_sub(supers)];
            Some(kept.iter().chain(&path[supers..]).cloned().collect())
        }
        Some("self") => Some(module.iter().chain(&path[1..]).cloned().collect()),
        _ => None,
    }
}

/// The text with every comment and literal blanked out, line for line.
fn without_literals(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = literal_end(&chars, at);
        match end {
            Some(end) => {
                code.push_str(&blank(chars[at..end].iter().copied()));
                at = end;
            }
            None => {
                if chars[at].is_ascii() {
                    code.push(chars[at])
                } else {
                    code.push_str(&blank(chars[at..=at].iter().copied()))
                }
                at += 1;
            }
        }
    }
    code
}

/// As many bytes, on as many lines, that say nothing.
fn blank(chars: impl Iterator<Item = char>) -> String {
    chars.map(|c| if c == '\n' { "\n".to_owned() } else { " ".repeat(c.len_utf8()) }).collect()
}

/// Where the comment or literal that begins here ends; `None` if none does.
fn literal_end(chars: &[char], at: usize) -> Option<usize> {
    let rest = &chars[at..];
    let until = |ends: &[char], from: usize| {
        let found = rest[from..].windows(ends.len()).position(|window| window == ends);
        found.map_or(chars.len(), |position| at + from + position + ends.len())
    };
    match rest {
        ['/', '/', ..] => Some(at + rest.iter().position(|c| *c == '\n').unwrap_or(rest.len())),
        ['/', '*', ..] => Some(until(&['*', '/'], 2)),
        ['r', '"' | '#', ..] if at == 0 || !is_word(chars[at - 1]) => {
            let hashes = rest[1..].iter().take_while(|c| **c == '#').count();
            let opens = rest.get(1 + hashes) == Some(&'"');
            let ends: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
            opens.then(|| until(&ends, 2 + hashes))
        }
        ['"', ..] => Some(at + quoted(rest, '"')),
        ['\'', '\\', ..] => Some(at + quoted(rest, '\'')),
        ['\'', _, '\'', ..] => Some(at + 3),
        _ => None,
    }
}

fn quoted(rest: &[char], quote: char) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != quote {
        at += if rest[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

/// The code with every inline test module blanked out, and the files of the others.
fn without_tests(file: &str, code: &str, text: &str) -> (String, Vec<PathBuf>) {
    let (mut kept, mut files) = (code.to_owned(), Vec::new());
    let mut from = 0;
    while let Some(found) = kept[from..].find("#[cfg(test)]") {
        let start = from + found;
        from = start + 1;
        let Some(end) = kept[start..].find(['{', ';']).map(|end| start + end) else { break };
        let item = &kept[start..end];
        let Some(name) = item.split_once("mod ").map(|(_, name)| name.trim()) else { continue };
        if kept[end..].starts_with(';') {
            files.push(child(file, name, &text[start.min(text.len())..]));
        } else {
            let close = end + closing(&kept[end..]);
            let blank = blank(kept[start..close].chars());
            kept.replace_range(start..close, &blank);
        }
    }
    (kept, files)
}

/// The file of a module declared in `file`, without its extension.
fn child(file: &str, name: &str, declaration: &str) -> PathBuf {
    let path = Path::new(file);
    let folder = path.parent().unwrap_or(Path::new(""));
    let declared = declaration.split("mod ").next().unwrap_or_default();
    if let Some(named) = declared.split("#[path = \"").nth(1).and_then(|rest| rest.split('"').next()) {
        return folder.join(named).with_extension("");
    }
    let is_root = ["mod.rs", "lib.rs", "main.rs"].iter().any(|root| path.ends_with(root));
    if is_root { folder.join(name) } else { path.with_extension("").join(name) }
}

fn closing(code: &str) -> usize {
    let mut depth = 0;
    for (at, c) in code.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    code.len()
}

/// Every path of two parts or more, and every path that `use` names, groups taken apart.
fn paths(code: &str) -> Vec<Reference> {
    let mut found = Vec::new();
    let bytes = code.as_bytes();
    let (mut at, mut line, mut counted) = (0, 1, 0);
    while at < bytes.len() {
        let begins = is_word(char::from(bytes[at])) && (at == 0 || !is_word(char::from(bytes[at - 1])));
        if !begins || code[..at].trim_end().ends_with("::") {
            at += 1;
            continue;
        }
        let used = code[..at].trim_end().ends_with("use");
        let mut tree = Vec::new();
        let end = at + expand(&code[at..], &mut Vec::new(), &mut tree);
        line += code[counted..at].matches('\n').count();
        counted = at;
        let paths = tree.into_iter().filter(|path| path.len() > 1 || used);
        found.extend(paths.map(|path| Reference { line, path }));
        at = end.max(at + 1);
    }
    found
}

/// Takes one path or tree of paths apart. How many bytes it has.
fn expand(code: &str, prefix: &mut Vec<String>, found: &mut Vec<Vec<String>>) -> usize {
    let depth = prefix.len();
    let mut at = 0;
    loop {
        let word = code[at..].find(|c| !is_word(c)).unwrap_or(code.len() - at);
        prefix.push(code[at..at + word].to_owned());
        at += word;
        let space = code[at..].len() - code[at..].trim_start().len();
        if !code[at + space..].starts_with("::") {
            break;
        }
        at += space + 2;
        at += code[at..].len() - code[at..].trim_start().len();
        if code[at..].starts_with('{') {
            let close = at + closing(&code[at..]);
            let mut inner = at + 1;
            while inner < close - 1 {
                if is_word(char::from(code.as_bytes()[inner])) {
                    inner += expand(&code[inner..close - 1], prefix, found).max(1);
                } else {
                    inner += 1;
                }
            }
            prefix.truncate(depth);
            return close;
        }
        if !code[at..].starts_with(is_word) {
            break;
        }
    }
    found.push(prefix.clone());
    prefix.truncate(depth);
    at
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}
