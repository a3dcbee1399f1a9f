//! Reading back, and the filters.

use std::ops::ControlFlow;

use super::super::SqliteStore;
use crate::domain::FileKind;
use crate::domain::ledger::Event;
use crate::domain::{Consignment, DeferCause, Digest, Due, Resume, Revision, Stage, Standing};
use crate::store::samples::*;
use crate::store::{
    Auditable, Change, ConsignmentFilter, Queries, ReceivedFilter, Recorder, StateChange, SubmissionFilter,
};

fn with(changes: impl IntoIterator<Item = Change>) -> (tempfile::TempDir, SqliteStore) {
    let state = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(state.path()).unwrap();
    for change in changes {
        store.recorder().record(change).unwrap();
    }
    (state, store)
}

fn ids(consignments: Vec<Consignment>) -> Vec<u32> {
    consignments.iter().map(|found| (0..100).find(|n| id(*n) == found.id).unwrap()).collect()
}

#[test]
fn a_staged_consignment_reads_back_with_its_parts_and_signer() {
    let (_state, store) = with([collect(1), staged(1, 0, 50)]);
    let (found, _) = store.queries().consignment(&id(1)).unwrap().unwrap();
    assert_eq!(found.revision, Revision(1));
    assert_eq!(found.standing, Standing::Staged { at: at(2), boot: "boot".into() });
    assert_eq!(found.signer.unwrap().to_string(), "0123456789ABCDEF0123456789ABCDEF01234567");
    assert_eq!(store.queries().deliveries(&id(1)).unwrap(), [delivery(1, 0), delivery(1, 1)]);
}

#[test]
fn what_was_received_is_told_by_kind_authority_and_time_and_only_if_it_was_staged() {
    let mut mixed = staged(2, 0, 51);
    if let StateChange::Consignment { deliveries: Some(deliveries), .. } = &mut mixed.state {
        deliveries[1].kind = FileKind::LaidXml;
    }
    let (_state, store) = with([
        collect(1),
        staged(1, 0, 50),
        collect(2),
        mixed,
        collect(3),
        held(3, 0),
        collect(4),
        staged_for("101809", 4, 0, 52),
    ]);
    let told = |authority: &str, kinds: &[FileKind], from: i64, until: i64| {
        let (authority, kinds) = (authority.parse().unwrap(), kinds.to_vec());
        let filter = ReceivedFilter { authority, kinds, since: at(from), until: at(until) };
        let received = store.queries().received(&filter).unwrap();
        let n = |received: &crate::store::Received| (0..100).find(|n| id(*n) == received.id).unwrap();
        received.iter().map(|one| (n(one), one.kind, one.parts)).collect::<Vec<_>>()
    };
    let (pdf, xml) = (FileKind::LaidPdf, FileKind::LaidXml);
    assert_eq!(told("12302", &[pdf, xml], 0, 100), [(1, pdf, 2), (2, pdf, 1), (2, xml, 1)]);
    assert_eq!(told("12302", &[xml], 0, 100), [(2, xml, 1)]);
    assert_eq!(told("12302", &[pdf], 2, 100), [(2, pdf, 1)]);
    assert_eq!(told("12302", &[pdf], 0, 2), [(1, pdf, 2)]);
    assert_eq!(told("101809", &[pdf], 0, 100), [(4, pdf, 2)]);
    assert_eq!(told("101809", &[], 0, 100), []);
}

#[test]
fn a_sighting_finds_its_consignment() {
    let (_state, store) = with([collect(1), collect(2)]);
    let source = "drop-12302".parse().unwrap();
    assert_eq!(store.queries().collected(&source, &native(2)).unwrap(), Some(consignment(2)));
    assert_eq!(store.queries().collected(&source, &native(3)).unwrap(), None);
    assert_eq!(store.queries().collected(&"drop-2".parse().unwrap(), &native(2)).unwrap(), None);
}

#[test]
fn only_what_is_due_is_due() {
    let later = Standing::Deferred {
        until: at(1000),
        attempts: 1,
        cause: DeferCause::DestinationFull,
        resume: Resume::Publishing { boot: "boot".into() },
    };
    let (_state, store) = with([
        collect(3),
        collect(1),
        collect(2),
        held(2, 0),
        collect(4),
        staged(4, 0, 1),
        move_to(4, 1, Event::Deferred, later.clone()),
    ]);
    let due = |second| {
        let due = Due { now: at(second), latest: at(second + 3600) };
        let filter = ConsignmentFilter { due: Some(due), ..ConsignmentFilter::default() };
        ids(store.queries().consignments(&filter).unwrap())
    };
    assert_eq!(due(999), [1, 3], "oldest first; what is held is not, and a pause is waited for");
    assert_eq!(due(1000), [1, 3, 4]);
    assert_eq!(due(0), [1, 3], "nothing but a pause is waited for: the clock was set back");
    assert_eq!(due(-2601), [1, 3, 4], "no pause is so long: the clock was ahead");
    assert_eq!(due(-2600), [1, 3]);
    assert_eq!(store.queries().consignment(&id(4)).unwrap().unwrap().0.standing, later);
}

