//! One history: a seed decides what comes, what fails, when processes end and how, and what time it is; at the end everything
//! rests, and is reckoned.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use hbcourier::cli::demo::samples;
use hbcourier::domain::{Digest, Stage, Standing};
use hbcourier::durable::simulated;
use hbcourier::durable::sync::leave_out;
use hbcourier::store::{ConsignmentFilter, Queries, SubmissionFilter};
use jiff::civil::{Date, date};

use super::chance::Chance;
use super::disk::{FileSystem, Kind};
use super::ground::{End, Ground, Inner};
use super::mutations::Mutation;
use super::service::{Layout, Service};
use super::store::{Store, without_last};
use super::world::{Arrival, FOLDERS, Way, World, arrival, folder};

/// The day on which the return is owed.
pub const TRANSFER_DAY: Date = date(2021, 3, 1);
/// Nine in the morning of that day.
const BEGINS: i64 = 1_614_589_200_000_000;
/// Rounds of the last process before a history counts as one that does not come to rest.
const ROUNDS_MAX: u32 = 150;

/// What came of histories.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub histories: u64,
    pub calls: u64,
    pub kills: u64,
    pub cuts: u64,
    pub files: u64,
    pub delivered: u64,
    pub held: u64,
    pub flagged: u64,
    pub returns: u64,
    pub sent: u64,
    pub uncertain: u64,
    /// Histories in which a call failed.
    pub with_faults: u64,
}

impl Tally {
    /// As a row of a table.
    pub fn row(&self) -> String {
        let Tally {
            histories,
            calls,
            kills,
            cuts,
            files,
            delivered,
            held,
            flagged,
            returns,
            sent,
            uncertain,
            with_faults,
        } = self;
        format!(
            "| {histories} | {calls} | {kills} | {cuts} | {with_faults} | {files} | {delivered} | {held} | {flagged} | \
             {returns} | {sent} | {uncertain} |"
        )
    }

    pub fn add(&mut self, other: &Tally) {
        let Tally {
            histories,
            calls,
            kills,
            cuts,
            files,
            delivered,
            held,
            flagged,
            returns,
            sent,
            uncertain,
            with_faults,
        } = other;
        self.histories += histories;
        self.calls += calls;
        self.kills += kills;
        self.cuts += cuts;
        self.files += files;
        self.delivered += delivered;
        self.held += held;
        self.flagged += flagged;
        self.returns += returns;
        self.sent += sent;
        self.uncertain += uncertain;
        self.with_faults += with_faults;
    }
}

/// One history, told.
#[derive(Debug)]
pub struct Told {
    pub tally: Tally,
    pub violations: Vec<String>,
    pub trace: Vec<String>,
}

pub struct History {
    pub ground: Arc<Ground>,
    pub store: Rc<Store>,
    pub layout: Layout,
    pub tally: Tally,
    pub strangers_meant: bool,
    pub jumped: bool,
    /// The ledger is verified at the end: of every fourth history, because that takes as long as the rest.
    pub verifies: bool,
    mounted: simulated::Mounted,
    boot: u32,
    /// How far the machine's clock is from the time, in microseconds.
    off: i64,
}

/// Plays the history of this seed.
pub fn play(seed: u64, mutation: Mutation, traced: bool) -> Told {
    simulated::enter();
    leave_out(match mutation {
        Mutation::SyncLeftOut(name) => Some(name),
        _ => None,
    });
    let mut history = History::begin(seed, mutation, traced);
    let lives = history.ground.lock().chance.below(4);
    for _ in 0..lives {
        history.life();
    }
    let rests = history.last_life();
    history.reckon(rests);
    leave_out(None);
    let mut ground = history.ground.lock();
    history.tally.histories = 1;
    history.tally.calls = ground.calls;
    history.tally.with_faults = u64::from(ground.ever_failed);
    Told {
        tally: history.tally.clone(),
        violations: std::mem::take(&mut ground.violations),
        trace: ground.trace.take().unwrap_or_default(),
    }
}

