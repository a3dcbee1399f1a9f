//! The files beside the ledger's key, each written whole and to last.

use std::io::{self, ErrorKind, Read, Write};

use crate::domain::checkpoint::{NOTE_BYTES_MAX, Vkey};
use crate::durable::{Directory, step, synced};

pub(super) const SECRET_MODE: u32 = 0o600;
const PUBLIC_MODE: u32 = 0o644;
const HEAD: &str = "ledger.head";
const VKEY: &str = "ledger.vkey";

/// The note that was signed last; `None` before the first.
pub(super) fn read_head(folder: &Directory) -> io::Result<Option<String>> {
    read(folder, HEAD)
}

/// From here on this is what was signed last.
pub(super) fn remember(folder: &Directory, note: &str) -> io::Result<()> {
    let part = write(folder, HEAD, note, SECRET_MODE)?;
    step("checkpoint.head-written")?;
    folder.replace(&part, HEAD)?;
    step("checkpoint.head-named")?;
    synced("sync.checkpoint.head-directory", || folder.sync())?;
    step("checkpoint.head-synced")
}

/// Lays the public half there, unless it lies there.
pub(super) fn publish_vkey(folder: &Directory, vkey: &Vkey) -> io::Result<()> {
    let line = format!("{vkey}\n");
    if read(folder, VKEY)?.as_ref() == Some(&line) {
        return Ok(());
    }
    let part = write(folder, VKEY, &line, PUBLIC_MODE)?;
    folder.replace(&part, VKEY)?;
    folder.sync()
}

/// The public half that lies there.
pub(super) fn read_vkey(folder: &Directory) -> io::Result<String> {
    read(folder, VKEY)?.ok_or_else(|| ErrorKind::NotFound.into())
}

/// A file that nothing had this name before.
pub(super) fn put_new(folder: &Directory, name: &str, text: &str, mode: u32) -> io::Result<()> {
    let part = write(folder, name, text, mode)?;
    folder.publish(&part, folder, name)?;
    folder.sync()
}

fn write(folder: &Directory, name: &str, text: &str, mode: u32) -> io::Result<String> {
    let part = format!(".{name}.part");
    folder.remove(&part)?;
    let mut file = folder.create(&part)?;
    file.write_all(text.as_bytes())?;
    file.set_mode(mode)?;
    synced("sync.checkpoint.head-file", || file.sync_all())?;
    Ok(part)
}

fn read(folder: &Directory, name: &str) -> io::Result<Option<String>> {
    let file = match folder.open_file(name) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let mut text = String::new();
    file.take(NOTE_BYTES_MAX as u64 + 1).read_to_string(&mut text)?;
    Ok(Some(text))
}
