//! Derived copies: risk data once more, in the layout that a back office wants.
//!
//! In:  verified content, and a [`Part`] of it. Out: the copy as a part of its own, or its bytes.
//! Holds: nothing but the verified content and the layout decides the bytes, so that after a crash they are made again the
//! same; the original is another part, and untouched.

use std::io::{self, Seek, SeekFrom, Write};
use std::sync::Arc;

use super::identify::{Digesting, Part, archive_failure, open_archive, private_space};
use super::{Failure, Inbound};
use crate::catalogue::caseload_risk::derive;
use crate::domain::digest::Digester;
use crate::domain::{Consequence, HoldReason, RiskLayout};
use crate::durable::PrivateContent;

impl Inbound {
    /// The copy of a part as a part of its own, measured and not kept.
    pub(super) fn derived(
        &self,
        content: &mut PrivateContent,
        part: &Part,
        layout: &Arc<RiskLayout>,
    ) -> Result<Part, Failure> {
        let mut measured = Measured { digesting: Digesting { into: io::sink(), digester: Digester::new() }, bytes: 0 };
        self.derive_into(content, part.member, layout, &mut measured)?;
        Ok(Part {
            content: part.content,
            member: part.member,
            name: part.name.clone(),
            kind: part.kind,
            root: None,
            digest: measured.digesting.digester.finish(),
            bytes: measured.bytes,
            volumes: Vec::new(),
            derived: Some(layout.clone()),
        })
    }

    /// Writes the copy of the whole content, or of a member of the pack that it is.
    pub(super) fn derive_into(
        &self,
        content: &mut PrivateContent,
        member: Option<usize>,
        layout: &RiskLayout,
        into: &mut dyn Write,
    ) -> Result<(), Failure> {
        let header = self.terms.risk.as_ref().and_then(|risk| risk.header);
        let made = match member {
            None => {
                content.seek(SeekFrom::Start(0)).map_err(private_space)?;
                derive(content, layout, header, into)
            }
            Some(member) => {
                let mut scratch = self.spool.private_content();
                let mut pack = open_archive(content, &self.terms.archive)?;
                pack.extract(member, &mut scratch).map_err(|error| archive_failure(&error))?;
                scratch.seek(SeekFrom::Start(0)).map_err(private_space)?;
                derive(&mut scratch, layout, header, into)
            }
        };
        made.map_err(private_space)?.map(drop).map_err(|why| {
            let detail = format!("no derived copy: {}", why.says());
            Failure::of(Consequence::Hold(HoldReason::NoCopy { why }), detail)
        })
    }
}

struct Measured {
    digesting: Digesting<io::Sink>,
    bytes: u64,
}

impl Write for Measured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.digesting.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
