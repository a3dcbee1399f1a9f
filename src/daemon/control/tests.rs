//! The socket's two ends: who listens and who does not, peers that are slow, and what becomes of a panic.

use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::thread;

use jiff::Timestamp;

use super::*;
use crate::config::settings::Roles;
use crate::daemon::health::Health;
use crate::daemon::stop::Stop;
use crate::domain::timetable::InForce;
use crate::effects::accounts::MachineAccounts;
use crate::effects::clock::MachineClock;
use crate::effects::pgp::KeyRing;
use crate::effects::spool::Spool;
use crate::operator::{KeyOrder, Operator, OwnKeyAlgorithm, People};
use crate::sandbox::Confinement;
use crate::store::{Change, RecordError, Recorded, Recorder, SqliteStore};

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

#[test]
fn a_peer_that_goes_on_slowly_for_ever_is_given_up() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    thread::scope(|scope| {
        // Never silent for as long as one wait would last, and never done.
        let dribbling = scope.spawn(move || while (&theirs).write_all(b"x").is_ok() {});
        let mut line = Vec::new();
        let read = BufReader::with_capacity(1, Hurried::within(&ours, Duration::from_millis(50)));
        let error = read.take(u64::MAX).read_until(b'\n', &mut line).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(ours);
        dribbling.join().unwrap();
    });
    let (ours, _unread) = UnixStream::pair().unwrap();
    let error = Hurried::within(&ours, Duration::from_millis(50)).write_all(&vec![0; 16 << 20]).unwrap_err();
    assert!(matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock), "{error:?}");
}

/// Reading commands of a made-up command line: `panic` panics, anything else is printed.
struct Echo;

impl Reading for Echo {
    fn looks(&self, args: &[String]) -> Result<Look, Page> {
        if args.is_empty() { Err(Page { exit: 2, ..Page::default() }) } else { Ok(Look::Work) }
    }

    fn answer(&self, args: &[String], _: Asker) -> Page {
        assert_ne!(args[0], "panic", "as it was told");
        Page { exit: 1, printed: args.concat().into_bytes(), says: "said besides".to_owned() }
    }
}

/// A store that cannot be written without a panic.
struct Panics;

impl Recorder for Panics {
    fn record(&self, _: Change) -> Result<Recorded, RecordError> {
        panic!("as it was told")
    }

    fn rewrite(&self) -> Result<(), RecordError> {
        panic!("as it was told")
    }
}

/// What happens while a control socket on a real store is answered, and how the answering ended: once it is told to, or with
/// this recorder by itself.
fn listening(recorder: Option<Arc<dyn Recorder>>, asks: impl FnOnce(&Path)) -> io::Result<()> {
    let by_itself = recorder.is_some();
    let state = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(state.path()).unwrap();
    let own = rustix::process::getuid().as_raw();
    let operator = Operator {
        recorder: recorder.unwrap_or_else(|| Arc::new(store.recorder())),
        queries: Arc::new(store.queries()),
        spool: Arc::new(Spool::open(state.path()).unwrap()),
        keys: Arc::new(KeyRing::at(state.path())),
        policy: None,
        clock: Arc::new(MachineClock),
        timetables: InForce::default(),
        people: Arc::new(People::new(Roles::default(), Arc::new(MachineAccounts), own)),
        checkpoints: None,
    };
    let (socket, stop) = (socket_path(state.path()), Arc::new(Stop::default()));
    let desk = Desk {
        socket: socket.clone(),
        is_open: false,
        operator: Arc::new(operator),
        health: Arc::new(Health::new(Timestamp::UNIX_EPOCH, Confinement::default())),
        stop: stop.clone(),
        reading: Arc::new(Echo),
        ordered: Box::new(|| ()),
    };
    let control = Control::listen(desk).unwrap();
    let door = control.door();
    thread::scope(|scope| {
        let running = scope.spawn(|| control.run());
        asks(&socket);
        if !by_itself {
            stop.request();
            door.close();
        }
        running.join().unwrap()
    })
}

fn reads(socket: &Path, word: &str) -> Page {
    read_at(socket, vec![word.to_owned()]).unwrap().unwrap().unwrap()
}

#[test]
fn what_was_read_comes_whole_and_a_panic_over_it_is_an_answer() {
    let ended = listening(None, |socket| {
        // Longer than any buffer on the way.
        let long = "x".repeat(5 << 20);
        let page = reads(socket, &long);
        assert_eq!((page.exit, page.says.as_str(), page.printed.len()), (1, "said besides", long.len()));
        let page = reads(socket, "panic");
        assert!(page.exit == 3 && page.printed.is_empty() && page.says.contains("which goes on"), "{page:?}");
        assert_eq!(reads(socket, "still there").printed, b"still there");
        assert_eq!(read_at(socket, Vec::new()).unwrap().unwrap().unwrap().exit, 2);
    });
    assert!(ended.is_ok(), "{ended:?}");
}

#[test]
fn a_panic_while_an_order_is_carried_out_ends_the_service() {
    let ended = listening(Some(Arc::new(Panics)), |socket| {
        let user_id = "council".to_owned();
        let order = Order::Keys(KeyOrder::Generate { algorithm: OwnKeyAlgorithm::Curve25519, user_id });
        let answer = ask_at(socket, &Request::Order { order });
        assert!(answer.is_err(), "{answer:?}");
    });
    assert!(ended.unwrap_err().to_string().contains("panicked"));
}

#[test]
fn it_ends_when_it_is_told_to_although_its_socket_is_gone() {
    let ended = listening(None, |socket| {
        assert_eq!(reads(socket, "it listens").printed, b"it listens");
        std::fs::remove_file(socket).unwrap();
    });
    assert!(ended.is_ok(), "{ended:?}");
}

#[test]
fn a_second_service_does_not_take_the_socket_of_the_first() {
    let ended = listening(None, |socket| {
        let error = server::bind(socket, true).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse, "{error}");
        assert_eq!(reads(socket, "still there").printed, b"still there");
    });
    assert!(ended.is_ok(), "{ended:?}");
}
