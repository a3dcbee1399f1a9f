//! The reckoning of a history, when all rests: each invariant of the design that can be seen from outside.

use std::collections::BTreeMap;

use hbcourier::domain::ledger::{Entry, Event};
use hbcourier::domain::{Consignment, ConsignmentId, Digest, HoldReason, Stage, Standing, is_unfinished_name};
use hbcourier::outbound::about_return;
use hbcourier::store::{ConsignmentFilter, Queries, SubmissionFilter, verify};

use super::history::History;
use super::world::Arrival;

impl History {
    pub fn reckon(&mut self, rests: bool) {
        let mut wrong = Vec::new();
        if !rests {
            wrong.push("I1: it does not come to rest".to_owned());
        }
        let queries = self.store.queries.clone();
        let consignments = queries.consignments(&ConsignmentFilter::default()).unwrap();
        self.reckon_files(&consignments, &mut wrong);
        self.reckon_return(&mut wrong);
        self.reckon_folders(&consignments, &mut wrong);
        if self.verifies {
            let verdict = verify(&queries).unwrap();
            wrong.extend((!verdict.ok).then(|| format!("the ledger: {}", verdict.says)));
        }
        let mut ground = self.ground.lock();
        wrong.into_iter().for_each(|says| ground.violated(says));
    }

    fn flagged(&self) -> Vec<ConsignmentId> {
        let lines = self.store.queries.ledger(0, usize::MAX >> 1).unwrap();
        let entries = lines.iter().filter(|(_, line)| memchr::memmem::find(line, b"possible-republish").is_some());
        let entries = entries.map(|(_, line)| serde_json::from_slice::<Entry>(line).unwrap());
        entries
            .filter(|entry| entry.event == Event::PossibleRepublish)
            .filter_map(|entry| entry.facts.transfer)
            .collect()
    }

    /// I1, I4, I20 and I2 as far as the end tells: what came is delivered once, or held with a reason that there is.
    fn reckon_files(&mut self, consignments: &[Consignment], wrong: &mut Vec<String>) {
        let arrivals = self.ground.lock().world.arrivals.clone();
        let flagged = self.flagged();
        let (mut same, mut copies): (BTreeMap<Digest, Vec<&Arrival>>, BTreeMap<Digest, usize>) = Default::default();
        arrivals.iter().for_each(|arrival| same.entry(arrival.sealed.digest).or_default().push(arrival));
        let backoffice = self.ground.lock().world.backoffice;
        let taken: Vec<Digest> = {
            let ground = self.ground.lock();
            let taken = ground.world.taken.iter().filter(|taken| taken.folder == backoffice);
            taken.map(|taken| taken.content).collect()
        };
        let lie = self.contents(backoffice).into_iter().map(|(_, content)| content);
        taken.into_iter().chain(lie).for_each(|content| *copies.entry(content).or_default() += 1);
        for (sealed, arrivals) in &same {
            let became: Vec<&Consignment> = consignments.iter().filter(|one| one.sealed_digest == *sealed).collect();
            let owed = arrivals.iter().filter(|arrival| !arrival.replaced).count();
            if became.len() < owed {
                wrong.push(format!(
                    "I1: {} came {owed} times, and is recorded {} times",
                    arrivals[0].name,
                    became.len()
                ));
            }
            let closed = became.iter().filter(|one| matches!(one.standing, Standing::Closed { .. })).count();
            let is_flagged = became.iter().any(|one| flagged.contains(&one.id));
            self.tally.files += owed as u64;
            self.tally.delivered += closed as u64;
            self.tally.flagged += u64::from(is_flagged);
            if closed > 1 {
                wrong.push(format!("I4: {} was accepted {closed} times", arrivals[0].name));
            }
            for (name, digest) in &arrivals[0].parts {
                let copies = copies.get(digest).copied().unwrap_or(0);
                if closed > 0 && copies == 0 {
                    wrong.push(format!("I1: {name} is delivered and nowhere"));
                }
                if copies > 1 && !is_flagged {
                    wrong.push(format!(
                        "I4: {name} was delivered {copies} times, and nothing says that it may have been"
                    ));
                }
            }
            for held in &became {
                if let Standing::Held { reason, .. } = &held.standing
                    && !self.is_reason(reason, arrivals.len())
                {
                    wrong.push(format!("I1: {} is held without cause: {reason:?}", arrivals[0].name));
                }
            }
        }
        self.tally.held +=
            consignments.iter().filter(|one| matches!(one.standing, Standing::Held { .. })).count() as u64;
        let unknown = consignments.iter().filter(|one| !same.contains_key(&one.sealed_digest));
        for one in unknown.filter(|one| matches!(one.standing, Standing::Closed { .. })) {
            wrong.push(format!("I20: transfer {} is delivered, and nobody sent that", one.id));
        }
    }

