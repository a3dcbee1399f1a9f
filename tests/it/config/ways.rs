//! How files come and go: sources, couriers, and folders that would lead back to one another.

use hbcourier::config::settings::Noticing;

use super::{Etc, minimal_but, refused};

#[test]
fn a_courier_that_mails_is_checked() {
    let minimal = minimal_but("folder = \"/srv/hbcourier/outgoing/12302\"", "");
    let mail = |lines: &str| {
        let smtp = "[courier.smtp]\nhost = \"smtp.council.example\"\nfrom = \"b@council.example\"\n";
        minimal_with_address(&minimal) + smtp + lines
    };
    fn minimal_with_address(minimal: &str) -> String {
        minimal.replacen("name = \"dwp\"", "name = \"dwp\"\naddresses = [\"hbms@dwp.example\"]", 1)
    }
    assert!(Etc::with(&mail("")).load().is_ok());
    let smtp = "courier[outgoing-12302].smtp";
    let at = |key: &str| format!("{smtp}.{key}");
    refused(&mail("reply_timeout = \"2m\""), &at("reply_timeout"), "write one from 10m to 1h");
    refused(&mail("port = 0"), &at("port"), "write one from 1 to 65535");
    refused(&mail("account = \"b\""), &at("account"), "no password");
    refused(&mail("password_file = \"/etc/p\""), smtp, "no account");
    refused(&mail("account = \"b\"\npassword_file = \"p\""), &at("password_file"), "not an absolute path");
    refused(&mail("account = \"b\"\npassword_credential = \"../p\""), &at("password_credential"), "credential's name");
    refused(&mail("tls = \"none\""), &at("tls"), "write implicit or starttls");
    refused(&mail("journal = \"Jörg@council.example\""), &at("journal"), "ASCII");
    let oauth = |url: &str, account: &str| {
        format!("{account}[courier.smtp.oauth]\ntoken_url = \"{url}\"\nclient_id = \"c\"\nscope = \"s\"\n")
    };
    let account = "account = \"b\"\npassword_file = \"/etc/p\"\n";
    assert!(Etc::with(&mail(&oauth("https://login.council.example/token", account))).load().is_ok());
    refused(&mail(&oauth("https://login.council.example/token", "")), &at("oauth"), "no account is named");
    for url in ["http://login.council.example/token", "https://", "https://c:s@login.council.example/"] {
        refused(&mail(&oauth(url, account)), &at("oauth.token_url"), "no https address");
    }
    refused(&minimal, "courier[outgoing-12302]", "neither `folder` nor `smtp`");
    let nowhere = mail("").replacen("addresses = [\"hbms@dwp.example\"]", "", 1);
    let problems = Etc::with(&nowhere).load().unwrap_err().to_string();
    assert!(problems.contains("leaves by mail") && problems.contains("no address"), "{problems}");
}

#[test]
fn a_mailbox_that_another_empties_is_refused() {
    let mailbox = |name: &str, more: &str| {
        format!(
            "\n[[authority.mailbox]]\nname = \"{name}\"\nhost = \"imap.council.example\"\naccount = \"hbms\"\n\
             password_file = \"/etc/p\"\npartners = [\"dwp\"]\n{more}"
        )
    };
    let with = |mailboxes: &str| minimal_but("[[authority.route]]", &format!("{mailboxes}\n[[authority.route]]"));
    let one = mailbox("mail-a", "");
    assert!(Etc::with(&with(&one)).load().is_ok());
    let other = mailbox("mail-b", "folder = \"Other\"\n");
    assert!(Etc::with(&with(&(one.clone() + &other))).load().is_ok(), "one account, two folders");
    let twice = one.clone() + &mailbox("mail-b", "folder = \"inbox\"\n");
    refused(&with(&twice), "authority[12302].mailbox[mail-b].folder", "reads this folder");
    let given_back = one + &mailbox("mail-b", "folder = \"Other\"\nprocessed = \"Inbox\"\n");
    refused(&with(&given_back), "authority[12302].mailbox[mail-b].processed", "come in again");
    refused(
        &with(&mailbox("mail-a", "processed = \"inbox\"\n")),
        "authority[12302].mailbox[mail-a].processed",
        "to where they arrive",
    );
}

