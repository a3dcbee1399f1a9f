//! Names of authorities, as far as two spellings are the same name.

/// The name without its note on predecessors.
pub(super) fn without_note(name: &str) -> &str {
    note_at(name).map_or(name, |at| name[..at].trim_end())
}

/// The authorities that the note names: `(Prev: Forest Heath, St Edmundsbury)`.
pub(super) fn predecessors(name: &str) -> Vec<String> {
    let Some(at) = note_at(name) else { return Vec::new() };
    let note = name[at..].split_once(':').map_or("", |(_, names)| names);
    let names = note.trim_end_matches(')').split(',').map(str::trim).filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}

fn note_at(name: &str) -> Option<usize> {
    let lower = name.to_ascii_lowercase();
    lower.find("(prev").filter(|&at| lower[at..].contains(':'))
}

/// The name without case, brackets, points and the ways of writing "and".
pub(super) fn folded(name: &str) -> String {
    let name = without_note(name).replace('&', " and ").to_lowercase();
    let words = name.chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect::<String>();
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_name_are_the_same() {
        for (one, other) in [
            ("Cheshire West & Chester UA", "Cheshire West and Chester UA"),
            ("London (City Of)", "London (City of)"),
            ("Western Isles Comhairle nan Eilean Siar)", "Western Isles (Comhairle nan Eilean Siar)"),
            ("West Suffolk (Prev: Forest Heath, St Edmundsbury)", "West Suffolk"),
            ("St. Helens", "St Helens"),
        ] {
            assert_eq!(folded(one), folded(other));
        }
        assert_ne!(folded("North Devon"), folded("North Dorset"));
    }

    #[test]
    fn a_note_on_predecessors_is_taken_apart() {
        assert_eq!(predecessors("East Suffolk (Prev: Suffolk Coastal, Waveney)"), ["Suffolk Coastal", "Waveney"]);
        assert!(predecessors("Isle of Anglesey (Ynys Mon)").is_empty());
        assert_eq!(without_note("East Suffolk (Prev: Suffolk Coastal, Waveney)"), "East Suffolk");
    }
}
