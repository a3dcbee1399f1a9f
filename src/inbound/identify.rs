//! Identifying: what the content is, and what its parts are if it is a pack.
//!
//! In:  [`Opened`] content. Out: [`Recognised`]: every part with its kind, and every LA number plainly named.
//! Holds: one bad member stops the whole pack; sizes in archive headers are never believed.

use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::sync::Arc;

use super::open::Opened;
use super::release::unless_waived;
use super::{Failure, Inbound};
use crate::catalogue::caseload_risk::{self, RowFinding};
use crate::catalogue::hbms_pack::referrals;
use crate::catalogue::{Archive, ArchiveError, Identified, Severity, archive, authority_in_name, identify};
use crate::domain::digest::Digester;
use crate::domain::reason::Unsound;
use crate::domain::{
    Consequence, ConsignmentId, DeferCause, Digest, FileKind, HoldReason, LaNumber, RiskLayout, VolumeOf, Waiver,
    XmlRoot,
};
use crate::durable::PrivateContent;

/// Contents whose parts are known: one, or several of one mail.
pub(super) struct Recognised {
    pub opened: Vec<Opened>,
    pub parts: Vec<Part>,
    /// Of each of the contents, the LA numbers that it plainly names.
    pub named: Vec<Named>,
}

/// The LA numbers that one content plainly names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Named {
    /// Within the seal: in the content, or in a name that was sealed with it.
    pub sealed: Vec<LaNumber>,
    /// In a name outside, which anybody could have given it.
    pub outer: Vec<LaNumber>,
}

/// One file to be delivered.
pub(super) struct Part {
    /// In which of the contents it is.
    pub content: usize,
    /// Its place in the pack; `None` if it is the whole content.
    pub member: Option<usize>,
    /// The name the sender gave it, if any.
    pub name: Option<String>,
    pub kind: FileKind,
    /// Of XML, its root element.
    pub root: Option<XmlRoot>,
    pub digest: Digest,
    pub bytes: u64,
    /// How much of what is in it.
    pub volumes: Vec<(VolumeOf, Option<u64>)>,
    /// It is no file that was sent, but a copy of one in this layout.
    pub derived: Option<Arc<RiskLayout>>,
}

impl Inbound {
    /// `outer` is the name at the source, without its OpenPGP ending.
    pub(super) fn identify(
        &self,
        transfer: ConsignmentId,
        mut opened: Vec<Opened>,
        outer: Option<&str>,
        waived: Option<&Waiver>,
    ) -> Result<Recognised, Failure> {
        let (mut parts, mut named) = (Vec::new(), Vec::new());
        for (content, opened) in opened.iter_mut().enumerate() {
            let (within, of_one) = self.identify_one(transfer, opened, outer, waived)?;
            parts.extend(within.into_iter().map(|part| Part { content, ..part }));
            named.push(of_one);
        }
        Ok(Recognised { opened, parts, named })
    }

    fn identify_one(
        &self,
        transfer: ConsignmentId,
        opened: &mut Opened,
        source_name: Option<&str>,
        waived: Option<&Waiver>,
    ) -> Result<(Vec<Part>, Named), Failure> {
        let inner = opened.verdict.file_name.clone().filter(|name| !name.is_empty());
        let outer = opened.outer_name.clone().or(source_name.map(str::to_owned));
        let mut named =
            Named { sealed: Vec::new(), outer: outer.as_deref().and_then(authority_in_name).into_iter().collect() };
        let name = inner.clone().or(outer);
        let found = self.look_at(name.as_deref(), &mut opened.content)?;
        named.sealed = match inner {
            None if !named.outer.is_empty() => self.look_at(None, &mut opened.content)?.authorities,
            _ => found.authorities.clone(),
        };
        let packed = found.kind == FileKind::HbmsPack && is_zip(&mut opened.content)?;
        if packed {
            let members = self.members(transfer, &mut opened.content, &mut named.sealed, waived)?;
            return Ok((members, named));
        }
        sound(&found, waived)?;
        log_warnings(transfer, None, &found);
        let volumes = self.volumes(name.as_deref(), found.kind, &mut opened.content)?;
        let (digest, bytes) = (opened.verdict.content, opened.verdict.bytes);
        Ok((
            vec![Part {
                content: 0,
                member: None,
                name,
                kind: found.kind,
                root: found.root,
                digest,
                bytes,
                volumes,
                derived: None,
            }],
            named,
        ))
    }