fn arrivals(chance: &mut Chance) -> Vec<Arrival> {
    let mut arrivals: Vec<Arrival> = Vec::new();
    for number in 0..=chance.below(3) as usize {
        let way = match chance.below(6) {
            0..3 => Way::Renamed,
            3 | 4 => Way::InPieces,
            _ if number > 0 => Way::Over(number - 1),
            _ => Way::Renamed,
        };
        let pack = chance.falls(200);
        let mut one = arrival(number, chance.below(100_000_000), pack, way);
        if let Way::Over(first) = way {
            one.name = arrivals[first].name.clone();
        } else if number > 0 && chance.falls(150) {
            // The same bytes once more, under another name.
            let (name, first) = (one.name, arrivals[number - 1].clone());
            one = Arrival { name, way: Way::After(number - 1), ..first };
        }
        arrivals.push(one);
    }
    arrivals
}

impl History {
    fn begin(seed: u64, mutation: Mutation, traced: bool) -> History {
        let mut chance = Chance::of(seed);
        let kind = *chance.pick(&[Kind::Journalled, Kind::Loose]);
        let mut fs = FileSystem::new(kind);
        let [_, drop, backoffice, pick_up, outgoing, _] = FOLDERS.map(|name| fs.folder(folder(name)));
        let returns = chance.falls(350).then(|| chance.falls(500));
        let only_returns = returns.is_some() && chance.falls(500);
        let arrivals = if only_returns { Vec::new() } else { arrivals(&mut chance) };
        let extract = samples::shbe_extract(date(2021, 2, 24));
        let returned = returns.is_some().then(|| ("extract.txt".to_owned(), extract, false));
        let parts = || arrivals.iter().flat_map(|arrival| &arrival.parts);
        let strangers_meant = chance.falls(100);
        let envied = parts().filter(|_| strangers_meant).map(|(name, _)| name.clone()).collect();
        let whole = parts().map(|(_, digest)| *digest).collect();
        let world = World {
            drop,
            backoffice,
            pick_up,
            outgoing,
            arrivals,
            returned,
            strangers: BTreeMap::new(),
            envied,
            taken: Vec::new(),
            received: Vec::new(),
            recorded: Default::default(),
            whole,
            waited: Default::default(),
        };
        let mut inner = Inner {
            chance,
            fs,
            world,
            now: BEGINS,
            since_boot: 100_000_000,
            dead: false,
            calls: 0,
            ends_at: None,
            marks: 0,
            ends_at_mark: None,
            faults: 0,
            ever_failed: false,
            bustle: 0,
            mutation,
            log: Vec::new(),
            trace: traced.then(Vec::new),
            violations: Vec::new(),
        };
        inner.note(|_| format!("seed {seed}, {kind:?}, {mutation}"));
        // Some of it may lie there when all begins.
        for _ in 0..inner.chance.below(8) {
            inner.world_acts();
        }
        let layout = Layout { returns };
        let ground = Arc::new(Ground::new(inner));
        let mounted = simulated::mount(ground.clone());
        let store = Store::empty();
        History {
            ground,
            store,
            layout,
            tally: Tally::default(),
            strangers_meant,
            jumped: false,
            verifies: seed.is_multiple_of(4),
            mounted,
            boot: 0,
            off: 0,
        }
    }

    fn boot(&self) -> String {
        let unnoticed = self.ground.lock().mutation == Mutation::RebootUnnoticed;
        format!("boot-{}", if unnoticed { 0 } else { self.boot })
    }

    fn start(&self) -> Option<Service> {
        let started = Service::start(&self.ground, self.mounted.path(), &self.store, self.layout, &self.boot());
        started.ok()
    }

    /// A process that ends in one way or another.
    fn life(&mut self) {
        let (end, rounds) = {
            let mut ground = self.ground.lock();
            let end = *ground.chance.pick(&[End::Killed, End::PowerCut, End::PowerCut]);
            let calls = ground.calls;
            let most = *ground.chance.pick(&[60, 250, 600]);
            // At any call, or at one of those that matter.
            ground.ends_at = Some(calls + 1 + ground.chance.below(most));
            if ground.chance.falls(500) {
                let marks = ground.marks;
                (ground.ends_at, ground.ends_at_mark) = (None, Some(marks + 1 + ground.chance.below(20)));
            }
            ground.faults = *ground.chance.pick(&[0, 0, 0, 5, 40]);
            ground.bustle = *ground.chance.pick(&[0, 30, 150]);
            ground.note(|inner| format!("-- a process begins; {} of 1000 calls fail", inner.faults));
            (end, 2 + ground.chance.below(6))
        };
        let mut service = self.start();
        for _ in 0..rounds {
            let Some(running) = &mut service else { break };
            if self.ground.lock().dead || running.round().is_err() {
                break;
            }
            self.time_passes();
        }
        drop(service);
        self.ends(end);
    }

