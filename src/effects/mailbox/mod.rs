//! A mailbox that is read by IMAP.
//!
//! In:  a server, an account, a folder. Out: the mails that lie there, their bytes piece by piece, and each moved away once
//! it is ours.
//! Holds: TLS, verified, before anything is said; a deadline on every wait; flags are neither looked at nor set, save for
//! the one that a move without MOVE needs; nothing is expunged but the one mail that was copied.
// RFC 9051, RFC 3501; RFC 6851 (MOVE), RFC 4315 (UIDPLUS), RFC 2177 (IDLE)

mod connection;
mod reading;
mod trouble;

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_imap::Session;
use async_imap::extensions::idle::IdleResponse;
use futures_util::TryStreamExt;
use secrecy::SecretString;
use tokio::runtime::{Builder, Runtime};

use connection::Stream;
pub use reading::MailBytes;
pub use trouble::MailboxError;
use trouble::{Doing, imap};

/// How often a wait looks whether it is to end.
const LOOK_UP: Duration = Duration::from_millis(500);

/// When TLS begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// With the connection.
    Implicit,
    /// By STARTTLS, required.
    Starttls,
}

/// A server, an account on it, and two of its folders.
pub struct ImapServer {
    /// Host name, also the name its certificate must bear.
    pub host: String,
    /// Port.
    pub port: u16,
    /// When TLS begins.
    pub tls: Tls,
    /// PEM file of the only authority that counts; the system's if `None`.
    pub ca_file: Option<PathBuf>,
    /// Whom to log in as.
    pub account: String,
    /// Reads the password, each time anew.
    pub password: Box<dyn Fn() -> std::io::Result<SecretString> + Send + Sync>,
    /// The folder in which mail arrives.
    pub folder: String,
    /// The folder into which mail goes that is ours; made if it is not there.
    pub processed: String,
    /// How long any answer may take.
    pub deadline: Duration,
}

/// A mail that lies in the folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Its number, for as long as [`Mailbox::uid_validity`] stays the same.
    pub uid: u32,
    /// Its length as the server tells it.
    pub bytes: u64,
}

/// What became of a mail that was to be moved away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cleared {
    /// It lies in the other folder now, or somebody else has moved it.
    Moved,
    /// The server offers no way to move just this one, so it stays.
    Left,
}

/// A folder that is open.
pub struct Mailbox {
    server: Arc<ImapServer>,
    runtime: Runtime,
    /// `None` once a wait or a command was broken off: whatever the server says then is no answer to us.
    session: Option<Session<Stream>>,
    uid_validity: u32,
    idle: bool,
    moves: bool,
    uid_plus: bool,
}

