//! The courier that mails, against Postfix and against a server with faults.

use std::fs;
use std::io;
use std::process::Command;
use std::time::{Duration, Instant};

use hbcourier::domain::DeferCause;
use hbcourier::effects::courier::smtp::{Login, SmtpCourier, SmtpServer, Tls};
use hbcourier::effects::courier::{Courier, CourierError, Evidence, Form, Interrupted, Reply};

use super::{ID, NAME, Sealed};
use crate::support::smtp::{Certificates, FaultServer, Postfix, login};

fn attempt(courier: &SmtpCourier, sealed: &Sealed) -> Result<Reply, CourierError> {
    courier.prepare(sealed.parcel()).map(|ready| ready.commit())
}

/// What a courier with these settings is told before it may send anything; never an answer to a message.
fn unreachable(settings: SmtpServer) -> String {
    let sealed = Sealed::armoured(100);
    match attempt(&SmtpCourier::new(settings), &sealed) {
        Err(CourierError::TryLater { cause: DeferCause::CourierUnreachable, says }) => says,
        other => panic!("{other:?}"),
    }
}

/// As [`unreachable`], where nothing but a person can help.
fn closed(settings: SmtpServer) -> String {
    let sealed = Sealed::armoured(100);
    until_mended(attempt(&SmtpCourier::new(settings), &sealed))
}

fn until_mended<T: std::fmt::Debug>(outcome: Result<T, CourierError>) -> String {
    match outcome {
        Err(CourierError::TryLater { cause: DeferCause::CourierClosed, says }) => says,
        other => panic!("{other:?}"),
    }
}

fn assert_private(says: &str, names: &[&str]) {
    for name in names {
        assert!(!says.contains(&format!("{name}@")) && !says.contains(&format!(" {name} ")), "{says}");
    }
}

#[test]
fn postfix_delivers_a_message_that_reads_as_rfc_3156() {
    let certificates = Certificates::new();
    let mut postfix = Postfix::start(&certificates);
    let sealed = Sealed::armoured(200_000);
    let courier = SmtpCourier::new(SmtpServer {
        login: login("returns@mx.example", "correct horse"),
        ..certificates.settings(postfix.port, Tls::Starttls)
    });
    assert_eq!(courier.form(), Form::MimeEntity);
    let ready = courier.prepare(sealed.parcel()).unwrap();
    assert_eq!(postfix.messages(), 0, "prepared is not sent");
    let Reply::Accepted(reply) = ready.commit() else { panic!("not accepted") };
    assert!(reply.starts_with("250 2.0.0 Ok: queued as "), "{reply}");

    let delivered = postfix.delivered();
    let found = tempfile::NamedTempFile::new().unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/read_message.py");
    let read =
        Command::new("/usr/bin/python3").arg(script).args([&delivered, &found.path().to_owned()]).output().unwrap();
    let read: serde_json::Value = serde_json::from_slice(&read.stdout).unwrap();
    assert_eq!(read["type"], "multipart/encrypted");
    assert_eq!(read["protocol"], "application/pgp-encrypted");
    assert_eq!(read["parts"], serde_json::json!(["application/pgp-encrypted", "application/octet-stream"]));
    assert_eq!(read["version"], "Version: 1");
    assert_eq!(read["file_name"], NAME);
    assert_eq!(read["defects"], serde_json::json!([]));
    let headers = serde_json::json!({
        "Message-ID": format!("<{ID}>"),
        "Date": "Mon, 06 Apr 2020 09:00:00 +0000",
        "From": "returns@council.example",
        "To": "hbms@dwp.example",
        "Subject": "SHBE 12302 2020-04",
        "MIME-Version": "1.0",
    });
    assert_eq!(read["headers"], headers);
    assert!(fs::read(found.path()).unwrap() == sealed.bytes, "the sealed bytes arrive as they are");
    assert_eq!(courier.evidence(&sealed.parcel(), &Interrupted { rebooted: false, place: None }), Evidence::Unknown);
}

