//! From the file an authority leaves in a folder to a submission at Sealed, or Held.
//!
//! In:  the pick-up folder of one return, and the obligation a file there is for.
//! Out: Sealed, and the file gone; or Held with a reason; or an alarm about what stands in the way.
//! Order matters: seal, note what was read, record, then remove the file.
//! Holds: what is checked is what is sealed: one private copy. No file is removed before its Sealed is recorded.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::civil::Date;
use tracing::{info, warn};

use super::alarm::Hindrance;
use super::check::{Expected, judge};
use super::critical::Critical;
use super::due::{belongs_to, later};
use super::further::{held_further, not_for, sealed_before, undecided_before};
use super::message_id::MessageIds;
use super::month::told_month;
use super::pick_up::{PickedUp, Take, look, take};
use super::pre_flight::pre_flight;
use super::record::{Move, within};
use super::round::Round;
use super::seal::Outcome;
use super::settling::{Look, Settling};
use super::taken::Note;
use super::workbooks::shares;
use super::{NO_DOMAIN, OutboundParts};
use crate::config::settings::ReturnSettings;
use crate::domain::ledger::{Event, Facts};
use crate::domain::submission::{Sealed, live_claims_before};
use crate::domain::workbook::named_by;
use crate::domain::{
    Digest, LaNumber, RelevantMonth, ReturnHold, ReturnKind, Revision, Series, Stage, Submission, SubmissionKey,
    Workbook,
};
use crate::durable::{Directory, Stamp, step};
use crate::effects::thread::asked::silent;

/// What earlier looks at one folder have told.
#[derive(Default)]
pub(super) struct Seen {
    settling: Settling,
    judged: Option<Judged>,
    /// Which directory it was judged in.
    judged_in: Option<String>,
    /// A sealed file that could not be removed, known by its whole stamp.
    pub(super) leftover: Option<(String, Stamp)>,
}

impl Seen {
    fn judged_as(&mut self, judged: Judged, place: &Place<'_>) {
        self.judged = Some(judged);
        self.judged_in = place.directory.place().ok();
    }
}

/// What was held, so that it is not read and judged again before something changes.
#[derive(PartialEq, Eq)]
struct Judged {
    key: SubmissionKey,
    revision: Revision,
    files: Vec<(String, Stamp)>,
    today: Date,
    /// The months before that the file could as well be for.
    sealed_before: Option<RelevantMonth>,
    undecided_before: Option<RelevantMonth>,
}

/// Why a folder was not dealt with to the end.
pub(super) enum Obstacle {
    Critical(Critical),
    Hindrance(Hindrance),
}

impl From<Critical> for Obstacle {
    fn from(critical: Critical) -> Obstacle {
        Obstacle::Critical(critical)
    }
}

impl From<Hindrance> for Obstacle {
    fn from(hindrance: Hindrance) -> Obstacle {
        Obstacle::Hindrance(hindrance)
    }
}

/// One return's folder, as far as it is one series'.
pub(super) struct Place<'a> {
    pub(super) series: Series,
    pub(super) settings: &'a ReturnSettings,
    pub(super) directory: Arc<Directory>,
}

