//! Every reason for which a file is held, and how each is got out of.

use std::io::{Read, Write};

use hbcourier::domain::ReturnKind::{HbmsMi, Shbe};
use hbcourier::domain::ledger::Event;
use hbcourier::domain::{ReturnHold, ReturnOrder, RuleLevel, ShbeFault, ShbeRule, Stage};
use hbcourier::effects::pgp::{OpenError, OpenRequest, Opener, Verdict};

use super::council::{Council, LARGEST, Way, extract, workbook};
use crate::support::shbe::Extract;

const APRIL: &str = "shbe/12302/2020-04";
const MAY: &str = "shbe/12302/2020-05";

fn blackpool(civil: &str) -> Council {
    Council::new(&["12302"], civil, Way::Folders)
}

fn held(council: &Council, key: &str) -> Option<ReturnHold> {
    match council.stage(key) {
        Stage::Held { reason, .. } => Some(reason),
        _ => None,
    }
}

/// Held for `reason`, once however often it is looked at and restarted; then replaced by a good file and sealed.
fn held_until_replaced(content: impl AsRef<[u8]>, reason: ReturnHold) {
    let mut council = blackpool("2020-04-08 10:00");
    council.put("12302", Shbe, "shbe.txt", content);
    council.look();
    assert_eq!(held(&council, APRIL), Some(reason.clone()));
    council.look();
    council.restart();
    council.look();
    assert_eq!(council.count(Event::ReturnHeld, APRIL), 1, "the same bytes are not held twice");
    let code = council.ledger().iter().find(|entry| entry.event == Event::ReturnHeld).unwrap().facts.code.clone();
    assert_eq!(code.as_deref(), Some(reason.notice().code));
    assert_eq!(council.left_in("12302", Shbe), 1, "what is held stays where it is");

    council.put("12302", Shbe, "shbe.txt", extract("12302", "2020-04-08", "good"));
    council.look();
    assert_eq!(council.stage(APRIL), Stage::Sealed);
    assert_eq!(council.left_in("12302", Shbe), 0);
}

#[test]
fn empty() {
    held_until_replaced("", ReturnHold::Empty);
}

#[test]
fn too_large() {
    held_until_replaced(vec![b'|'; usize::try_from(LARGEST).unwrap() + 1], ReturnHold::TooLarge);
}

#[test]
fn another_kind() {
    held_until_replaced("%PDF-1.4\n%%EOF\n", ReturnHold::WrongKind);
}

#[test]
fn another_authority() {
    let found = "16104".parse().unwrap();
    held_until_replaced(extract("16104", "2020-04-08", ""), ReturnHold::OtherAuthority { found });
}

#[test]
fn extracted_too_early() {
    held_until_replaced(extract("12302", "2020-04-06", ""), ReturnHold::TooEarly);
}

#[test]
fn extracted_after_the_transfer_date() {
    held_until_replaced(extract("12302", "2020-04-15", ""), ReturnHold::AfterTransferDate);
}

#[test]
fn several_files() {
    let council = blackpool("2020-04-08 10:00");
    council.put("12302", Shbe, "one.txt", extract("12302", "2020-04-08", "one"));
    council.put("12302", Shbe, "two.txt", extract("12302", "2020-04-08", "two"));
    council.look();
    assert_eq!(held(&council, APRIL), Some(ReturnHold::SeveralFiles));
    std::fs::remove_file(council.folder("12302", Shbe).join("one.txt")).unwrap();
    council.look();
    assert_eq!(council.stage(APRIL), Stage::Sealed);
}

#[test]
fn before_its_time_and_then_judged_by_itself() {
    let council = blackpool("2020-04-03 10:00");
    council.put("12302", Shbe, "shbe.txt", extract("12302", "2020-04-07", "patient"));
    council.look();
    assert_eq!(held(&council, APRIL), Some(ReturnHold::TooEarly));
    council.clock.advance_to("2020-04-06 23:59");
    council.look();
    assert_eq!(held(&council, APRIL), Some(ReturnHold::TooEarly), "the day begins at midnight in London");
    council.clock.advance_to("2020-04-07 00:00");
    council.look();
    assert_eq!(council.stage(APRIL), Stage::Sealed);
    assert_eq!(council.count(Event::ReturnHeld, APRIL), 1);
}

#[test]
fn the_same_content_for_another_month() {
    let mut council = blackpool("2020-04-08 10:00");
    let same = extract("12302", "2020-04-08", "same");
    council.put("12302", Shbe, "shbe.txt", &same);
    council.look();
    council.clock.advance_to("2020-05-05 10:00");
    council.put("12302", Shbe, "shbe.txt", &same);
    council.restart();
    council.look();
    assert_eq!(held(&council, MAY), Some(ReturnHold::SentAlready { month: "2020-04".parse().unwrap() }));
    assert_eq!(council.left_in("12302", Shbe), 1, "put there on purpose, so it is not removed");

    council.put("12302", Shbe, "shbe.txt", extract("12302", "2020-05-05", "other"));
    council.look();
    assert_eq!(council.stage(MAY), Stage::Sealed);
}

