//! Tampering by raw SQL, found at its own place.

use super::{Verification, verify};
use crate::domain::ledger::{Event, VolumeFacts};
use crate::domain::merkle::leaf;
use crate::domain::{Answer, Stage, Standing};
use crate::store::samples::*;
use crate::store::{Auditable, Queries, Recorder, SqliteStore};

/// Entries: 0..10 collected, 10 held, 11 staged, 12 delivered, 13 scheduled, 14 sealed, 15 a remark, 16 tried again,
/// 17 and 18 alarms, 19 in service, 20 missed, 21 ordered to be sent, 22 an alarm cleared,
/// 23 and 24 timetables.
fn state() -> tempfile::TempDir {
    let state = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(state.path()).unwrap();
    let shbe = "shbe/12302/2020-04";
    let more = [
        held(3, 0),
        staged(4, 0, 50),
        move_to(4, 1, Event::Delivered, Standing::Delivered { at: at(9) }),
        owe(shbe),
        return_to(shbe, 0, Event::Sealed, Stage::Sealed, Some(sealed())),
        remark(),
        retried(3, 1),
        alarm("drop-12302", true),
        alarm("state", true),
        in_service("12302"),
        return_to(shbe, 1, Event::Missed, Stage::Missed { since: at(9) }, None),
        resend(shbe, 2),
        alarm("state", false),
        activated("2020-21", "first"),
        activated("2020-21", "second"),
    ];
    for change in (0..10).map(collect).chain(more) {
        store.recorder().record(change).unwrap();
    }
    state
}

/// The verdict after somebody with the database in hand has run this.
fn after(tampering: &str) -> Verification {
    let state = state();
    if !tampering.is_empty() {
        tamper(state.path(), &tampering.replace("{4}", &id(4).to_string()).replace("{9}", &id(9).to_string()));
    }
    verify(&SqliteStore::read_only(state.path()).unwrap()).unwrap()
}

fn assert_found(tampering: &str, first_bad: Option<u64>, says: &str) {
    let verdict = after(tampering);
    assert!(!verdict.ok, "{tampering} was not found");
    assert_eq!(verdict.first_bad, first_bad, "{tampering}: {}", verdict.says);
    assert!(verdict.says.contains(says), "{tampering}: {}", verdict.says);
}

#[test]
fn a_name_or_a_size_that_is_another_transfers_is_found() {
    assert_found("UPDATE consignment SET sealed_bytes = 1 WHERE id = '{4}'", Some(4), "something else");
    assert_found("UPDATE name SET consignment = NULL WHERE entry = 4", Some(4), "filed under another transfer");
    assert_found("UPDATE name SET consignment = '{9}' WHERE entry = 4", Some(4), "filed under another transfer");
}

#[test]
fn what_is_held_for_another_reason_than_was_recorded_is_found() {
    let state = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(state.path()).unwrap();
    let mut unsigned = held(1, 0);
    unsigned.facts.code = Some("CN-105".to_owned());
    for change in [collect(1), unsigned] {
        store.recorder().record(change).unwrap();
    }
    assert!(verify(&store.queries()).unwrap().ok);
    drop(store);
    tamper(state.path(), "UPDATE consignment SET standing = replace(standing, 'unsigned', 'stranger')");
    let verdict = verify(&SqliteStore::read_only(state.path()).unwrap()).unwrap();
    assert_eq!((verdict.ok, verdict.first_bad), (false, Some(1)), "{}", verdict.says);
    assert!(verdict.says.contains("CN-105") && verdict.says.contains("CN-106"), "{}", verdict.says);
}

#[test]
fn an_untouched_store_is_sound() {
    let verdict = after("");
    assert!(verdict.ok && verdict.first_bad.is_none() && verdict.entries == 25, "{verdict:?}");
}

