//! A file that comes after its month was missed is never taken for the next month by itself.

use hbcourier::domain::ReturnKind::{HbmsMi, Shbe};
use hbcourier::domain::{Digest, ReturnHold, ReturnOrder, Stage};

use super::council::{Council, Way, extract, workbook};

const APRIL: &str = "hbms-mi/12302/2020-04";
const MAY: &str = "hbms-mi/12302/2020-05";

/// April's workbook did not come; it is nine o'clock on the day after.
fn april_missed() -> Council {
    let council = Council::new(&["12302"], "2020-04-01 10:00", Way::Folders);
    council.tick();
    let after = council.submission(APRIL).transfer_on.tomorrow().unwrap();
    council.clock.advance_to(&format!("{after} 09:00"));
    council.look();
    assert!(matches!(council.stage(APRIL), Stage::Missed { .. }));
    council
}

fn held(council: &Council, key: &str) -> Option<ReturnHold> {
    match council.stage(key) {
        Stage::Held { reason, .. } => Some(reason),
        _ => None,
    }
}

fn late() -> Option<ReturnHold> {
    Some(ReturnHold::Late { month: "2020-04".parse().unwrap() })
}

#[test]
fn a_late_workbook_is_held_until_a_person_says_whose_it_is() {
    let mut council = april_missed();
    council.put("12302", HbmsMi, "workbook.xlsx", workbook("late"));
    council.look();
    assert_eq!(held(&council, MAY), late());
    assert_eq!(council.left_in("12302", HbmsMi), 1, "it stays where it is");
    council.restart();
    council.look();
    assert_eq!(held(&council, MAY), late());

    let says = council.order(APRIL, ReturnOrder::Resend).unwrap();
    assert!(says.contains("sealed and sent for it at once"), "{says}");
    council.look();
    assert!(matches!(council.stage(APRIL), Stage::Sent { .. }), "{:?}", council.stage(APRIL));
    let sealed = council.submission(APRIL).sealed.unwrap();
    assert_eq!(sealed.content, Digest::of(&workbook("late")));
    assert_eq!((council.outgoing("12302").len(), council.left_in("12302", HbmsMi)), (1, 0));
    assert!(council.submission(MAY).sealed.is_none(), "nothing was taken for May");
    council.look();
    assert_eq!(council.stage(MAY), Stage::Scheduled, "nothing lies there any more that could be held");
}

#[test]
fn with_the_word_that_there_is_none_it_is_the_next_months() {
    let council = april_missed();
    council.put("12302", HbmsMi, "workbook.xlsx", workbook("may"));
    council.look();
    assert_eq!(held(&council, MAY), late());
    council.order(APRIL, ReturnOrder::Waive).unwrap();
    council.look();
    assert_eq!(council.stage(MAY), Stage::Sealed);
    assert!(matches!(council.stage(APRIL), Stage::Waived { .. }));
}

#[test]
fn a_workbook_that_names_its_month_is_matched_to_it() {
    let council = april_missed();
    council.put("12302", HbmsMi, "HBMS_MI_2020-04.xlsx", workbook("late"));
    council.look();
    assert_eq!(held(&council, MAY), late());
    council.order(APRIL, ReturnOrder::Waive).unwrap();
    council.look();
    let other = ReturnHold::OtherMonth { month: "2020-04".parse().unwrap() };
    assert_eq!(held(&council, MAY), Some(other), "a waived month's workbook is not May's either");

    let council = april_missed();
    council.put("12302", HbmsMi, "HBMS_MI_2020-05.xlsx", workbook("may"));
    council.look();
    assert_eq!(council.stage(MAY), Stage::Sealed, "it says that it is May's");
    council.order(APRIL, ReturnOrder::Resend).unwrap();
    council.put("12302", HbmsMi, "HBMS_MI_2020-06.xlsx", workbook("june"));
    council.look();
    let other = ReturnHold::OtherMonth { month: "2020-06".parse().unwrap() };
    assert_eq!(held(&council, APRIL), Some(other), "nor is June's the one that was ordered");
}

#[test]
fn a_late_extract_is_matched_by_its_reference_date() {
    let (april, may) = ("shbe/12302/2020-04", "shbe/12302/2020-05");
    let council = Council::new(&["12302"], "2020-04-15 09:00", Way::Folders);
    council.tick();
    assert!(council.submissions().iter().all(|one| one.key.to_string() != april), "before its first start");
    let council = Council::new(&["12302"], "2020-04-08 09:00", Way::Folders);
    council.tick();
    council.clock.advance_to("2020-04-15 09:00");
    council.put("12302", Shbe, "late.txt", extract("12302", "2020-04-14", "late"));
    council.look();
    assert_eq!(held(&council, may), late());
    council.order(april, ReturnOrder::Resend).unwrap();
    council.look();
    assert!(matches!(council.stage(april), Stage::Sent { .. }));
    // Extracted anew after the transfer date, which DWP was told of.
    let council = Council::new(&["12302"], "2020-04-08 09:00", Way::Folders);
    council.tick();
    council.clock.advance_to("2020-04-16 09:00");
    council.tick();
    council.order(april, ReturnOrder::Resend).unwrap();
    council.put("12302", Shbe, "anew.txt", extract("12302", "2020-04-16", "anew"));
    council.look();
    assert!(matches!(council.stage(april), Stage::Sent { .. }), "{:?}", council.stage(april));
}
