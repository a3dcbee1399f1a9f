//! A mailbox that is read by IMAP.
//!
//! In:  a server, an account, a folder. Out: the mails that lie there, their bytes piece by piece, and each moved away once
//! it is ours.
//! Holds: TLS, verified, before anything is said; a deadline on every wait; flags are neither looked at nor set, save for
//! the one that a move without MOVE needs; nothing is expunged but the one mail that was copied.
// RFC 9051, RFC 3501; RFC 6851 (MOVE), RFC 4315 (UIDPLUS), RFC 2177 (IDLE)

mod connection;
mod conversation;
mod news;
mod reading;
mod trouble;

use std::collections::HashSet;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_imap::Session;
use futures_util::FutureExt as _;
use secrecy::SecretString;
use tokio::runtime::{Builder, Runtime};

use crate::progress;

use connection::Stream;
use conversation::{ask, piece_of, size_of, uid_of};
use news::{ask_for_news, end_news, news};
pub use reading::MailBytes;
pub use trouble::MailboxError;
use trouble::{Doing, imap};

/// How often a wait looks whether it is to end.
const LOOK_UP: Duration = Duration::from_millis(500);

/// Longest wait for news: servers end what is silent for longer.
// RFC 2177: "at least every 29 minutes"
const WAIT_MAX: Duration = Duration::from_secs(25 * 60);

/// How many mails one look tells of; the others are told of when these are moved away.
const MAILS_MAX: usize = 100_000;

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
    /// Reads the password, or fetches the token, each time anew. An error of the kind `NotConnected` may pass.
    pub password: Box<dyn Fn() -> std::io::Result<SecretString> + Send + Sync>,
    /// Whether it is a token, and XOAUTH2 the way to log in.
    pub is_token: bool,
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
    /// Mails that are copied and could not be removed yet: a second copy helps nobody.
    copied: HashSet<u32>,
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
        Ok(Mailbox {
            server,
            runtime,
            session: Some(session),
            uid_validity,
            idle,
            moves,
            uid_plus,
            copied: HashSet::new(),
        })
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
        let mut mails = self.run(Doing::Look, async |session| {
            // A server may tell of new mail only after a command that gives it occasion to.
            imap(Doing::Look, session.noop().await)?;
            let mut mails = Vec::new();
            ask(session, Doing::Look, "UID FETCH 1:* (UID RFC822.SIZE)", |attributes| {
                if let (Some(uid), true) = (uid_of(attributes), mails.len() < MAILS_MAX) {
                    mails.push(Mail { uid, bytes: size_of(attributes).unwrap_or(0) });
                }
                Ok(())
            })
            .await?;
            Ok(mails)
        })?;
        mails.sort_unstable_by_key(|mail| mail.uid);
        mails.dedup_by_key(|mail| mail.uid);
        Ok(mails)
    }

    /// The bytes of a mail, read as they are asked for.
    pub fn read(&mut self, mail: Mail) -> MailBytes<'_> {
        MailBytes::new(self, mail)
    }

    /// A piece of a mail, empty behind its end. `None`: there is no such mail any more.
    fn piece(&mut self, uid: u32, from: u64, bytes: usize) -> Result<Option<Vec<u8>>, MailboxError> {
        self.run(Doing::Read, async move |session| {
            let mut piece: Option<Vec<u8>> = None;
            // PEEK: reading leaves no mark.
            let command = format!("UID FETCH {uid} (UID BODY.PEEK[]<{from}.{bytes}>)");
            ask(session, Doing::Read, &command, |attributes| {
                if uid_of(attributes) != Some(uid) {
                    return Ok(());
                }
                if let Some(told) = piece_of(attributes) {
                    let told = told.at(from).filter(|told| told.len() <= bytes && piece.is_none());
                    piece = Some(told.ok_or(MailboxError::not_understood(Doing::Read))?.to_vec());
                }
                Ok(())
            })
            .await?;
            Ok(piece)
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
            Err(refused @ MailboxError::Closed(_)) => {
                // The folder may not be there yet; if it is, what counts is why the move was refused.
                let processed = self.server.processed.clone();
                let make =
                    async move |session: &mut Session<Stream>| imap(Doing::Make, session.create(&processed).await);
                match self.run(Doing::Make, make) {
                    Ok(()) => self.move_away(uid),
                    Err(MailboxError::Closed(_)) => Err(refused),
                    Err(error) => Err(error),
                }
            }
            moved => moved,
        }
        .map(|()| Cleared::Moved)
    }

    fn move_away(&mut self, uid: u32) -> Result<(), MailboxError> {
        let (to, set) = (self.server.processed.clone(), uid.to_string());
        if self.moves {
            return self.run(Doing::Move, async move |session| imap(Doing::Move, session.uid_mv(&set, &to).await));
        }
        if !self.copied.contains(&uid) {
            self.run(Doing::Move, async move |session| imap(Doing::Move, session.uid_copy(&set, &to).await))?;
            self.copied.insert(uid);
        }
        self.run(Doing::Move, async move |session| {
            for command in [format!("UID STORE {uid} +FLAGS.SILENT (\\Deleted)"), format!("UID EXPUNGE {uid}")] {
                ask(session, Doing::Move, &command, |_| Ok(())).await?;
            }
            Ok(())
        })
    }

    /// Waits for news, at most so long, or until `stop`. Where the server tells none it only waits.
    pub fn wait(&mut self, at_most: Duration, stop: &dyn Fn() -> bool) -> Result<(), MailboxError> {
        let at_most = at_most.min(WAIT_MAX);
        let mut session = self.session.take().ok_or_else(MailboxError::gone)?;
        if !self.idle {
            self.session = Some(session);
            self.runtime.block_on(ends(at_most, stop));
            return Ok(());
        }
        let (runtime, server) = (&self.runtime, &self.server);
        let Some(ours) = within(runtime, server, Doing::Wait, ask_for_news(&mut session))? else {
            // It offers to tell, and does not: from now on looking has to do.
            tracing::info!(host = server.host, "{} tells no news of `{}`", server.host, server.folder);
            (self.idle, self.session) = (false, Some(session));
            return Ok(());
        };
        let told = runtime.block_on(async {
            tokio::select! {
                told = AssertUnwindSafe(news(&mut session)).catch_unwind() => told,
                () = ends(at_most, stop) => Ok(Ok(())),
            }
        });
        told.map_err(|_| MailboxError::not_understood(Doing::Wait))??;
        within(runtime, server, Doing::Wait, end_news(&mut session, &ours))?;
        self.session = Some(session);
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
        progress::made();
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
    let _answer = progress::quiet(server.deadline);
    let late = || {
        let seconds = server.deadline.as_secs();
        MailboxError::Unreachable(format!("{} did not answer within {seconds} s when {doing}", server.host))
    };
    // The library panics at some answers that no server should give: that costs the conversation, not the service.
    let guarded =
        runtime.block_on(async { AssertUnwindSafe(tokio::time::timeout(server.deadline, work)).catch_unwind().await });
    match guarded {
        Ok(in_time) => in_time.unwrap_or_else(|_| Err(late())),
        Err(_) => Err(MailboxError::not_understood(doing)),
    }
}
