"""What comes by a drop folder: many small files, one large file, one file at a time, a huge one, nothing.

In:  the options of `run`, the kind of keys. Out: rows of its table.
Holds: in each round everybody gets the same sealed files, opened with the same key, one after the other: the loops, the two
floors, hbcourier. Every delivered byte is compared with what was sealed.
"""

import statistics

from drop import give_back
from fixtures import Fixtures
from floor import Floor
from loops import GpgLoop, SqLoop
from report import LOWER, OPENED, WRITTEN, Row
from service import Service

MIB = 1 << 20
median = statistics.median


class Rounds:
    """How long everybody takes in each round."""

    def __init__(self, given, fixtures, sealed, say):
        self.given, self.fixtures, self.sealed, self.say = given, fixtures, sealed, say
        self.floor = Floor(given, fixtures, sealed, say)
        self.loops = [] if given.no_peers else [GpgLoop, SqLoop]
        self.delivered, self.closed, self.peak, self.loops_peak = [], [], 0, {}
        self.others = {OPENED: [], WRITTEN: [], **{loop.name: [] for loop in self.loops}}

    def go(self):
        for turn in range(self.given.rounds):
            # They are slow and steady: once is enough to compare with, but in a full run they take their turns too.
            if turn == 0 or not self.given.quick:
                for loop in self.loops:
                    self._loop(loop)
            self.others[OPENED].append(self.floor.opened())
            self.others[WRITTEN].append(self.floor.written())
            with Service(self.given, self.fixtures) as service:
                delivered, closed = service.take(self.sealed)
                self.peak = max(self.peak, service.peak())
                service.verify_ledger()
            give_back(service.work)
            self.delivered.append(delivered)
            self.closed.append(closed)
            self.say(f"{self.fixtures.keys}: hbcourier delivered {delivered:.2f} s, closed {closed:.2f} s, "
                     f"peak {self.peak / MIB:.0f} MiB")
        give_back(self.floor.content)
        return self

    def _loop(self, kind):
        with kind(self.given.dir, self.fixtures) as loop:
            seconds = loop.take(self.sealed)
        self.others[kind.name].append(seconds)
        self.loops_peak[kind.name] = max(self.loops_peak.get(kind.name, 0), loop.peak)
        self.say(f"{self.fixtures.keys}: {kind.name} {seconds:.2f} s")

    def rates(self, much):
        """How much a second, of all of them."""
        rates = {who: much / median(seconds) for who, seconds in self.others.items()}
        lower = min(rates[OPENED], rates[WRITTEN])
        floors = {OPENED: rates.pop(OPENED), WRITTEN: rates.pop(WRITTEN), LOWER: lower}
        return much / median(self.delivered), {**floors, **rates}

    def asked(self, **ratios):
        """Of whom there is a figure."""
        named = {LOWER: ratios["floor"], GpgLoop.name: ratios["loop"]}
        return {who: ratio for who, ratio in named.items() if who == LOWER or who in self.others}


def small(given, keys, say):
    """Many small files at once."""
    fixtures = Fixtures(given.dir, keys)
    rounds = Rounds(given, fixtures, fixtures.small(given.files), say).go()
    ours, others = rounds.rates(given.files)
    name = f"{given.files:,} x 100 KB, {keys}"
    return [
        Row(f"{name}: delivered", "files/s", ours, others, rounds.asked(floor=0.6, loop=6)),
        Row(f"{name}: closed", "files/s", given.files / median(rounds.closed), others),
        Row(f"{name}: peak memory", "MiB", rounds.peak / MIB),
    ]


def large(given, keys, say):
    """One large file."""
    fixtures = Fixtures(given.dir, keys)
    rounds = Rounds(given, fixtures, fixtures.large(given.large), say).go()
    ours, others = rounds.rates(given.large / 1e6)
    name = f"one file of {given.large // MIB:,} MiB, {keys}"
    peaks = {who: peak / MIB for who, peak in rounds.loops_peak.items()}
    return [
        Row(f"{name}: delivered", "MB/s", ours, others, rounds.asked(floor=0.7, loop=1.5)),
        Row(f"{name}: peak memory", "MiB", rounds.peak / MIB, peaks, most=128),
    ]


def latency(given, keys, say):
    """One file at a time, from the writer's close to delivered."""
    fixtures = Fixtures(given.dir, keys)
    sealed = fixtures.small(given.files)[:given.single]
    with GpgLoop(given.dir, fixtures) as loop:
        theirs = [loop.take_one(file) * 1000 for file in sealed]
    with Service(given, fixtures) as service:
        ours = [service.take_one(file) * 1000 for file in sealed]
    say(f"{keys}: delivered after {min(ours):.1f} to {max(ours):.1f} ms")
    return [Row(f"close to delivered, {keys}, median", "ms", median(ours), {GpgLoop.name: median(theirs)}, most=50)]


def memory(given, keys, say):
    """A file of twice the size must not take more memory."""
    fixtures = Fixtures(given.dir, keys)
    with Service(given, fixtures) as service:
        service.take(fixtures.large(given.huge))
        peak = service.peak()
    give_back(service.work)
    say(f"{given.huge // MIB} MiB: peak {peak / MIB:.0f} MiB")
    return [Row(f"one file of {given.huge // MIB:,} MiB: peak memory", "MiB", peak / MIB, most=128)]


def idle(given, keys, say):
    """Nothing to do."""
    with Service(given, Fixtures(given.dir, keys)) as service:
        cpu, resident = service.idles(given.idle)
    say(f"idle: {cpu:.2%} of a core, {resident / MIB:.0f} MiB")
    return [
        Row(f"idle for {given.idle} s: of one core", "%", cpu * 100, most=0.5),
        Row("idle: resident memory", "MiB", resident / MIB, most=40e6 / MIB),
    ]
