//! People at the running service: each an account of its own, as the kernel tells the service.
//!
//! Holds: only the thread that asks takes on the account, and ends with its answer.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use hbcourier::daemon::control::{Answer, Request, ask, socket_path};
use hbcourier::domain::{Consignment, Standing};
use hbcourier::operator::Order;
use rustix::process::Uid;

use crate::support::council::Council;

/// Accounts that nobody has, and that are neither root's nor the service's.
pub const ANNA: u32 = 4101;
pub const BELA: u32 = 4102;

/// This account gives the order to the running service. What was done; or why not, as it is recorded.
pub fn orders(council: &Council, uid: u32, order: Order) -> Result<String, String> {
    let state = council.state.clone();
    let (socket, root) = (socket_path(&state), council.dir.path().to_owned());
    let open = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    socket.parent().unwrap().ancestors().take_while(|path| path.starts_with(&root)).for_each(|path| open(path, 0o711));
    open(&socket, 0o666);
    let asking = std::thread::spawn(move || {
        rustix::thread::set_thread_res_uid(Uid::from_raw(uid), Uid::from_raw(uid), Uid::from_raw(uid)).unwrap();
        ask(&state, &Request::Order { order }).unwrap().expect("it runs")
    });
    match asking.join().unwrap() {
        Answer::Done { done } => Ok(done.says),
        Answer::Refused { says, recorded } => {
            assert!(recorded, "{says}");
            Err(says)
        }
        Answer::Status { .. } => panic!("an order was given"),
    }
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
