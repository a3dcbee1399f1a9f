//! The socket's two ends: who listens, who does not, and what lies in the way.

use std::os::unix::net::UnixListener;

use super::*;

#[test]
fn a_silent_service_is_told_from_one_that_is_not_there() {
    let state = tempfile::tempdir().unwrap();
    let socket = socket_path(state.path());
    let ask = || ask_within(Duration::from_millis(50), &socket, &Request::Status).map(|answer| answer.is_some());
    assert!(!ask().unwrap(), "none runs");
    let silent = UnixListener::bind(&socket).unwrap();
    assert_eq!(ask().unwrap_err().kind(), io::ErrorKind::TimedOut);
    drop(silent);
    assert!(!ask().unwrap(), "none runs any more");
}
