//! Drop folders: where a partner leaves files for us.
