"""Ten thousand files at once: where the kernel's queue of notifications holds 64, and with all of them in flight at a restart.

In:  the options of `run`. Out: rows of its tables.
Holds: the limit of the queue, which is the kernel's and everybody's, is another one only while the service makes its watches,
and is put back however that ends. Every file is delivered once, and is what was sealed; the ledger is verified.
"""

import contextlib
import os
import time
from pathlib import Path

from drop import give_back
from fixtures import Fixtures
from report import Row
from service import Service

MIB = 1 << 20
LIMIT, SHORT = Path("/proc/sys/fs/inotify/max_queued_events"), 64
BYTES = 60_000


def files(given, keys):
    fixtures = Fixtures(given.dir, keys)
    return fixtures, fixtures.small(given.flood, BYTES)


@contextlib.contextmanager
def short_queue():
    """For watchers that are made within: the limit that counts is the one when a watcher is made."""
    usual = LIMIT.read_text()
    try:
        LIMIT.write_text(str(SHORT))
        yield
    finally:
        LIMIT.write_text(usual)


def flood(given, keys, say):
    """More than the queue holds, while the service is kept from reading it."""
    fixtures, sealed = files(given, keys)
    service = Service(given, fixtures)
    service.lay_out()
    with short_queue():
        service.start()
    try:
        delivered, _ = service.take(sealed, stopped=True)
        peak = service.peak()
    finally:
        service.__exit__()
    assert "Notifications were lost" in service.logged(), "the queue did not overflow: this shows nothing"
    service.verify_ledger()
    give_back(service.work)
    say(f"{keys}: {len(sealed)} delivered in {delivered:.1f} s, peak {peak / MIB:.0f} MiB")
    name = f"{len(sealed):,} x 60 KB, {keys}, a queue of {SHORT}"
    return [
        Row(f"{name}: all delivered", "files/s", len(sealed) / delivered),
        Row(f"{name}: peak memory", "MiB", peak / MIB, most=256),
    ]


def restart(given, keys, say):
    """All are collected and none can be delivered; the service is killed, the destination is back, the service starts."""
    fixtures, sealed = files(given, keys)
    service = Service(given, fixtures)
    service.lay_out()
    # The routes' folders, away as a share that is not mounted.
    away = service.backoffice.with_name("away")
    service.start()
    with service.or_killed():
        service.backoffice.rename(away)
        service.drop.put_all(sealed)
        service.wait(lambda: service.count("collected", "staged", "deferred") >= len(sealed), 0.05)
    service.kill()
    in_flight = service.count("collected", "staged", "deferred")
    assert in_flight == len(sealed) and not any(path.is_file() for path in away.rglob("*"))
    away.rename(service.backoffice)
    # What failed is tried again after a pause, and no pause is measured: the machine was down for longer.
    due = service.last_due() - time.time()
    say(f"{keys}: killed with {in_flight} in flight, the last of which may be tried again in {due:.0f} s")
    time.sleep(max(due, 0))
    os.sync()
    began = time.monotonic()
    service.begin()
    try:
        service.wait(lambda: service.count("delivered", "closed"), 0.005)
        first = time.monotonic() - began
        service.wait(lambda: service.count("delivered", "closed") >= len(sealed), 0.05)
        last = time.monotonic() - began
        service.wait(lambda: service.count("closed") >= len(sealed), 0.05)
        peak = service.peak()
    finally:
        service.__exit__()
    service.compare(service.visible(), sealed)
    service.verify_ledger()
    give_back(service.work)
    say(f"{keys}: first delivered after {first:.2f} s, last after {last:.1f} s, peak {peak / MIB:.0f} MiB")
    name = f"started again with {in_flight:,} in flight, {keys}"
    return [
        Row(f"{name}: first delivered after", "s", first, most=15),
        Row(f"{name}: last delivered after", "s", last),
        Row(f"{name}: peak memory", "MiB", peak / MIB, most=256),
    ]
