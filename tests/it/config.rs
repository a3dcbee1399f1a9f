//! The configuration as people meet it: what loads, what is refused and with what words.

mod ways;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hbcourier::config::settings::{CourierWay, MailTls, Noticing, SecretReference};
use hbcourier::config::{self, Problems, Settings};
use hbcourier::domain::{FileKind, ReturnKind};
use tempfile::TempDir;

const MINIMAL: &str = include_str!("../../config/hbcourier.minimal.toml");

/// A configuration folder.
struct Etc(TempDir);

impl Etc {
    fn with(main: &str) -> Etc {
        let etc = Etc(tempfile::tempdir().unwrap());
        fs::write(etc.main(), main).unwrap();
        etc
    }

    fn main(&self) -> PathBuf {
        self.0.path().join("hbcourier.toml")
    }

    fn also(self, name: &str, text: &str) -> Etc {
        fs::create_dir_all(self.0.path().join("conf.d")).unwrap();
        fs::write(self.0.path().join("conf.d").join(name), text).unwrap();
        self
    }

    fn load(&self) -> Result<Settings, Problems> {
        self.load_with(&[])
    }

    fn load_with(&self, variables: &[(&str, &str)]) -> Result<Settings, Problems> {
        let owned = variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
        config::load_with_env(&self.main(), owned.collect::<Vec<_>>())
    }
}

/// Asserts that this is refused at this key, with these words, and in one problem only.
fn refused(text: &str, key: &str, words: &str) {
    let problems = Etc::with(text).load().expect_err(words);
    let lines = problems.to_string();
    assert_eq!(problems.iter().count(), 1, "{lines}");
    let problem = problems.iter().next().unwrap();
    assert_eq!(problem.key, key, "{lines}");
    assert!(lines.contains(words), "{words:?} is not in: {lines}");
}

/// The minimal configuration with one text replaced.
fn minimal_but(from: &str, to: &str) -> String {
    assert!(MINIMAL.contains(from), "{from}");
    MINIMAL.replacen(from, to, 1)
}

#[test]
fn the_minimal_example_loads_with_the_documented_defaults() {
    let settings = Etc::with(MINIMAL).load().unwrap();
    assert_eq!(settings.service.sweep_every, Duration::from_secs(30));
    assert_eq!((settings.service.attempts_max, settings.service.in_flight_max), (12, 64));
    assert_eq!(settings.service.limits.free_bytes_min, 512 << 20);
    let authority = &settings.authorities[0];
    assert_eq!(authority.number.as_str(), "12302");
    let drop = &authority.drop_folders[0];
    assert_eq!(
        (drop.noticing, drop.settle, drop.patience),
        (Noticing::Notify, Duration::from_secs(5), Duration::from_secs(900))
    );
    assert_eq!(authority.routes[0].kinds, [FileKind::LaidPdf, FileKind::LaidXml]);
    assert_eq!((authority.routes[0].mode, authority.routes[0].group.clone()), (0o640, None));
    assert_eq!(authority.returns[1].kind, ReturnKind::HbmsMi);
    assert_eq!((authority.returns[0].window.from.hour(), authority.returns[0].window.until.hour()), (8, 18));
    assert!(matches!(&settings.couriers[0].way, CourierWay::Folder { folder } if folder.ends_with("outgoing/12302")));
}

#[test]
fn the_reference_file_is_what_the_types_say_and_loads() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/hbcourier.toml");
    let reference = config::reference::reference();
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        fs::write(&path, &reference).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == reference, "config/hbcourier.toml has drifted: run this test with UPDATE_REFERENCE=1");
    assert_eq!(Etc::with(&reference).load().unwrap().digest, Etc::with(MINIMAL).load().unwrap().digest);
}

