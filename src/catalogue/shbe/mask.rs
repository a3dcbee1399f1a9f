//! The shape of a value: enough to see what is wrong with it, and nothing of what it says.

use std::fmt;

/// Characters of a shape that are shown.
const SHOWN_MAX: usize = 20;

/// Displays every letter as `A`, every digit as `9`, what separates them as it is, and anything else as `?`.
pub(super) struct Shape<'a>(pub(super) &'a [u8]);

impl fmt::Display for Shape<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0.iter().take(SHOWN_MAX) {
            let shown = match byte {
                b'0'..=b'9' => '9',
                b'a'..=b'z' | b'A'..=b'Z' => 'A',
                b' ' | b'-' | b'/' | b'.' | b',' | b':' => char::from(*byte),
                _ => '?',
            };
            write!(f, "{shown}")?;
        }
        if self.0.len() > SHOWN_MAX { f.write_str("…") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_says_nothing_of_the_value() {
        let shape = |value: &str| Shape(value.as_bytes()).to_string();
        assert_eq!(shape("31/02/1980"), "99/99/9999");
        assert_eq!(shape("ab123456c"), "AA999999A");
        assert_eq!(shape("O'Neill é"), "A?AAAAA ??");
        assert_eq!(shape(&"x".repeat(40)), format!("{}…", "A".repeat(20)));
    }
}
