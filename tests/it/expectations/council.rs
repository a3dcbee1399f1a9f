//! Councils and DWP in a temporary folder: everything real but the time.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Output;
use std::sync::Arc;
use std::time::Duration;

use hbcourier::cli::demo::samples;
use hbcourier::config::{Settings, load_with_env};
use hbcourier::daemon::Service;
use hbcourier::daemon::build::build_with;
use hbcourier::domain::ledger::{Entry, Event};
use hbcourier::effects::clock::Clock;
use hbcourier::effects::pgp::{KeyAlgorithm, KeyRing, SealRequest, Sealer};
use hbcourier::store::{Queries, SqliteQueries, SqliteStore};
use serde_json::Value;

use crate::outbound::council::extract;
use crate::support::council::command;
use crate::support::virtual_clock::{VirtualClock, in_london};

pub const BLACKPOOL: &str = "12302";
pub const GLASGOW: &str = "101809";

pub const YEARS: Duration = Duration::from_secs(3 * 365 * 86_400);

pub struct Council {
    pub dir: tempfile::TempDir,
    pub clock: Arc<VirtualClock>,
    pub config: PathBuf,
    dwp: KeyRing,
    service: Option<Service>,
}

impl Council {
    /// Blackpool, or a number beside it, with these lines in each `[authority.expect]`; London's clocks show `civil`.
    pub fn new(numbers: &[(&str, &str)], civil: &str) -> Council {
        Council::with_keys(numbers, civil, YEARS)
    }

    /// As [`Council::new`]; DWP's key lasts so long from the beginning of 2020.
    pub fn with_keys(numbers: &[(&str, &str)], civil: &str, dwp_lasts: Duration) -> Council {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        for folder in ["state", "dwp"] {
            fs::create_dir(root.join(folder)).unwrap();
            fs::set_permissions(root.join(folder), fs::Permissions::from_mode(0o700)).unwrap();
        }
        let mut config = format!(
            "[service]\nstate = \"{}\"\n[service.limits]\nfree_bytes_min = 1\n\
             [[partner]]\nname = \"dwp\"\n",
            root.join("state").display()
        );
        for (number, expect) in numbers {
            config.push_str(&authority(&root, number, expect));
        }
        let file = root.join("hbcourier.toml");
        fs::write(&file, config).unwrap();
        let (ours, dwp) = (KeyRing::at(&root.join("state")), KeyRing::at(&root.join("dwp")));
        ours.generate("council", KeyAlgorithm::Curve25519, keys_made(), YEARS).unwrap();
        dwp.generate("dwp", KeyAlgorithm::Curve25519, keys_made(), dwp_lasts).unwrap();
        let ours = ours.export_own().unwrap();
        dwp.trust(&"council".parse().unwrap(), &ours, None, keys_made()).unwrap();
        let clock = Arc::new(VirtualClock::showing(civil));
        let mut council = Council { dir, clock, config: file, dwp, service: None };
        council.trusts_dwp();
        council.restart();
        council
    }

    /// DWP's present certificate is trusted.
    pub fn trusts_dwp(&self) {
        let ours = KeyRing::at(&self.root().join("state"));
        ours.trust(&"dwp".parse().unwrap(), &self.dwp.export_own().unwrap(), None, keys_made()).unwrap();
    }

    /// DWP makes a new key, which lasts.
    pub fn dwp_renews(&self) {
        self.dwp.generate("dwp", KeyAlgorithm::Curve25519, keys_made(), YEARS).unwrap();
        let newest = self.dwp.export_own().unwrap();
        let text = String::from_utf8(newest).unwrap();
        let end = "-----END PGP PUBLIC KEY BLOCK-----";
        let ours = KeyRing::at(&self.root().join("state"));
        for block in text.split_inclusive(end).filter(|block| block.contains(end)) {
            ours.trust(&"dwp".parse().unwrap(), block.as_bytes(), None, keys_made()).unwrap();
        }
    }