#[test]
fn a_source_that_serves_several_names_other_configured_authorities() {
    let second = "\n[[authority]]\nnumber = \"101809\"\nname = \"Glasgow City\"\n";
    let with = |numbers: &str, more: &str| {
        let partners = "partners = [\"dwp\"]";
        minimal_but(partners, &format!("{partners}\nalso_for = [{numbers}]")) + second + more
    };
    let own = |partner: &str| {
        format!(
            "[[authority.drop_folder]]\nname = \"drop-101809\"\npath = \"/srv/hbcourier/drop/101809\"\n\
             partners = [\"{partner}\"]\n\n[[partner]]\nname = \"gateway\"\n"
        )
    };
    let settings = Etc::with(&with("\"101809\"", "")).load().unwrap();
    let served = settings.authorities[0].sources().next().unwrap().also_for;
    assert_eq!(served.iter().map(|number| number.as_str()).collect::<Vec<_>>(), ["101809"]);
    assert!(Etc::with(&with("\"101809\"", &own("dwp"))).load().is_ok(), "its own source accepts the same");

    let at = |index: usize| format!("authority[12302].drop_folder[drop-12302].also_for[#{index}]");
    refused(&with("\"101808\"", ""), &at(1), "no [[authority]] has the LA number `101808`");
    refused(&with("\"10180\", \"101809\"", ""), &at(1), "no [[authority]] has the LA number `10180`");
    refused(&with("\"Glasgow\"", ""), &at(1), "is not an LA number");
    refused(&with("\"101809\", \"12302\"", ""), &at(2), "whose source this is");
    refused(&with("\"101809\", \"101809\"", ""), &at(2), "stands here already");
    refused(&with("\"101809\"", &own("gateway")), &at(1), "accepts nothing signed by `dwp` at its own sources");
    let mailbox = "\n[[authority.mailbox]]\nname = \"mail-101809\"\nhost = \"imap.council.example\"\naccount = \"hbms\"\n\
                   password_file = \"/etc/p\"\npartners = [\"dwp\"]\nalso_for = [\"12303\"]\n";
    let key = "authority[101809].mailbox[mail-101809].also_for[#1]";
    refused(&with("", mailbox), key, "no [[authority]] has the LA number `12303`");
}

#[test]
fn a_maildir_is_checked() {
    let maildir = |name: &str, path: &str, more: &str| {
        format!("\n[[authority.maildir]]\nname = \"{name}\"\npath = \"{path}\"\npartners = [\"dwp\"]\n{more}\n")
    };
    let with = |maildirs: &str| minimal_but("[[authority.route]]", &format!("{maildirs}\n[[authority.route]]"));
    let at = |name: &str, key: &str| format!("authority[12302].maildir[{name}].{key}");
    let one = maildir("maildir-a", "/var/mail/a", "");
    let settings = Etc::with(&with(&one)).load().unwrap();
    let read = &settings.authorities[0].maildirs[0];
    assert_eq!((read.processed.as_str(), read.noticing), (".Processed", Noticing::Notify));
    assert!(Etc::with(&with(&maildir("maildir-a", "/var/mail/a", "processed = \".DWP.Done\""))).load().is_ok());
    for processed in ["Processed", "", ".", "..", ".a/b", "..a", ".a.", ".a\\n"] {
        let text = with(&maildir("maildir-a", "/var/mail/a", &format!("processed = \"{processed}\"")));
        refused(&text, &at("maildir-a", "processed"), "cannot be a Maildir's subfolder");
    }
    refused(&with(&maildir("maildir-a", "mail/a", "")), &at("maildir-a", "path"), "not an absolute path");
    refused(&with(&maildir("drop-12302", "/var/mail/a", "")), &at("drop-12302", "name"), "stands already");
    refused(&with(&one.replace("dwp", "dpw")), &at("maildir-a", "partners[#1]"), "there is no partner");
    refused(&with(&maildir("maildir-a", "/var/mail/a", "settle = \"5s\"")), &at("maildir-a", "settle"), "no such key");

    let also = |path: &str| with(&(one.clone() + &maildir("maildir-b", path, "")));
    refused(&also("/var/mail/a"), &at("maildir-b", "path"), "each mail would be collected twice");
    assert!(Etc::with(&also("/var/mail/a/.Other")).load().is_ok(), "a subfolder may be a source of its own");
    refused(&also("/var/mail/a/.Processed"), &at("maildir-a", "processed"), "come in again");
    let drop = "/srv/hbcourier/drop/12302";
    let text = with(&one).replacen(drop, "/var/mail/a/new", 1);
    refused(&text, &at("maildir-a", "path"), "each mail would be collected twice");
    let text = with(&one).replacen("/srv/hbcourier/outgoing/12302", "/var/mail/a/.Sent", 1);
    refused(&text, "courier[outgoing-12302].folder", "collected again");
}

#[test]
fn folders_that_would_make_a_loop_are_refused() {
    let drop = "/srv/hbcourier/drop/12302";
    for (from, to, words) in [
        (drop, "/var/lib/hbcourier/drop", "only the service itself"),
        (drop, "/srv/hbcourier/backoffice/12302/laid/in", "collected again"),
        (drop, "/srv/hbcourier/outgoing/12302", "collected again"),
        (drop, "/srv/hbcourier/returns/12302/shbe/", "both collected and sent"),
        ("/srv/hbcourier/returns/12302/hbms-mi", "/srv/hbcourier//returns/12302/shbe", "which return"),
        ("/srv/hbcourier/outgoing/12302", "/srv/hbcourier/returns/12302/shbe/out", "unsealed"),
        ("/srv/hbcourier/outgoing/12302", "/srv/hbcourier/backoffice/12302/hbms", "decrypted"),
    ] {
        let problems = Etc::with(&minimal_but(from, to)).load().expect_err(to).to_string();
        assert!(problems.lines().all(|line| line.contains(words)), "{to}: {problems}");
    }
    let problems = Etc::with(&minimal_but("/var/lib/hbcourier", "/srv")).load().unwrap_err();
    assert_eq!(problems.iter().count(), 7, "everything lies in state:\n{problems}");
    let shared = minimal_but("/srv/hbcourier/backoffice/12302/hbms", "/srv/hbcourier/backoffice/12302/laid");
    assert!(Etc::with(&shared).load().is_ok(), "routes may share a folder");
}
