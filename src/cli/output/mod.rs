//! What every command prints with: one JSON document, or text for people.
//!
//! In:  an answer. Out: standard output, written once, when the answer is whole.
//! Holds: control characters never reach a terminal, whoever chose the name they are in; colour only on a terminal.

mod error;
mod text;

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

pub use error::{CliError, Exit};
pub use text::{Table, Text, Tone, moment};

/// Where a command's answer goes.
pub struct Output<'a> {
    into: Box<dyn Write + 'a>,
    colour: bool,
}

impl<'a> Output<'a> {
    /// Standard output; in colour if it is a terminal and nobody objects (`NO_COLOR`, `TERM=dumb`).
    #[expect(clippy::disallowed_methods, reason = "what the terminal is like is no setting of the service")]
    pub fn stdout() -> Output<'static> {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let stdout = io::stdout();
        let colour = stdout.is_terminal() && !refused && !dumb;
        Output { into: Box::new(stdout), colour }
    }

    /// Anywhere else, without colour.
    pub fn to(into: impl Write + 'a) -> Output<'a> {
        Output { into: Box::new(into), colour: false }
    }

    /// Prints the answer: the document as JSON if `json`, else what `text` writes.
    pub fn answer(
        &mut self,
        json: bool,
        document: &impl Serialize,
        text: impl FnOnce(&mut Text),
    ) -> Result<(), CliError> {
        let bytes = if json {
            let mut bytes = serde_json::to_vec(document).map_err(|error| CliError::printing(&error.into()))?;
            bytes.push(b'\n');
            bytes
        } else {
            let mut page = Text::new(self.colour);
            text(&mut page);
            page.into_string().into_bytes()
        };
        match self.into.write_all(&bytes).and_then(|()| self.into.flush()) {
            // Whoever reads has seen enough, as `head` has.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => written.map_err(|error| CliError::printing(&error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_one_document_and_text_is_not_printed_with_it() {
        let mut printed = Vec::new();
        let document = serde_json::json!({"a": 1});
        Output::to(&mut printed).answer(true, &document, |text| text.line("not this")).unwrap();
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&printed).unwrap(), document);
        let mut printed = Vec::new();
        Output::to(&mut printed).answer(false, &document, |text| text.line("this")).unwrap();
        assert_eq!(printed, b"this\n");
    }

    #[test]
    fn a_reader_that_went_away_is_no_error_and_a_full_disk_is() {
        struct Fails(io::ErrorKind);
        impl Write for Fails {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(self.0.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let answer = |kind| Output::to(Fails(kind)).answer(true, &1, |_| ());
        assert!(answer(io::ErrorKind::BrokenPipe).is_ok());
        assert_eq!(answer(io::ErrorKind::StorageFull).unwrap_err().exit, Exit::CouldNot);
    }
}