    fn root(&self) -> PathBuf {
        self.dir.path().canonicalize().unwrap()
    }

    pub fn settings(&self) -> Settings {
        load_with_env(&self.config, []).unwrap()
    }

    /// The service ends and starts again, with nothing but what is on disk.
    pub fn restart(&mut self) {
        self.service = None;
        let service = build_with(self.settings(), self.clock.clone()).unwrap();
        service.inbound.recover().unwrap();
        self.service = Some(service);
        self.look();
    }

    fn service(&self) -> &Service {
        self.service.as_ref().unwrap()
    }

    /// The time passes until London's clocks show this, and everything is looked at.
    pub fn at(&self, civil: &str) -> &Council {
        self.clock.advance_to(civil);
        self.look();
        self
    }

    /// Somebody sets the clock, and everything is looked at.
    pub fn clock_is_set(&self, civil: &str) {
        self.clock.jump_to(in_london(civil));
        self.look();
    }

    pub fn look(&self) {
        self.service().outbound.tick(&|| false).unwrap();
        let next = self.service().foresight.look().unwrap();
        assert!(next > self.clock.now(), "it looks again, and later");
    }

    /// DWP sends this to the number now, sealed; what lies outside the seal is named `outer`.
    pub fn comes_as(&self, number: &str, outer: &str, inner: &str, content: &[u8]) {
        let mut sealed = Vec::new();
        let to = ["council".parse().unwrap()];
        let request = SealRequest { to: &to, file_name: inner, at: self.clock.now(), armour: false };
        self.dwp.seal(&mut &content[..], &mut sealed, &request).unwrap();
        self.lies_there(number, outer, &sealed);
    }

    /// As [`Council::comes_as`], under the name that is sealed in it.
    pub fn comes(&self, number: &str, name: &str, content: &[u8]) {
        self.comes_as(number, &format!("{name}.pgp"), name, content);
    }

    /// These bytes lie in the number's drop folder, and are taken from there.
    pub fn lies_there(&self, number: &str, name: &str, bytes: &[u8]) {
        fs::write(self.root().join("drop").join(number).join(name), bytes).unwrap();
        let inbound = &self.service().inbound;
        for source in &inbound.sources {
            for sighting in source.folder().unwrap().look().unwrap().sightings {
                inbound.carry(source, &sighting).unwrap();
            }
        }
        self.look();
    }

    /// A pack with the risk file in it; `salt` makes it differ from others.
    pub fn pack_comes(&self, number: &str, salt: &str) {
        self.comes(number, "HBMS_pack.zip", &pack(salt, true));
    }

    /// The authority leaves an extract of this day.
    pub fn leaves_shbe(&self, number: &str, day: &str) {
        fs::write(self.root().join("returns").join(number).join("shbe/shbe.txt"), extract(number, day, "")).unwrap();
        self.look();
        self.clock.advance(Duration::from_secs(60));
        self.look();
    }

    /// What alarms ahead of time are about, with their codes; not those of returns that were missed meanwhile.
    pub fn alarms(&self) -> BTreeMap<String, String> {
        let alarms = self.queries().alarms().unwrap().into_iter();
        let ahead = alarms.filter(|alarm| !alarm.about.starts_with("return-"));
        ahead.map(|alarm| (alarm.about, alarm.code)).collect()
    }

    /// Whether there is an alarm about this under this code.
    pub fn is_told(&self, about: &str, code: &str) -> bool {
        self.queries().alarms().unwrap().iter().any(|alarm| alarm.about == about && alarm.code == code)
    }

    /// What an alarm says.
    pub fn says(&self, about: &str) -> String {
        self.queries().alarms().unwrap().into_iter().find(|alarm| alarm.about == about).unwrap().says
    }