#[test]
fn altered_lines_are_found() {
    let altered = "UPDATE ledger SET line = CAST(replace(line, '\"bytes\":4', '\"bytes\":9') AS BLOB) WHERE seq = 6";
    assert_found(altered, Some(6), "altered or replaced");
    assert_found("UPDATE ledger SET line = x'7b7d' WHERE seq = 6", Some(6), "cannot be read");
    assert_found("UPDATE ledger SET hash = zeroblob(32) WHERE seq = 6", Some(6), "altered or replaced");
    let event = "UPDATE ledger SET line = CAST(replace(line, 'delivered', 'closed') AS BLOB) WHERE seq = 12";
    assert_found(event, Some(12), "altered or replaced");
}

/// Its hash made to fit: what is above it does not.
#[test]
fn a_line_that_was_altered_together_with_its_hash_is_found_by_the_tree() {
    for (seq, found) in [(6_u32, Some(7)), (7, Some(7)), (24, None)] {
        let state = state();
        let raw = rusqlite::Connection::open(state.path().join("store.sqlite")).unwrap();
        let line: Vec<u8> = raw.query_row("SELECT line FROM ledger WHERE seq = ?1", [seq], |row| row.get(0)).unwrap();
        let line = String::from_utf8(line).unwrap().replace("\"at\":\"2020", "\"at\":\"2021").into_bytes();
        let hash = leaf(&line);
        raw.execute_batch("DROP TRIGGER ledger_is_never_rewritten").unwrap();
        let altered = (line, hash.as_bytes(), seq);
        assert_eq!(raw.execute("UPDATE ledger SET line = ?1, hash = ?2 WHERE seq = ?3", altered).unwrap(), 1);
        let verdict = verify(&SqliteStore::read_only(state.path()).unwrap()).unwrap();
        assert!(!verdict.ok && verdict.first_bad == found, "{seq}: {verdict:?}");
    }
}

#[test]
fn deleted_lines_are_found() {
    assert_found("DELETE FROM ledger WHERE seq = 6", Some(6), "missing");
    assert_found("DELETE FROM ledger WHERE seq = 0", Some(0), "missing");
    assert_found("DELETE FROM ledger WHERE seq >= 15", Some(15), "cut off");
    let closed_up = "DELETE FROM ledger WHERE seq = 6; UPDATE ledger SET seq = seq - 1 WHERE seq > 6";
    assert_found(closed_up, Some(6), "moved or removed");
}

#[test]
fn a_ledger_cut_back_together_with_its_head_contradicts_the_state() {
    let state = state();
    let cut_back = SqliteStore::read_only(state.path()).unwrap().snapshot().unwrap().root_of(14).unwrap().unwrap();
    tamper(
        state.path(),
        &format!("DELETE FROM ledger WHERE seq >= 14; UPDATE tree SET size = 14, root = x'{cut_back}'"),
    );
    let verdict = verify(&SqliteStore::read_only(state.path()).unwrap()).unwrap();
    assert!(!verdict.ok && verdict.first_bad == Some(16) && verdict.says.contains("not about it"), "{verdict:?}");
}

#[test]
fn swapped_lines_are_found_at_the_first() {
    let swap = "UPDATE ledger SET seq = 1000 WHERE seq = 5; UPDATE ledger SET seq = 5 WHERE seq = 8;
                UPDATE ledger SET seq = 8 WHERE seq = 1000";
    assert_found(swap, Some(5), "moved or removed");
    let renumbered = "CREATE TEMP TABLE t AS SELECT seq, line FROM ledger WHERE seq IN (5, 8);
        UPDATE ledger SET line = (SELECT CAST(replace(line, '\"seq\":8', '\"seq\":5') AS BLOB) FROM t WHERE seq = 8) WHERE seq = 5;
        UPDATE ledger SET line = (SELECT CAST(replace(line, '\"seq\":5', '\"seq\":8') AS BLOB) FROM t WHERE seq = 5) WHERE seq = 8";
    assert_found(renumbered, Some(5), "altered or replaced");
}

