//! The rule of two people, over every order of approvals.

use proptest::prelude::*;

use super::*;
use crate::domain::ledger::Facts;

const HOUR: i64 = 3600;

fn approval(uid: u32, name: &str, hours: i64, file: u8, policy: u8) -> Approval {
    let of = Approved { sealed: Digest::of(&[file]), waives: Waiver::Unsigned, policy: Digest::of(&[policy]) };
    Approval { uid, name: name.to_owned(), at: Timestamp::from_second(hours * HOUR).unwrap(), of }
}

fn recorded(entry: u64, approval: Approval) -> Recorded {
    Recorded { approval, entry }
}

#[test]
fn the_second_person_releases_and_the_same_person_never() {
    let first = recorded(7, approval(1001, "anna", 0, 1, 1));
    let given = std::slice::from_ref(&first);
    assert_eq!(step(&[], &first.approval), Step::First);
    assert_eq!(step(given, &approval(1002, "bela", 72, 1, 1)), Step::Second { first: first.clone() });
    for spelt in ["anna", "Anna", "anna ", "bela", "ANNA@council.test"] {
        assert_eq!(step(given, &approval(1001, spelt, 1, 1, 1)), Step::Twice { at: first.approval.at }, "{spelt}");
    }
}

#[test]
fn another_file_other_settings_another_finding_or_too_late_is_a_first_one() {
    let given = [recorded(7, approval(1001, "anna", 0, 1, 1))];
    let other_finding = Approval {
        of: Approved { waives: Waiver::Stranger, ..given[0].approval.of.clone() },
        ..approval(1002, "bela", 1, 1, 1)
    };
    let late = approval(1002, "bela", 73, 1, 1);
    for one in [approval(1002, "bela", 1, 2, 1), approval(1002, "bela", 1, 1, 2), other_finding, late.clone()] {
        assert_eq!(step(&given, &one), Step::First, "{one:?}");
    }
    // A clock that was set back does not make it last either.
    assert_eq!(step(&[recorded(7, late)], &approval(1001, "anna", 0, 1, 1)), Step::First);
}

#[test]
fn a_waiver_covers_its_own_finding_only() {
    let signer = |digit: &str| digit.repeat(40).parse::<Fingerprint>().unwrap();
    let waiver = Waiver::of(&HoldReason::SignerExpired { signer: signer("A") }).unwrap();
    assert!(waiver.covers(&HoldReason::SignerExpired { signer: signer("A") }));
    assert!(!waiver.covers(&HoldReason::SignerExpired { signer: signer("B") }), "another one's expiry");
    assert!(!waiver.covers(&HoldReason::Unsigned) && !waiver.covers(&HoldReason::Tampered));
    let pdf = Waiver::of(&HoldReason::Malformed { unsound: Unsound::ActivePdf }).unwrap();
    assert!(!pdf.covers(&HoldReason::Malformed { unsound: Unsound::Broken }));
}

fn entry(seq: u64, event: Event, approval: &Approval, transfer: ConsignmentId, approved: Option<u64>) -> Entry {
    let facts = Facts {
        transfer: Some(transfer),
        sealed: Some(approval.of.sealed),
        waives: Some(approval.of.waives.clone()),
        config: Some(approval.of.policy),
        approved,
        ..Facts::default()
    };
    let actor = Actor::Account { uid: approval.uid, name: approval.name.clone() };
    Entry { seq, at: approval.at, boot: String::new(), actor, event, facts }
}

#[test]
fn only_two_fitting_entries_prove_a_release() {
    let transfer = |native: &str| ConsignmentId::derive(&"drop-12302".parse().unwrap(), native, &Digest::of(b"x"));
    let (anna, bela) = (approval(1001, "anna", 0, 1, 1), approval(1002, "bela", 1, 1, 1));
    let first = entry(7, Event::ReleaseApproved, &anna, transfer("a"), None);
    let second = entry(9, Event::Released, &bela, transfer("a"), Some(7));
    let sealed = anna.of.sealed;
    assert!(is_proven(&first, &second, &transfer("a"), &sealed));
    assert!(!is_proven(&first, &second, &transfer("b"), &sealed), "another transfer");
    assert!(!is_proven(&first, &second, &transfer("a"), &Digest::of(b"other")), "other bytes");
    assert!(!is_proven(&second, &second, &transfer("a"), &sealed), "one entry twice");
    let one_person = Entry { actor: first.actor.clone(), ..second.clone() };
    assert!(!is_proven(&first, &one_person, &transfer("a"), &sealed));
    let by_the_service = Entry { actor: Actor::Service, ..second.clone() };
    assert!(!is_proven(&first, &by_the_service, &transfer("a"), &sealed));
    let of_another = Entry { facts: Facts { approved: Some(6), ..second.facts.clone() }, ..second.clone() };
    assert!(!is_proven(&first, &of_another, &transfer("a"), &sealed));
    let late = entry(9, Event::Released, &approval(1002, "bela", 80, 1, 1), transfer("a"), Some(7));
    assert!(!is_proven(&first, &late, &transfer("a"), &sealed));
    let no_approval = entry(7, Event::Held, &anna, transfer("a"), None);
    assert!(!is_proven(&no_approval, &second, &transfer("a"), &sealed));
}

proptest! {
    /// However approvals come, what is released was approved by two accounts, of the same, in time.
    #[test]
    fn a_second_is_always_another_persons(
        given in prop::collection::vec((1001..1004u32, 0..200i64, 0..2u8, 0..2u8), 0..12),
    ) {
        let mut kept: Vec<Recorded> = Vec::new();
        for (entry, (uid, hours, file, policy)) in given.into_iter().enumerate() {
            let one = approval(uid, ["anna", "Anna", "bela"][entry % 3], hours, file, policy);
            match step(&kept, &one) {
                Step::Second { first } => {
                    prop_assert_ne!(first.approval.uid, one.uid);
                    prop_assert_eq!(&first.approval.of, &one.of);
                    prop_assert!(first.approval.at.duration_since(one.at).abs() <= APPROVED_WITHIN);
                    kept.clear();
                }
                Step::First => {
                    kept.retain(|other| other.approval.uid != uid);
                    kept.push(recorded(entry as u64, one));
                }
                Step::Twice { .. } => prop_assert!(kept.iter().any(|other| other.approval.uid == uid)),
            }
        }
    }
}
