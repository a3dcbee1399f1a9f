//! People at the running service: each an account of its own, as the kernel tells the service.
//!
//! Holds: only the thread that asks takes on the account, and ends with its answer.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use hbcourier::daemon::control::{Answer, Request, ask_at, socket_path};
use hbcourier::domain::{Consignment, Standing};
use hbcourier::operator::Order;
use rustix::process::Uid;

use crate::support::accounts::{Accounts, uid};
use crate::support::council::{Council, set};

/// Two people who may release, with real accounts, for as long as this lives.
pub struct Staff {
    pub anna: u32,
    pub bela: u32,
    _accounts: Accounts,
}

impl Staff {
    /// Of this council, whose service does not run yet.
    pub fn of(council: &Council) -> Staff {
        let mut accounts = Accounts::new();
        let group = accounts.group("releasers");
        council.changes_settings(|settings| {
            set(settings, &["roles", "releaser"], toml::Value::Array(vec![group.into()]));
        });
        let [anna, bela] = ["anna", "bela"].map(|name| uid(&accounts.account(name, &["releasers"])));
        Staff { anna, bela, _accounts: accounts }
    }
}

/// This account gives the order to the running service. What was done; or why not, as it is recorded.
pub fn orders(council: &Council, uid: u32, order: Order) -> Result<String, String> {
    match asks(council, uid, order).unwrap().expect("it runs") {
        Answer::Done { done } => Ok(done.says),
        Answer::Refused { says, recorded } => {
            assert!(recorded, "{says}");
            Err(says)
        }
        answer => panic!("an order was given: {answer:?}"),
    }
}

/// This account gives the order to the service, which may not run, or end before it answers.
pub fn asks(council: &Council, uid: u32, order: Order) -> io::Result<Option<Answer>> {
    let (socket, root) = (socket_path(&council.state), council.dir.path().to_owned());
    let open = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode));
    let mut above = socket.parent().unwrap().ancestors().take_while(|path| path.starts_with(&root));
    above.try_for_each(|path| open(path, 0o711))?;
    open(&socket, 0o666)?;
    let asking = std::thread::spawn(move || {
        rustix::thread::set_thread_res_uid(Uid::from_raw(uid), Uid::from_raw(uid), Uid::from_raw(uid)).unwrap();
        ask_at(&socket, &Request::Order { order })
    });
    asking.join().unwrap()
}

/// The order to approve this, as it is shown.
pub fn approval(one: &Consignment, reason: &str) -> Order {
    let code = match &one.standing {
        Standing::Held { reason, .. } => reason.notice().code,
        _ => "CN-105",
    };
    Order::Approve {
        transfer: one.id,
        digest: one.sealed_digest,
        code: code.to_owned(),
        by: Some("Somebody Else".to_owned()),
        reason: reason.to_owned(),
    }
}

pub fn approves(council: &Council, uid: u32, one: &Consignment) -> Result<String, String> {
    orders(council, uid, approval(one, "they confirmed it over the telephone"))
}