impl Round<'_> {
    /// Looks at every pick-up folder.
    pub(super) fn pick_up_all(&mut self) -> Result<(), Critical> {
        let parts = self.parts;
        let folders = parts.authorities.iter().flat_map(|authority| &authority.returns);
        let folders: Vec<PathBuf> = folders.map(|settings| settings.pick_up.clone()).collect();
        // One round does everything, so it never begins anything at a folder that would not let it go.
        let silent = silent(&folders);
        for authority in &parts.authorities {
            for settings in &authority.returns {
                if self.is_stopped() {
                    return Ok(());
                }
                if silent.contains(&settings.pick_up) {
                    // That it hangs, if it does, is told by who watches all folders.
                    let (kind, number) = (settings.kind, &authority.number);
                    info!("The {kind} of LA {number} waits: {} does not answer", settings.pick_up.display());
                    self.retry();
                    continue;
                }
                match self.visit(&authority.number, settings) {
                    Ok(()) => {}
                    Err(Obstacle::Critical(critical)) => return Err(critical),
                    Err(Obstacle::Hindrance(hindrance)) => self.hindered(&authority.number, settings, &hindrance)?,
                }
            }
        }
        Ok(())
    }

    fn hindered(
        &mut self,
        authority: &LaNumber,
        settings: &ReturnSettings,
        hindrance: &Hindrance,
    ) -> Result<(), Critical> {
        // It is sealed anew at the next look; without this the spool would fill up with each.
        self.forget_unrecorded(&self.submissions(false)?);
        self.tell_of(authority, settings, hindrance);
        Ok(())
    }

    pub(super) fn tell_of(&mut self, authority: &LaNumber, settings: &ReturnSettings, hindrance: &Hindrance) {
        let (about, notice) = hindrance.alarm(authority, settings.kind);
        warn!(about, "The {} of LA {authority} waits: {hindrance}", settings.kind);
        self.wanted.insert(about, notice);
        self.retry();
    }

    fn visit(&mut self, authority: &LaNumber, settings: &ReturnSettings) -> Result<(), Obstacle> {
        let directory = self.parts.directories.at(&settings.pick_up).map_err(Hindrance::Folder)?;
        let folder = look(&directory).map_err(Hindrance::Folder)?;
        if folder.has_odd_name {
            self.tell_of(authority, settings, &Hindrance::OddName);
        }
        let workbooks = match settings.kind {
            ReturnKind::Shbe => Vec::new(),
            ReturnKind::HbmsMi => self.parts.workbooks_of(authority)?,
        };
        let months = workbooks.iter().map(|workbook| Some(workbook.month));
        let series = |workbook| Series { kind: settings.kind, authority: authority.clone(), workbook };
        let places: Vec<Place<'_>> = [None]
            .into_iter()
            .chain(months)
            .map(|workbook| Place { series: series(workbook), settings, directory: Arc::clone(&directory) })
            .collect();
        let mut unsettled = &[][..];
        match self.settle_withdrawn(&places, &folder.withdrawn) {
            // What else lies there may be handed in all the same.
            Err(Obstacle::Hindrance(hindrance)) => {
                self.tell_of(authority, settings, &hindrance);
                unsettled = &folder.withdrawn;
            }
            settled => settled?,
        }
        let mut files = folder.files;
        for place in &places {
            self.with_seen(place, |round, seen| round.clear_leftover(place, &mut files, unsettled, seen))?;
        }
        let all = self.submissions_of(authority)?;
        let mut shares = shares(files, &workbooks, &all, &series(None), self.today());
        for place in &places {
            let share = shares.remove(&place.series.workbook).unwrap_or_default();
            match self.with_seen(place, |round, seen| round.hand_in(place, share, seen)) {
                // One workbook's trouble is not the next one's.
                Err(Obstacle::Hindrance(hindrance)) => self.hindered(authority, settings, &hindrance)?,
                done => done?,
            }
        }
        Ok(())
    }

    fn with_seen<T>(&mut self, place: &Place<'_>, act: impl FnOnce(&mut Self, &mut Seen) -> T) -> T {
        let mut seen = self.memory.seen.remove(&place.series).unwrap_or_default();
        let done = act(self, &mut seen);
        self.memory.seen.insert(place.series.clone(), seen);
        done
    }

    fn hand_in(&mut self, place: &Place<'_>, files: Vec<(String, Stamp)>, seen: &mut Seen) -> Result<(), Obstacle> {
        let files = match seen.settling.look(&files, place.settings.settle, self.parts.clock.since_boot()) {
            Look::Nothing => return Ok(self.end_hold(place, seen)?),
            Look::Arriving(left) => {
                self.look_again(later(self.parts.clock.now(), left));
                return Ok(());
            }
            Look::Settled(files) => files,
        };
        let today = self.today();
        let all = self.submissions_of(&place.series.authority)?;
        let Some(owed) = belongs_to(&all, &place.series, today) else {
            return Err(self.nothing_owed(place)?.into());
        };
        let mut judged = Judged {
            key: owed.key.clone(),
            revision: owed.revision,
            files,
            today,
            sealed_before: sealed_before(&all, owed, today),
            undecided_before: undecided_before(&all, owed),
        };
        if seen.judged.as_ref() == Some(&judged) {
            return Ok(());
        }
        match self.assess(place, owed, &all, &judged)? {
            Assessed::Good(mut picked_up) => self.seal_and_record(place, owed, &mut picked_up, seen, judged),
            Assessed::Changing(name) => {
                seen.settling.disturbed(&name);
                self.look_again(later(self.parts.clock.now(), place.settings.settle));
                Ok(())
            }
            Assessed::Bad(reason, content) => {
                judged.revision = self.hold(owed, reason, content)?;
                seen.judged_as(judged, place);
                Ok(())
            }
        }
    }

    /// Whether what lies there is the return; with its private copy, if it is.
    fn assess(
        &mut self,
        place: &Place<'_>,
        owed: &Submission,
        all: &[Submission],
        Judged { files, today, sealed_before, undecided_before, .. }: &Judged,
    ) -> Result<Assessed, Obstacle> {
        let _within = within(&owed.key).entered();
        let parts = self.parts;
        let held = held_further(&owed.stage);
        let [(name, stamp)] = files.as_slice() else {
            return self.among_several(place, owed, files);
        };
        let is_early = owed.extract_from.is_some_and(|earliest| *today < earliest);
        if is_early && sealed_before.is_none() && undecided_before.is_none() && held.is_none() {
            return Ok(Assessed::Bad(ReturnHold::TooEarly, None));
        }
        let taken = take(&place.directory, name, stamp, &parts.spool, parts.plaintext_bytes_max)?;
        let mut picked_up = match taken {
            Take::Taken(picked_up) => picked_up,
            Take::TooLarge => return Ok(Assessed::Bad(ReturnHold::TooLarge, None)),
            Take::Changing => return Ok(Assessed::Changing(name.clone())),
        };
        let content = picked_up.copied.digest;
        if picked_up.copied.bytes == 0 {
            return Ok(Assessed::Bad(ReturnHold::Empty, Some(content)));
        }
        let before = parts.queries.sealed_before(place.series.kind, &place.series.authority, &content);
        let before = before.map_err(Critical::reading("what was sealed before"))?;
        if let Some(before) = before.filter(|before| *before != owed.key) {
            return Ok(Assessed::Bad(ReturnHold::SentAlready { month: before.month }, Some(content)));
        }
        let same = held.filter(|held| held.content == content).map(|held| held.month);
        if let Some(month) = same.or(*sealed_before) {
            return Ok(Assessed::Bad(ReturnHold::AlreadySealed { month }, Some(content)));
        }
        let told = match self.told_by_workbook(place, owed, name)? {
            Told::Month(month) => Some(month),
            Told::Nothing => None,
            Told::Unsaid => told_month(owed, all, name, &mut picked_up.content).map_err(Hindrance::State)?,
            Told::Ambiguous => match told_month(owed, all, name, &mut picked_up.content).map_err(Hindrance::State)? {
                None => return Ok(Assessed::Bad(ReturnHold::WorkbookUntold, Some(content))),
                month => month,
            },
        };
        if let Some(reason) = not_for(all, owed, told) {
            return Ok(Assessed::Bad(reason, Some(content)));
        }
        if is_early {
            return Ok(Assessed::Bad(ReturnHold::TooEarly, None));
        }
        let expected = Expected {
            submission: owed,
            reference_until: reference_until(all, owed),
            timetables: &parts.timetables.now(),
            limits: &parts.archive_limits,
            policy: &parts.shbe,
        };
        let mut found = judge(name, &mut picked_up.content, &expected).map_err(Hindrance::State)?;
        if found.is_none() && owed.key.kind == ReturnKind::Shbe {
            let before = live_claims_before(all, &owed.key);
            found = pre_flight(&mut picked_up, &expected, before).map_err(Hindrance::State)?;
        }
        Ok(found.map_or(Assessed::Good(picked_up), |reason| Assessed::Bad(reason, Some(content))))
    }

    /// Several files are no return, unless one that is held further lies among them.
    fn among_several(
        &self,
        place: &Place<'_>,
        owed: &Submission,
        files: &[(String, Stamp)],
    ) -> Result<Assessed, Obstacle> {
        Ok(match held_further(&owed.stage) {
            // Otherwise it would be a file like any other once only it is left.
            Some(held) if held.lies_among(place, files, self.parts.plaintext_bytes_max)? => {
                Assessed::Bad(held.reason(), Some(held.content))
            }
            _ => Assessed::Bad(ReturnHold::SeveralFiles, None),
        })
    }

    /// What the name tells by the workbook in it.
    fn told_by_workbook(&self, place: &Place<'_>, owed: &Submission, name: &str) -> Result<Told, Critical> {
        if place.series.kind != ReturnKind::HbmsMi {
            return Ok(Told::Unsaid);
        }
        if place.series.workbook.is_some() {
            // Which workbook, and nothing of the month.
            return Ok(Told::Nothing);
        }
        let workbooks = self.parts.workbooks_of(&place.series.authority)?;
        let is_another = |one: &Workbook| one.is_open() && one.first_returned_for() < owed.key.month;
        Ok(match named_by(name, &workbooks) {
            Some(workbook) => Told::Month(workbook.first_returned_for()),
            None if owed.ordered.is_none() && workbooks.iter().any(is_another) => Told::Ambiguous,
            None => Told::Unsaid,
        })
    }

    fn nothing_owed(&self, place: &Place<'_>) -> Result<Hindrance, Critical> {
        let workbooks = self.parts.workbooks_of(&place.series.authority)?;
        let closed = workbooks.iter().find(|one| Some(one.month) == place.series.workbook && !one.is_open());
        Ok(closed.map_or(Hindrance::NothingOwed, |workbook| Hindrance::WorkbookClosed(workbook.name())))
    }

    /// Records the hold, unless it is recorded as it is. The submission's revision from then on.
    pub(super) fn hold(
        &self,
        owed: &Submission,
        reason: ReturnHold,
        content: Option<Digest>,
    ) -> Result<Revision, Critical> {
        if matches!(&owed.stage, Stage::Held { reason: r, content: c, .. } if *r == reason && *c == content) {
            return Ok(owed.revision);
        }
        let facts = Facts { content, code: Some(reason.notice().code.to_owned()), ..Facts::default() };
        let stage = Stage::Held { since: self.parts.clock.now(), reason, content };
        let to = Move { event: Event::ReturnHeld, stage, sealed: None, facts };
        Ok(self.parts.record_move(owed, to)?.map_or(owed.revision, |held| held.revision))
    }

    /// What was held has been taken out: the return is owed as before. A further file is held until other bytes come,
    /// unless it was this very directory that it was taken out of: an empty one may be what a lost mount leaves.
    fn end_hold(&self, place: &Place<'_>, seen: &mut Seen) -> Result<(), Critical> {
        seen.judged = None;
        let all = self.submissions_of(&place.series.authority)?;
        let held =
            belongs_to(&all, &place.series, self.today()).filter(|owed| matches!(owed.stage, Stage::Held { .. }));
        let Some(held) = held else { return Ok(()) };
        let here = place.directory.place().ok();
        if held_further(&held.stage).is_some() && (here.is_none() || seen.judged_in != here) {
            return Ok(());
        }
        let to = Move { event: Event::HoldEnded, stage: Stage::Scheduled, sealed: None, facts: Facts::default() };
        self.parts.record_move(held, to).map(drop)
    }

    fn seal_and_record(
        &mut self,
        place: &Place<'_>,
        owed: &Submission,
        picked_up: &mut PickedUp,
        seen: &mut Seen,
        mut judged: Judged,
    ) -> Result<(), Obstacle> {
        let message_id = self.message_id(&owed.key, place.settings)?;
        let sealed = match self.parts.seal(&owed.key, place.settings, picked_up, message_id)? {
            Outcome::Sealed(sealed) => sealed,
            Outcome::SelfCheckFailed => {
                let content = Some(picked_up.copied.digest);
                judged.revision = self.hold(owed, ReturnHold::SelfCheckFailed, content)?;
                seen.judged_as(judged, place);
                return Ok(());
            }
        };
        let note = Note::new(&owed.key, sealed.sealed, &picked_up.name, sealed.content, &picked_up.stamp);
        self.notes()?.write(&place.series, &note).map_err(Hindrance::State)?;
        if record_sealed(self.parts, owed, sealed)?.is_none() {
            return Ok(());
        }
        seen.leftover = Some((picked_up.name.clone(), picked_up.stamp));
        step("seal.recorded").map_err(Hindrance::NotCleared)?;
        self.clear_one(place, &picked_up.name, &picked_up.stamp, &note.sealed)?;
        seen.leftover = None;
        Ok(())
    }

    fn message_id(&mut self, key: &SubmissionKey, settings: &ReturnSettings) -> Result<String, Hindrance> {
        let ids = match self.memory.message_ids.take() {
            Some(ids) => ids,
            None => MessageIds::open(&self.parts.state).map_err(Hindrance::State)?,
        };
        let domain = self.parts.message_domains.get(&settings.courier).map_or(NO_DOMAIN, String::as_str);
        let id = ids.of(key, domain).map_err(|error| Hindrance::Fault(error.to_string()));
        self.memory.message_ids = Some(ids);
        id
    }
}