    fn ends(&mut self, end: End) {
        let mut ground = self.ground.lock();
        let ground = &mut *ground;
        ground.note(|_| format!("-- {end:?}"));
        (ground.dead, ground.ends_at, ground.ends_at_mark, ground.faults) = (false, None, None, 0);
        match end {
            End::Killed => self.tally.kills += 1,
            End::PowerCut => {
                self.tally.cuts += 1;
                ground.fs.cut(&mut ground.chance);
                let before = std::mem::replace(&mut ground.since_boot, 20_000_000);
                self.boot += 1;
                ground.look_after_cut(before);
                if ground.mutation == Mutation::SyncLeftOut("sync.store.commit") {
                    let lost = ground.chance.below(3) as usize;
                    without_last(&mut ground.log, lost);
                }
            }
        }
    }

    fn time_passes(&mut self) {
        let mut ground = self.ground.lock();
        for _ in 0..ground.chance.below(4) {
            ground.world_acts();
        }
        let pause = *ground.chance.pick(&[100, 3_000, 6_000, 6_000, 61_000, 400_000]);
        ground.pass(Duration::from_millis(pause));
        if ground.chance.falls(60) {
            let by = *ground.chance.pick(&[-7_200, 7_200, 36_000, -36_000, -34_560_000, 34_560_000]) * 1_000_000;
            ground.note(|_| format!("the clock jumps by {} s", by / 1_000_000));
            ground.now += by;
            self.off += by;
            self.jumped = true;
        }
    }

    /// A process that nothing goes wrong with, until all rests. Whether it does.
    fn last_life(&mut self) -> bool {
        {
            let mut ground = self.ground.lock();
            ground.now -= self.off;
            ground.bustle = 20;
            ground.note(|_| "-- the last process begins".to_owned());
        }
        let Some(mut service) = self.start() else { return false };
        for _ in 0..ROUNDS_MAX {
            if service.round().is_err() {
                return false;
            }
            let mut ground = self.ground.lock();
            if !ground.world.is_done() {
                for _ in 0..20 {
                    ground.world_acts();
                }
            }
            ground.pass(Duration::from_secs(6));
            if ground.world.is_done() {
                drop(ground);
                if self.rests() {
                    return true;
                }
                self.ground.lock().pass(Duration::from_secs(55));
            }
        }
        false
    }

    fn rests(&self) -> bool {
        let ground = self.ground.lock();
        let lie = |folder: u64| !ground.fs.folders[&folder].names.is_empty();
        let (is_dropped, is_left) = (lie(ground.world.drop), lie(ground.world.pick_up));
        let queries = &self.store.queries;
        let all = queries.consignments(&ConsignmentFilter::default()).unwrap();
        let is_over = |standing: &Standing| {
            matches!(standing, Standing::Closed { .. } | Standing::Held { .. } | Standing::Rejected { .. })
        };
        let submissions = queries.submissions(&SubmissionFilter::default()).unwrap();
        let is_sent = |stage: &Stage| {
            matches!(stage, Stage::Sent { .. } | Stage::Uncertain { .. } | Stage::Failed { .. } | Stage::Missed { .. })
        };
        let is_known = ground
            .world
            .arrivals
            .iter()
            .all(|arrival| arrival.replaced || ground.world.recorded.contains(&arrival.sealed.digest));
        // What came too late for its day stays.
        let is_missed = submissions.iter().all(|one| matches!(one.stage, Stage::Missed { .. }));
        is_known
            && !is_dropped
            && (!is_left || is_missed)
            && all.iter().all(|one| is_over(&one.standing))
            && submissions.iter().all(|one| is_sent(&one.stage))
    }

    /// Digests of what lies in this folder.
    pub fn contents(&self, folder: u64) -> Vec<(String, Digest)> {
        let ground = self.ground.lock();
        let names = &ground.fs.folders[&folder].names;
        names.iter().map(|(name, file)| (name.clone(), Digest::of(&ground.fs.inodes[file].content))).collect()
    }
}
