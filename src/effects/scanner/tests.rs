//! What counts as a verdict, over a socket at whose other end a thread plays clamd, well or badly.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread::{self, JoinHandle};

use super::*;

const LONG: Duration = Duration::from_secs(60);

/// Reads the command, then every piece; what was in them.
fn takes_all(connection: &mut impl Read) -> Vec<u8> {
    let mut command = [0; 10];
    connection.read_exact(&mut command).unwrap();
    assert_eq!(&command, b"zINSTREAM\0");
    let mut all = Vec::new();
    loop {
        let mut length = [0; 4];
        connection.read_exact(&mut length).unwrap();
        let length = u32::from_be_bytes(length) as usize;
        if length == 0 {
            return all;
        }
        assert!(length <= PIECE_BYTES, "{length}");
        let start = all.len();
        all.resize(start + length, 0);
        connection.read_exact(&mut all[start..]).unwrap();
    }
}

/// Plays clamd for one conversation.
fn playing(
    patience: Duration,
    play: impl FnOnce(&mut UnixStream) + Send + 'static,
) -> (tempfile::TempDir, Clamd, JoinHandle<()>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clamd.ctl");
    let listener = UnixListener::bind(&path).unwrap();
    let playing = thread::Builder::new().spawn(move || play(&mut listener.accept().unwrap().0)).unwrap();
    (folder, Clamd::at(Place::Unix(path), patience), playing)
}

fn of(clamd: &Clamd, bytes: &[u8]) -> Result<Verdict, ScanFault> {
    let mut stream = clamd.scan()?;
    match stream.write_all(bytes) {
        Ok(()) => stream.verdict(),
        Err(_) => Err(stream.fault().expect("only clamd can fail here")),
    }
}

fn answered(answer: &'static [u8]) -> Result<Verdict, ScanFault> {
    let (_folder, clamd, playing) = playing(LONG, |connection| {
        assert_eq!(takes_all(connection), b"bytes");
        connection.write_all(answer).unwrap();
    });
    let verdict = of(&clamd, b"bytes");
    playing.join().unwrap();
    verdict
}

#[test]
fn nothing_but_ok_is_clean() {
    assert_eq!(answered(b"stream: OK\0").unwrap(), Verdict::Clean);
    assert_eq!(answered(b"stream: Win.Test-1 FOUND\0").unwrap(), Verdict::Found("Win.Test-1".to_owned()));
    assert_eq!(answered(b"stream: odd\nname\x1b FOUND\0").unwrap(), Verdict::Found("odd?name?".to_owned()));
    for answer in [
        &b"stream: OK"[..],
        b"",
        b"OK\0",
        b"stream: ok\0",
        b"stream: OK \0",
        b"1: stream: OK\0",
        b"stream: FOUND\0",
        b"stream: Time limit reached ERROR\0",
        b"UNKNOWN COMMAND\0",
        b"\0stream: OK\0",
    ] {
        let fault = answered(answer).unwrap_err();
        assert_eq!(fault.cause(), DeferCause::ScannerSilent, "{answer:?}: {fault}");
    }
}

#[test]
fn every_byte_arrives_in_its_order_in_pieces() {
    let bytes: Vec<u8> = (0..3 * PIECE_BYTES + 17).map(|n| (n % 251) as u8).collect();
    let expected = bytes.clone();
    let (_folder, clamd, playing) = playing(LONG, move |connection| {
        assert!(takes_all(connection) == expected);
        connection.write_all(b"stream: OK\0").unwrap();
    });
    let mut stream = clamd.scan().unwrap();
    bytes.chunks(1000).for_each(|chunk| stream.write_all(chunk).unwrap());
    assert_eq!(stream.verdict().unwrap(), Verdict::Clean);
    playing.join().unwrap();
}

#[test]
fn the_time_limit_ends_a_conversation_whatever_clamd_does() {
    let wait = |connection: &mut UnixStream| drop(connection.read_to_end(&mut Vec::new()));
    let patience = Duration::from_millis(200);
    // It says nothing; it takes nothing, so that the bytes stop on their way; it says a word at a time.
    let (_folder, clamd, silent) = playing(patience, wait);
    assert!(matches!(of(&clamd, b"bytes"), Err(ScanFault::Silent { .. })));
    silent.join().unwrap();
    let (tell, told) = std::sync::mpsc::sync_channel::<()>(0);
    let (_folder, clamd, takes_nothing) = playing(patience, move |_connection| {
        let _ = told.recv();
    });
    assert!(matches!(of(&clamd, &vec![0; 16 << 20]), Err(ScanFault::Silent { .. })));
    drop(tell);
    takes_nothing.join().unwrap();
    let (_folder, clamd, drips) = playing(patience, |connection| while connection.write_all(b"x").is_ok() {});
    assert!(of(&clamd, b"bytes").is_err());
    drips.join().unwrap();
    // Nobody accepts, and somebody else has the one place in the queue.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clamd.ctl");
    let listener = socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None).unwrap();
    rustix::net::bind(&listener, &SocketAddrUnix::new(path.as_path()).unwrap()).unwrap();
    rustix::net::listen(&listener, 0).unwrap();
    let _other = UnixStream::connect(&path).unwrap();
    let clamd = Clamd::at(Place::Unix(path), patience);
    assert!(matches!(clamd.version(), Err(ScanFault::Silent { .. })));
    let nobody = Clamd::at(Place::Unix(folder.path().join("nobody")), patience);
    assert!(matches!(nobody.version(), Err(ScanFault::Unreachable { .. })));
}

#[test]
fn a_clamd_that_hangs_up_at_its_limit_is_understood_by_tcp_too() {
    const SAYS: &[u8] = b"INSTREAM size limit exceeded. ERROR\0";
    let (_folder, clamd, playing) = playing(LONG, |connection| {
        connection.read_exact(&mut [0; 100]).unwrap();
        connection.write_all(SAYS).unwrap();
    });
    assert!(matches!(of(&clamd, &vec![0; 16 << 20]), Err(ScanFault::TooLong)));
    playing.join().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let clamd = Clamd::at(Place::Loopback(listener.local_addr().unwrap()), LONG);
    let play = move |mut connection: TcpStream| {
        connection.read_exact(&mut [0; 100]).unwrap();
        connection.write_all(SAYS).unwrap();
    };
    let playing = thread::Builder::new().spawn(move || play(listener.accept().unwrap().0)).unwrap();
    let fault = of(&clamd, &vec![0; 64 << 20]).unwrap_err();
    assert!(matches!(fault, ScanFault::TooLong), "{fault}");
    playing.join().unwrap();
}

#[test]
fn what_it_says_before_it_hangs_up_never_makes_a_part_clean() {
    let (_folder, clamd, playing) = playing(LONG, |connection| {
        connection.read_exact(&mut [0; 100]).unwrap();
        connection.write_all(b"stream: OK\0").unwrap();
    });
    assert!(matches!(of(&clamd, &vec![0; 16 << 20]), Err(ScanFault::BrokeOff(_))));
    playing.join().unwrap();
}
