//! Did you mean: the known word that is nearest to a misspelt one.

/// The nearest of the candidates, if any is near enough to be what was meant.
pub(super) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let tolerated = word.chars().count() / 3 + 1;
    let measured = candidates.into_iter().map(|known| (distance(word, known), known));
    measured.filter(|(distance, _)| *distance <= tolerated).min().map(|(_, known)| known)
}

/// How many letters must be put in, taken out or replaced.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_offered_and_far_ones_are_not() {
        let keys = ["sweep_every", "state", "attempts_max"];
        assert_eq!(nearest("swep_evry", keys), Some("sweep_every"));
        assert_eq!(nearest("stat", keys), Some("state"));
        assert_eq!(nearest("colour", keys), None);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
