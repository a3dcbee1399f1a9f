//! A header's fields, read strictly: a field is what every reader takes for one.
// RFC 5322 §2.2

use super::{Doubt, ambiguous};

const NO_FIELD: &str = "has a line in a header that is no field";

/// The fields of a header, with their names in small letters and their values unfolded.
pub(super) fn fields(header: &[u8]) -> Result<Vec<(String, String)>, Doubt> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in header.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line)) {
        let text = || String::from_utf8_lossy(line).into_owned();
        match line.first() {
            None => {}
            Some(b' ' | b'\t') => match fields.last_mut() {
                Some((_, value)) => value.push_str(&text()),
                None => return Err(ambiguous(NO_FIELD)),
            },
            Some(_) => {
                let colon = line.iter().position(|&byte| byte == b':').ok_or(ambiguous(NO_FIELD))?;
                let (name, value) = line.split_at(colon);
                if name.is_empty() || !name.iter().all(|&byte| byte.is_ascii_graphic()) {
                    return Err(ambiguous(NO_FIELD));
                }
                let name = String::from_utf8_lossy(name).to_ascii_lowercase();
                fields.push((name, String::from_utf8_lossy(&value[1..]).into_owned()));
            }
        }
    }
    Ok(fields)
}

/// A field's parameters: their names in small letters, and their values as they stand.
// RFC 2045 §5.1
pub(super) fn parameters(value: &str) -> Vec<(String, String)> {
    let (mut quoted, mut escaped) = (false, false);
    let pieces = value.split(|char: char| {
        let splits = char == ';' && !quoted;
        match char {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        splits
    });
    let named = pieces.skip(1).filter_map(|piece| piece.split_once('='));
    named.map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_unfolded_and_what_is_none_is_refused() {
        let read = fields(b"Subject: a\r\nContent-Type: text/plain;\r\n\tname=b\r\nX:\r\n\r\n").unwrap();
        assert_eq!(read[1], ("content-type".into(), " text/plain;\tname=b".into()));
        assert_eq!(read.len(), 3);
        for bad in [&b" a\nB: c\n"[..], b"nothing\n", b": c\n", b"A b: c\n", b"A : c\n"] {
            assert_eq!(fields(bad), Err(ambiguous(NO_FIELD)), "{}", String::from_utf8_lossy(bad));
        }
    }

    #[test]
    fn parameters_are_named_outside_quotes_only() {
        let read = parameters(r#" a/b; Boundary="x;boundary=y\";"; name*0*=z"#);
        assert_eq!(read.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["boundary", "name*0*"]);
        assert_eq!(read[1].1, "z");
        assert!(parameters("text/plain").is_empty());
    }
}
