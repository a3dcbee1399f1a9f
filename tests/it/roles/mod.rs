//! People and roles, with real accounts, real groups and the real program: who reads, who orders, who is told that they
//! may not, and who cannot keep others waiting.

mod ordering;
mod peers;
mod reading;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use hbcourier::domain::Role;
use serde_json::Value;

use crate::inbound::laid_xml;
use crate::support::accounts::{Accounts, as_account};
use crate::support::council::{Council, set};
use crate::support::partner::{Algorithm, Partner, SealOptions};

/// A council with one held transfer, whose service everybody on this machine can reach.
pub struct Town {
    pub council: Council,
    pub accounts: Accounts,
    program: PathBuf,
}

impl Town {
    /// Each role has a group of its name; the service does not run yet.
    pub fn new() -> Town {
        let mut dwp = Partner::new(Algorithm::Curve25519);
        let council = Council::new(&mut dwp);
        let open = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        open(council.dir.path(), 0o755);
        open(council.config.parent().unwrap(), 0o755);
        let run = council.dir.path().join("run");
        fs::create_dir(&run).unwrap();
        open(&run, 0o755);
        let mut accounts = Accounts::new();
        council.changes_settings(|settings| {
            set(settings, &["service", "control_socket"], run.join("control.sock").to_str().unwrap());
            // Nothing moves by itself while it is compared.
            set(settings, &["service", "sweep_every"], "1h");
            for role in Role::ALL {
                set(settings, &["roles", role.word()], toml::Value::Array(vec![accounts.group(role.word()).into()]));
            }
        });
        open(&council.config, 0o644);
        // The program, where others may run it.
        let program = council.dir.path().join("hbcourier");
        fs::copy(env!("CARGO_BIN_EXE_hbcourier"), &program).unwrap();
        open(&program, 0o755);
        let unsigned = SealOptions { sign: false, ..SealOptions::default() };
        council.drops("LAID_1.xml.pgp", &dwp.seals(&laid_xml(1), "LAID_1.xml", &unsigned));
        Town { council, accounts, program }
    }

    /// As [`Town::new`], with the service running and the transfer held.
    pub fn running() -> Town {
        let mut town = Town::new();
        town.council.changes_drop_folders(|folder| drop(folder.insert("settle".into(), "200ms".into())));
        town.council.start();
        town.council.until("it is held", |council| council.codes() == ["CN-105"] && council.all_rest(1));
        town
    }

    /// The one transfer.
    pub fn transfer(&self) -> String {
        self.council.consignments()[0].id.to_string()
    }

    /// The program, run by this account.
    pub fn command(&self, account: &str) -> Command {
        as_account(account, self.program.to_str().unwrap())
    }

    /// A command, run by this account on this council's configuration.
    pub fn runs(&self, account: &str, arguments: &[&str]) -> Output {
        self.command(account).arg("--config").arg(&self.council.config).args(arguments).output().unwrap()
    }

    /// What the ledger says of orders that were refused: the account's number, about what, the code.
    pub fn refusals(&self) -> Vec<(u32, String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let refused = self.council.entries().into_iter().filter(|entry| entry["event"] == "order-refused");
        refused.map(|entry| (who(&entry), text(&entry["about"]), text(&entry["code"]))).collect()
    }
}

/// The number of the account that caused an entry.
pub fn who(entry: &Value) -> u32 {
    u32::try_from(entry["actor"]["account"]["uid"].as_u64().unwrap()).unwrap()
}

/// How it ended, and what it said on standard error.
pub fn ended(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}
