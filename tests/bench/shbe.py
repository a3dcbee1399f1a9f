"""Checking an extract (SHBE): `hbcourier shbe check` beside the `csv` crate merely reading the same file into records.

In:  the options of `run`. Out: rows of its table.
Holds: both are processes of their own on one file that is in memory already, in turns; what the check says of it is asserted:
every claim is counted and nothing is found. The peak is an upper bound: what python had when it forked counts too.

    tests/bench/run --only shbe [--claims 200000] [--rounds 5] [--binary FILE]
"""

import functools
import json
import os
import statistics
import subprocess
import time
from pathlib import Path

from report import Row

HERE = Path(__file__).resolve().parent
MIB = 1 << 20


@functools.cache
def tool(name):
    """Builds `<name>.rs` as the program is built, and finds it."""
    build = ["cargo", "bench", "--bench", name, "--no-run", "--message-format=json-render-diagnostics"]
    lines = subprocess.run(build, cwd=HERE, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    built = [json.loads(line) for line in lines]
    return next(one["executable"] for one in built if one.get("target", {}).get("name") == name and one.get("executable"))


def timed(command):
    """Seconds, peak memory in bytes at most, and what it printed."""
    begun = time.monotonic()
    child = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE)
    printed = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.monotonic() - begun
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0, f"{command} ended with {child.returncode}: {printed[:2000]!r}"
    return seconds, usage.ru_maxrss * 1024, printed


def shbe(given, say):
    """One large extract."""
    reader = tool("shbe")
    file = given.dir / f"shbe-{given.claims}.txt"
    subprocess.run([reader, "generate", file, str(given.claims)], check=True)
    size, rounds = file.stat().st_size, max(given.rounds, 3)
    ours, theirs, peak = [], [], 0
    # The first turn only brings the file into memory.
    for turn in range(rounds + 1):
        read, _, counted = timed([reader, "read", file])
        check, resident, answer = timed([given.binary, "shbe", "check", file, "--json"])
        answer = json.loads(answer)
        assert answer["verdict"] == "accept" and not answer["findings"], answer
        records = sum(answer["records"].values())
        assert answer["records"]["D"] == given.claims and records == int(counted.split()[0]) - 2, (answer, counted)
        if turn:
            theirs, ours = theirs + [read], ours + [check]
            peak = max(peak, resident)
            say(f"csv {read:.2f} s, hbcourier {check:.2f} s, peak {resident / MIB:.0f} MiB")
    name = f"extract of {given.claims:,} claims, {records:,} records, {size / MIB:.0f} MiB"
    mine, others = statistics.median(ours), statistics.median(theirs)
    file.unlink()
    return [
        Row(f"{name}: checked", "s", mine, {"csv crate": others}, most=2 * others),
        Row(f"{name}: peak memory", "MiB", peak / MIB, most=64),
    ]