#[test]
fn every_key_of_the_reference_is_real_and_every_example_valid() {
    let reference = config::reference::reference();
    let uncommented = |line: &str| match line.strip_prefix('#') {
        Some(key) if !key.starts_with(' ') && !key.is_empty() => key.to_owned(),
        _ => line.to_owned(),
    };
    let all: String = reference.lines().map(|line| uncommented(line) + "\n").collect();
    assert!(all.contains("\nreply_timeout = \"10m\"\n") && all.contains("\n[courier.smtp]\n"), "{all}");
    let problems = Etc::with(&all).load().unwrap_err();
    let found: Vec<&str> = problems.iter().map(|problem| problem.wrong.as_str()).collect();
    // Keys that exclude each other or the return, the other courier and authority that some need, and a copy of what its route
    // does not take, are all that is wrong with setting every key.
    let unserved = "no [[authority]] has the LA number `101809`, so nothing says where its files go";
    let expected = [
        "it has both `passphrase_credential` and `passphrase_file`",
        "it has both `key_credential` and `key_file`",
        "there is no courier `mail`",
        unserved,
        unserved,
        "it has both `password_credential` and `password_file`",
        unserved,
        "copies are derived of risk data only, and the route takes none",
        "an shbe is never sent twice by itself",
        "it has both `folder` and `smtp`",
        "checkpoints leave either into a `folder`, or by a `courier` to an `address`",
        "there is no courier `mail`",
    ];
    assert_eq!(found, expected, "{problems}");
}

/// One fault of every kind.
const FAULTY: &str = r#"
[service]
swep_every = "10s"
attempts_max = 1000
retry_after = 10

[service.limits]
free_bytes_min = "lots"

[[authority]]
number = "1230"
name = "Blackpool"

[[authority.drop_folder]]
name = "Drop"
path = "drop/12302"
partners = ["dpw"]
noticing = "sometimes"

[[authority.route]]
kinds = ["laid-pfd"]
destination = "laid"
folder = "/srv/back/laid"
file_name = "../{id}"
mode = "0666"

[[authority.return]]
kind = "shbe"
partner = "dwp"
courier = "outgoing"
window = "18:00-08:00""#;

#[test]
fn every_kind_of_problem_comes_at_once_each_with_its_place_and_key() {
    let etc =
        Etc::with(FAULTY).also("dwp.toml", "[[partner]]\nname = \"dwp\"\nfingerprints = [\"89ABCDEF01234567\"]\n");
    let problems = etc.load().unwrap_err();
    let found: Vec<(String, Option<usize>, String)> = problems
        .iter()
        .map(|problem| {
            let file = Path::new(&problem.origin.file).file_name().unwrap().to_str().unwrap().to_owned();
            (file, problem.origin.line, problem.key.clone())
        })
        .collect();
    let expected = [
        ("dwp.toml", 3, "partner[dwp].fingerprints[#1]"),
        ("hbcourier.toml", 0, "service.state"),
        ("hbcourier.toml", 3, "service.swep_every"),
        ("hbcourier.toml", 4, "service.attempts_max"),
        ("hbcourier.toml", 5, "service.retry_after"),
        ("hbcourier.toml", 8, "service.limits.free_bytes_min"),
        ("hbcourier.toml", 11, "authority[1230].number"),
        ("hbcourier.toml", 15, "authority[1230].drop_folder[Drop].name"),
        ("hbcourier.toml", 16, "authority[1230].drop_folder[Drop].path"),
        ("hbcourier.toml", 17, "authority[1230].drop_folder[Drop].partners[#1]"),
        ("hbcourier.toml", 18, "authority[1230].drop_folder[Drop].noticing"),
        ("hbcourier.toml", 21, "authority[1230].route[laid].kinds[#1]"),
        ("hbcourier.toml", 24, "authority[1230].route[laid].file_name"),
        ("hbcourier.toml", 25, "authority[1230].route[laid].mode"),
        ("hbcourier.toml", 27, "authority[1230].return[shbe].pick_up"),
        ("hbcourier.toml", 30, "authority[1230].return[shbe].courier"),
        ("hbcourier.toml", 31, "authority[1230].return[shbe].window"),
    ];
    let expected: Vec<_> =
        expected.map(|(file, line, key)| (file.to_owned(), (line > 0).then_some(line), key.to_owned())).into();
    assert_eq!(found, expected, "{problems}");
    assert_eq!(problems.to_string().lines().count(), expected.len(), "one line each:\n{problems}");
    for (hint, word) in [("did you mean `sweep_every`?", "swep"), ("did you mean `dwp`?", "dpw")] {
        assert!(problems.to_string().lines().any(|line| line.contains(hint) && line.contains(word)), "{problems}");
    }
}