#[test]
fn consignments_by_word_authority_and_time() {
    let (_state, store) = with([collect(1), collect(2), held(2, 0), collect(3), collect(4)]);
    let find = |filter: ConsignmentFilter| ids(store.queries().consignments(&filter).unwrap());
    let any = ConsignmentFilter::default;
    assert_eq!(find(any()), [1, 2, 3, 4]);
    assert_eq!(find(ConsignmentFilter { word: Some("held".into()), ..any() }), [2]);
    assert_eq!(find(ConsignmentFilter { since: Some(at(2)), until: Some(at(4)), ..any() }), [2, 3]);
    assert_eq!(find(ConsignmentFilter { authority: Some("101809".parse().unwrap()), ..any() }), [0u32; 0]);
    let first = ConsignmentFilter { authority: Some("12302".parse().unwrap()), limit: Some(1), ..any() };
    assert_eq!(find(first), [1]);
    let behind = |second, of| ConsignmentFilter { after: Some((at(second), id(of))), limit: Some(2), ..any() };
    assert_eq!((find(behind(1, 1)), find(behind(3, 3)), find(behind(4, 4))), (vec![2, 3], vec![4], vec![]));
}

#[test]
fn returns_by_key_authority_and_whether_they_are_open() {
    let (april, may) = ("shbe/12302/2020-04", "shbe/12302/2020-05");
    let (_state, store) = with([
        owe(may),
        owe(april),
        owe("hbms-mi/101809/2020-04"),
        return_to(april, 0, Event::Sealed, Stage::Sealed, Some(sealed())),
        return_to(may, 0, Event::Missed, Stage::Missed { since: at(0) }, None),
    ]);
    let find = |filter: SubmissionFilter| -> Vec<String> {
        store.queries().submissions(&filter).unwrap().iter().map(|found| found.key.to_string()).collect()
    };
    let any = SubmissionFilter::default;
    assert_eq!(find(any()), ["hbms-mi/101809/2020-04", april, may]);
    assert_eq!(find(SubmissionFilter { open: true, ..any() }), ["hbms-mi/101809/2020-04", april]);
    assert_eq!(find(SubmissionFilter { authority: Some("12302".parse().unwrap()), ..any() }), [april, may]);
    assert_eq!(find(SubmissionFilter { key: Some(key(may)), open: true, ..any() }), [""; 0]);

    let one = &store.queries().submissions(&SubmissionFilter { key: Some(key(april)), ..any() }).unwrap()[0];
    assert_eq!((one.revision, &one.stage, &one.sealed), (Revision(1), &Stage::Sealed, &Some(sealed())));
    assert_eq!(one.transfer_on, jiff::civil::date(2020, 4, 14));

    let sealed_before = |key: &str, n| {
        let key = self::key(key);
        store.queries().sealed_before(key.kind, &key.authority, &content(n)).unwrap()
    };
    assert_eq!(sealed_before(may, 7), Some(key(april)));
    assert_eq!(sealed_before(may, 8), None);
    assert_eq!(sealed_before("hbms-mi/12302/2020-04", 7), None);
}

#[test]
fn the_first_transfer_date_that_counts_stays() {
    let from = jiff::civil::date(2020, 4, 1);
    let state = StateChange::InService { authority: "12302".parse().unwrap(), from };
    let (_state, store) = with([change(Event::TakenIntoService, state)]);
    assert_eq!(store.queries().in_service_from(&"12302".parse().unwrap()).unwrap(), Some(from));
    for text in ["first", "second"] {
        store.recorder().record(activated("2020-21", text)).unwrap();
    }
    store.recorder().record(activated("2021-22", "third")).unwrap();
    let in_force = store.queries().timetables().unwrap();
    let told: Vec<_> = in_force.iter().map(|one| (one.year.to_string(), one.text.as_str())).collect();
    assert_eq!(told, [("2020-21".to_owned(), "second"), ("2021-22".to_owned(), "third")]);
    assert_eq!(in_force[0].digest, Digest::of(b"second"));
    assert_eq!(store.queries().in_service_from(&"101809".parse().unwrap()).unwrap(), None);
}

#[test]
fn a_snapshot_stands_still_while_the_store_goes_on() {
    let (_state, store) = with([collect(1)]);
    let queries = store.queries();
    let snapshot = queries.snapshot().unwrap();
    store.recorder().record(held(1, 0)).unwrap();
    store.recorder().record(collect(2)).unwrap();
    let (mut entries, mut rows) = (0, Vec::new());
    snapshot
        .each_entry(&mut |_| {
            Ok({
                entries += 1;
                ControlFlow::Continue(())
            })
        })
        .unwrap();
    snapshot
        .each_row(&mut |row| {
            Ok({
                rows.push(row.listed);
                ControlFlow::Continue(())
            })
        })
        .unwrap();
    assert_eq!((entries, rows, snapshot.head().unwrap().entries), (1, vec!["collected".to_owned()], 1));
    assert_eq!(queries.head().unwrap().entries, 3);
}

#[test]
fn a_reader_of_its_own_sees_what_the_service_commits() {
    let (state, store) = with([collect(1)]);
    let reader = SqliteStore::read_only(state.path()).unwrap();
    assert_eq!(reader.head().unwrap().entries, 1);
    store.recorder().record(collect(2)).unwrap();
    assert_eq!(reader.head().unwrap(), store.queries().head().unwrap());
    assert_eq!(ids(reader.consignments(&ConsignmentFilter::default()).unwrap()), [1, 2]);
    drop(store);
    assert_eq!(reader.ledger(1, 5).unwrap().len(), 1, "also after the service has ended");
}

#[test]
fn how_many_stand_where_is_counted_without_reading_them() {
    let (_state, store) = with([collect(1), collect(2), held(2, 0), collect(3), owe("shbe/12302/2020-04")]);
    let tally = store.queries().tally().unwrap();
    let of = |word: &str, count: u64| (word.to_owned(), count);
    assert_eq!(tally.transfers, [of("collected", 2), of("held", 1)].into());
    assert_eq!(tally.returns, [((crate::domain::ReturnKind::Shbe, "scheduled".to_owned()), 1)].into());
    let (_state, empty) = with([]);
    assert_eq!(empty.queries().tally().unwrap(), crate::store::Tally::default());
}
