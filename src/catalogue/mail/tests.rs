//! Structure only: no message here opens. Whole mails with real OpenPGP are in `tests/data/mail`.

use proptest::prelude::*;

use super::*;

const ARMOUR: &str = "-----BEGIN PGP MESSAGE-----\n\nhF4DAAAA\n=AAAA\n-----END PGP MESSAGE-----\n";

fn multipart(kind: &str, parts: &[&str]) -> String {
    let parts: String = parts.iter().map(|part| format!("--b1\n{part}\n")).collect();
    format!("Subject: x\nMIME-Version: 1.0\nContent-Type: multipart/{kind}; boundary=\"b1\"\n\n{parts}--b1--\n")
}

fn attached(name: &str, content: &str) -> String {
    format!("Content-Type: application/octet-stream\nContent-Disposition: attachment; filename=\"{name}\"\n\n{content}")
}

/// The sealed parts as text, or why there are none.
fn sealed(mail: &str) -> Result<Vec<String>, Unfit> {
    let found = sealed_items(mail.as_bytes()).map_err(|doubt| doubt.unfit)?;
    let sealed = found.iter().map(|item| item.sealed().map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned()));
    sealed.collect::<Result<_, _>>().map_err(|doubt| doubt.unfit)
}

fn is_found(mail: &str) -> bool {
    let found = sealed(mail);
    found.as_deref() == Ok(&[ARMOUR.trim().to_owned()])
        && sealed(&mail.replace('\n', "\r\n")).is_ok_and(|crlf| crlf[0].replace('\r', "") == ARMOUR.trim())
}

#[test]
fn the_sealed_part_is_found_whatever_a_gateway_made_of_it() {
    let control = "Content-Type: application/pgp-encrypted\n\nVersion: 1\n";
    let part = format!("Content-Type: application/octet-stream; name=encrypted.asc\n\n{ARMOUR}");
    let base64 = {
        use base64::Engine;
        base64::engine::general_purpose::STANDARD.encode(ARMOUR)
    };
    let encoded = format!("Content-Type: application/dat\nContent-Transfer-Encoding: base64\n\n{base64}");
    let footer = "Content-Type: text/plain\n\nSent by a gateway.\n";
    for mail in [
        multipart("encrypted; protocol=\"application/pgp-encrypted\"", &[control, &part]),
        multipart("mixed", &[control, &part]),
        multipart("mixed", &[control, &encoded, footer]),
        multipart("mixed", &[footer, &attached("a.pgp", ARMOUR)]),
        format!("Subject: x\n\n{ARMOUR}"),
        format!("Content-Type: text/plain; charset=utf-8\n\n\n{ARMOUR}\n\n"),
        multipart("mixed", &[&format!("Content-Type: message/rfc822\n\nSubject: y\n\n{ARMOUR}")]),
        multipart("mixed", &[&part]).trim_end().trim_end_matches("--b1--").to_owned(),
    ] {
        assert!(is_found(&mail), "{:?} of {mail}", sealed(&mail));
    }
}

#[test]
fn what_is_not_wholly_sealed_is_told_apart() {
    let forwarded = |inner: &str| format!("Content-Type: message/rfc822\n\n{inner}");
    let beside = |other: &str| multipart("mixed", &[&attached("a.pgp", ARMOUR), other]);
    let within = format!("Hello,\n{ARMOUR}");
    for (unfit, mail) in [
        (Unfit::Plain, "Subject: x\n\nHello\n".to_owned()),
        (Unfit::Plain, multipart("mixed", &[&attached("a.xml", "<LAID/>")])),
        (Unfit::SMime, "Content-Type: application/pkcs7-mime; name=smime.p7m\n\nxx\n".to_owned()),
        (Unfit::SMime, multipart("mixed", &[&attached("smime.p7m", "xx")])),
        (Unfit::SignedOnly, "Subject: x\n\n-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nx\n".to_owned()),
        (Unfit::SignedOnly, multipart("signed", &["\nx", "Content-Type: application/pgp-signature\n\nx"])),
        (Unfit::PartlySealed, format!("Subject: x\n\n{within}")),
        (Unfit::PartlySealed, format!("Subject: x\n\n{ARMOUR}\nBye\n")),
        (Unfit::PartlySealed, multipart("mixed", &[&attached("a.pgp", ARMOUR), &attached("b.xml", "<LAID/>")])),
        (Unfit::PartlySealed, multipart("mixed", &[&format!("Content-Type: text/html\n\n<p>{ARMOUR}")])),
        (Unfit::PartlySealed, beside("Content-Type: text/plain; name=a.csv\n\n1,2")),
        (Unfit::PartlySealed, beside("Content-Disposition: unheard-of\n\n1,2")),
        (Unfit::PartlySealed, beside("Content-Type: text/plain\n\nHello,\nbegin 644 a.csv\n#86)C\n`\nend")),
        (Unfit::PartlySealed, beside("Content-Type: text/plain; charset=UTF-16LE\n\nx")),
        (Unfit::TooComplex, multipart("mixed", &[&forwarded(&"A: b\n".repeat(20_000))])),
        (Unfit::TooComplex, multipart("mixed", &[&forwarded(&forwarded("Subject: z\n\nx"))])),
        (Unfit::TooComplex, multipart("mixed", &["\nx"; 120])),
    ] {
        assert_eq!(sealed(&mail), Err(unfit), "{mail}");
    }
}