#[test]
fn added_lines_and_an_altered_head_are_found() {
    let added = "INSERT INTO ledger SELECT 25, CAST(replace(line, '\"seq\":15', '\"seq\":25') AS BLOB), hash
                 FROM ledger WHERE seq = 15";
    assert_found(added, Some(25), "");
    assert_found("UPDATE tree SET size = 24", Some(24), "was added");
    assert_found("UPDATE tree SET root = zeroblob(32)", None, "head was altered");
}

#[test]
fn altered_inner_nodes_are_found() {
    // Entry 1 completes the first, entry 3 the second and third, and so on: 22 over 25 entries.
    assert_found("UPDATE node SET hash = zeroblob(32) WHERE place = 0", Some(1), "the tree above them");
    assert_found("UPDATE node SET hash = zeroblob(32) WHERE place = 2", Some(3), "the tree above them");
    assert_found("DELETE FROM node WHERE place = 1", Some(3), "the tree above them");
    assert_found("DELETE FROM node WHERE place = 21", Some(23), "the tree above them");
    assert_found("INSERT INTO node VALUES (22, zeroblob(32))", None, "the tree above them has more");
    assert_found("UPDATE node SET place = 100 WHERE place = 21", Some(23), "the tree above them");
}

#[test]
fn a_state_that_the_ledger_does_not_tell_of_is_found_at_the_entry_it_contradicts() {
    let held = r#"'{"is":"held","since":"2020-04-27T00:00:00Z","reason":{"reason":"no-key"}}'"#;
    let both = format!("UPDATE consignment SET standing = {held}, word = 'held', due_at = NULL WHERE id = '{{4}}'");
    assert_found(&both, Some(12), "says `delivered`");
    assert_found(&format!("UPDATE consignment SET standing = {held} WHERE id = '{{4}}'"), Some(12), "delivered");
    assert_found("UPDATE consignment SET word = 'closed' WHERE id = '{4}'", Some(12), "listed as `closed`");
    assert_found("UPDATE consignment SET standing = '{}' WHERE id = '{4}'", Some(12), "cannot be read");
    assert_found(
        "UPDATE submission SET stage = '{\"is\":\"scheduled\"}', word = 'scheduled'",
        Some(21),
        "says `return-ordered`",
    );
}

#[test]
fn a_state_set_back_with_its_entry_is_found() {
    let collected = r#"'{"is":"collected","at":"2020-04-27T00:00:00Z"}'"#;
    let back =
        format!("UPDATE consignment SET standing = {collected}, word = 'collected', entry = 4 WHERE id = '{{4}}'");
    assert_found(&back, Some(11), "as entry 4 left it");
    assert_found("UPDATE consignment SET entry = 5 WHERE id = '{4}'", Some(5), "not about it");
    let missed = r#"'{"is":"missed","since":"2020-04-27T00:00:00Z"}'"#;
    let unordered =
        format!("UPDATE submission SET stage = {missed}, word = 'missed', open = 0, entry = 20, ordered_at = NULL");
    assert_found(&unordered, Some(21), "as entry 20 left it");
    let held = r#"'{"is":"held","since":"2020-04-27T00:00:00Z","reason":{"reason":"no-key"}}'"#;
    let not_retried = format!("UPDATE consignment SET standing = {held}, word = 'held', entry = 10 WHERE entry = 16");
    assert_found(&not_retried, Some(16), "as entry 10 left it");
}

#[test]
fn rows_and_names_that_were_exchanged_are_found() {
    let gone = "PRAGMA foreign_keys = OFF; DELETE FROM consignment WHERE id = '{9}'";
    assert_found(gone, Some(9), "the store has none");
    assert_found("UPDATE consignment SET sealed_digest = zeroblob(32) WHERE id = '{9}'", Some(9), "something else");
    assert_found("UPDATE consignment SET source = 'drop-x' WHERE id = '{9}'", Some(9), "something else");
    assert_found("UPDATE name SET clear = 'other' WHERE entry = 7", Some(7), "name");
    assert_found("UPDATE submission SET month = '2020-05'", Some(13), "the store has none");
}

