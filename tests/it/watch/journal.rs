//! Lines in the journal: by its own protocol, with the transfer or return that they are about.
//!
//! A socket stands in for the journal's, mounted where the service looks for it.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use hbcourier::cli::demo::samples;

use super::{PATIENCE, watched};
use crate::support::council::Council;
use crate::support::partner::SealOptions;

type Line = BTreeMap<String, String>;

/// What the journal would keep.
struct Journal {
    socket: UnixDatagram,
}

impl Journal {
    /// Starts the service as systemd does: standard error leads to the journal, and that is said.
    fn of(council: &mut Council) -> Journal {
        let folder = council.dir.path().join("journal");
        fs::create_dir(&folder).unwrap();
        let socket = UnixDatagram::bind(folder.join("socket")).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        council.start_journalled(&folder);
        Journal { socket }
    }

    /// Lines until one of them is it.
    fn until(&self, what: &str, is_it: impl Fn(&Line) -> bool) -> Vec<Line> {
        let (deadline, mut lines) = (Instant::now() + PATIENCE, Vec::new());
        let mut told = vec![0; 256 * 1024];
        loop {
            match self.socket.recv(&mut told) {
                Ok(bytes) => lines.push(read(&told[..bytes])),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => panic!("{error}"),
            }
            if lines.last().is_some_and(&is_it) {
                return lines;
            }
            assert!(Instant::now() < deadline, "never read {what}: {lines:#?}");
        }
    }
}

/// One entry: `NAME=value` lines, or a name, a length and as many bytes.
// https://systemd.io/JOURNAL_NATIVE_PROTOCOL/
fn read(mut entry: &[u8]) -> Line {
    let mut line = Line::new();
    while let Some(end) = entry.iter().position(|byte| *byte == b'\n') {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let (head, rest) = (&entry[..end], &entry[end + 1..]);
        match head.iter().position(|byte| *byte == b'=') {
            Some(at) => {
                line.insert(text(&head[..at]), text(&head[at + 1..]));
                entry = rest;
            }
            None => {
                let (length, rest) = rest.split_at(8);
                let length = usize::try_from(u64::from_le_bytes(length.try_into().unwrap())).unwrap();
                line.insert(text(head), text(&rest[..length]));
                entry = &rest[length + 1..];
            }
        }
    }
    line
}

fn field<'l>(line: &'l Line, name: &str) -> &'l str {
    line.get(name).map_or("", String::as_str)
}

#[test]
fn each_line_of_a_transfers_walk_has_its_id() {
    let (dwp, mut council) = watched();
    let journal = Journal::of(&mut council);
    let canary = "QQ112233A_Wrenthistle.xml";
    let laid = dwp.seals(b"<?xml version=\"1.0\"?><LAID/>", canary, &SealOptions::default());
    council.drops(&format!("{canary}.pgp"), &laid);
    let lines = journal.until("that it is closed", |line| field(line, "HBCOURIER_EVENT") == "closed");
    let id = council.consignments()[0].id.to_string();
    let walk: Vec<&str> = lines
        .iter()
        .filter(|line| field(line, "HBCOURIER_TRANSFER") == id)
        .map(|line| field(line, "MESSAGE"))
        .collect();
    assert!(walk[0].starts_with("Collected transfer") && walk.len() >= 3, "{walk:?}");
    assert!(walk.iter().any(|says| says.ends_with("delivered")), "{walk:?}");
    council.drops("clear.xml", b"<?xml version=\"1.0\"?><LAID/>");
    let lines = journal.until("that it is held", |line| field(line, "HBCOURIER_CODE") == "CN-101");
    let held = lines.last().unwrap();
    assert_eq!((field(held, "PRIORITY"), field(held, "SYSLOG_IDENTIFIER")), ("5", "hbcourier"), "{held:?}");
    assert_eq!(field(held, "HBCOURIER_TRANSFER").len(), id.len());
    assert_ne!(field(held, "HBCOURIER_TRANSFER"), id);
    for line in &lines {
        assert!(line.values().all(|value| !value.contains("QQ112233A") && !value.contains("Wrenthistle")), "{line:?}");
    }
    council.stops_well();
    assert_eq!(council.log(), "", "it is told once");
}

#[test]
fn each_line_about_a_return_has_its_key() {
    let (_dwp, mut council) = watched();
    let today = council.falls_due_today();
    fs::write(council.returns.join("shbe/extract.txt"), samples::shbe_extract(today)).unwrap();
    let journal = Journal::of(&mut council);
    let lines = journal.until("that it is sent", |line| field(line, "HBCOURIER_STAGE") == "sent");
    let key = field(lines.last().unwrap(), "HBCOURIER_RETURN").to_owned();
    assert!(key.starts_with("shbe/12302/"), "{key}");
    let of_it = lines.iter().filter(|line| field(line, "HBCOURIER_RETURN") == key);
    let stages: Vec<&str> =
        of_it.map(|line| field(line, "HBCOURIER_STAGE")).filter(|stage| !stage.is_empty()).collect();
    assert_eq!(stages, ["sealed", "sending", "sent"]);
    council.stops_well();
}

/// Where standard error leads elsewhere, lines are text as they always were.
#[test]
fn elsewhere_lines_are_text() {
    let (dwp, mut council) = watched();
    let stream = fs::metadata("/dev/null").unwrap();
    council.start_in(&[("JOURNAL_STREAM", &format!("{}:{}", stream.dev(), stream.ino()))]);
    council.drops("LAID.pgp", &dwp.seals(b"<?xml version=\"1.0\"?><LAID/>", "LAID.xml", &SealOptions::default()));
    council.until("it is delivered", |council| council.all_rest(1));
    council.stops_well();
    let log = council.log();
    assert!(log.contains("Collected transfer") && !log.contains("transfer{"), "{log}");
}
