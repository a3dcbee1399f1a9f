//! A mailbox that wants a token in the place of a password: a real Dovecot, which asks whether a token counts.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::mailbox::{MAILBOX, SELDOM, council, digests, mail};
use crate::inbound::laid_xml;
use crate::support::council::Council;
use crate::support::imap::Dovecot;
use crate::support::partner::{Algorithm, Partner};
use crate::support::smtp::Certificates;

/// See `tests/peers/token_server.py`.
struct Tokens {
    child: Child,
    https: u16,
    http: u16,
}

impl Tokens {
    fn start(certificates: &Certificates) -> Tokens {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/token_server.py");
        let mut server = Command::new("/usr/bin/python3");
        server.arg(script).args([certificates.file("localhost.pem"), certificates.file("localhost.key")]);
        let mut child = server.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ports: Vec<u16> = line.split_whitespace().map(|port| port.parse().unwrap()).collect();
        Tokens { child, https: ports[0], http: ports[1] }
    }
}

impl Drop for Tokens {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The council's mailbox takes its tokens from there.
fn asks(council: &Council, certificates: &Certificates, url: &str) {
    council.changes_settings(|settings| {
        let mut oauth = toml::Table::new();
        let ca_file = certificates.file("ca.pem").to_string_lossy().into_owned();
        for (key, value) in [("token_url", url), ("client_id", "courier"), ("scope", "mail"), ("ca_file", &ca_file)] {
            oauth.insert(key.into(), value.into());
        }
        settings["authority"][0]["mailbox"][0].as_table_mut().unwrap().insert("oauth".into(), oauth.into());
    });
}

#[test]
fn a_token_opens_the_mailbox_and_each_refusal_is_one_alarm() {
    let certificates = Certificates::new();
    let tokens = Tokens::start(&certificates);
    let dovecot = Dovecot::start_asking(&certificates, &format!("http://127.0.0.1:{}/introspect", tokens.http));
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let mut council = council(&mut dwp, &certificates, dovecot.port + 1, "implicit", SELDOM);
    let at = |path: &str| format!("https://localhost:{}/{path}", tokens.https);
    for (number, (path, code, says)) in [
        ("unwanted", "CN-520", "refused when the account logged in"),
        ("broken", "CN-519", "the token endpoint answered 500"),
    ]
    .into_iter()
    .enumerate()
    {
        asks(&council, &certificates, &at(path));
        dovecot.delivers(&mail(&dwp, number + 1, &laid_xml(number + 1)));
        council.start();
        council.until("the alarm", |council| council.is_alarmed(MAILBOX, code));
        let check = String::from_utf8(council.runs(&["check"]).stdout).unwrap();
        assert!(check.contains(says), "{path}: {check}");
        council.stops_well();
        assert_eq!((dovecot.in_inbox(), council.events("alarm-raised")), (1, number + 1), "{path}: said once");

        asks(&council, &certificates, &at("token"));
        council.start();
        council.until("it is delivered", |council| council.all_rest(number + 1));
        council.until("it is moved", |_| dovecot.in_inbox() == 0);
        council.until("the alarm is over", |council| council.attention().iter().all(|(about, _)| about != MAILBOX));
        council.stops_well();
    }
    assert_eq!(council.delivered_digests(), digests([1, 2]));
    assert!(!council.log().contains("token.") && !council.log().contains("correct horse"), "no secret is told");
}

#[test]
fn a_wrong_secret_and_a_stranger_get_no_token() {
    let certificates = Certificates::new();
    let tokens = Tokens::start(&certificates);
    let dovecot = Dovecot::start_asking(&certificates, &format!("http://127.0.0.1:{}/introspect", tokens.http));
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let council = council(&mut dwp, &certificates, dovecot.port + 1, "implicit", SELDOM);
    let url = format!("https://localhost:{}/token", tokens.https);
    let check = |council: &Council| String::from_utf8(council.runs(&["check"]).stdout).unwrap();
    asks(&council, &certificates, &url);
    assert!(!check(&council).contains("token endpoint"), "{}", check(&council));
    std::fs::write(council.dir.path().join("password"), "wrong pony").unwrap();
    let says = check(&council);
    assert!(says.contains("the token endpoint refused a token: 401 invalid_client"), "{says}");
    assert!(!says.contains("wrong pony"), "{says}");

    std::fs::write(council.dir.path().join("password"), "correct horse").unwrap();
    let other = certificates.file("other-ca.pem").to_string_lossy().into_owned();
    council.changes_settings(|settings| {
        let oauth = settings["authority"][0]["mailbox"][0]["oauth"].as_table_mut().unwrap();
        oauth.insert("ca_file".into(), other.into());
    });
    let says = check(&council);
    assert!(says.contains("the token endpoint cannot be asked: TLS failed"), "{says}");
}
