//! How people are told: alarms by mail through a real Postfix, and a ping that ends with the service.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::council::{Council, LA, set};
use crate::support::partner::{Algorithm, Partner};
use crate::support::smtp::{Certificates, Postfix, postfix_table};

/// The mails that Postfix has delivered, as text.
pub(crate) fn mails(postfix: &Postfix) -> Vec<String> {
    let files = fs::read_dir(postfix.maildir().join("new")).into_iter().flatten().flatten();
    files.map(|file| fs::read_to_string(file.path()).unwrap()).collect()
}

pub(crate) fn mailing(council: &Council, certificates: &Certificates, port: u16) {
    let smtp = postfix_table(certificates, council.dir.path(), port, "hbcourier@council.example");
    council.changes_settings(|settings| {
        let mut courier = toml::Table::new();
        courier.insert("name".into(), "mail".into());
        courier.insert("smtp".into(), smtp.into());
        settings["courier"].as_array_mut().unwrap().push(courier.into());
        set(settings, &["service", "alarms", "courier"], "mail");
        set(settings, &["service", "alarms", "to"], toml::Value::Array(vec!["it@dwp.example".into()]));
        set(settings, &["service", "retry_after"], "200ms");
        set(settings, &["service", "retry_after_max"], "500ms");
    });
}

#[test]
fn an_alarm_is_mailed_when_it_is_raised_and_when_it_is_over() {
    let certificates = Certificates::new();
    let postfix = Postfix::start(&certificates);
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = Council::new(&mut dwp);
    mailing(&council, &certificates, postfix.port);
    let (drop, away) = (council.config.with_file_name("drop").join(LA), council.dir.path().join("away"));
    council.start();
    fs::rename(&drop, &away).unwrap();
    council
        .until("the alarm is mailed", |_| mails(&postfix).iter().any(|mail| mail.contains("CN-501 about drop-12302")));
    fs::rename(&away, &drop).unwrap();
    council.until("its end is mailed", |_| mails(&postfix).iter().any(|mail| mail.contains("Well again: drop-12302")));
    council.stops_well();
    let mails = mails(&postfix);
    assert!(mails.iter().all(|mail| mail.contains("Auto-Submitted: auto-generated")), "{mails:?}");
    let once = |what: &str| mails.iter().filter(|mail| mail.contains(what)).count();
    assert_eq!((once("CN-501 about drop-12302\r\n"), once("Well again: drop-12302")), (0, 1));
    assert_eq!(once("Subject: hbcourier: CN-501 about drop-12302"), 1, "{mails:?}");
}

#[test]
fn alarms_that_cannot_be_mailed_are_an_alarm() {
    let certificates = Certificates::new();
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = Council::new(&mut dwp);
    let postfix = Postfix::start(&certificates);
    mailing(&council, &certificates, postfix.port);
    fs::write(council.dir.path().join("smtp-password"), "wrong pony").unwrap();
    fs::rename(council.config.with_file_name("drop").join(LA), council.dir.path().join("away")).unwrap();
    council.start();
    council.until("it is said", |council| council.is_alarmed("alarm-mail", "CN-521"));
    fs::write(council.dir.path().join("smtp-password"), "correct horse").unwrap();
    council.until("it is mailed in the end", |_| mails(&postfix).iter().any(|mail| mail.contains("CN-501")));
    council.until("and that is over", |council| !council.is_alarmed("alarm-mail", "CN-521"));
    council.stops_well();
    assert!(mails(&postfix).iter().all(|mail| !mail.contains("CN-521")));
}

#[test]
fn the_ping_is_sent_while_the_service_looks_and_ends_with_it() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/made-up", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    // Ends with the test's process.
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut request = String::new();
            BufReader::new(&stream).read_line(&mut request).unwrap();
            let number = count.fetch_add(1, Ordering::SeqCst);
            assert!(request.starts_with("GET /made-up "), "{request}");
            // The first are refused: that is said, and passes.
            let status = if number < 3 { "500 No" } else { "200 OK" };
            let _ = (&stream)
                .write_all(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").as_bytes());
        }
    });
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = Council::new(&mut dwp);
    council.changes_settings(|settings| {
        set(settings, &["service", "alarms", "ping"], url.as_str());
        set(settings, &["service", "alarms", "ping_every"], "1s");
    });
    council.start();
    council.until("it was refused too often", |council| council.is_alarmed("ping", "CN-522"));
    council.until("it is answered", |council| !council.is_alarmed("ping", "CN-522"));
    assert!(asked.load(Ordering::SeqCst) >= 4);
    council.stops_well();
    assert!(!council.log().contains("made-up"), "whoever knows the address can pretend that we are there");
}