#[test]
fn files_of_conf_d_add_authorities_and_override_single_values() {
    let second = MINIMAL
        .split("[[partner]]")
        .next()
        .unwrap()
        .replace("12302", "101809")
        .replace("Blackpool", "Glasgow City")
        .replace("state = \"/var/lib/hbcourier\"", "sweep_every = \"10s\"")
        .replace("outgoing-101809", "outgoing-12302");
    let etc = Etc::with(MINIMAL)
        .also("20-glasgow.toml", &second)
        .also("30-fast.toml", "[service]\nsweep_every = \"7s\"\n")
        .also(".hidden.toml", "nonsense")
        .also("notes.txt", "nonsense");
    let settings = etc.load().unwrap();
    let numbers: Vec<&str> = settings.authorities.iter().map(|authority| authority.number.as_str()).collect();
    assert_eq!(numbers, ["12302", "101809"]);
    assert_eq!(settings.service.sweep_every, Duration::from_secs(7));
    assert_eq!(settings.service.state, Path::new("/var/lib/hbcourier"));
    assert_eq!((settings.partners.len(), settings.couriers.len()), (1, 1));
    assert_ne!(settings.digest, Etc::with(MINIMAL).load().unwrap().digest);
}

#[test]
fn a_number_configured_twice_is_refused_with_both_places() {
    let etc = Etc::with(MINIMAL).also("twice.toml", "[[authority]]\nnumber = \"12302\"\nname = \"Blackpool\"\n");
    let problems = etc.load().unwrap_err();
    let problem = problems.iter().next().unwrap();
    assert!(problem.origin.file.ends_with("twice.toml") && problem.origin.line == Some(2), "{problem}");
    assert!(problem.wrong.contains("hbcourier.toml:8"), "{problem}");
}

#[test]
fn the_environment_overrides_single_values_by_type() {
    let etc = Etc::with(MINIMAL);
    let settings = etc
        .load_with(&[
            ("HBCOURIER__SERVICE__SWEEP_EVERY", "2m"),
            ("HBCOURIER__SERVICE__ATTEMPTS_MAX", "3"),
            ("HBCOURIER__SERVICE__LIMITS__FREE_BYTES_MIN", "1048576"),
            ("HBCOURIER_CONFIG", "/elsewhere"),
            ("PATH", "/bin"),
        ])
        .unwrap();
    assert_eq!((settings.service.sweep_every, settings.service.attempts_max), (Duration::from_secs(120), 3));
    assert_eq!(settings.service.limits.free_bytes_min, 1 << 20);
}

#[test]
fn a_variable_that_sets_nothing_is_refused() {
    let variables = [
        ("HBCOURIER__AUTHORITY__NUMBER", "12302"),
        ("HBCOURIER__SERVICE", "x"),
        ("HBCOURIER__SERVICE__ATTEMPTS_MAX", "many"),
        ("HBCOURIER__SERVICE__SWEP_EVERY", "hunter2"),
        ("HBCOURIER__", ""),
    ];
    let problems = Etc::with(MINIMAL).load_with(&variables).unwrap_err();
    assert_eq!(problems.iter().count(), variables.len(), "{problems}");
    let text = problems.to_string();
    for (name, _) in variables {
        assert!(text.lines().any(|line| line.starts_with(&format!("${name}: "))), "{name}:\n{text}");
    }
    assert!(text.contains("did you mean SWEEP_EVERY?") && !text.contains("hunter2"), "{text}");
}

#[test]
fn a_secret_in_the_file_is_refused_and_never_repeated() {
    let smtp = "[courier.smtp]\nhost = \"smtp.council.example\"\nfrom = \"b@council.example\"\naccount = \"b\"\n";
    let with = |line: &str| format!("{}\n[[courier]]\nname = \"mail\"\n{smtp}{line}\n", MINIMAL);
    for line in ["password = \"hunter2\"", "password = hunter2"] {
        let problems = Etc::with(&with(line)).load().unwrap_err();
        assert!(!problems.to_string().contains("hunter2"), "{problems}");
    }
    let problems = Etc::with(&with("password = \"hunter2\"")).load().unwrap_err().to_string();
    assert!(
        problems.contains("never written in the configuration") && problems.contains("password_file"),
        "{problems}"
    );
    let settings = Etc::with(&with("password_credential = \"smtp\"")).load().unwrap();
    let CourierWay::Smtp(smtp) = &settings.couriers[1].way else { panic!("{:?}", settings.couriers[1]) };
    assert_eq!(smtp.login, Some(("b".to_owned(), SecretReference::Credential("smtp".to_owned()))));
    assert_eq!((smtp.tls, smtp.port, smtp.reply_timeout), (MailTls::Implicit, 465, Duration::from_secs(600)));
}

