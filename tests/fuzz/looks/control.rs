//! The line that a command sends to the running service.

use std::sync::LazyLock;

use hbcourier::cli::for_others::ForOthers;
use hbcourier::config;
use hbcourier::daemon::control::{Reading, Request};

static OTHERS: LazyLock<ForOthers> = LazyLock::new(|| {
    let path = tempfile::Builder::new().suffix(".toml").tempfile().expect("a place for it");
    std::fs::write(path.path(), include_str!("../seeds/config/demo.toml")).expect("room for it");
    let settings = config::load_with_env(path.path(), []).expect("the seed is a good configuration");
    ForOthers::by(&settings)
});

pub fn look(line: &[u8]) {
    is_request(line);
}

/// Whether it is one at all.
pub fn is_request(line: &[u8]) -> bool {
    let Ok(request) = serde_json::from_slice::<Request>(line) else { return false };
    let written = serde_json::to_vec(&request).expect("what was read can be written");
    let again: Request = serde_json::from_slice(&written).expect("what we wrote ourselves");
    assert_eq!(format!("{request:?}"), format!("{again:?}"), "the same order when it is read again");
    if let Request::Read { args } = request {
        let _ = OTHERS.looks(&args);
    }
    true
}
