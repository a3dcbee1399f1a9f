//! An error in one line, with everything that led to it.

/// The error with everything that led to it.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut says = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let words = inner.to_string();
        if !says.ends_with(&words) {
            says.push_str(": ");
            says.push_str(&words);
        }
        cause = inner.source();
    }
    says
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Fault(&'static str, #[source] Option<Box<Fault>>);

    #[test]
    fn each_cause_is_told_and_none_twice() {
        let disk = Some(Box::new(Fault("the disk is full", None)));
        let told = Some(Box::new(Fault("writing: the disk is full", disk)));
        assert_eq!(with_causes(&Fault("no backup", told)), "no backup: writing: the disk is full");
        assert_eq!(with_causes(&Fault("alone", None)), "alone");
    }
}
