//! Whose it is: the one LA number that contents tell, of those that the source serves.
//!
//! In:  whose it was decided to be before, its source, the numbers that each content plainly names. Out: by whose routes it goes.
//! Holds: a number that is not served is told before anything else; two of them go nowhere. At a source that serves several
//! each content must name one within its seal: a name outside, and what lies beside it in a mail, prove nothing. What was
//! decided stays decided.

use super::Source;
use super::identify::Named;
use crate::domain::{HoldReason, LaNumber};

pub(super) fn whose(decided: Option<&LaNumber>, source: &Source, named: &[Named]) -> Result<LaNumber, HoldReason> {
    one_of(decided, &source.authority, &source.also_for, named)
}

fn one_of(
    decided: Option<&LaNumber>,
    owner: &LaNumber,
    also_for: &[LaNumber],
    named: &[Named],
) -> Result<LaNumber, HoldReason> {
    let all = || named.iter().flat_map(|content| content.sealed.iter().chain(&content.outer));
    let is_served = |number: &LaNumber| match decided {
        Some(decided) => number == decided,
        None => number == owner || also_for.contains(number),
    };
    if let Some(found) = all().find(|number| !is_served(number)) {
        return Err(HoldReason::OtherAuthority { found: found.clone() });
    }
    if let Some(decided) = decided {
        return Ok(decided.clone());
    }
    if all().any(|number| Some(number) != all().next()) {
        return Err(HoldReason::SeveralAuthorities { found: each_once(all()) });
    }
    if !also_for.is_empty() && named.iter().any(|content| content.sealed.is_empty()) {
        return Err(HoldReason::AuthorityUntold);
    }
    Ok(all().next().unwrap_or(owner).clone())
}

fn each_once<'a>(named: impl Iterator<Item = &'a LaNumber>) -> Vec<LaNumber> {
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

    /// One content that names these within its seal.
    fn one(sealed: &[&str]) -> Vec<Named> {
        vec![Named { sealed: numbers(sealed), outer: Vec::new() }]
    }

    fn at(also_for: &[&str], decided: Option<&str>, named: &[Named]) -> Result<LaNumber, HoldReason> {
        one_of(decided.map(number).as_ref(), &number(OWNER), &numbers(also_for), named)
    }

    fn other(text: &str) -> Result<LaNumber, HoldReason> {
        Err(HoldReason::OtherAuthority { found: number(text) })
    }

    #[test]
    fn a_source_that_serves_one_is_its_owners() {
        assert_eq!(at(&[], None, &one(&[])), Ok(number(OWNER)), "also what names none");
        assert_eq!(at(&[], None, &one(&[OWNER, OWNER])), Ok(number(OWNER)));
        assert_eq!(at(&[], None, &one(&[OWNER, "101809"])), other("101809"));
        let outside = [Named { sealed: Vec::new(), outer: numbers(&["101809"]) }];
        assert_eq!(at(&[], None, &outside), other("101809"), "a name is reason enough to stop");
    }

    #[test]
    fn the_one_served_number_that_is_named_decides() {
        for named in [OWNER, "101809", "16104"] {
            assert_eq!(at(&["101809", "16104"], None, &one(&[named, named])), Ok(number(named)));
        }
    }

    #[test]
    fn two_of_them_and_none_of_them_go_nowhere() {
        let both = at(&["101809"], None, &one(&["101809", OWNER, "101809"]));
        assert_eq!(both, Err(HoldReason::SeveralAuthorities { found: numbers(&["101809", OWNER]) }), "each once");
        assert_eq!(at(&["101809"], None, &one(&[])), Err(HoldReason::AuthorityUntold));
    }

    #[test]
    fn a_name_outside_the_seal_tells_nothing_but_a_contradiction() {
        let with = |sealed: &[&str]| [Named { sealed: numbers(sealed), outer: numbers(&["101809"]) }];
        assert_eq!(at(&["101809"], None, &with(&[])), Err(HoldReason::AuthorityUntold));
        assert_eq!(at(&["101809"], None, &with(&["101809"])), Ok(number("101809")));
        let differs = HoldReason::SeveralAuthorities { found: numbers(&[OWNER, "101809"]) };
        assert_eq!(at(&["101809"], None, &with(&[OWNER])), Err(differs));
    }

    #[test]
    fn each_content_of_a_mail_must_tell() {
        let beside = Vec::from_iter(one(&["101809"]).into_iter().chain(one(&[])));
        assert_eq!(at(&["101809"], None, &beside), Err(HoldReason::AuthorityUntold), "not by what lies beside it");
        let two = Vec::from_iter(one(&["101809"]).into_iter().chain(one(&[OWNER])));
        let differs = HoldReason::SeveralAuthorities { found: numbers(&["101809", OWNER]) };
        assert_eq!(at(&["101809"], None, &two), Err(differs));
    }

    #[test]
    fn a_number_that_is_not_served_is_told_first() {
        assert_eq!(at(&["101809"], None, &one(&["71405"])), other("71405"));
        assert_eq!(at(&["101809"], None, &one(&[OWNER, "101809", "71405"])), other("71405"));
    }

    #[test]
    fn what_was_decided_stays_so_whatever_the_source_serves_by_then() {
        assert_eq!(at(&[], Some("101809"), &one(&["101809"])), Ok(number("101809")));
        assert_eq!(at(&["16104"], Some("101809"), &one(&[])), Ok(number("101809")));
        assert_eq!(at(&[], Some("101809"), &one(&[OWNER])), other(OWNER));
    }
}
