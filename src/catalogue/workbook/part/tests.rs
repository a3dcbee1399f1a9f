use proptest::prelude::*;

use super::*;

fn verdict(part: &str) -> Result<(), Fault> {
    let mut watched = Part::new();
    watched.write_all(part.as_bytes()).unwrap();
    watched.finish()
}

#[test]
fn what_office_programs_write_goes_by() {
    for part in [
        "\u{FEFF}<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\r\n<sst uniqueCount='2'><si><t>a &amp; b</t></si></sst>",
        "<x:sst xmlns:x=\"u\"><x:si><x:r><x:t xml:space=\"preserve\"> a</x:t></x:r ><!-- > --><x:r><x:t><![CDATA[</t>]]></x:t></x:r></x:si></x:sst>",
        "<a b='>' c=\"it's\"><c/></a>",
    ] {
        assert_eq!(verdict(part), Ok(()), "{part}");
    }
}

#[test]
fn a_text_is_no_longer_than_a_cell_may_be_however_it_is_cut_up() {
    let half = "a".repeat(CELL_BYTES_MAX / 2 + 1);
    for part in [
        format!("<si><t>{half}{half}</t></si>"),
        format!("<si><t>{half}<!-- -->{half}</t></si>"),
        format!("<si><t>{half}<![CDATA[{half}]]></t></si>"),
        format!("<si><r><t>{half}</t></r><r><t>{half}</t></r></si>"),
        format!("<si><t>{half}<si/>{half}</t></si>"),
        format!("<x:c><is><t>{half}<c></c>{half}</t></is></x:c>"),
    ] {
        assert_eq!(verdict(&part), Err(Fault::TooLarge));
    }
    let separate = format!("<sst><si><t>{half}</t></si><si><t>{half}</t></si></sst>");
    assert_eq!(verdict(&separate), Ok(()));
}

#[test]
fn what_may_be_read_in_two_ways_is_damage() {
    for part in [
        "<si><t>a</si><si>b</t></si>",
        "<!DOCTYPE a><a/>",
        "<!--> <a/> -->",
        "<?xml version='1.0' encoding='UTF-7'?><a/>",
        "<a:b:si/>",
        "< si/>",
        "</si>",
    ] {
        assert_eq!(verdict(part), Err(Fault::Broken), "{part}");
    }
}

#[test]
fn what_the_library_keeps_is_bounded_in_number() {
    let many = "<si/>".repeat(STRINGS_MAX as usize + 1);
    assert_eq!(verdict(&many), Err(Fault::TooLarge));
    assert_eq!(verdict(&"<c/>".repeat(CELLS_MAX as usize + 1)), Err(Fault::TooLarge));
    assert_eq!(verdict(&"<font/>".repeat(KEPT_MAX + 1)), Err(Fault::TooLarge));
    // One long name that every format refers to.
    let font = format!("<font><name val=\"{}\"/></font>", "a".repeat(60 << 10));
    assert_eq!(verdict(&format!("{font}{}", "<xf/>".repeat(2000))), Ok(()));
    assert_eq!(verdict(&format!("{font}{}", "<xf/>".repeat(2500))), Err(Fault::TooLarge));
    assert_eq!(verdict(&format!("<a b=\"{}\"/>", "a".repeat(TAG_BYTES_MAX))), Err(Fault::TooLarge));
}

#[test]
fn room_is_not_asked_for_more_texts_than_allowed() {
    assert_eq!(verdict("<sst count=\"99999999999\" uniqueCount=\"1000000\"/>"), Ok(()));
    let blank = " ".repeat(500);
    for claim in ["1000001", "99999999999999999999999"] {
        assert_eq!(verdict(&format!("<x:sst uniqueCount{blank}={blank}'{claim}'/>")), Err(Fault::TooLarge));
    }
}

#[test]
fn sheets_are_parts_that_were_looked_through() {
    let relation = |attributes: &str| verdict(&format!("<Relationship Id=\"r1\" {attributes}/>"));
    assert_eq!(relation("Type=\"u/worksheet\" Target=\"worksheets/Sheet1.XML\" TargetMode=\"Internal\""), Ok(()));
    assert_eq!(relation("Type=\"u/image\" Target=\"media/image1.png\""), Ok(()));
    for attributes in [
        "Type=\"u/worksheet\" Target=\"media/image1.png\"",
        "Target='sheet' Type='worksheet' Target='sheet1.xml'",
        "Type=\"u/officeDocument\" Target=\"xl/workbook.bin\" x=\".xml\"",
    ] {
        assert_eq!(relation(attributes), Err(Fault::Broken), "{attributes}");
    }
}

proptest! {
    /// However the part is cut into pieces, it is seen as one.
    #[test]
    fn pieces_make_no_difference(
        words in prop::collection::vec(prop::sample::select(vec![
            "<si>", "</si>", "<t a='>'>", "</t>", "<c/>", "<!--", "-->", "<![CDATA[", "]]>", "<?", "?>", "a", ">", "\"", "'", "<",
        ]), 0..20),
        cuts in prop::collection::vec(1usize..4, 0..40),
    ) {
        let part = words.concat();
        let whole = verdict(&part);
        let mut watched = Part::new();
        let mut rest = part.as_bytes();
        for cut in cuts {
            let (piece, after) = rest.split_at(cut.min(rest.len()));
            watched.write_all(piece).unwrap();
            rest = after;
        }
        watched.write_all(rest).unwrap();
        prop_assert_eq!(watched.finish(), whole);
    }
}