impl Mailbox {
    /// Connects, logs in, and opens the folder.
    pub fn open(server: Arc<ImapServer>) -> Result<Mailbox, MailboxError> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| MailboxError::Unreachable(format!("no runtime for it: {error}")))?;
        let mut session = within(&runtime, &server, Doing::Connect, connection::log_in(&server))?;
        let can = within(&runtime, &server, Doing::LogIn, async { imap(Doing::LogIn, session.capabilities().await) })?;
        let select = async { imap(Doing::Select, session.select(&server.folder).await) };
        let selected = within(&runtime, &server, Doing::Select, select)?;
        let uid_validity = selected.uid_validity.ok_or_else(|| {
            MailboxError::Closed(format!(
                "{} keeps no UIDs in `{}`, so nothing can be told apart",
                server.host, server.folder
            ))
        })?;
        let (idle, moves, uid_plus) = (can.has_str("IDLE"), can.has_str("MOVE"), can.has_str("UIDPLUS"));
        Ok(Mailbox { server, runtime, session: Some(session), uid_validity, idle, moves, uid_plus })
    }

    /// Tells this folder's numbers from those it may give later.
    // RFC 9051 §2.3.1.1
    pub fn uid_validity(&self) -> u32 {
        self.uid_validity
    }

    /// Whether news are told as they come, so that looking is only for what was missed.
    pub fn tells_news(&self) -> bool {
        self.idle
    }

    /// The mails in the folder, by number.
    pub fn look(&mut self) -> Result<Vec<Mail>, MailboxError> {
        let mut mails: Vec<Mail> = self.run(Doing::Look, async |session| {
            // A server may tell of new mail only after a command that gives it occasion to.
            imap(Doing::Look, session.noop().await)?;
            let fetched = imap(Doing::Look, session.uid_fetch("1:*", "(UID RFC822.SIZE)").await)?;
            let mail = |fetch: async_imap::types::Fetch| {
                Some(Mail { uid: fetch.uid?, bytes: fetch.size.map_or(0, u64::from) })
            };
            let all: Vec<_> = imap(Doing::Look, fetched.try_collect().await)?;
            Ok(all.into_iter().filter_map(mail).collect())
        })?;
        mails.sort_unstable_by_key(|mail| mail.uid);
        Ok(mails)
    }

    /// The bytes of a mail, read as they are asked for.
    pub fn read(&mut self, mail: Mail) -> MailBytes<'_> {
        MailBytes::new(self, mail)
    }

    /// A piece of a mail. `None`: there is no such mail any more.
    fn piece(&mut self, uid: u32, from: u64, bytes: usize) -> Result<Option<Vec<u8>>, MailboxError> {
        self.run(Doing::Read, async move |session| {
            // PEEK: reading leaves no mark.
            let query = format!("BODY.PEEK[]<{from}.{bytes}>");
            let fetched = imap(Doing::Read, session.uid_fetch(uid.to_string(), query).await)?;
            let all: Vec<_> = imap(Doing::Read, fetched.try_collect().await)?;
            let ours = all.iter().find(|fetch| fetch.uid == Some(uid));
            Ok(ours.and_then(|fetch| fetch.body()).map(<[u8]>::to_vec))
        })
    }

    /// Whether the server offers a way to move one mail and no other.
    pub fn can_clear(&self) -> bool {
        self.moves || self.uid_plus
    }

    /// Moves a mail away, and nothing else.
    pub fn clear(&mut self, uid: u32) -> Result<Cleared, MailboxError> {
        if !self.can_clear() {
            return Ok(Cleared::Left);
        }
        match self.move_away(uid) {
            Err(MailboxError::Closed(_)) => {
                // The folder may not be there yet.
                let processed = self.server.processed.clone();
                self.run(Doing::Make, async move |session| imap(Doing::Make, session.create(&processed).await))?;
                self.move_away(uid)
            }
            moved => moved,
        }
        .map(|()| Cleared::Moved)
    }

    fn move_away(&mut self, uid: u32) -> Result<(), MailboxError> {
        let (moves, to, uid) = (self.moves, self.server.processed.clone(), uid.to_string());
        self.run(Doing::Move, async move |session| {
            if moves {
                return imap(Doing::Move, session.uid_mv(&uid, &to).await);
            }
            imap(Doing::Move, session.uid_copy(&uid, &to).await)?;
            let stored = imap(Doing::Move, session.uid_store(&uid, "+FLAGS.SILENT (\\Deleted)").await)?;
            imap(Doing::Move, stored.try_collect::<Vec<_>>().await)?;
            let expunged = imap(Doing::Move, session.uid_expunge(&uid).await)?;
            imap(Doing::Move, expunged.try_collect::<Vec<_>>().await).map(drop)
        })
    }

    /// Waits for news, at most so long, or until `stop`. Where the server tells none it only waits.
    pub fn wait(&mut self, at_most: Duration, stop: &dyn Fn() -> bool) -> Result<(), MailboxError> {
        let session = self.session.take().ok_or_else(MailboxError::gone)?;
        let (runtime, server) = (&self.runtime, &self.server);
        if !self.idle {
            self.session = Some(session);
            runtime.block_on(ends(at_most, stop));
            return Ok(());
        }
        let mut handle = session.idle();
        within(runtime, server, Doing::Wait, async { imap(Doing::Wait, handle.init().await) })?;
        let (news, interrupt) = handle.wait_with_timeout(at_most);
        let waited = runtime.block_on(async {
            tokio::select! {
                news = news => Some(news),
                () = ends(at_most, stop) => None,
            }
        });
        drop(interrupt);
        match waited.transpose() {
            Ok(Some(IdleResponse::ManualInterrupt)) => return Err(MailboxError::gone()),
            Ok(_) => {}
            Err(error) => return imap(Doing::Wait, Err(error)),
        }
        self.session = Some(within(runtime, server, Doing::Wait, async { imap(Doing::Wait, handle.done().await) })?);
        Ok(())
    }

    /// Leaves again.
    pub fn close(mut self) {
        let _ = self.run(Doing::Wait, async |session| imap(Doing::Wait, session.logout().await));
    }

    fn run<T>(
        &mut self,
        doing: Doing,
        work: impl AsyncFnOnce(&mut Session<Stream>) -> Result<T, MailboxError>,
    ) -> Result<T, MailboxError> {
        let mut session = self.session.take().ok_or_else(MailboxError::gone)?;
        let done = within(&self.runtime, &self.server, doing, work(&mut session));
        // After a refusal the conversation goes on; after anything else it is over.
        if matches!(done, Ok(_) | Err(MailboxError::Closed(_))) {
            self.session = Some(session);
        }
        done
    }
}

async fn ends(at_most: Duration, stop: &dyn Fn() -> bool) {
    let mut left = at_most;
    while !stop() && !left.is_zero() {
        let now = left.min(LOOK_UP);
        tokio::time::sleep(now).await;
        left -= now;
    }
}

fn within<T>(
    runtime: &Runtime,
    server: &ImapServer,
    doing: Doing,
    work: impl Future<Output = Result<T, MailboxError>>,
) -> Result<T, MailboxError> {
    let late = || {
        let seconds = server.deadline.as_secs();
        MailboxError::Unreachable(format!("{} did not answer within {seconds} s when {doing}", server.host))
    };
    runtime.block_on(async { tokio::time::timeout(server.deadline, work).await }).unwrap_or_else(|_| Err(late()))
}
