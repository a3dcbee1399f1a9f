//! Making plain what somebody else chose: names and endings that are safe on every file system and share.

/// The longest ending that is kept.
pub(super) const EXT_BYTES_MAX: usize = 10;

/// The last component of what the sender wrote, of plain characters only, cut before its ending if it is too long.
pub(super) fn senders_name(name: Option<&str>, bytes_max: usize) -> String {
    let last = name.and_then(|name| name.rsplit(['/', '\\']).find(|component| !component.is_empty()));
    let mut plain = guard_beginning(plain(last.unwrap_or("unnamed")));
    if plain.ends_with('.') {
        plain.pop();
        plain.push('_');
    }
    match plain.rsplit_once('.') {
        Some((stem, ending)) if plain.len() > bytes_max && (1..=EXT_BYTES_MAX).contains(&ending.len()) => {
            format!("{}.{ending}", shortened(stem, bytes_max - ending.len() - 1))
        }
        _ => shortened(&plain, bytes_max),
    }
}

/// ASCII letters, digits, `.`, `-` and `_`; `_` for everything else.
pub(super) fn plain(text: &str) -> String {
    let kept = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    text.chars().map(|c| if kept(c) { c } else { '_' }).collect()
}

/// The text is ASCII by now: a byte is a character.
pub(super) fn shortened(text: &str, bytes_max: usize) -> String {
    text.chars().take(bytes_max).collect()
}

pub(super) fn ending(ext: &str) -> String {
    let good = (1..=EXT_BYTES_MAX).contains(&ext.len()) && ext.bytes().all(|b| b.is_ascii_alphanumeric());
    if good { ext.to_ascii_lowercase() } else { "bin".to_owned() }
}

/// A leading dot hides a file, and a leading dash makes it an option of whatever program is run on it.
pub(super) fn guard_beginning(name: String) -> String {
    match name.strip_prefix(['.', '-']) {
        Some(rest) => format!("_{rest}"),
        None => name,
    }
}