#[test]
fn a_name_that_was_taken_out_by_hand_is_found() {
    assert_found("DELETE FROM name WHERE entry = 7", Some(7), "no entry says that it was erased");
    assert_found("DELETE FROM name WHERE clear LIKE 'laid-4-1%'", Some(11), "no entry says that it was erased");
}

/// Entries: 0 and 1 collected, 2 staged under a sender's names, 3 delivered, 4 closed, 5 a hold placed, 6 and 7 names and original
/// erased, 8 a hold placed and 9 lifted.
fn erased() -> tempfile::TempDir {
    let state = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(state.path()).unwrap();
    for change in [
        collect(4),
        collect(9),
        staged_by_sender(4, 0, 50),
        move_to(4, 1, Event::Delivered, Standing::Delivered { at: at(9) }),
        move_to(4, 2, Event::Closed, Standing::Closed { at: at(9) }),
        place_hold("101809"),
        erase_names(4, 3),
        erase_original(4),
        place_hold(&id(9).to_string()),
        lift_hold(&id(9).to_string()),
    ] {
        store.recorder().record(change).unwrap();
    }
    store.recorder().rewrite().unwrap();
    state
}

#[test]
fn altered_erasures_and_legal_holds_are_found() {
    let verdict = |tampering: &str| {
        let state = erased();
        if !tampering.is_empty() {
            tamper(state.path(), &tampering.replace("{4}", &id(4).to_string()).replace("{9}", &id(9).to_string()));
        }
        verify(&SqliteStore::read_only(state.path()).unwrap()).unwrap()
    };
    assert!(verdict("").ok, "{}", verdict("").says);
    let restored = "INSERT INTO name SELECT name, zeroblob(16), 'x', 0, id FROM consignment WHERE id = '{4}'";
    for (tampering, first_bad) in [
        ("DELETE FROM names_erased", Some(6)),
        ("UPDATE names_erased SET consignment = '{9}'", Some(6)),
        ("UPDATE names_erased SET entry = 7", Some(6)),
        ("INSERT INTO names_erased VALUES ('{9}', 6, 1)", None),
        (restored, Some(0)),
        ("UPDATE delivery SET naming = 'senders' WHERE part = 1", Some(6)),
        ("UPDATE delivery SET naming = 'ours' WHERE part = 1", Some(2)),
        ("UPDATE delivery SET naming = NULL WHERE part = 1", Some(2)),
        ("DELETE FROM name WHERE entry = 1", Some(1)),
        ("DELETE FROM original_erased", Some(7)),
        ("UPDATE original_erased SET about = '{9}'", Some(7)),
        ("INSERT INTO original_erased VALUES ('shbe/12302/2020-04', 7)", None),
        ("DELETE FROM legal_hold", Some(5)),
        ("UPDATE legal_hold SET since = since + 1", Some(5)),
        ("UPDATE legal_hold SET about = '12302'", Some(5)),
        ("INSERT INTO legal_hold VALUES ('{9}', 0, 8)", None),
    ] {
        let found = verdict(tampering);
        assert_eq!((found.ok, found.first_bad), (false, first_bad), "{tampering}: {}", found.says);
    }
}

