//! Mails in drop folders, Maildirs and mailboxes: what is sealed in them is found, opened and delivered; what is doubtful is held.

pub(crate) mod alarms;
mod answers;
mod canary;
mod corpus;
mod faults;
pub(crate) mod mailbox;
mod maildir;
mod sender;
mod sending;
mod several;
mod tokens;