#[test]
fn reports_are_asked_for_where_they_are_offered() {
    let certificates = Certificates::new();
    for (mode, asked) in [("reports", true), ("no-reports", false), ("starttls", false)] {
        let server = FaultServer::start(&certificates, "localhost", mode);
        let courier = SmtpCourier::new(certificates.settings(server.port, Tls::Starttls));
        assert!(matches!(attempt(&courier, &Sealed::armoured(100)), Ok(Reply::Accepted(_))));
        let commands = server.commands();
        let said = |what: &str| commands.iter().any(|command| command.contains(what));
        assert_eq!(
            (said(&format!("RET=HDRS ENVID={ID}")), said("NOTIFY=FAILURE,DELAY")),
            (asked, asked),
            "{commands:?}"
        );
        assert_eq!(server.taken().len(), 1);
    }
}

#[test]
fn postfix_refuses_and_we_say_which_step_and_what_next() {
    let certificates = Certificates::new();
    let postfix = Postfix::start(&certificates);
    let settings = || SmtpServer {
        login: login("returns@mx.example", "correct horse"),
        ..certificates.settings(postfix.port + 1, Tls::Implicit)
    };
    let courier = SmtpCourier::new(settings());
    let probed = courier.probe().unwrap();
    assert!(probed.contains("the login was accepted; it takes messages of 52428800 bytes"), "{probed}");

    let refused = attempt(&courier, &Sealed::armoured(100).to(&["hbms", "r550"]));
    let Err(CourierError::Refused { says }) = refused else { panic!("{refused:?}") };
    assert!(says.contains("did not let us name a recipient: it answered `550 5.7.1"), "{says}");
    assert_private(&says, &["hbms", "r550"]);

    let busy = attempt(&courier, &Sealed::armoured(100).to(&["r450"]));
    assert!(matches!(&busy, Err(CourierError::TryLater { cause: DeferCause::CourierBusy, .. })), "{busy:?}");

    let after_the_dot = attempt(&courier, &Sealed { subject: "refuse this", ..Sealed::armoured(100) }).unwrap();
    assert!(matches!(&after_the_dot, Reply::Refused(says) if says.contains("550 5.6.0 refused for its content")));

    let stranger = SmtpCourier::new(SmtpServer { login: login("returns@mx.example", "wrong"), ..settings() });
    let says = until_mended(stranger.probe());
    assert!(says.contains("did not let us log in: it answered `535 5.7.8") && says.contains("Next: "), "{says}");

    let nobody = attempt(&SmtpCourier::new(SmtpServer { login: None, ..settings() }), &Sealed::armoured(100));
    assert!(matches!(nobody, Err(CourierError::Refused { .. })), "{nobody:?}");
    assert_eq!(postfix.messages(), 0, "nothing of all this was taken");
}

#[test]
fn an_unverified_server_gets_neither_account_nor_message() {
    let certificates = Certificates::new();
    for (mode, tls) in [("starttls", Tls::Starttls), ("implicit", Tls::Implicit)] {
        let server = FaultServer::start(&certificates, "localhost", mode);
        let settings =
            || SmtpServer { login: login("returns", "correct horse"), ..certificates.settings(server.port, tls) };
        let says = closed(SmtpServer { ca_file: Some(certificates.file("other-ca.pem")), ..settings() });
        assert!(says.contains("TLS failed") && says.contains(&format!("localhost:{}", server.port)), "{says}");
        closed(SmtpServer { ca_file: None, ..settings() });
        let says = closed(SmtpServer { ca_file: Some(certificates.file("localhost.key")), ..settings() });
        assert!(says.contains("no certificate in it"), "{says}");
        let says = closed(SmtpServer { ca_file: Some(certificates.file("missing.pem")), ..settings() });
        assert!(says.contains("correct `ca_file`"), "{says}");
        let wrong_name = FaultServer::start(&certificates, "elsewhere", mode);
        let says = closed(SmtpServer { port: wrong_name.port, ..settings() });
        assert!(says.contains("TLS failed") && says.contains("`host` is the name"), "{says}");
        for server in [&server, &wrong_name] {
            assert_eq!(server.taken().len(), 0);
            assert!(server.commands().iter().all(|c| c == "EHLO" || c == "QUIT"), "{:?}", server.commands());
        }
        assert!(SmtpCourier::new(settings()).probe().is_ok(), "the right authority and name are taken");
    }
}

#[test]
fn without_starttls_nothing_is_said() {
    let certificates = Certificates::new();
    let server = FaultServer::start(&certificates, "localhost", "plain");
    let settings = certificates.settings(server.port, Tls::Starttls);
    let says = closed(SmtpServer { login: login("returns", "correct horse"), ..settings });
    assert!(says.contains("it does not offer STARTTLS"), "{says}");
    assert!(server.commands().iter().all(|c| c == "EHLO" || c == "QUIT"), "{:?}", server.commands());
}