/// Each table that hangs on the ledger, with a row changed, removed and added by hand.
#[test]
fn every_other_table_is_held_against_the_ledger() {
    let other = "'FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF'";
    assert_found(
        &format!("UPDATE consignment SET signer = {other} WHERE id = '{{4}}'"),
        Some(11),
        "signer of transfer",
    );
    assert_found("UPDATE consignment SET signer = NULL WHERE id = '{4}'", Some(11), "signer of transfer");
    assert_found(&format!("UPDATE consignment SET signer = {other} WHERE id = '{{9}}'"), Some(9), "signer of transfer");

    let authority = "another authority's number for";
    assert_found("UPDATE consignment SET authority = '16104' WHERE id = '{4}'", Some(11), authority);
    assert_found("UPDATE consignment SET authority = '16104' WHERE id = '{9}'", Some(9), authority);

    for delivery in [
        "UPDATE delivery SET digest = zeroblob(32) WHERE part = 1",
        "UPDATE delivery SET bytes = 11 WHERE part = 1",
        "UPDATE delivery SET destination = 'elsewhere' WHERE part = 1",
        "UPDATE delivery SET kind = 'shbe' WHERE part = 1",
        "DELETE FROM delivery WHERE part = 1",
        "INSERT INTO delivery SELECT consignment, 2, id, kind, digest, bytes, destination, path, place, published, naming
         FROM delivery WHERE part = 1",
    ] {
        assert_found(delivery, Some(11), "other parts (deliveries) of transfer");
    }
    let strays = "PRAGMA foreign_keys = OFF; UPDATE accepted SET consignment = 'none'";
    assert_found(strays, Some(11), "accepted content claimed by transfer");
    let stray = "PRAGMA foreign_keys = OFF; INSERT INTO accepted VALUES (zeroblob(32), '12302', 'none')";
    assert_found(stray, None, "accepted content of transfer none, but no transfer that it can belong to");

    assert_found("UPDATE accepted SET content = zeroblob(32)", Some(11), "accepted content");
    assert_found("UPDATE accepted SET consignment = '{9}'", Some(9), "accepted content");
    assert_found("DELETE FROM accepted", Some(11), "accepted content");
    assert_found("INSERT INTO accepted VALUES (zeroblob(32), '12302', '{9}')", Some(9), "accepted content");
    assert_found("UPDATE accepted SET authority = '16104'", Some(11), "accepted content");
    let elsewhere = "INSERT INTO accepted SELECT content, '16104', consignment FROM accepted";
    assert_found(elsewhere, None, "no transfer that it can belong to");

    assert_found("UPDATE submission SET transfer_on = '2020-05-14'", Some(13), "is due on 2020-04-14");
    assert_found("UPDATE submission SET extract_from = NULL", Some(13), "other dates");
    let sealed = "UPDATE submission SET sealed = replace(sealed, 'abc@', 'xyz@')";
    assert_found(sealed, Some(14), "sealed return shbe/12302/2020-04 as something else");
    assert_found("UPDATE submission SET sealed = NULL", Some(14), "something else");
    let claims = r#"UPDATE submission SET sealed = replace(sealed, '"live_claims":3', '"live_claims":4')"#;
    assert_found(claims, Some(14), "something else");
    assert_found("UPDATE submission SET content = zeroblob(32)", Some(14), "something else");
    assert_found("UPDATE submission SET ordered_at = ordered_at + 1", Some(21), "order to send return");
    assert_found("UPDATE submission SET ordered_at = NULL", Some(21), "order to send return");

    assert_found("UPDATE alarm SET code = 'CN-999'", Some(17), "alarm CN-999 about `drop-12302`");
    assert_found("UPDATE alarm SET since = since + 1", Some(17), "about `drop-12302`");
    assert_found("DELETE FROM alarm", Some(17), "but the store has none");
    let raised = "INSERT INTO alarm SELECT 'state', code, says, next, since FROM alarm";
    assert_found(raised, None, "about `state`");

    assert_found("UPDATE in_service SET since = '2021-04-01'", Some(19), "into service");
    assert_found("DELETE FROM in_service", Some(19), "into service");
    assert_found("INSERT INTO in_service VALUES ('16104', '2020-04-01')", None, "LA 16104 in service");

    assert_found("UPDATE timetable SET text = 'other' WHERE entry = 24", Some(24), "another timetable for 2020-21");
    assert_found("UPDATE timetable SET year = '2021-22' WHERE entry = 23", Some(23), "another timetable for 2021-22");
    assert_found("UPDATE timetable SET digest = zeroblob(32) WHERE entry = 23", Some(23), "another timetable");
    assert_found("DELETE FROM timetable WHERE entry = 24", Some(24), "but the store has none from it");
    let forged = "INSERT INTO timetable SELECT 22, year, digest, text FROM timetable WHERE entry = 24";
    assert_found(forged, Some(22), "another timetable for 2020-21");
}