/// The last day on which an extract may be made: of one that was ordered late, the day before the next one's begin.
fn reference_until(all: &[Submission], owed: &Submission) -> Date {
    let later = all.iter().filter(|one| one.key.series() == owed.key.series() && one.transfer_on > owed.transfer_on);
    match owed.ordered {
        None => owed.transfer_on,
        Some(_) => later.filter_map(|one| one.extract_from?.yesterday().ok()).min().unwrap_or(Date::MAX),
    }
}

/// What a file's name tells by the workbook in it.
enum Told {
    /// It is this month's, as a workbook's usual return.
    Month(RelevantMonth),
    /// It is of an earlier workbook, for whichever month is owed.
    Nothing,
    /// There is no workbook that it could be of but the last.
    Unsaid,
    /// It could be of an earlier workbook as well.
    Ambiguous,
}

/// What a look at settled files came to.
enum Assessed {
    Good(Box<PickedUp>),
    Bad(ReturnHold, Option<Digest>),
    Changing(String),
}

fn record_sealed(parts: &OutboundParts, owed: &Submission, sealed: Sealed) -> Result<Option<Submission>, Critical> {
    let facts = Facts {
        sealed: Some(sealed.sealed),
        content: Some(sealed.content),
        bytes: Some(sealed.bytes),
        message_id: Some(sealed.message_id.clone()),
        live_claims: sealed.live_claims,
        ..Facts::default()
    };
    parts.record_move(owed, Move { event: Event::Sealed, stage: Stage::Sealed, sealed: Some(sealed), facts })
}

/// What earlier looks have told, by series.
pub(super) type SeenBySeries = BTreeMap<Series, Seen>;
