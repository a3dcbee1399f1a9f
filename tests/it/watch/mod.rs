//! Being watched: health, readiness and figures over a socket, the sign of life to systemd, lines in the journal.

mod figures;
mod hanging;
mod journal;
mod listening;
mod progress;

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use crate::support::council::{Council, set};
use crate::support::partner::{Algorithm, Partner};

/// A council whose service is watched at a socket, on good terms with DWP.
fn watched() -> (Partner, Council) {
    let mut dwp = Partner::new(Algorithm::Curve25519);
    let council = Council::new(&mut dwp);
    // The service may write where its socket is.
    std::fs::create_dir(council.dir.path().join("run")).unwrap();
    let listen = format!("unix:{}", socket(&council).display());
    council.changes_settings(|settings| set(settings, &["watch", "listen"], listen.as_str()));
    council.changes_drop_folders(|folder| drop(folder.insert("settle".into(), "300ms".into())));
    (dwp, council)
}

fn socket(council: &Council) -> PathBuf {
    council.dir.path().join("run/watch.sock")
}

/// The answer to a request for this page: its status and its body; nothing, if nobody listens.
fn get(council: &Council, page: &str) -> Option<(u16, String)> {
    ask(UnixStream::connect(socket(council)).ok()?, &format!("GET {page} HTTP/1.1\r\nHost: watched\r\n\r\n"))
}

fn ask(mut stream: impl Read + Write, request: &str) -> Option<(u16, String)> {
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    // A connection that is reset behind its answer has answered.
    let _ = stream.read_to_string(&mut answer);
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}

/// Whether the page is answered with this status.
fn says(council: &Council, page: &str, status: u16) -> bool {
    get(council, page).is_some_and(|(said, _)| said == status)
}

/// The figure with this name and these labels, as they are written.
fn figure(council: &Council, name: &str) -> Option<f64> {
    let (_, figures) = get(council, "/metrics")?;
    figures.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);
