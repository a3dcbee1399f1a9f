//! Checking: whose it is, and where each part goes.
//!
//! In:  [`Recognised`] content. Out: [`Routed`]: every part with its delivery.
//! Holds: content goes by the routes of the authority that it tells, or nowhere; a part without a route, or
//! one that its route does not accept, stops the whole consignment.

use std::path::Path;

use super::identify::{Part, Recognised};
use super::open::Opened;
use super::release::unless_waived;
use super::whose::whose;
use super::{Failure, Inbound, Route, Source};
use crate::config::template::NameFacts;
use crate::domain::{
    Consequence, Consignment, DeferCause, Delivery, DeliveryId, FileKind, HoldReason, InstallationId, LaNumber, Naming,
    Waiver, XmlRoot,
};
use crate::effects::destination::Access;

/// Content whose every part has a place to go.
pub(super) struct Routed {
    /// Whose it is.
    pub authority: LaNumber,
    pub opened: Vec<Opened>,
    pub parts: Vec<(Part, Delivery, Access)>,
}

impl Inbound {
    pub(super) fn check(
        &self,
        source: &Source,
        consignment: &Consignment,
        recognised: Recognised,
        waived: Option<&Waiver>,
    ) -> Result<Routed, Failure> {
        let decided = self.decided(consignment)?;
        let authority = whose(decided, source, &recognised.named)
            .map_err(|hold| Failure::of(Consequence::Hold(hold), "the LA numbers that are named do not fit"))?;
        let installation = self.installation()?;
        let routes = self.routes_of(&authority);
        let Recognised { mut opened, parts: recognised, .. } = recognised;
        let copies = self.copies(&mut opened, &recognised, routes)?;
        let mut parts: Vec<(Part, Delivery, Access)> = Vec::with_capacity(recognised.len() + copies.len());
        let routed = recognised
            .into_iter()
            .map(|part| (None, part))
            .chain(copies.into_iter().map(|(to, part)| (Some(to), part)));
        for (index, (to, part)) in routed.enumerate() {
            let taking = || routes.iter().find(|route| route.kinds.contains(&part.kind));
            let Some(route) = to.or_else(taking) else {
                let detail = format!("no route of {authority} for {}", part.kind);
                return Err(Failure::of(Consequence::Hold(HoldReason::NoRoute), detail));
            };
            accepts(route, &part, waived)?;
            let delivery = delivery((&installation, &authority), route, consignment, index, &part);
            if parts.iter().any(|(_, other, _)| other.path == delivery.path) {
                let detail = "two parts of one pack would get the same name";
                return Err(Failure::of(Consequence::Hold(HoldReason::SameNames), detail));
            }
            parts.push((part, delivery, route.access));
        }
        Ok(Routed { authority, opened, parts })
    }

    /// Which installation this is: what was collected has an entry. The first one stays what it is.
    fn installation(&self) -> Result<InstallationId, Failure> {
        if let Some(known) = self.installation.get() {
            return Ok(*known);
        }
        let unread = || Failure::of(Consequence::Defer(DeferCause::StoreUnreadable), "the ledger has no first entry");
        let installation = self.queries.installation()?.ok_or_else(unread)?;
        Ok(*self.installation.get_or_init(|| installation))
    }

    /// Whose it was staged as before. A signer is recorded with Staged, except for what two people let through without.
    fn decided<'c>(&self, consignment: &'c Consignment) -> Result<Option<&'c LaNumber>, Failure> {
        let was_staged = consignment.signer.is_some() || !self.staged_before(consignment)?.is_empty();
        Ok(was_staged.then_some(&consignment.authority))
    }

    /// The derived copies of risk data, each with its route. They are numbered after every file that was sent.
    fn copies<'r>(
        &self,
        opened: &mut [Opened],
        parts: &[Part],
        routes: &'r [Route],
    ) -> Result<Vec<(&'r Route, Part)>, Failure> {
        let mut copies = Vec::new();
        for route in routes {
            let Some(layout) = &route.layout else { continue };
            for part in parts.iter().filter(|part| part.kind == FileKind::CaseloadRisk) {
                let Some(opened) = opened.get_mut(part.content) else { continue };
                copies.push((route, self.derived(&mut opened.content, part, layout)?));
            }
        }
        Ok(copies)
    }
}

/// Whether the route takes it: XML by its root element, if the route names some.
fn accepts(route: &Route, part: &Part, waived: Option<&Waiver>) -> Result<(), Failure> {
    let is_accepted = |root: &XmlRoot| route.xml_roots.iter().any(|accepted| accepted.accepts(root));
    if part.kind == FileKind::LaidXml && !route.xml_roots.is_empty() && !part.root.as_ref().is_some_and(is_accepted) {
        let detail = format!("the root element is none that the route to {} accepts", route.destination);
        return unless_waived(waived, HoldReason::UnacceptedRoot, detail);
    }
    Ok(())
}

fn delivery(
    (installation, authority): (&InstallationId, &LaNumber),
    route: &Route,
    consignment: &Consignment,
    index: usize,
    part: &Part,
) -> Delivery {
    let number = u32::try_from(index).unwrap_or(u32::MAX);
    let id = delivery_id(DeliveryId::derive(&consignment.id, number, &route.destination), installation);
    let ext = if part.derived.is_some() { "csv" } else { extension(part.kind, part.name.as_deref()) };
    let file_name = route.file_name.render(&NameFacts {
        kind: part.kind.as_str(),
        la: authority,
        received: Some(consignment.received_at),
        id: Some(id.short()),
        month: None,
        name: part.name.as_deref(),
        ext,
    });
    Delivery {
        id,
        consignment: consignment.id,
        part: number,
        kind: part.kind,
        digest: part.digest,
        bytes: part.bytes,
        destination: route.destination.clone(),
        path: route.folder.join(file_name),
        naming: if route.file_name.has_senders_name() { Naming::Senders } else { Naming::Ours },
        place: None,
        published: false,
    }
}

fn delivery_id(id: DeliveryId, installation: &InstallationId) -> DeliveryId {
    fail::fail_point!("check.of-an-earlier-version", |_| id);
    id.within(installation)
}

/// The ending of a delivered file: by its kind, else the sender's if it is a plain one.
fn extension(kind: FileKind, name: Option<&str>) -> &str {
    match kind {
        FileKind::LaidPdf => "pdf",
        FileKind::LaidXml => "xml",
        FileKind::CaseloadRisk => {
            let sent = name.and_then(|name| Path::new(name).extension()).and_then(|ending| ending.to_str());
            sent.filter(|ending| ["xls", "xlsx"].iter().any(|book| ending.eq_ignore_ascii_case(book))).unwrap_or("csv")
        }
        FileKind::HbmsPack | FileKind::HbmsMi | FileKind::Shbe | FileKind::Unknown => {
            let sent = name.and_then(|name| Path::new(name).extension()).and_then(|ending| ending.to_str());
            let plain = |ending: &&str| ending.len() <= 8 && ending.bytes().all(|b| b.is_ascii_alphanumeric());
            sent.filter(plain).unwrap_or("bin")
        }
    }
}
