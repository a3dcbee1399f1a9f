//! Answering: a thread for each connection, as many as there are places.
//!
//! Holds: a peer that says nothing, or reads nothing, uses its own place for its time and nobody else's; a panic while
//! something is read is an answer, and one while an order is carried out ends the service.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{Answer, Asker, PATIENCE, Page, REQUEST_BYTES_MAX, Reading, Request};
use super::{Hurried, Seat, Seats, Strangers};
use crate::daemon::health::Health;
use crate::daemon::stop::{Busy, Stop};
use crate::effects::thread;
use crate::operator::{Denial, Look, Operator, Order, Person};
use crate::progress;

/// Connections at once: of all other accounts, of one of these, and of root and the service's own account besides.
const CONNECTIONS_MAX: (usize, usize, usize) = (16, 4, 16);
/// Reading commands at once, in the same order: each may use much memory.
const READINGS_MAX: (usize, usize, usize) = (8, 2, 4);
/// How long a peer may take to receive what was read.
const PAGE_PATIENCE: Duration = Duration::from_secs(30);
/// How long to rest where no connection can be taken at all, such as for want of file descriptors.
const REST: Duration = Duration::from_millis(100);

/// Whoever answers.
pub struct Desk {
    /// Where it listens.
    pub socket: PathBuf,
    /// Whether everybody may connect; otherwise the service's own account and root.
    pub is_open: bool,
    /// Carries out orders, and knows who may give them.
    pub operator: Arc<Operator>,
    /// How the service is.
    pub health: Arc<Health>,
    /// Whether it is to stop.
    pub stop: Arc<Stop>,
    /// Carries out reading commands.
    pub reading: Arc<dyn Reading>,
    /// Called after an order was carried out.
    pub ordered: Box<dyn Fn() + Send + Sync>,
}

/// Where connections come in. Closed, it wakes whoever waits for one, whether its file is still there or not.
#[derive(Clone)]
pub struct Door(Arc<UnixListener>);

impl Door {
    /// Lets nobody in any more.
    pub fn close(&self) {
        if let Err(error) = rustix::net::shutdown(&*self.0, rustix::net::Shutdown::Both) {
            tracing::error!(%error, "The control socket could not be closed: {error}");
        }
    }
}

/// Answers commands.
pub struct Control {
    at: Arc<AtWork>,
}

struct AtWork {
    desk: Desk,
    door: Door,
    connections: Arc<Seats>,
    readings: Arc<Seats>,
    strangers: Strangers,
    /// Orders are carried out one after the other.
    order: Mutex<()>,
    broken: AtomicBool,
}

impl Control {
    /// Listens. The caller holds the instance lock.
    pub fn listen(desk: Desk) -> io::Result<Control> {
        let door = Door(Arc::new(bind(&desk.socket, desk.is_open)?));
        let seats = |(others, each, own)| Seats::new(others, each, own);
        let at = AtWork {
            desk,
            door,
            connections: seats(CONNECTIONS_MAX),
            readings: seats(READINGS_MAX),
            strangers: Strangers::default(),
            order: Mutex::default(),
            broken: AtomicBool::new(false),
        };
        Ok(Control { at: Arc::new(at) })
    }

    /// What is closed once it is to stop.
    pub fn door(&self) -> Door {
        self.at.door.clone()
    }

    /// Answers until told to stop and its door is closed.
    pub fn run(&self) -> io::Result<()> {
        let _rest = progress::rest();
        for stream in self.at.door.0.incoming() {
            if self.at.desk.stop.is_requested() {
                break;
            }
            if self.at.broken.load(Ordering::SeqCst) {
                return Err(io::Error::other("carrying out a command panicked"));
            }
            // One asker's trouble is its own.
            if let Err(error) = stream.and_then(|stream| self.receive(stream)) {
                tracing::debug!(%error, "A command's connection ended early: {error}");
                self.at.connections.pause(REST);
            }
        }
        Ok(())
    }

    fn receive(&self, stream: UnixStream) -> io::Result<()> {
        let uid = rustix::net::sockopt::socket_peercred(&stream)?.uid.as_raw();
        let is_own = self.at.desk.operator.people.is_anybody_with_sudo(uid);
        let Some(seat) = self.at.connections.take(uid, is_own, Duration::ZERO) else {
            // A few bytes into an empty buffer: they wait for nobody.
            stream.set_nonblocking(true)?;
            return match (&stream).write_all(&line_of(&Answer::Busy)?) {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
                written => written,
            };
        };
        let at = self.at.clone();
        thread::begin("command".to_owned(), move || at.serve_out(&stream, uid, seat))
    }
}

/// Makes the socket. What a dead service left is taken away; what is anybody else's is not.
pub(in crate::daemon) fn bind(path: &Path, is_open: bool) -> io::Result<UnixListener> {
    match path.symlink_metadata() {
        Ok(there) if !there.file_type().is_socket() => {
            let says = format!("{} is there and is no socket", path.display());
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, says));
        }
        Ok(_) if UnixStream::connect(path).is_ok() => {
            let says = format!("another service listens at {}", path.display());
            return Err(io::Error::new(io::ErrorKind::AddrInUse, says));
        }
        Ok(_) => std::fs::remove_file(path)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let listener = UnixListener::bind(path)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
    // Until here the umask has kept others out: connecting takes the right to write.
    let mode = if is_open { 0o666 } else { 0o600 };
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
    Ok(listener)
}

