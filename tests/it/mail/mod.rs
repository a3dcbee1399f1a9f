//! Mails in a drop folder: what is sealed in them is found, opened and delivered; what is doubtful is held.

mod alarms;
mod answers;
mod canary;
mod corpus;
mod faults;
mod mailbox;
mod sender;
mod sending;
mod several;
mod tokens;
