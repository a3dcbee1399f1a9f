//! The shape of a cell: letters as A, digits as 9, all else as a few signs or `?`.
//!
//! Holds: from a shape no value can be told, and none is longer than [`SHAPE_CHARS_MAX`].

use std::collections::HashMap;

/// Signs that say how a column is written and nothing of whom it is about.
const SIGNS: &str = " -/.,:_()%£#+";
const SHAPE_CHARS_MAX: usize = 24;
/// Shapes that are told apart; all later ones are counted as others.
const SHAPES_MAX: usize = 64;
/// A shape that fewer rows have is not told: what is rare may be somebody.
const ROWS_MIN: u64 = 5;
/// Nor is one that fewer rows in a hundred have.
const PERCENT_MIN: u64 = 1;

/// The shape of a cell.
fn shape(cell: &str) -> String {
    let mut shape: String = cell.chars().take(SHAPE_CHARS_MAX).map(mask).collect();
    if cell.chars().nth(SHAPE_CHARS_MAX).is_some() {
        shape.push('…');
    }
    shape
}

fn mask(c: char) -> char {
    match c {
        c if c.is_alphabetic() => 'A',
        c if c.is_numeric() => '9',
        c if SIGNS.contains(c) => c,
        _ => '?',
    }
}

/// How often each shape came.
#[derive(Debug, Default)]
pub(super) struct Shapes {
    counts: HashMap<String, u64>,
}

impl Shapes {
    pub(super) fn count(&mut self, cell: &str) {
        let shape = shape(cell);
        if let Some(count) = self.counts.get_mut(&shape) {
            *count += 1;
        } else if self.counts.len() < SHAPES_MAX {
            self.counts.insert(shape, 1);
        }
    }

    /// The commonest, each with its count, of those that enough of `rows` have.
    pub(super) fn commonest(self, rows: u64, most: usize) -> Vec<(String, u64)> {
        let enough = |count: u64| count >= ROWS_MIN && count * 100 >= rows * PERCENT_MIN;
        let mut shapes: Vec<(String, u64)> = self.counts.into_iter().filter(|(_, count)| enough(*count)).collect();
        shapes.sort_by(|(a, more), (b, less)| less.cmp(more).then_with(|| a.cmp(b)));
        shapes.truncate(most);
        shapes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_and_digits_are_masked() {
        assert_eq!(shape("QQ123456C"), "AA999999A");
        assert_eq!(shape("0.9731"), "9.9999");
        assert_eq!(shape("Été d'Azur9 <z@x>"), "AAA A?AAAA9 ?A?A?");
        assert_eq!(shape(&"a".repeat(30)), format!("{}…", "A".repeat(24)));
    }

    #[test]
    fn rare_shapes_are_not_told() {
        let mut shapes = Shapes::default();
        for _ in 0..5 {
            shapes.count("HB1");
        }
        for _ in 0..4 {
            shapes.count("12");
        }
        assert_eq!(shapes.commonest(9, 3), [("AA9".to_owned(), 5)]);
    }
}
