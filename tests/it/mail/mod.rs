//! Mails in a drop folder: what is sealed in them is found, opened and delivered; what is doubtful is held.

mod corpus;
mod mailbox;
mod sender;
