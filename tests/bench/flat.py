"""What a file costs on an empty store, and on one whose ledger has a million entries and their transfers.

In:  the options of `run`. Out: rows of its table.
Holds: both services run side by side, with the same keys, and take the same thousand files in turns, another thousand each
round; which begins changes. The long ledger is written by the store's own writer (ledger.rs). A round that both take first
is not counted: it is the first thing either does.
"""

import contextlib
import statistics
import subprocess
import time

from drop import give_back
from flood import files
from report import Row
from service import Service
from shbe import tool

THOUSAND = 1000


def flat(given, keys, say):
    """A thousand files, in turns."""
    fixtures, sealed = files(given, keys)
    at_once = min(THOUSAND, len(sealed) // (given.rounds + 1))
    empty, long = Service(given, fixtures), Service(given, fixtures)
    for service in [empty, long]:
        service.lay_out()
    subprocess.run([tool("ledger"), "fill", long.state, str(given.entries)], check=True, stdout=subprocess.DEVNULL)
    began = time.monotonic()
    with contextlib.ExitStack() as running:
        for service in [long, empty]:
            service.start()
            running.push(service)
            say(f"{keys}: answers {time.monotonic() - began:.2f} s after it was started")
            began = time.monotonic()
        taken = {empty: [], long: []}
        for turn in range(given.rounds + 1):
            batch = sealed[turn * at_once:(turn + 1) * at_once]
            for service in [empty, long] if turn % 2 else [long, empty]:
                delivered, closed = service.take(batch)
                taken[service].append(closed)
            say(f"{keys}: {at_once} closed after {taken[empty][-1]:.2f} s on the empty store, {taken[long][-1]:.2f} s on the long")
    ratios = [later / first for first, later in zip(taken[empty][1:], taken[long][1:])]
    long.verify_ledger()
    for service in [empty, long]:
        give_back(service.work)
    on_empty, on_long = (at_once / statistics.median(taken[service][1:]) for service in [empty, long])
    name = f"{at_once:,} x 60 KB, {keys}, behind {given.entries:,} entries"
    return [
        Row(f"{name}: closed", "files/s", on_long, {"on an empty store": on_empty}),
        Row(f"{name}: cost of a file, of that on an empty store", "x", statistics.median(ratios), most=1.25),
    ]
