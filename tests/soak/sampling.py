"""What the process has, every few seconds: resident memory, open descriptors, threads; and whether it says that it is well.

Out: samples, each with the life of the process that it is of; and the rule by which there was no growth.
"""

import contextlib
import os
import statistics
import threading
import time
from pathlib import Path

EVERY = 5.0
# What a median may be above the earlier one before that is growth.
SHARE, MIB = 1.10, 1 << 20
ROOM = {"resident": 4 * MIB, "descriptors": 4, "threads": 4}
# What the store keeps of its file in memory, at most: its writer, and each of four readers.
CACHES = [8 * MIB, *4 * [2 * MIB]]
# Younger than this, a process has not yet had all that it keeps; a life as long as that is old enough to be held against itself.
YOUNG, OLD = 60.0, 300.0
# Lives are held against each other by what they had at this age.
SAME_AGE = (30.0, 60.0)
WHAT = ("resident", "descriptors", "threads")


def of_process(pid):
    """Resident bytes, threads, descriptors."""
    words = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(words["VmRSS"].split()[0]) * 1024, int(words["Threads"]), len(os.listdir(f"/proc/{pid}/fd"))


def opened(pid):
    """What the descriptors lead to."""
    targets = []
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            targets.append(os.readlink(descriptor))
    return sorted(targets)


class Sampler:
    def __init__(self, service):
        self.service, self.samples, self.unwell = service, [], []
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._sample, daemon=True)

    def start(self):
        self.began = time.monotonic()
        self.thread.start()

    def stop(self):
        self.over.set()
        self.thread.join()

    def now(self):
        resident, threads, descriptors = of_process(self.service.process.pid)
        store = os.path.getsize(self.service.of.state / "store.sqlite")
        return {"resident": resident, "threads": threads, "descriptors": descriptors, "store": store}

    def at_rest(self):
        """The least that it has within some seconds, in which nothing but looking happens; and what its descriptors lead to.
        Without those to the store: it keeps what it once needed to read side by side, up to a bound."""
        looks = []
        for _ in range(40):
            targets = [target for target in opened(self.service.process.pid) if "/store.sqlite" not in target]
            looks.append({**self.now(), "descriptors": len(targets), "opened": targets})
            time.sleep(0.25)
        return {what: min((look[what] for look in looks), key=lambda value: len(value) if what == "opened" else value)
                for what in looks[0]}

    def _sample(self):
        while not self.over.wait(EVERY):
            life = self.service.life
            try:
                sample = self.now()
            except (OSError, KeyError):
                continue
            if life != self.service.life:
                continue
            now = time.monotonic()
            self.samples.append({"at": round(now - self.began, 1), "life": life, "age": round(now - self.service.since, 1), **sample})
            status, says = self.service.of.asks("/healthz")
            if status not in (200, None):
                self.unwell.append((round(now - self.began), status, says[:200]))


def quarters(samples, what):
    """The medians of the second and of the last quarter."""
    values = [sample[what] for sample in samples]
    quarter = len(values) // 4
    return statistics.median(values[quarter:2 * quarter]), statistics.median(values[3 * quarter:])


def medians(samples):
    return {what: quarters(samples, what) for what in WHAT} if samples else {}


def caches(store):
    """What the store's caches hold of a file of this length, at most."""
    return sum(min(cache, store) for cache in CACHES)


def is_growth(what, before, after, stores):
    """Whether this is more than a tenth above what was before, beyond some room; and, of memory, beyond what the caches may
    have taken since, because the store, of these lengths, got larger."""
    taken = caches(stores[1]) - caches(stores[0]) if what == "resident" else 0
    return after > before * SHARE + ROOM[what] + taken


def grew(samples, what):
    """Whether the last quarter's median is growth over the second's."""
    return bool(samples) and is_growth(what, *quarters(samples, what), quarters(samples, "store"))


def at_same_age(samples):
    """Of each life what it had at one age, in the order of the lives; none if there are too few lives."""
    found = [sample for sample in samples if SAME_AGE[0] <= sample["age"] < SAME_AGE[1]]
    return found if len({sample["life"] for sample in found}) >= 4 else []


def old(samples):
    """Each life that got old, without its first minute."""
    found = {}
    for sample in samples:
        if sample["age"] >= YOUNG:
            found.setdefault(sample["life"], []).append(sample)
    return [life for life in found.values() if life[-1]["age"] >= OLD]
