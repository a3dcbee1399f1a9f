//! What holds when, after each kind of decision.

use proptest::prelude::*;

use super::*;

fn dwp() -> PartnerName {
    "dwp".parse().unwrap()
}

fn fingerprint(digit: char) -> Fingerprint {
    digit.to_string().repeat(40).parse().unwrap()
}

fn day(day: i64) -> Timestamp {
    Timestamp::from_second(1_600_000_000 + day * 86_400).unwrap()
}

fn trusted(digit: char, from: Option<i64>) -> KeyStep {
    KeyStep::Trusted {
        partner: dwp(),
        fingerprint: fingerprint(digit),
        certificate: Digest::of(b"certificate"),
        from: from.map(day),
        proposal: None,
    }
}

fn retired(digit: char, from: i64, compromised_since: Option<i64>) -> KeyStep {
    let compromised_since = compromised_since.map(day);
    KeyStep::Retired { partner: Some(dwp()), fingerprint: fingerprint(digit), from: day(from), compromised_since }
}

fn rules(steps: impl IntoIterator<Item = KeyStep>) -> KeyRules {
    KeyRules::of(steps.into_iter().enumerate().map(|(entry, step)| (entry as u64, day(0), step)))
}

fn counts(rules: &KeyRules, digit: char, days: [i64; 4]) -> [bool; 4] {
    days.map(|at| rules.counts(Some(&dwp()), &fingerprint(digit), day(at)))
}

#[test]
fn what_nothing_was_decided_about_counts() {
    assert_eq!(counts(&KeyRules::default(), 'A', [-1, 0, 1, 9]), [true; 4]);
    assert_eq!(counts(&rules([trusted('A', None)]), 'A', [-1, 0, 1, 9]), [true; 4]);
}

#[test]
fn an_overlap_has_both_and_ends_with_the_old_one() {
    let rules = rules([trusted('A', None), trusted('B', Some(2)), retired('A', 5, None)]);
    assert_eq!(counts(&rules, 'A', [0, 2, 4, 5]), [true, true, true, false]);
    assert_eq!(counts(&rules, 'B', [0, 2, 4, 5]), [false, true, true, true]);
    assert!(rules.counts(None, &fingerprint('A'), day(9)), "our own is another matter");
}

#[test]
fn a_compromise_reaches_back_and_cannot_be_undone() {
    let after = rules([trusted('A', None), retired('A', 5, Some(3)), trusted('A', Some(7))]);
    assert_eq!(counts(&after, 'A', [2, 3, 5, 8]), [true, false, false, false]);
    let later_found = rules([trusted('A', None), retired('A', 5, None), retired('A', 6, Some(1))]);
    assert_eq!(counts(&later_found, 'A', [0, 1, 4, 6]), [true, false, false, false]);
}

#[test]
fn one_that_is_trusted_again_does_not_count_in_between() {
    let again = rules([trusted('A', None), retired('A', 3, None), trusted('A', Some(5))]);
    assert_eq!(counts(&again, 'A', [2, 3, 4, 5]), [true, false, false, true]);
    let at_once = rules([retired('A', 3, None), trusted('A', None)]);
    assert_eq!(counts(&at_once, 'A', [1, 2, 3, 4]), [true; 4]);
    let renewed = rules([trusted('A', Some(2)), trusted('A', None)]);
    assert_eq!(counts(&renewed, 'A', [0, 1, 2, 3]), [false, false, true, true], "a renewal changes no date");
}

#[test]
fn an_exception_holds_for_its_partner_and_its_time() {
    let granted = |allow, from, until| KeyStep::ExceptionGranted {
        partner: dwp(),
        allow,
        from: day(from),
        until: day(until),
        proposal: None,
    };
    let sha1 = LegacyAlgorithm::Sha1;
    let rules = rules([
        granted(sha1, 0, 9),
        granted(LegacyAlgorithm::TripleDes, 2, 4),
        granted(sha1, 3, 5),
        KeyStep::ExceptionEnded { exception: 0, from: day(6) },
    ]);
    let entries = |at| rules.excepted(&dwp(), day(at)).iter().map(|one| one.entry).collect::<Vec<_>>();
    assert_eq!([-1, 0, 3, 5, 6].map(entries), [vec![], vec![0], vec![0, 1], vec![0], vec![]]);
    assert!(rules.excepted(&"other".parse().unwrap(), day(3)).is_empty());
}

#[test]
fn a_proposal_waits_until_it_is_agreed_to_or_three_days_are_over() {
    let proposed = |digit| KeyStep::Proposed {
        partner: dwp(),
        fingerprint: fingerprint(digit),
        certificate: Digest::of(b"certificate"),
        from: None,
    };
    let agreed = KeyStep::Trusted {
        partner: dwp(),
        fingerprint: fingerprint('A'),
        certificate: Digest::of(b"certificate"),
        from: None,
        proposal: Some(0),
    };
    let rules = rules([proposed('A'), proposed('B'), agreed]);
    let waiting = |at| rules.waiting(at).map(|proposal| proposal.entry).collect::<Vec<_>>();
    assert_eq!(waiting(day(3) - SignedDuration::from_secs(1)), [1]);
    assert!(waiting(day(3)).is_empty());
}

#[test]
fn each_step_and_each_algorithm_reads_back() {
    for allow in LegacyAlgorithm::ALL {
        assert_eq!(allow.word().parse(), Ok(allow));
        assert_eq!(serde_json::to_value(allow).unwrap(), allow.word());
    }
    assert!("md5".parse::<LegacyAlgorithm>().is_err());
    for step in [trusted('A', Some(1)), retired('B', 1, Some(0))] {
        let text = serde_json::to_string(&step).unwrap();
        assert_eq!(serde_json::from_str::<KeyStep>(&text).unwrap(), step, "{text}");
    }
}

/// A decision in any order about one certificate, on any day.
fn any_step() -> impl Strategy<Value = KeyStep> {
    prop_oneof![
        proptest::option::of(0..20i64).prop_map(|from| trusted('A', from)),
        (0..20i64).prop_map(|from| retired('A', from, None)),
        (0..20i64, 0..20i64).prop_map(|(from, since)| retired('A', from, Some(since))),
    ]
}

proptest! {
    /// Whatever is decided afterwards, what a compromise or a retirement took away does not come back.
    #[test]
    fn nothing_brings_back_what_was_taken_away(
        before in proptest::collection::vec(any_step(), 0..5),
        taken in (0..20i64, proptest::option::of(0..20i64)),
        after in proptest::collection::vec(any_step(), 0..5),
        at in 0..20i64,
    ) {
        let (from, since) = taken;
        let end = since.map_or(from, |since| since.min(from));
        let mut steps = before;
        steps.push(retired('A', from, since));
        let then = rules(steps.clone()).counts(Some(&dwp()), &fingerprint('A'), day(at));
        steps.extend(after);
        let now = rules(steps).counts(Some(&dwp()), &fingerprint('A'), day(at));
        prop_assert!(!(at >= end && then), "it does not count after its end");
        if since.is_some() && at >= end {
            prop_assert!(!now, "a compromise cannot be undone");
        }
    }
}