/// Entries: 0 scheduled, 1 sealed, 2 sending, 3 uncertain, 4 and 5 collected, 6 an answer, 7 to be sent once more by the policy,
/// 8 sending, 9 an answer to that.
fn answered() -> tempfile::TempDir {
    let state = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(state.path()).unwrap();
    let mi = "hbms-mi/12302/2020-04";
    let sending = || Stage::Sending { at: at(1), attempt: 1, boot: "boot".into(), place: None };
    for change in [
        owe(mi),
        return_to(mi, 0, Event::Sealed, Stage::Sealed, Some(sealed())),
        return_to(mi, 1, Event::Sending, sending(), None),
        return_to(mi, 2, Event::Uncertain, Stage::Uncertain { since: at(2), restored: false }, None),
        collect(4),
        collect(9),
        answer(4, 0, mi, Answer::Reply),
        return_to(mi, 3, Event::ResentByPolicy, Stage::Sealed, None),
        return_to(mi, 4, Event::Sending, sending(), None),
        answer(9, 0, mi, Answer::Copy),
    ] {
        store.recorder().record(change).unwrap();
    }
    state
}

#[test]
fn altered_answers_and_a_policy_that_was_forgotten_are_found() {
    let verdict = |tampering: &str| {
        let state = answered();
        if !tampering.is_empty() {
            tamper(state.path(), tampering);
        }
        verify(&SqliteStore::read_only(state.path()).unwrap()).unwrap()
    };
    assert!(verdict("").ok, "{}", verdict("").says);
    for (tampering, first_bad) in [
        ("DELETE FROM answer WHERE entry = 6", 6),
        ("UPDATE answer SET earlier = 0 WHERE entry = 6", 6),
        ("UPDATE answer SET answer = '\"delivered\"' WHERE entry = 9", 9),
        ("UPDATE answer SET status = '5.1.1' WHERE entry = 9", 9),
        ("UPDATE answer SET kind = 'shbe' WHERE entry = 9", 9),
        ("UPDATE submission SET resent_at = NULL", 7),
        ("UPDATE submission SET resent_at = resent_at + 1", 7),
        ("UPDATE submission SET ordered_at = NULL", 7),
    ] {
        let found = verdict(tampering);
        assert_eq!((found.ok, found.first_bad), (false, Some(first_bad)), "{tampering}: {}", found.says);
    }
}

#[test]
fn a_damaged_return_is_found_and_keeps_no_other_from_being_read() {
    let state = answered();
    tamper(state.path(), "UPDATE submission SET sealed = '{damaged'");
    let store = SqliteStore::read_only(state.path()).unwrap();
    assert_eq!(verify(&store).unwrap().first_bad, Some(1));
    assert_eq!(store.sent_as("abc@hbcourier.invalid").unwrap(), None);
}

/// Entries: 0 collected, 1 staged with volumes, 2 delivered, 3 and 4 workbooks opened, 5 one of them closed, 6 scheduled,
/// 7 sealed, 8 sending, 9 sent.
fn packed() -> tempfile::TempDir {
    let state = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(state.path()).unwrap();
    let mut staged = staged(4, 0, 50);
    staged.facts.volumes = [("HBSA002", Some(3)), ("HBUC007", None)]
        .map(|(of, count)| VolumeFacts { part: 0, of: of.parse().unwrap(), count })
        .into();
    let mi = "hbms-mi/12302/2020-07/2020-05";
    let sending = Stage::Sending { at: at(1), attempt: 1, boot: "boot".into(), place: None };
    for change in [
        collect(4),
        staged,
        move_to(4, 1, Event::Delivered, Standing::Delivered { at: at(9) }),
        open_workbook(4, 0, "2020-04"),
        open_workbook(4, 1, "2020-05"),
        close_workbook("2020-04"),
        owe(mi),
        return_to(mi, 0, Event::Sealed, Stage::Sealed, Some(sealed())),
        return_to(mi, 1, Event::Sending, sending, None),
        return_to(mi, 2, Event::Sent, Stage::Sent { at: at(9), reply: String::new() }, None),
    ] {
        store.recorder().record(change).unwrap();
    }
    state
}