    fn members(
        &self,
        transfer: ConsignmentId,
        content: &mut PrivateContent,
        authorities: &mut Vec<LaNumber>,
        waived: Option<&Waiver>,
    ) -> Result<Vec<Part>, Failure> {
        let mut pack = open_archive(content, &self.terms.archive)?;
        let names: Vec<String> = pack.members().iter().map(|member| member.name.clone()).collect();
        let mut parts = Vec::with_capacity(names.len());
        for (member, name) in names.into_iter().enumerate() {
            let mut scratch = self.spool.private_content();
            let mut digesting = Digesting { into: &mut scratch, digester: Digester::new() };
            let bytes = pack.extract(member, &mut digesting).map_err(|error| archive_failure(&error))?;
            let digest = digesting.digester.finish();
            let found = self.look_at(Some(&name), &mut scratch)?;
            authorities.extend(found.authorities.iter().cloned());
            let kind = match found.kind {
                FileKind::CaseloadRisk | FileKind::HbmsMi => found.kind,
                // Whatever else lies in a recognised pack belongs to it.
                _ => FileKind::HbmsPack,
            };
            // What belongs to the pack and is no kind of its own may be anything.
            if kind != FileKind::HbmsPack {
                sound(&found, waived)?;
            }
            log_warnings(transfer, Some(member), &found);
            let volumes = self.volumes(Some(&name), kind, &mut scratch)?;
            let root = found.root;
            parts.push(Part {
                content: 0,
                member: Some(member),
                name: Some(name),
                kind,
                root,
                digest,
                bytes,
                volumes,
                derived: None,
            });
        }
        if parts.is_empty() {
            let hold = HoldReason::Malformed { unsound: Unsound::Broken };
            return Err(Failure::of(Consequence::Hold(hold), "the pack has no members"));
        }
        Ok(parts)
    }

    fn volumes(
        &self,
        name: Option<&str>,
        kind: FileKind,
        content: &mut PrivateContent,
    ) -> Result<Vec<(VolumeOf, Option<u64>)>, Failure> {
        match (kind, name) {
            (FileKind::HbmsPack, Some(name)) => {
                let found = referrals(name, &mut BufReader::new(content)).map_err(private_space)?;
                Ok(found.by_rule.into_iter().map(|(rule, count)| (VolumeOf::Referrals(rule), count)).collect())
            }
            (FileKind::CaseloadRisk, _) => {
                let found = caseload_risk::report(content, self.terms.risk.as_ref()).map_err(private_space)?;
                // What the profile finds wrong, such as the ranking, leaves the rows as many as they are.
                let told = |found: &RowFinding| found.finding.code.starts_with("risk-");
                let errors = found.findings.iter().filter(|found| found.finding.severity == Severity::Error);
                let whole = errors.into_iter().all(told);
                let marked = found.high_risk.map(|marked| (VolumeOf::RiskHigh, whole.then_some(marked)));
                Ok([(VolumeOf::RiskClaims, whole.then_some(found.rows))].into_iter().chain(marked).collect())
            }
            _ => Ok(Vec::new()),
        }
    }

    fn look_at(&self, name: Option<&str>, content: &mut PrivateContent) -> Result<Identified, Failure> {
        content.seek(SeekFrom::Start(0)).map_err(private_space)?;
        identify(name, &mut BufReader::new(&mut *content), &self.terms.archive).map_err(private_space)
    }
}

/// The pack as an archive, read through its own position.
pub(super) fn open_archive<'a>(
    content: &'a mut PrivateContent,
    limits: &crate::catalogue::Limits,
) -> Result<Archive<&'a mut PrivateContent>, Failure> {
    content.seek(SeekFrom::Start(0)).map_err(private_space)?;
    Archive::open(content, limits).map_err(|error| archive_failure(&error))
}

pub(super) fn archive_failure(error: &ArchiveError) -> Failure {
    Failure::of(error.consequence(), error)
}

fn is_zip(content: &mut PrivateContent) -> Result<bool, Failure> {
    let mut head = Vec::with_capacity(4);
    content.rewind().and_then(|()| content.take(4).read_to_end(&mut head)).map_err(private_space)?;
    Ok(archive::is_zip(&head))
}

/// Each way in which it is not sound stops it, what acts before the rest, but for the one that is waived.
fn sound(found: &Identified, waived: Option<&Waiver>) -> Result<(), Failure> {
    let codes: Vec<&str> = found.findings.iter().map(|finding| finding.code).collect();
    for unsound in found.unsound().into_iter().chain(found.unsound_ways()) {
        unless_waived(waived, HoldReason::Malformed { unsound }, codes.join(" "))?;
    }
    Ok(())
}

/// What is odd in what is let through. A member is told by its place in the pack, from 1: its name may be somebody's.
fn log_warnings(transfer: ConsignmentId, member: Option<usize>, found: &Identified) {
    let place = member.map(|member| format!("Member {} of {transfer}", member + 1));
    let place = place.unwrap_or_else(|| format!("What came as {transfer}"));
    for warning in found.findings.iter().filter(|finding| finding.severity == Severity::Warning) {
        tracing::warn!(%transfer, code = warning.code, "{place} {} ({})", warning.says, found.kind);
    }
}

pub(super) fn private_space(error: io::Error) -> Failure {
    Failure::of(Consequence::Defer(DeferCause::PrivateSpace), error)
}

pub(super) struct Digesting<W> {
    pub into: W,
    pub digester: Digester,
}

impl<W: Write> Write for Digesting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.into.write(bytes)?;
        self.digester.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.into.flush()
    }
}