impl AtWork {
    fn serve_out(&self, stream: &UnixStream, uid: u32, seat: Seat) {
        match catch_unwind(AssertUnwindSafe(|| self.serve(stream, uid))) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "A command's connection ended early: {error}"),
            Err(_) => {
                self.broken.store(true, Ordering::SeqCst);
                self.door.close();
            }
        }
        drop(seat);
    }

    fn serve(&self, stream: &UnixStream, uid: u32) -> io::Result<()> {
        let mut line = Vec::new();
        let request = Hurried::within(stream, PATIENCE).take(REQUEST_BYTES_MAX);
        BufReader::new(request).read_until(b'\n', &mut line)?;
        let reply = match serde_json::from_slice(&line) {
            Ok(request) => self.answer(uid, request),
            Err(error) => Reply::of(refused(format!("the request was not understood: {error}"), false)),
        };
        drop(line);
        let mut hurried = Hurried::within(stream, reply.patience());
        hurried.write_all(&line_of(&reply.answer)?)?;
        hurried.write_all(&reply.printed)
    }

    fn answer(&self, uid: u32, request: Request) -> Reply<'_> {
        let person = match self.desk.operator.people.who(uid) {
            Ok(person) => person,
            Err(unknown) => return Reply::of(refused(unknown.to_string(), false)),
        };
        let asked = match &request {
            Request::Status | Request::Read { .. } => Look::Work.word(),
            Request::Order { order } => order.word(),
        };
        // Who has no role is told so whatever it is, and cannot fill the ledger by asking.
        if let Some(denial) = self.desk.operator.denies(&person, Look::Work) {
            return Reply::of(self.turn_away(&person, asked, &denial));
        }
        match request {
            Request::Status => Reply::of(Answer::Status { status: self.desk.health.status(&self.desk.stop) }),
            Request::Order { order } => self.carry_out(&person, &order),
            Request::Read { args } => self.read(&person, &args),
        }
    }

    fn carry_out(&self, person: &Person, order: &Order) -> Reply<'_> {
        let Some(busy) = self.desk.stop.begin("an order") else {
            return Reply::of(refused("the service is stopping; give it again once it runs".to_owned(), false));
        };
        let one_at_a_time = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        let done = self.desk.operator.execute(&person.actor(), order);
        drop(one_at_a_time);
        let answer = match done {
            Ok(done) => {
                (self.desk.ordered)();
                Answer::Done { done }
            }
            Err(error) => refused(error.to_string(), error.is_recorded()),
        };
        Reply { _busy: Some(busy), ..Reply::of(answer) }
    }

    fn read(&self, person: &Person, args: &[String]) -> Reply<'_> {
        let look = match self.desk.reading.looks(args) {
            Ok(look) => look,
            Err(page) => return Reply::printing(page, None),
        };
        if let Some(denial) = self.desk.operator.denies(person, look) {
            return Reply::of(self.turn_away(person, look.word(), &denial));
        }
        let is_own = self.desk.operator.people.is_anybody_with_sudo(person.uid);
        let Some(seat) = self.readings.take(person.uid, is_own, PATIENCE) else { return Reply::of(Answer::Busy) };
        Reply::printing(self.page(person, args), Some(seat))
    }

    fn page(&self, person: &Person, args: &[String]) -> Page {
        let asker = Asker { uid: person.uid, status: self.desk.health.status(&self.desk.stop) };
        catch_unwind(AssertUnwindSafe(|| self.desk.reading.answer(args, asker))).unwrap_or_else(|_| {
            let says = "The command failed within the service, which goes on.\nNext: Report it with the service's log.";
            Page { exit: 3, printed: Vec::new(), says: says.to_owned() }
        })
    }

    /// Refuses what was asked, and records that unless this account was refused a moment ago.
    fn turn_away(&self, person: &Person, asked: &str, denial: &Denial) -> Answer {
        let is_news = self.strangers.is_news(person.uid, Instant::now());
        let recorded = is_news && {
            let recorded = self.desk.operator.record_denial(person, asked, denial);
            recorded.inspect_err(|error| tracing::error!(%error, "A refusal could not be recorded: {error}")).is_ok()
        };
        refused(denial.to_string(), recorded)
    }
}

/// What is answered, and what is held until it has been.
struct Reply<'a> {
    answer: Answer,
    printed: Vec<u8>,
    _seat: Option<Seat>,
    _busy: Option<Busy<'a>>,
}

impl Reply<'_> {
    fn of(answer: Answer) -> Self {
        Reply { answer, printed: Vec::new(), _seat: None, _busy: None }
    }

    fn printing(page: Page, seat: Option<Seat>) -> Self {
        let Page { exit, printed, says } = page;
        Reply { answer: Answer::Read { exit, bytes: printed.len(), says }, printed, _seat: seat, _busy: None }
    }

    fn patience(&self) -> Duration {
        if self.printed.is_empty() { PATIENCE } else { PAGE_PATIENCE }
    }
}

fn refused(says: String, recorded: bool) -> Answer {
    Answer::Refused { says, recorded }
}

fn line_of(answer: &Answer) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(answer).map_err(io::Error::other)?;
    line.push(b'\n');
    Ok(line)
}