#[test]
fn answers_put_in_clear_behind_starttls_are_not_taken_for_the_servers() {
    let certificates = Certificates::new();
    for injected in [1, 2, 6] {
        let server = FaultServer::start(&certificates, "localhost", &format!("inject-{injected}"));
        for account in [None, login("returns", "correct horse")] {
            let settings = SmtpServer { login: account, ..certificates.settings(server.port, Tls::Starttls) };
            let told = attempt(&SmtpCourier::new(settings), &Sealed::armoured(100));
            assert!(matches!(told, Err(CourierError::TryLater { .. })), "{told:?}");
        }
        assert_eq!(server.taken().len(), 0);
        assert!(!server.commands().contains(&"DATA".to_owned()));
    }
}

#[test]
fn each_answer_to_the_message_has_its_meaning() {
    let certificates = Certificates::new();
    let server = FaultServer::start(&certificates, "localhost", "starttls");
    let courier = SmtpCourier::new(certificates.settings(server.port, Tls::Starttls));
    let sent = |name| attempt(&courier, &Sealed::armoured(5_000).to(&[name])).unwrap();
    for name in ["d421", "d451"] {
        let reply = sent(name);
        let Reply::TryLater(DeferCause::CourierBusy, says) = &reply else { panic!("{reply:?}") };
        assert_private(says, &[name]);
    }
    for name in ["d552", "d554"] {
        let reply = sent(name);
        let Reply::Refused(says) = &reply else { panic!("{reply:?}") };
        assert!(says.contains(&name[1..]), "{says}");
        assert_private(says, &[name]);
    }
    assert!(matches!(sent("gone"), Reply::Silence(_)), "it had the message, and closed");
    assert!(matches!(sent("odd"), Reply::Silence(_)), "nobody knows what that answer means");
    assert!(matches!(sent("first451"), Reply::TryLater(DeferCause::CourierBusy, _)));
    let Reply::Accepted(says) = sent("first451") else { panic!("the second time it is taken") };
    assert!(says.starts_with("250 2.0.0 Ok: queued as "), "{says}");
    assert_private(&says, &["first451"]);
    let taken = server.taken();
    assert_eq!(taken.len(), 2, "that of `gone`, and the accepted one");
    let body = |mail: &[u8]| mail.split(|&b| b == b'\n').skip(3).map(<[u8]>::to_vec).collect::<Vec<_>>();
    assert!(body(&taken[0]) == body(&taken[1]), "every attempt sends the same message");
}

/// Whatever a server does wherever: an attempt ends, and is Accepted, or may have been, only behind the dot.
#[test]
fn each_fault_at_each_step_has_its_meaning() {
    let certificates = Certificates::new();
    std::thread::scope(|threads| {
        for step in ["greeting", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "dot"] {
            let certificates = &certificates;
            threads.spawn(move || {
                for fault in ["451", "554", "stall", "close", "garbage"] {
                    fault_has_its_meaning(certificates, step, fault);
                }
            });
        }
    });
}

fn fault_has_its_meaning(certificates: &Certificates, step: &str, fault: &str) {
    let server = FaultServer::start(certificates, "localhost", &format!("at-{step}-{fault}"));
    let settings = SmtpServer {
        login: login("returns", "correct horse"),
        command_timeout: Duration::from_secs(1),
        reply_timeout: Duration::from_secs(1),
        ..certificates.settings(server.port, Tls::Starttls)
    };
    let told = attempt(&SmtpCourier::new(settings), &Sealed::armoured(5_000));
    let meaning = match &told {
        Err(CourierError::TryLater { cause: DeferCause::CourierUnreachable, .. }) => "unreachable",
        Err(CourierError::TryLater { cause: DeferCause::CourierClosed, .. }) => "closed",
        Err(CourierError::TryLater { cause: DeferCause::CourierBusy, .. }) => "busy",
        Err(CourierError::TryLater { .. }) => "later",
        Err(CourierError::Refused { .. }) => "refused",
        Ok(Reply::TryLater(DeferCause::CourierBusy, _)) => "busy after the dot",
        Ok(Reply::Refused(_)) => "refused after the dot",
        Ok(Reply::Silence(_)) => "silence",
        Ok(Reply::Accepted(_) | Reply::TryLater(..)) => "wrong",
    };
    let expected = match (step, fault) {
        ("dot", "451") => "busy after the dot",
        ("dot", "554") => "refused after the dot",
        ("dot", _) => "silence",
        (_, "451") => "busy",
        ("MAIL" | "RCPT" | "DATA", "554") => "refused",
        (_, "554") => "closed",
        _ => "unreachable",
    };
    assert_eq!(meaning, expected, "{fault} at {step}: {told:?}");
    assert!(server.taken().is_empty(), "{fault} at {step}");
    let says = match told {
        Err(CourierError::TryLater { says, .. } | CourierError::Refused { says }) => says,
        Ok(Reply::TryLater(_, says) | Reply::Refused(says) | Reply::Silence(says)) => says,
        Ok(Reply::Accepted(says)) => says,
    };
    assert!(!says.contains('@'), "{says}");
}