#[test]
fn errors_in_an_extract_are_named_by_their_places() {
    let (bad, written) = Extract::new("12302", "2020-04-08").claims(9).fault("not-an-amount").bytes();
    let (line, field) = written.fault.unwrap();
    let place = ShbeFault { rule: ShbeRule::NotAnAmount, line, record: Some('D'), field: Some(field as u16) };
    held_until_replaced(bad, ReturnHold::PreFlight { errors: 1, first: vec![place] });
}

/// The number is kept with what was sealed, also over a restart, and told by the ledger's entry.
#[test]
fn the_number_of_claims_is_compared_with_the_last_month_that_was_sealed() {
    let mut council = blackpool("2020-04-08 10:00");
    council.shbe.set(ShbeRule::ClaimCountMoved, RuleLevel::Error);
    let extract = |day, claims| Extract::new("12302", day).claims(claims).bytes().0;
    council.put("12302", Shbe, "shbe.txt", extract("2020-04-08", 20));
    council.look();
    assert_eq!(council.submission(APRIL).sealed.unwrap().live_claims, Some(20));
    assert!(council.ledger().iter().any(|entry| entry.event == Event::Sealed && entry.facts.live_claims == Some(20)));
    council.clock.advance_to("2020-05-05 10:00");
    council.restart();
    council.put("12302", Shbe, "shbe.txt", extract("2020-05-05", 23));
    council.look();
    let moved = ShbeFault { rule: ShbeRule::ClaimCountMoved, line: 1, record: Some('D'), field: None };
    assert_eq!(held(&council, MAY), Some(ReturnHold::PreFlight { errors: 1, first: vec![moved] }));
    council.put("12302", Shbe, "shbe.txt", extract("2020-05-05", 22));
    council.look();
    assert_eq!(council.stage(MAY), Stage::Sealed, "a tenth is usual");
}

#[test]
fn an_extract_that_was_made_early_goes_where_that_is_only_told() {
    let mut council = blackpool("2020-04-08 10:00");
    council.shbe.set(ShbeRule::ExtractedEarly, RuleLevel::Warning);
    council.restart();
    council.put("12302", Shbe, "shbe.txt", extract("12302", "2020-04-06", ""));
    council.look();
    assert_eq!(council.stage(APRIL), Stage::Sealed);
}

#[test]
fn the_same_workbook_for_another_month() {
    let council = blackpool("2020-04-08 10:00");
    council.put("12302", HbmsMi, "april.xlsx", workbook("same"));
    council.look();
    council.put("12302", HbmsMi, "may.xlsx", workbook("same"));
    council.look();
    let sent_already = ReturnHold::SentAlready { month: "2020-04".parse().unwrap() };
    assert_eq!(held(&council, "hbms-mi/12302/2020-05"), Some(sent_already));
}

#[test]
fn what_does_not_open_again() {
    let mut council = blackpool("2020-04-08 10:00");
    council.restart_opening_by(ForgetfulOpener);
    council.put("12302", Shbe, "shbe.txt", extract("12302", "2020-04-08", ""));
    council.look();
    assert_eq!(held(&council, APRIL), Some(ReturnHold::SelfCheckFailed));
    assert_eq!(std::fs::read_dir(council.state_file("sealed")).unwrap().count(), 0, "nothing was kept");
    assert_eq!(council.left_in("12302", Shbe), 1);
}

/// Finds other content than was sealed.
struct ForgetfulOpener;

impl Opener for ForgetfulOpener {
    fn open(
        &self,
        sealed: &mut (dyn Read + Send + Sync),
        into: &mut (dyn Write + Send),
        request: &OpenRequest<'_>,
    ) -> Result<Verdict, OpenError> {
        let mut bytes = Vec::new();
        sealed.read_to_end(&mut bytes).unwrap();
        into.write_all(b"other").unwrap();
        Ok(Verdict {
            signer: Some("0123456789ABCDEF0123456789ABCDEF01234567".parse().unwrap()),
            partner: None,
            content: hbcourier::domain::Digest::of(b"other"),
            bytes: 5,
            sealed: hbcourier::domain::Digest::of(&bytes),
            file_name: None,
            signed_at: Some(request.at),
            exceptions: Vec::new(),
        })
    }
}

#[test]
fn a_corrected_extract_after_sealing_is_not_taken_for_the_next_month() {
    let council = blackpool("2020-04-08 10:00");
    council.put("12302", Shbe, "shbe.txt", extract("12302", "2020-04-08", "first"));
    council.look();
    let sealed = council.submission(APRIL).sealed.unwrap();
    council.put("12302", Shbe, "shbe.txt", extract("12302", "2020-04-09", "second"));
    council.look();
    assert_eq!(council.submission(APRIL).sealed, Some(sealed), "what is sealed stays as it is");
    assert_eq!(held(&council, MAY), Some(already_sealed("2020-04")));
    // Its header would not give it away either.
    council.put("12302", Shbe, "shbe.txt", "HEADER|12302|third\nA|1|2\n");
    council.look();
    for civil in ["2020-04-15 09:00", "2020-05-05 09:00"] {
        council.clock.advance_to(civil);
        council.look();
        assert_eq!(held(&council, MAY), Some(already_sealed("2020-04")), "{civil}");
    }
    council.put("12302", Shbe, "shbe.txt", extract("12302", "2020-05-05", "next"));
    council.look();
    assert_eq!(council.stage(MAY), Stage::Sealed);
}