#[test]
fn what_would_never_come_to_pass_or_collide_is_refused() {
    refused(
        &minimal_but("\"hbms-pack\", \"hbms-mi\"", "\"hbms-pack\", \"laid-pdf\""),
        "authority[12302].route[hbms-12302].kinds[#2]",
        "stands already at authority[12302].route[laid-12302].kinds[#1]",
    );
    refused(
        &minimal_but("kind = \"hbms-mi\"", "kind = \"shbe\""),
        "authority[12302].return[shbe].kind",
        "stands already",
    );
    let nameless = minimal_but("kind = \"hbms-mi\"", "kind = \"hbms-mi\"\nfile_name = \"{la}_{month}.pgp\"");
    let nameless = nameless.replacen("kind = \"shbe\"", "kind = \"shbe\"\nfile_name = \"{la}_{month}.pgp\"", 1);
    refused(&nameless, "authority[12302].return[hbms-mi].file_name", "the same names in the same folder");
    refused("[service]\nstate = \"/var/lib/hbcourier\"\n", "authority", "no authority is configured");
    refused(
        &minimal_but("[service]", "[service]\nretry_after = \"2h\""),
        "service.retry_after_max",
        "shorter than retry_after",
    );
}

#[test]
fn roles_and_the_control_socket_are_checked() {
    use hbcourier::domain::Role;
    let settings = Etc::with(MINIMAL).load().unwrap();
    assert!(!settings.roles.are_configured());
    assert_eq!(settings.service.control_socket, Path::new("/var/lib/hbcourier/control.sock"));
    let with = |text: &str| minimal_but("[[partner]]", &format!("{text}\n[[partner]]"));
    let settings = Etc::with(&with("[roles]\nviewer = [\"hb-viewers\", \"4001\"]\nadmin = []")).load().unwrap();
    let groups = settings.roles.groups(Role::Viewer).iter().map(|group| (group.as_str(), group.number()));
    assert_eq!(groups.collect::<Vec<_>>(), [("hb-viewers", None), ("4001", Some(4001))]);
    assert!(settings.roles.are_configured() && !settings.roles.is_named(Role::Admin));
    refused(&with("[roles]\noperator = [\"hb\", \"a:b\"]"), "roles.operator[#2]", "neither the name of a group");
    refused(&with("[roles]\noperators = [\"hb\"]"), "roles.operators", "did you mean `operator`?");
    refused(&with("[roles]\noperator = \"hb\""), "roles.operator", "write a list of texts");

    let socket = |path: &str| minimal_but("[service]", &format!("[service]\ncontrol_socket = \"{path}\""));
    let settings = Etc::with(&socket("/run/hbcourier/control.sock")).load().unwrap();
    assert_eq!(settings.service.control_socket, Path::new("/run/hbcourier/control.sock"));
    refused(&socket("control.sock"), "service.control_socket", "not an absolute path");
    let longest = format!("/run/{}", "x".repeat(102));
    assert!(Etc::with(&socket(&longest)).load().is_ok(), "{}", longest.len());
    refused(&socket(&format!("{longest}x")), "service.control_socket", "108 bytes, and the kernel takes 107");
    let deep = minimal_but("/var/lib/hbcourier", &format!("/var/lib/{}", "x".repeat(90)));
    refused(&deep, "service.state", "name a shorter path in `service.control_socket`");
}