    /// Whether this history has given cause to hold what is whole.
    fn is_reason(&self, reason: &HoldReason, came: usize) -> bool {
        match reason {
            HoldReason::Repeat { .. } => came > 1,
            HoldReason::NameConflict | HoldReason::Replaced => self.strangers_meant || came > 1,
            HoldReason::AttemptsExhausted { .. } => self.ground.lock().ever_failed,
            _ => false,
        }
    }

    /// I13, I14: a return leaves once, or it is told that nobody knows.
    fn reckon_return(&mut self, wrong: &mut Vec<String>) {
        let Some((_, content, true)) = self.ground.lock().world.returned.clone() else { return };
        let queries = self.store.queries.clone();
        let outgoing = self.ground.lock().world.outgoing;
        let lie = self.contents(outgoing).into_iter().filter(|(name, _)| !is_unfinished_name(name));
        let mut left: Vec<Digest> = lie.map(|(_, sealed)| sealed).collect();
        {
            let ground = self.ground.lock();
            left.extend(ground.world.taken.iter().filter(|one| one.folder == outgoing).map(|taken| taken.content));
            left.extend(ground.world.received.iter().map(|(_, sealed)| *sealed));
        }
        let submissions = queries.submissions(&SubmissionFilter::default()).unwrap();
        let [submission] = &submissions[..] else {
            wrong.push(format!("I15: {} returns are owed instead of one", submissions.len()));
            return;
        };
        self.tally.returns += 1;
        let sealed = submission.sealed.as_ref();
        if sealed.is_some_and(|sealed| sealed.content != Digest::of(&content)) {
            wrong.push("I20: other bytes were sealed than the officer left".to_owned());
        }
        if left.iter().any(|left| sealed.is_none_or(|sealed| sealed.sealed != *left)) {
            wrong.push("I13: something left that is not what was sealed".to_owned());
        }
        if left.len() > 1 {
            wrong.push(format!("I14: the return left {} times", left.len()));
        }
        let is_told = || queries.alarms().unwrap().iter().any(|alarm| alarm.about == about_return(&submission.key));
        match (&submission.stage, left.len()) {
            (Stage::Sent { .. }, 1..) => self.tally.sent += 1,
            (Stage::Uncertain { .. }, _) if is_told() => self.tally.uncertain += 1,
            (Stage::Failed { .. }, 0) if is_told() => {}
            (Stage::Missed { .. }, 0) if self.jumped && is_told() => {}
            (stage, left) => wrong.push(format!("I14: the return is {} and left {left} times", stage.word())),
        }
    }

    /// I5 and what may lie where in the end.
    fn reckon_folders(&self, consignments: &[Consignment], wrong: &mut Vec<String>) {
        let (drop, backoffice, pick_up, strangers) = {
            let ground = self.ground.lock();
            let world = &ground.world;
            (world.drop, world.backoffice, world.pick_up, world.strangers.clone())
        };
        for (name, content) in &strangers {
            let lies = self.contents(backoffice);
            if !lies.iter().any(|(there, digest)| there == name && *digest == Digest::of(content)) {
                wrong.push(format!("I5: the stranger's {name} is gone"));
            }
        }
        let hidden = self.contents(backoffice).into_iter().filter(|(name, _)| is_unfinished_name(name)).count();
        if hidden > 0 {
            wrong.push(format!("{hidden} hidden parts are left at the destination"));
        }
        let submissions = self.store.queries.submissions(&SubmissionFilter::default()).unwrap();
        let is_missed = submissions.iter().all(|one| matches!(one.stage, Stage::Missed { .. }));
        let left = self.contents(drop).len() + if is_missed { 0 } else { self.contents(pick_up).len() };
        if left > 0 {
            wrong.push(format!("{left} files are left where they were to be taken"));
        }
        let is_held = |one: &&Consignment| matches!(one.standing, Standing::Held { .. });
        let held = consignments.iter().filter(is_held).count();
        let counts = [
            ("state/spool/raw", held),
            ("state/spool/tmp", 0),
            // What came too late for its day is nobody's any more, and its note with it.
            ("state/picked-up", if is_missed { self.files_at("state/picked-up") } else { 0 }),
            ("state/archive", consignments.len() - held),
        ];
        for (path, count) in counts {
            let found = self.files_at(path);
            if found != count {
                wrong.push(format!("{path} has {found} files instead of {count}"));
            }
        }
    }

    fn files_at(&self, path: &str) -> usize {
        let ground = self.ground.lock();
        let found = ground.fs.folders.values().find(|folder| folder.path.as_os_str() == path);
        found.map_or(0, |folder| folder.names.len())
    }
}
