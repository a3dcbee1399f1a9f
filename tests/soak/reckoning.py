"""The end: what became of everything, held against what was put before the service.

In:  a run whose faults are over. Out: counts, and what is not as it must be.
"""

import collections
import json
import subprocess
from pathlib import Path

from fixtures import gpg
from material import CANARY, digest
from place import until

RESTS = 600


def rests(run):
    """Whether everything has come to its end."""
    expected = run.traffic.expected
    standings = run.of.standings()
    at_rest = sum(count for word, count in standings.items() if word in ("closed", "held", "rejected"))
    return (at_rest == sum(standings.values()) == len(expected.items) and not lying(run)
            and run.of.sent() == len(expected.returns))


def lying(run):
    """What nobody has collected yet."""
    folders = [*run.of.drops.values(), *run.of.returns.values(), *(run.of.maildir / part for part in ("new", "cur", "tmp")),
               *(run.of.mail.maildir / part for part in ("new", "cur"))]
    return [path for folder in folders for path in folder.iterdir()]


def comes_to_rest(run):
    until(lambda: rests(run), RESTS, "everything rests", pause=0.5)


def reckon(run):
    """Counts by name, and the violations."""
    wrong = run.violations
    expected, offices = run.traffic.expected, run.traffic.offices
    got = offices[0].got + offices[1].got
    lost, doubled = expected.parts - got, got - expected.parts
    whole = sum(not office.wrong for office in offices) == len(offices)
    held = held_codes(run)
    unlike = {code: (expected.codes[code], held[code]) for code in expected.codes | held if expected.codes[code] != held[code]}
    returns = sent_returns(run)
    counts = {
        "files and mails sent": len(expected.items), "files delivered": got.total(), "held, as expected": held.total(),
        "returns sent": len(returns), "lost": lost.total(), "duplicated": doubled.total(),
        "half-written visible": sum(len(office.wrong) for office in offices), "held otherwise": len(unlike),
    }
    wrong += [f"lost: {lost.total()}"] * bool(lost) + [f"delivered more than once: {doubled.total()}"] * bool(doubled)
    wrong += [] if whole else [f"visible and not whole: {[office.wrong for office in offices]}"]
    wrong += [f"held otherwise than expected (code: expected, held): {unlike}"] * bool(unlike)
    wrong += ["the returns that left are not those that were left"] * (sorted(returns) != sorted(expected.returns))
    hidden = [str(path) for office in run.of.offices.values() for path in office.rglob(".*") if path.is_file()]
    wrong += [f"left lying at destinations: {hidden}"] * bool(hidden)
    wrong += spool(run, held.total())
    entries = ledger(run, wrong)
    counts["entries in the ledger"] = entries
    found = canaries(run)
    counts["places with content in clear"] = len(found)
    wrong += [f"content in clear: {found}"] * bool(found)
    return counts


def held_codes(run):
    listed = json.loads(run.of.run("held", "list", "--json", ok=(0, 1)))["held"]
    return collections.Counter(one["code"] for one in listed) + collections.Counter(rejected(run))


def rejected(run):
    listed = json.loads(run.of.run("transfers", "list", "--state", "rejected", "--json", ok=(0, 1)))["transfers"]
    return [one["code"] for one in listed]


def sent_returns(run):
    """The digests of what left, opened by GnuPG at the partner's."""
    sealed = [path for folder in run.of.outgoing.values() for path in folder.iterdir()]
    return [digest(gpg(run.of.material.home("partner"), "--decrypt", path)) for path in sealed]


def spool(run, held):
    """In the spool is what is held, and nothing else."""
    count = lambda folder: sum(path.is_file() for path in (run.of.state / folder).rglob("*"))
    there = {folder: count(folder) for folder in ("spool/raw", "spool/tmp", "spool/private", "picked-up")}
    right = {"spool/raw": held, "spool/tmp": 0, "spool/private": 0, "picked-up": 0}
    return [] if there == right else [f"in the spool lies {there} instead of {right}"]


def ledger(run, wrong):
    """How many entries; verified, and each transfer told of once."""
    verdict = json.loads(run.of.run("audit", "verify", "--json", ok=(0, 1)))
    wrong += [] if verdict["ok"] else [f"the ledger does not verify: {verdict['says']}"]
    told = collections.defaultdict(collections.Counter)
    for line in run.of.run("audit", "log", "--json").splitlines():
        entry = json.loads(line)
        if entry["event"] in ("collected", "delivered", "closed") and entry["transfer"]:
            told[entry["event"]][entry["transfer"]] += 1
    for event, transfers in told.items():
        twice = [transfer for transfer, count in transfers.items() if count > 1]
        wrong += [f"{len(twice)} transfers are told {event} more than once: {twice[:3]}"] * bool(twice)
    return verdict["entries"]


def canaries(run):
    """Where content can be read outside of the destinations."""
    asked = ["grep", "-rla", "--binary-files=text", CANARY, run.of.state, run.of.log, run.of.config.parent]
    found = subprocess.run(asked, capture_output=True, text=True)
    assert found.returncode in (0, 1), found.stderr
    return [str(Path(line)) for line in found.stdout.splitlines()]

