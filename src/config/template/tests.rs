//! Templates: what they become, what is refused, and that no sender's name is ever unsafe.

use proptest::prelude::*;

use super::*;

fn facts<'a>(la: &'a LaNumber, name: Option<&'a str>, ext: &'a str) -> NameFacts<'a> {
    NameFacts {
        kind: "laid-pdf",
        la,
        received: Some("2020-04-14T09:30:00Z".parse().unwrap()),
        id: Some("0123456789ab".to_owned()),
        month: Some("2020-04"),
        name,
        ext,
    }
}

fn delivery(text: &str) -> Result<FileNameTemplate, TemplateFault> {
    FileNameTemplate::parse(text, TemplateUse::Delivery)
}

#[test]
fn the_defaults_render_as_documented() {
    let la = "12302".parse().unwrap();
    let facts = facts(&la, None, "PDF");
    let delivered = delivery(DELIVERY_NAME).unwrap();
    assert_eq!(delivered.render(&facts), "laid-pdf_12302_20200414T093000Z_0123456789ab.pdf");
    let sealed = FileNameTemplate::parse(RETURN_NAME, TemplateUse::Return).unwrap();
    assert_eq!(sealed.render(&facts), "laid-pdf_12302_2020-04.pdf.pgp");
    assert_eq!((delivered.to_string(), sealed.to_string()), (DELIVERY_NAME.into(), RETURN_NAME.into()));
}

#[test]
fn a_senders_name_is_its_last_component_in_plain_characters() {
    let la = "12302".parse().unwrap();
    let template = delivery("{name}").unwrap();
    for (theirs, ours) in [
        ("AOBWR627_LAID_RISK.csv", "AOBWR627_LAID_RISK.csv"),
        ("../../etc/passwd", "passwd"),
        ("C:\\packs\\week 1.zip", "week_1.zip"),
        ("Überblick.pdf", "_berblick.pdf"),
        ("..", "__"),
        ("-rf", "_rf"),
        ("/", "unnamed"),
        ("", "unnamed"),
    ] {
        assert_eq!(template.render(&facts(&la, Some(theirs), "x")), ours, "{theirs:?}");
    }
    assert_eq!(template.render(&facts(&la, None, "x")), "unnamed");
}

#[test]
fn a_long_name_is_cut_before_its_ending() {
    let la = "101809".parse().unwrap();
    let long = format!("{}.csv", "x".repeat(400));
    let name = delivery("{la}_{name}").unwrap().render(&facts(&la, Some(&long), "csv"));
    assert_eq!(name.len(), 255);
    assert!(name.ends_with("x.csv"));
}

#[test]
fn an_odd_ending_becomes_bin() {
    let la = "12302".parse().unwrap();
    let template = delivery("{id}.{ext}").unwrap();
    for odd in ["", "a/b", "..", "tar.gz", "elevenchars"] {
        assert_eq!(template.render(&facts(&la, None, odd)), "0123456789ab.bin", "{odd:?}");
    }
}

#[test]
fn each_unsafe_template_is_refused_for_its_own_reason() {
    use TemplateFault::*;
    let long = format!("{}{{id}}", "x".repeat(200));
    for (text, fault) in [
        (
            "{when}_{id}",
            Unknown { placeholder: "when".into(), choices: "{kind} {la} {received} {id} {name} {ext}".into() },
        ),
        ("{id", Unbalanced),
        ("id}", Unbalanced),
        ("{id}{id}", Repeated("{id}".into())),
        ("../{id}", Character('/')),
        ("a\0{id}", Character('\0')),
        ("a\n{id}", Character('\n')),
        ("a:{id}", Character(':')),
        (".{id}", Beginning('.')),
        ("-{id}", Beginning('-')),
        ("{id}.", Ending('.')),
        ("{kind}_{la}", NotUnique),
        ("", NotUnique),
        (&long, TooLong(264)),
    ] {
        assert_eq!(delivery(text), Err(fault), "{text:?}");
    }
    assert_eq!(FileNameTemplate::parse("{kind}", TemplateUse::Return), Err(NotMonthly));
    assert!(matches!(FileNameTemplate::parse("{month}{name}", TemplateUse::Return), Err(Unknown { .. })));
    assert!(matches!(delivery("{id}{month}"), Err(Unknown { .. })));
}

proptest! {
    #[test]
    fn no_senders_name_is_ever_unsafe(name in any::<String>(), ext in any::<String>(), id in any::<String>(), form in 0..5_usize) {
        let forms = ["{name}", "{name}.{ext}", "{id}_{name}", "{ext}{name}{id}", "{kind}_{la}_{received}_{id}_{name}.{ext}"];
        let la = "101809".parse().unwrap();
        let mut facts = facts(&la, Some(&name), &ext);
        facts.id = Some(id);
        let rendered = delivery(forms[form]).unwrap().render(&facts);
        prop_assert!(!rendered.is_empty() && rendered.len() <= 255, "{}", rendered.len());
        prop_assert!(!rendered.starts_with(['.', '-']), "{rendered}");
        prop_assert!(rendered.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)), "{rendered}");
    }

    #[test]
    fn whatever_template_is_accepted_renders_safely(text in "[a-z ._~{}/-]{0,12}(\\{id\\}|\\{name\\})[a-z ._~{}:-]{0,12}", name in any::<String>()) {
        if let Ok(template) = delivery(&text) {
            let la = "12302".parse().unwrap();
            let rendered = template.render(&facts(&la, Some(&name), "csv"));
            prop_assert!(rendered.len() <= 255 && !rendered.starts_with('.') && !rendered.contains(['/', '\0']));
            prop_assert!(!rendered.chars().any(char::is_control));
        }
    }
}
