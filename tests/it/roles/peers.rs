//! Peers that say nothing, too much, or nonsense: none keeps another waiting.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::process::{Child, Stdio};
use std::{fs, thread};

use serde_json::Value;

use super::{Town, ended};
use crate::support::accounts::as_account;
use crate::support::council::succeeded;

/// Keeps so many connections open and says nothing; opens another for each that is closed.
const SILENT: &str = r#"
import select, socket, sys
def peer():
    one = socket.socket(socket.AF_UNIX)
    one.connect(sys.argv[1])
    return one
peers = [peer() for _ in range(int(sys.argv[2]))]
print("open", flush=True)
while True:
    closed, _, _ = select.select(peers, [], [])
    for one in closed:
        one.close()
        peers.remove(one)
    select.select([], [], [], 0.05)
    peers += [peer() for _ in closed]
"#;

/// Silent connections of one account, for as long as this lives.
struct Silent(Child);

impl Silent {
    fn peers(town: &Town, account: &str, count: usize) -> Silent {
        let mut python = as_account(account, "python3");
        python.args(["-c", SILENT]).arg(town.council.socket()).arg(count.to_string());
        let mut child = python.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "open\n");
        Silent(child)
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn silent_peers_keep_nobody_else_waiting() {
    let mut town = Town::running();
    let [stranger, viewer, operator] = [("s", ""), ("v", "viewer"), ("o", "operator")]
        .map(|(name, group)| town.accounts.account(name, group.split_whitespace().collect::<Vec<_>>().as_slice()));
    // More than an account may have, of a stranger and of root: each place that is given up is taken again.
    let _theirs = Silent::peers(&town, &stranger, 12);
    let roots = Silent::peers(&town, "root", 40);
    let id = town.transfer();
    succeeded(town.runs(&viewer, &["status", "--json"]));
    succeeded(town.runs(&operator, &["held", "retry", &id, "--reason", "the cause is gone"]));
    // Root waits for itself only: until its silent ones are gone.
    drop(roots);
    let status: Value = serde_json::from_slice(&succeeded(town.council.runs(&["status", "--json"]))).unwrap();
    assert!(status["service"]["pid"].is_u64(), "{status}");
    town.council.stops_well();
}

#[test]
fn many_commands_at_once_are_all_carried_out() {
    let mut town = Town::running();
    let viewer = town.accounts.account("v", &["viewer"]);
    thread::scope(|scope| {
        let asked: Vec<_> = (0..12).map(|_| scope.spawn(|| town.runs(&viewer, &["held", "list", "--json"]))).collect();
        for one in asked {
            succeeded(one.join().unwrap());
        }
    });
    town.council.stops_well();
}

#[test]
fn nonsense_and_too_much_are_refused_and_others_served() {
    let mut town = Town::running();
    let says = |bytes: &[u8]| {
        let mut peer = UnixStream::connect(town.council.socket()).unwrap();
        // The service may have heard enough before all of it is said.
        let _ = peer.write_all(bytes);
        let mut answer = String::new();
        let _ = peer.read_to_string(&mut answer);
        answer
    };
    for nonsense in [&b"\n"[..], b"{}\n", b"\xff\xfe\n", b"{\"ask\":\"order\",\"order\":{\"order\":\"no-such\"}}\n"] {
        let answer = says(nonsense);
        assert!(answer.contains("the request was not understood"), "{answer}");
    }
    // Beyond eight mebibytes nothing is read.
    let endless = vec![b' '; 9 << 20];
    let answer = says(&endless);
    assert!(answer.contains("the request was not understood"), "{answer}");
    assert!(town.council.answers());
    town.council.stops_well();
}

#[test]
fn what_is_no_socket_of_ours_is_not_taken_away() {
    let mut town = Town::new();
    let socket = town.council.socket();
    fs::write(&socket, "somebody's file").unwrap();
    town.council.start_with(&[]);
    assert!(!town.council.ends().success());
    assert!(town.council.log().contains("is there and is no socket"), "{}", town.council.log());
    assert_eq!(fs::read_to_string(&socket).unwrap(), "somebody's file");
    fs::remove_file(&socket).unwrap();

    // What a dead service left is.
    town.council.start();
    town.council.kill();
    assert!(fs::symlink_metadata(&socket).unwrap().file_type().is_socket());
    town.council.start();
    assert_eq!(fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o666);
    town.council.stops_well();
    assert!(!socket.exists());
    let viewer = town.accounts.account("v", &["viewer"]);
    assert_eq!(ended(&town.runs(&viewer, &["status"])).0, Some(3));
}
