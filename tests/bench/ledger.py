"""A ledger of a million entries: what an entry costs at its end and at its beginning, how long it takes to verify, to export and
verify the export, and to prove one entry.

In:  the options of `run`. Out: rows of its table.
Holds: the ledger is written by the store's own writer, each commit on the disk; verified by the real program on one core. The
first thousands are those of an empty file; a store in use is that of the later ones, so both are told.

    tests/bench/run --only ledger [--entries 1000000] [--binary FILE]
"""

import json
import os
import shutil
import statistics
import subprocess
import time

from report import Row
from shbe import tool

# Thousands of which the median is taken at either end: a single one says more of the disk than of the store.
ENDS = 20


def on_one_core(command):
    """Seconds, and what it printed."""
    core = str(max(os.sched_getaffinity(0)))
    begun = time.monotonic()
    ended = subprocess.run(["taskset", "-c", core, *map(str, command)], stdout=subprocess.PIPE, text=True)
    seconds = time.monotonic() - begun
    assert ended.returncode == 0, f"{command} ended with {ended.returncode}: {ended.stdout[:2000]}"
    return seconds, ended.stdout


def median_of_ends(given, state, say):
    """How many times the first thousands the last ones take, where entries move nothing: the ledger by itself."""
    state.mkdir()
    appended = subprocess.run([tool("ledger"), "append", state, str(given.entries)], check=True, stdout=subprocess.PIPE, text=True)
    thousands = json.loads(appended.stdout)
    ends = max(1, min(ENDS, len(thousands) // 4))
    first, last = statistics.median(thousands[:ends]), statistics.median(thousands[-ends:])
    say(f"a thousand entries alone: first {first:.1f} ms, last {last:.1f} ms")
    shutil.rmtree(state)
    return last / first


def ledger(given, say):
    """One long ledger."""
    place = given.dir / "ledger"
    shutil.rmtree(place, ignore_errors=True)
    council = place / "council"
    place.mkdir(parents=True)
    subprocess.run([given.binary, "init", council, "--authority", "12302"], check=True, stdout=subprocess.DEVNULL)
    filled = subprocess.run([tool("ledger"), "fill", council / "state", str(given.entries)], check=True,
                            stdout=subprocess.PIPE, text=True).stdout
    thousands = json.loads(filled)
    ends = max(1, min(ENDS, len(thousands) // 4))
    first, last = statistics.median(thousands[:ends]), statistics.median(thousands[-ends:])
    later = statistics.median(thousands[len(thousands) // 4:len(thousands) // 4 + ends])
    say(f"a thousand entries: first {first:.0f} ms, after a quarter {later:.0f} ms, last {last:.0f} ms")
    alone = median_of_ends(given, place / "alone", say)
    run = [given.binary, "--config", council / "hbcourier.toml", "audit"]
    verified = []
    for _ in range(max(given.rounds, 3)):
        seconds, answer = on_one_core([*run, "verify", "--json"])
        answer = json.loads(answer)
        assert answer["ok"] and answer["entries"] >= len(thousands) * 1000, answer
        verified.append(seconds)
        say(f"verified {answer['entries']} entries in {seconds:.2f} s")
    entries = f"{given.entries:,} entries"
    rows = [
        Row(f"{entries} alone: a thousand more, at the end beside the beginning", "x", alone, most=1.25),
        Row(f"{entries}: a thousand more, at the end beside the beginning", "ms", last, {"the beginning": first}),
        Row(f"{entries}: a thousand more, at the end beside a quarter", "x", last / later, most=1.5),
        Row(f"{entries}: verified on one core", "s", statistics.median(verified), most=5),
    ]
    exported = place / "export"
    seconds, _ = on_one_core([*run, "export", exported])
    rows.append(Row(f"{entries}: exported", "s", seconds))
    vkey = council / "state" / "keys" / "ledger.vkey"
    offline = [on_one_core([given.binary, "audit", "verify", "--export", exported, "--vkey", vkey, "--json"])[0]
               for _ in range(3)]
    rows.append(Row(f"{entries}: the export verified on one core", "s", statistics.median(offline), most=5))
    proofs = [on_one_core([*run, "prove", "--entry", str(given.entries * n // 12)])[0] * 1000 for n in range(1, 12)]
    rows.append(Row(f"{entries}: one entry proved, the program's start included", "ms", statistics.median(proofs),
                    most=50))
    shutil.rmtree(place)
    return rows
