//! Names that writers give to files while they write them, our own hidden names among them.

/// Whether the name says that its file is not to be taken yet.
pub fn is_unfinished_name(name: &str) -> bool {
    const SUFFIXES: [&str; 5] = [".tmp", ".part", ".partial", ".filepart", ".crdownload"];
    let lower = name.to_ascii_lowercase();
    name.starts_with(['.', '~']) || SUFFIXES.iter().any(|suffix| lower.ends_with(suffix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_endings_and_beginnings_of_writers_count() {
        for name in [".hidden", "~$book.xlsx", "x.tmp", "x.PART", "x.partial", "x.filepart", "x.crdownload"] {
            assert!(is_unfinished_name(name), "{name}");
        }
        for name in ["shbe.txt", "Partial.txt", "a.b", "a.part.pgp", "LAID_0001.pdf.pgp"] {
            assert!(!is_unfinished_name(name), "{name}");
        }
    }
}
