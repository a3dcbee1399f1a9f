//! Whose it is: the one LA number that names and contents tell, of those that the source serves.
//!
//! In:  whose it was recorded as, its source, the numbers that are plainly named. Out: by whose routes it goes.
//! Holds: a number that is not served is told before anything else; two of them go nowhere, and at a source that serves
//! several neither does none. What was decided stays decided: an authority that is on record is served in any case.

use super::Source;
use crate::domain::{HoldReason, LaNumber};

/// `recorded`: by the source at first, by an earlier attempt's content later.
pub(super) fn whose(recorded: &LaNumber, source: &Source, named: &[LaNumber]) -> Result<LaNumber, HoldReason> {
    one_of(recorded, &source.authority, &source.also_for, named)
}

fn one_of(
    recorded: &LaNumber,
    owner: &LaNumber,
    also_for: &[LaNumber],
    named: &[LaNumber],
) -> Result<LaNumber, HoldReason> {
    let serves_several = !also_for.is_empty();
    let is_served =
        |number: &LaNumber| number == recorded || serves_several && (number == owner || also_for.contains(number));
    if let Some(found) = named.iter().find(|number| !is_served(number)) {
        return Err(HoldReason::OtherAuthority { found: found.clone() });
    }
    match named {
        [] if serves_several => Err(HoldReason::AuthorityUntold),
        [] => Ok(recorded.clone()),
        [first, others @ ..] if others.iter().all(|other| other == first) => Ok(first.clone()),
        _ => Err(HoldReason::SeveralAuthorities { found: each_once(named) }),
    }
}

fn each_once(named: &[LaNumber]) -> Vec<LaNumber> {
    let mut found: Vec<LaNumber> = Vec::new();
    for number in named {
        if !found.contains(number) {
            found.push(number.clone());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNER: &str = "12302";

    fn number(text: &str) -> LaNumber {
        text.parse().unwrap()
    }

    fn numbers(texts: &[&str]) -> Vec<LaNumber> {
        texts.iter().map(|text| number(text)).collect()
    }

    fn at(also_for: &[&str], recorded: &str, named: &[&str]) -> Result<LaNumber, HoldReason> {
        one_of(&number(recorded), &number(OWNER), &numbers(also_for), &numbers(named))
    }

    fn other(text: &str) -> Result<LaNumber, HoldReason> {
        Err(HoldReason::OtherAuthority { found: number(text) })
    }

    #[test]
    fn a_source_that_serves_one_is_its_owners() {
        assert_eq!(at(&[], OWNER, &[]), Ok(number(OWNER)), "also what names none");
        assert_eq!(at(&[], OWNER, &[OWNER, OWNER]), Ok(number(OWNER)));
        assert_eq!(at(&[], OWNER, &[OWNER, "101809"]), other("101809"));
    }

    #[test]
    fn the_one_served_number_that_is_named_decides() {
        for named in [OWNER, "101809", "16104"] {
            assert_eq!(at(&["101809", "16104"], OWNER, &[named, named]), Ok(number(named)));
        }
    }

    #[test]
    fn two_of_them_and_none_of_them_go_nowhere() {
        let both = at(&["101809"], OWNER, &["101809", OWNER, "101809"]);
        assert_eq!(both, Err(HoldReason::SeveralAuthorities { found: numbers(&["101809", OWNER]) }), "each once");
        assert_eq!(at(&["101809"], OWNER, &[]), Err(HoldReason::AuthorityUntold));
    }

    #[test]
    fn a_number_that_is_not_served_is_told_first() {
        assert_eq!(at(&["101809"], OWNER, &["71405"]), other("71405"));
        assert_eq!(at(&["101809"], OWNER, &[OWNER, "101809", "71405"]), other("71405"));
    }

    #[test]
    fn what_is_on_record_stays_served_when_the_source_no_longer_names_it() {
        assert_eq!(at(&[], "101809", &["101809"]), Ok(number("101809")));
        assert_eq!(at(&["16104"], "101809", &["101809"]), Ok(number("101809")));
        assert_eq!(at(&[], "101809", &[OWNER]), other(OWNER));
    }
}