#[test]
fn the_scanner_is_on_this_machine_or_nowhere() {
    use hbcourier::config::settings::Listen;
    let with = |lines: &str| format!("{MINIMAL}\n[scan]\n{lines}\n");
    let settings = Etc::with(MINIMAL).load().unwrap();
    assert_eq!((settings.scan.clamd, settings.scan.timeout), (None, Duration::from_secs(60)));
    let settings = Etc::with(&with("clamd = \"unix:/run/clamav/clamd.ctl\"\ntimeout = \"5m\"")).load().unwrap();
    let socket = Listen::Unix("/run/clamav/clamd.ctl".into());
    assert_eq!((settings.scan.clamd, settings.scan.timeout), (Some(socket), Duration::from_secs(300)));
    let settings = Etc::with(&with("clamd = \"127.0.0.1:3310\"")).load().unwrap();
    assert_eq!(settings.scan.clamd, Some(Listen::Loopback(([127, 0, 0, 1], 3310).into())));
    refused(&with("clamd = \"10.0.0.7:3310\""), "scan.clamd", "other machines could reach");
    refused(&with("clamd = \"/run/clamav/clamd.ctl\""), "scan.clamd", "no place on this machine");
    refused(&with("clamd = \"\""), "scan.clamd", "no place on this machine");
    refused(&with("timeout = \"0s\""), "scan.timeout", "1s");
    refused(
        &minimal_but("\"laid-12302\"", "\"clamd\""),
        "authority[12302].route[clamd].destination",
        "the service's own alarms",
    );
}

#[test]
fn what_is_not_toml_is_named_by_line_in_every_file() {
    let etc = Etc::with("[service]\nstate = /var/lib\n").also("a.toml", "[[partner]\nname = \"dwp\"\n");
    let problems = etc.load().unwrap_err();
    let places: Vec<_> =
        problems.iter().map(|problem| (problem.origin.file.ends_with("a.toml"), problem.origin.line)).collect();
    assert!(places.contains(&(false, Some(2))) && places.contains(&(true, Some(1))), "{problems}");
    let missing = config::load_with_env(Path::new("/nonexistent/hbcourier.toml"), []).unwrap_err();
    assert!(missing.to_string().starts_with("/nonexistent/hbcourier.toml: the file could not be read"), "{missing}");
}

#[test]
fn a_key_that_looks_like_a_path_is_refused_before_the_merge_follows_it() {
    refused(&format!("\"authority[999999999]\" = 1\n{MINIMAL}"), "authority[999999999]", "there is no such key");
}

#[test]
fn what_is_expected_and_accepted_is_checked() {
    let minimal = minimal_but(
        "kinds = [\"laid-pdf\", \"laid-xml\"]",
        "kinds = [\"laid-pdf\", \"laid-xml\"]\nxml_roots = [\"LAID\"]",
    );
    let expect =
        "[authority.expect]\ncalendar = \"scotland\"\nlaid_silence_days = 3\npack_red_days = 2\nrisk = \"nowhere\"\n";
    let with = |text: &str| minimal.replacen("[[partner]]", &format!("{text}\n[[partner]]"), 1);
    let settings = Etc::with(&with(expect)).load().unwrap();
    let authority = &settings.authorities[0];
    assert_eq!((authority.expect.calendar.word(), authority.expect.laid_silence_days), ("scotland", Some(3)));
    assert_eq!((authority.expect.packs.red_days, authority.expect.packs.weeks_after), (2, 1));
    assert_eq!(authority.routes[0].xml_roots[0].to_string(), "LAID");
    let wrong = |text: &str| Etc::with(text).load().unwrap_err().to_string();
    for (line, says) in [
        ("calendar = \"wales\"", "write england-and-wales or scotland"),
        ("laid_silence_days = 0", "laid_silence_days"),
        ("pack_weeks_after = 9", "pack_weeks_after"),
        ("risk = \"somewhere\"", "risk"),
    ] {
        let told = wrong(&with(&format!("[authority.expect]\n{line}\n")));
        assert!(told.contains(says), "{line}: {told}");
    }
    let told = wrong(&minimal.replace("\"LAID\"", "\"a b\""));
    assert!(told.contains("names no root element"), "{told}");
    let told = wrong(&minimal.replace("\"laid-pdf\", \"laid-xml\"", "\"laid-pdf\""));
    assert!(told.contains("takes no laid-xml"), "{told}");
    for taken in ["due-12302", "expected-12302", "expires-12302", "timetable-12302", "sandbox-12302"] {
        let told = wrong(&minimal.replace("\"laid-12302\"", &format!("\"{taken}\"")));
        assert!(told.contains("the service's own alarms go by"), "{told}");
    }
}