#[test]
fn altered_volumes_workbooks_and_times_of_sending_are_found() {
    let verdict = |tampering: &str| {
        let state = packed();
        if !tampering.is_empty() {
            tamper(state.path(), tampering);
        }
        verify(&SqliteStore::read_only(state.path()).unwrap()).unwrap()
    };
    assert!(verdict("").ok, "{}", verdict("").says);
    for (tampering, first_bad) in [
        ("UPDATE volume SET count = 4 WHERE subject = 'HBSA002'", Some(1)),
        ("UPDATE volume SET count = 4 WHERE subject = 'HBUC007'", Some(1)),
        ("DELETE FROM volume WHERE subject = 'HBUC007'", Some(1)),
        ("UPDATE workbook SET closed_at = NULL", Some(5)),
        ("UPDATE workbook SET closed_at = 1 WHERE month = '2020-05'", Some(4)),
        ("UPDATE workbook SET opened_at = opened_at - 1 WHERE month = '2020-05'", Some(4)),
        ("DELETE FROM workbook WHERE month = '2020-05'", Some(4)),
        ("UPDATE workbook SET month = '2020-07' WHERE month = '2020-05'", Some(4)),
        ("UPDATE submission SET sent_at = sent_at + 1", Some(9)),
    ] {
        let found = verdict(tampering);
        assert_eq!((found.ok, found.first_bad), (false, first_bad), "{tampering}: {}", found.says);
    }
}

/// Entries: 0 proposed, 1 an exception granted, 2 collected, 3 the exception used, 4 retired.
fn decided() -> tempfile::TempDir {
    let state = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(state.path()).unwrap();
    for change in
        [proposed(b"certificate"), exception_granted(None), collect(1), exception_used(1, 1), retired(7, None)]
    {
        store.recorder().record(change).unwrap();
    }
    state
}

#[test]
fn altered_decisions_about_keys_are_found() {
    let verdict = |tampering: &str| {
        let state = decided();
        if !tampering.is_empty() {
            tamper(state.path(), tampering);
        }
        verify(&SqliteStore::read_only(state.path()).unwrap()).unwrap()
    };
    assert!(verdict("").ok, "{}", verdict("").says);
    for (tampering, first_bad) in [
        ("UPDATE key_step SET certificate = x'00' WHERE entry = 0", 0),
        ("UPDATE key_step SET certificate = NULL WHERE entry = 0", 0),
        ("UPDATE key_step SET step = replace(step, 'sha1', '3des') WHERE entry = 1", 1),
        ("UPDATE key_step SET step = replace(step, 'dwp', 'dwq') WHERE entry = 4", 4),
        ("UPDATE key_step SET step = '{}' WHERE entry = 4", 4),
        ("UPDATE key_step SET at = at - 1 WHERE entry = 4", 4),
        ("UPDATE key_step SET concludes = 0 WHERE entry = 1", 1),
        ("DELETE FROM key_step WHERE entry = 4", 4),
        ("INSERT INTO key_step SELECT 2, at, step, 9, certificate FROM key_step WHERE entry = 1", 2),
        ("DELETE FROM exception_use", 3),
        ("UPDATE exception_use SET exception = 0", 3),
        ("INSERT INTO exception_use VALUES (1, 'another', 2)", 2),
    ] {
        let verdict = verdict(tampering);
        assert!(!verdict.ok && verdict.first_bad == Some(first_bad), "{tampering}: {verdict:?}");
    }
}