    /// How often an alarm about this was raised, and cleared.
    pub fn told(&self, about: &str) -> (usize, usize) {
        let lines = self.queries().ledger(0, usize::MAX >> 1).unwrap();
        let entries: Vec<Entry> = lines.iter().map(|(_, line)| serde_json::from_slice(line).unwrap()).collect();
        let of = |event| {
            let is = |entry: &&Entry| entry.event == event && entry.facts.about.as_deref() == Some(about);
            entries.iter().filter(is).count()
        };
        (of(Event::AlarmRaised), of(Event::AlarmCleared))
    }

    pub fn queries(&self) -> SqliteQueries {
        SqliteStore::read_only(&self.root().join("state")).unwrap()
    }

    /// What a command of the real program prints on this council's configuration.
    pub fn runs(&self, arguments: &[&str]) -> Output {
        command().arg("--config").arg(&self.config).args(arguments).output().unwrap()
    }

    /// As [`Council::runs`], as JSON.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let output = self.runs(&[arguments, &["--json"]].concat());
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
    }

    /// The codes of the transfers that are held.
    pub fn held(&self) -> Vec<String> {
        let held = self.json(&["held", "list"]);
        let codes = held["held"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap().to_owned());
        codes.filter(|code| code.starts_with("CN-1")).collect()
    }

    /// The state of one month's file as of a day, by `expectations`.
    pub fn state(&self, kind: &str, month: &str, on: &str) -> String {
        let told = self.json(&["expectations", "--authority", BLACKPOOL, "--month", month, "--on", on]);
        let all = told["authorities"][0]["expectations"].as_array().unwrap();
        let found: Vec<_> = all.iter().filter(|one| one["kind"] == kind).collect();
        assert_eq!(found.len(), 1, "{told}");
        found[0]["state"].as_str().unwrap().to_owned()
    }
}

fn authority(root: &std::path::Path, number: &str, expect: &str) -> String {
    let folders = ["drop", "backoffice", "outgoing", "returns"].map(|folder| root.join(folder).join(number));
    for folder in folders.iter().chain(&[folders[3].join("shbe"), folders[3].join("hbms-mi")]) {
        fs::create_dir_all(folder).unwrap();
    }
    let [drop, backoffice, outgoing, returns] = folders.map(|folder| folder.display().to_string());
    format!(
        "[[courier]]\nname = \"outgoing-{number}\"\nfolder = \"{outgoing}\"\n\
         [[authority]]\nnumber = \"{number}\"\nname = \"LA {number}\"\n\
         [[authority.drop_folder]]\nname = \"drop-{number}\"\npath = \"{drop}\"\npartners = [\"dwp\"]\n\
         [[authority.route]]\nkinds = [\"laid-pdf\", \"laid-xml\", \"hbms-pack\", \"hbms-mi\", \"caseload-risk\"]\n\
         destination = \"all-{number}\"\nfolder = \"{backoffice}\"\n\
         [[authority.return]]\nkind = \"shbe\"\npick_up = \"{returns}/shbe\"\npartner = \"dwp\"\n\
         courier = \"outgoing-{number}\"\n\
         [[authority.return]]\nkind = \"hbms-mi\"\npick_up = \"{returns}/hbms-mi\"\npartner = \"dwp\"\n\
         courier = \"outgoing-{number}\"\n\
         [authority.expect]\n{expect}\n"
    )
}

/// A pack of two referral files and, if wanted, a risk file.
pub fn pack(salt: &str, with_risk: bool) -> Vec<u8> {
    let referrals = |rule: &str| format!("REFERRAL,RULE\r\n{salt},{rule}\r\n").into_bytes();
    let (first, second) = (referrals("HBSA001"), referrals("HBSA002"));
    let risk = samples::caseload_risk(20);
    let mut members: Vec<(&str, &[u8])> = vec![("HBSA001.csv", &first), ("HBSA002.csv", &second)];
    if with_risk {
        members.push(("AOBWR627_LAID_RISK.csv", &risk));
    }
    samples::archive(&members).unwrap()
}

fn keys_made() -> jiff::Timestamp {
    "2020-01-01T00:00:00Z".parse().unwrap()
}