#[test]
fn what_programs_may_read_differently_is_ambiguous() {
    let part = attached("a.pgp", ARMOUR);
    let good = multipart("mixed", &[&part]);
    let inner = |boundary: &str| {
        format!("Content-Type: multipart/mixed; boundary={boundary}\n\n--{boundary}\n\nx\n--{boundary}--")
    };
    assert!(is_found(&good));
    for mail in [
        good.replace("Subject: x", "Content-Type: text/plain"),
        good.replace("boundary=\"b1\"", "boundary=\"b1\"; boundary=b2"),
        good.replace("boundary=\"b1\"", "other=b1"),
        good.replace("boundary=\"b1\"", "boundary=\"b3\""),
        good.replace("Subject: x\n", "Subject: x\r\n"),
        good.replace("Subject: x", "Subject: x\rContent-Type: text/plain"),
        good.replace("Subject: x", "Subject: x\0"),
        good.replace("Subject: x", "no field"),
        good.replace("filename", "filename=\"c\"; filename"),
        good.replace("\n\n-----BEGIN", "\nContent-Transfer-Encoding: x-uuencode\n\n-----BEGIN"),
        good.replace("\n\n-----BEGIN", "\nContent-Transfer-Encoding: base64\n\n-----BEGIN"),
        good.replace("MIME-Version: 1.0", "Content-Transfer-Encoding: base64"),
        good.replace("boundary=\"b1\"", "(boundary=b2) boundary=\"b1\""),
        multipart("mixed", &[&format!("Content-Type: multipart/mixed; boundary=b12\n\n--b12\n{part}\n--b12--")]),
        multipart("mixed", &["Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogeA==\n"]),
        multipart("mixed", &[&part, "Content-Type: message/(x)rfc822\n\nSubject: y\n\nx"]),
        multipart("mixed", &[&part, "Content-Type: text\n\nx"]),
        good.replace("--b1\n", &format!("{ARMOUR}--b1\n")),
        format!("{good}{ARMOUR}"),
        multipart("mixed", &[&part, &inner("b2"), &inner("b2")]),
        multipart("mixed", &[&part, &inner("b2"), &inner("b23")]),
    ] {
        assert_eq!(sealed(&mail), Err(Unfit::Ambiguous), "{mail}");
    }
}

#[test]
fn an_entitys_files_are_its_attachments() {
    let names = |entity: &str| {
        entity_files(entity.as_bytes())
            .map(|files| {
                let shown = files.iter().map(|file| {
                    (file.name().map(str::to_owned), String::from_utf8(file.content().unwrap().into_owned()).unwrap())
                });
                shown.collect::<Vec<_>>()
            })
            .map_err(|doubt| doubt.unfit)
    };
    let entity = multipart("mixed", &["Content-Type: text/plain\n\nSee attached.", &attached("a.xml", "<LAID/>")])
        .replace("Subject: x\nMIME-Version: 1.0\n", "");
    assert!(is_entity(entity.as_bytes()) && !is_entity(b"<?xml version='1.0'?>\n") && !is_entity(b"contents,of: csv"));
    assert_eq!(names(&entity), Ok(vec![(Some("a.xml".to_owned()), "<LAID/>".to_owned())]));
    let rows = multipart("mixed", &["Content-Type: text/plain\n\nx", &attached("a.csv", "a,b\r\n1,2\r\n")]);
    assert_eq!(names(&rows), Ok(vec![(Some("a.csv".to_owned()), "a,b\r\n1,2\r\n".to_owned())]), "its own line ends");
    assert_eq!(names("Content-Type: text/plain\n\nalone"), Ok(vec![(None, "alone".to_owned())]));
    let two_texts = multipart("alternative", &["Content-Type: text/plain\n\na", "Content-Type: text/html\n\nb"]);
    assert_eq!(names(&two_texts), Err(Unfit::Plain));
    assert_eq!(names(&multipart("mixed", &[&attached("a.pgp", ARMOUR)])), Err(Unfit::PartlySealed));
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(
        head in prop::sample::select(vec![
            "", "Content-Type: multipart/mixed; boundary=b\n\n--b\n", "Content-Type: message/rfc822\n\n",
            "Content-Transfer-Encoding: base64\n\n", "Content-Type: multipart/digest; boundary=b\n\n--b\n\n\n--b--\n",
        ]),
        rest in prop::collection::vec(prop_oneof![
            Just("--b\n".to_owned()), Just("--b--\n".to_owned()), Just("\n".to_owned()), Just("A: b\n".to_owned()),
            Just("Content-Type: multipart/x; boundary=c\n".to_owned()), Just("--c\n".to_owned()), "\\PC{0,20}\n",
            Just(ARMOUR.to_owned()),
        ], 0..30),
    ) {
        let mail = format!("{head}{}", rest.concat());
        for item in sealed_items(mail.as_bytes()).unwrap_or_default() {
            let sealed = item.sealed().unwrap();
            prop_assert!(String::from_utf8_lossy(&sealed).trim_start().starts_with("-----BEGIN PGP MESSAGE-----"));
        }
        let _ = entity_files(mail.as_bytes());
    }
}