const MI_NOVEMBER: &str = "hbms-mi/12302/2020-11";
const MI_DECEMBER: &str = "hbms-mi/12302/2020-12";
const MI_JANUARY: &str = "hbms-mi/12302/2021-01";

fn already_sealed(month: &str) -> ReturnHold {
    ReturnHold::AlreadySealed { month: month.parse().unwrap() }
}

/// November's workbook is sealed, and two days before its transfer date another one is put there.
fn corrected_before_the_transfer_date() -> Council {
    let transfer_on = {
        let council = blackpool("2020-10-20 10:00");
        council.tick();
        council.submission(MI_NOVEMBER).transfer_on
    };
    let first_day = transfer_on.saturating_sub(jiff::Span::new().days(6));
    let council = blackpool(&format!("{first_day} 10:00"));
    council.put("12302", HbmsMi, "november.xlsx", workbook("november"));
    council.look();
    assert_eq!(council.stage(MI_NOVEMBER), Stage::Sealed);
    council.clock.advance_to(&format!("{} 10:00", transfer_on.saturating_sub(jiff::Span::new().days(2))));
    council.put("12302", HbmsMi, "november corrected.xlsx", workbook("corrected"));
    council.look();
    assert_eq!(held(&council, MI_DECEMBER), Some(already_sealed("2020-11")));
    council
}

/// To nine o'clock of the day after the transfer date of that return.
fn let_the_day_pass(council: &Council, key: &str) {
    let transfer_on = council.submission(key).transfer_on;
    council.clock.advance_to(&format!("{transfer_on} 09:00"));
    council.look();
    council.clock.advance_to(&format!("{} 09:00", transfer_on.tomorrow().unwrap()));
    council.look();
}

#[test]
fn a_corrected_workbook_after_sealing_is_not_taken_for_the_next_month() {
    let mut council = corrected_before_the_transfer_date();
    let codes = || council.ledger().into_iter().filter(|entry| entry.event == Event::ReturnHeld).map(|e| e.facts.code);
    assert_eq!(codes().collect::<Vec<_>>(), [Some("CN-410".to_owned())]);
    assert_eq!(council.left_in("12302", HbmsMi), 1, "it stays where it is");
    let_the_day_pass(&council, MI_NOVEMBER);
    assert!(matches!(council.stage(MI_NOVEMBER), Stage::Sent { .. }));
    council.restart();
    council.look();
    assert_eq!(held(&council, MI_DECEMBER), Some(already_sealed("2020-11")), "the same bytes stay held");
    assert_eq!((council.count(Event::ReturnHeld, MI_DECEMBER), council.left_in("12302", HbmsMi)), (1, 1));

    // The next month's beside it: neither is taken, and what was held stays known.
    council.put("12302", HbmsMi, "december.xlsx", workbook("december"));
    council.look();
    let folder = council.folder("12302", HbmsMi);
    std::fs::rename(folder.join("december.xlsx"), folder.join("december.xlsx.tmp")).unwrap();
    council.look();
    assert_eq!(held(&council, MI_DECEMBER), Some(already_sealed("2020-11")));
    std::fs::remove_file(folder.join("november corrected.xlsx")).unwrap();
    std::fs::rename(folder.join("december.xlsx.tmp"), folder.join("december.xlsx")).unwrap();
    council.look();
    assert_eq!(council.stage(MI_DECEMBER), Stage::Sealed, "a different file is judged anew");
    let sealed = council.submission(MI_DECEMBER).sealed.unwrap();
    assert_eq!(sealed.content, hbcourier::domain::Digest::of(&workbook("december")));
    assert_eq!(council.outgoing("12302").len(), 1, "November's, as it was sealed first");
}

#[test]
fn what_was_held_for_one_month_is_not_taken_for_the_one_after() {
    let mut council = corrected_before_the_transfer_date();
    let_the_day_pass(&council, MI_NOVEMBER);
    let_the_day_pass(&council, MI_DECEMBER);
    assert!(matches!(council.stage(MI_DECEMBER), Stage::Missed { .. }));
    council.restart();
    council.look();
    assert_eq!(held(&council, MI_JANUARY), Some(already_sealed("2020-11")));
    assert_eq!(council.count(Event::ReturnHeld, MI_JANUARY), 1);
    council.put("12302", HbmsMi, "november corrected.xlsx", workbook("january"));
    council.look();
    assert_eq!(held(&council, MI_JANUARY), Some(ReturnHold::Late { month: "2020-12".parse().unwrap() }));
    council.order(MI_DECEMBER, ReturnOrder::Waive).unwrap();
    council.look();
    assert_eq!(council.stage(MI_JANUARY), Stage::Sealed, "a person has said that there is none for December");
}