#[test]
fn refused_recipients_refuse_the_whole_attempt() {
    let certificates = Certificates::new();
    let server = FaultServer::start(&certificates, "localhost", "starttls");
    let courier = SmtpCourier::new(certificates.settings(server.port, Tls::Starttls));
    let refused = attempt(&courier, &Sealed::armoured(100).to(&["hbms", "r550", "mi"]));
    let Err(CourierError::Refused { says }) = refused else { panic!("{refused:?}") };
    assert_private(&says, &["r550", "hbms"]);
    let busy = attempt(&courier, &Sealed::armoured(100).to(&["hbms", "r452"]));
    assert!(matches!(busy, Err(CourierError::TryLater { cause: DeferCause::CourierBusy, .. })), "{busy:?}");
    assert_eq!(server.taken().len(), 0);
    assert!(!server.commands().contains(&"DATA".to_owned()));
}

/// The return itself was not refused: it waits until the journal is mended.
#[test]
fn a_journal_that_is_refused_fails_no_return() {
    let certificates = Certificates::new();
    let server = FaultServer::start(&certificates, "localhost", "starttls");
    let journal = Some("r550@council.example".to_owned());
    let courier = SmtpCourier::new(SmtpServer { journal, ..certificates.settings(server.port, Tls::Starttls) });
    let says = until_mended(attempt(&courier, &Sealed::armoured(100)));
    assert!(says.contains("name the journal as a recipient") && says.contains("`journal`"), "{says}");
    assert_private(&says, &["r550"]);
    assert_eq!(server.taken().len(), 0);
}

#[test]
fn silence_after_the_dot_is_waited_for_as_long_as_configured_and_no_longer() {
    let certificates = Certificates::new();
    let server = FaultServer::start(&certificates, "localhost", "starttls");
    let reply_timeout = Duration::from_secs(2);
    let courier = SmtpCourier::new(SmtpServer { reply_timeout, ..certificates.settings(server.port, Tls::Starttls) });
    let sealed = Sealed::armoured(100).to(&["silent"]);
    let ready = courier.prepare(sealed.parcel()).unwrap();
    let began = Instant::now();
    let reply = ready.commit();
    let Reply::Silence(says) = &reply else { panic!("{reply:?}") };
    assert!(began.elapsed() >= reply_timeout && began.elapsed() < reply_timeout * 5);
    assert!(says.contains("no answer within 2 seconds"), "{says}");
}

#[test]
fn a_connection_cut_inside_the_message_is_certainly_no_arrival() {
    let certificates = Certificates::new();
    let server = FaultServer::start(&certificates, "localhost", "starttls");
    let courier = SmtpCourier::new(certificates.settings(server.port, Tls::Starttls));
    // More than the buffers on the way hold, so that the cut is noticed before the end.
    let sealed = Sealed::armoured(7_000_000).to(&["cut"]);
    let reply = attempt(&courier, &sealed).unwrap();
    let Reply::TryLater(DeferCause::CourierUnreachable, says) = &reply else { panic!("{reply:?}") };
    assert!(says.contains("before the end of the message, so it was not accepted"), "{says}");
    assert_eq!(server.taken().len(), 0);
}

#[test]
fn an_attempt_that_is_dropped_sends_nothing() {
    let certificates = Certificates::new();
    let server = FaultServer::start(&certificates, "localhost", "starttls");
    let courier = SmtpCourier::new(certificates.settings(server.port, Tls::Starttls));
    let sealed = Sealed::armoured(100);
    drop(courier.prepare(sealed.parcel()).unwrap());
    assert!(matches!(attempt(&courier, &sealed).unwrap(), Reply::Accepted(_)));
    assert_eq!(server.taken().len(), 1, "only the attempt that was committed");
}

#[test]
fn sizes_are_compared_before_anything_is_offered() {
    let certificates = Certificates::new();
    let server = FaultServer::start(&certificates, "localhost", "small");
    let settings = || certificates.settings(server.port, Tls::Starttls);
    let refused = attempt(&SmtpCourier::new(settings()), &Sealed::armoured(5_000));
    let says = until_mended(refused);
    assert!(says.contains("takes messages of 1000 bytes at most"), "{says}");
    assert!(!server.commands().contains(&"MAIL".to_owned()), "{:?}", server.commands());

    let before = server.commands().len();
    let narrow = SmtpCourier::new(SmtpServer { message_bytes_max: 2_000, ..settings() });
    let refused = attempt(&narrow, &Sealed::armoured(5_000));
    let says = until_mended(refused);
    assert!(says.contains("the courier's limit of 2000"), "{says}");
    assert_eq!(server.commands().len(), before, "it was not even connected");
}

#[test]
fn logins() {
    let certificates = Certificates::new();
    let server = FaultServer::start(&certificates, "localhost", "login");
    let settings = |login| SmtpServer { login, ..certificates.settings(server.port, Tls::Starttls) };
    let courier = SmtpCourier::new(settings(login("returns", "correct horse")));
    assert!(matches!(attempt(&courier, &Sealed::armoured(100)).unwrap(), Reply::Accepted(_)));
    assert!(server.commands().contains(&"AUTH LOGIN".to_owned()));

    let wrong = SmtpCourier::new(settings(login("returns", "wrong"))).probe();
    let says = until_mended(wrong);
    assert_private(&says, &["returns"]);

    let tokens = FaultServer::start(&certificates, "localhost", "tokens");
    let with = |token: &'static str| {
        let login = login("returns", token).map(|login| Login { is_token: true, ..login });
        SmtpCourier::new(SmtpServer { login, ..certificates.settings(tokens.port, Tls::Starttls) })
    };
    assert!(matches!(attempt(&with("good-token"), &Sealed::armoured(100)).unwrap(), Reply::Accepted(_)));
    for token in ["bad-token", "odd-token"] {
        assert_private(&until_mended(with(token).probe()), &[token]);
    }
    let password = until_mended(
        SmtpCourier::new(SmtpServer {
            login: login("returns", "correct horse"),
            ..certificates.settings(tokens.port, Tls::Starttls)
        })
        .probe(),
    );
    assert!(password.contains("neither AUTH PLAIN nor AUTH LOGIN"), "{password}");

    let unreadable = || Err(io::Error::from(io::ErrorKind::PermissionDenied));
    let login = Some(Login { account: "returns".to_owned(), password: Box::new(unreadable), is_token: false });
    assert!(closed(settings(login)).contains("The password for localhost:"));
}

#[test]
fn servers_that_are_shut_or_absent_are_tried_later() {
    let certificates = Certificates::new();
    let shut = FaultServer::start(&certificates, "localhost", "closed");
    let busy = SmtpCourier::new(certificates.settings(shut.port, Tls::Starttls)).probe();
    assert!(matches!(busy, Err(CourierError::TryLater { cause: DeferCause::CourierBusy, .. })), "{busy:?}");
    let port = shut.port;
    drop(shut);
    let says = unreachable(certificates.settings(port, Tls::Starttls));
    assert!(says.contains("nothing listens there") && says.contains("Next: "), "{says}");

    let barred = FaultServer::start(&certificates, "localhost", "barred");
    let says = closed(certificates.settings(barred.port, Tls::Starttls));
    assert!(says.contains("did not let us connect: it answered `554 5.7.1") && says.contains("Next: "), "{says}");

    // One that accepts and says nothing.
    let mute = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = mute.local_addr().unwrap().port();
    for tls in [Tls::Starttls, Tls::Implicit] {
        let command_timeout = Duration::from_secs(1);
        let says = unreachable(SmtpServer { command_timeout, ..certificates.settings(port, tls) });
        assert!(says.contains("no answer within 1 seconds"), "{says}");
    }
}
