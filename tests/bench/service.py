"""Our side: the real service, as `init` sets it up, with nothing turned off.

In:  sealed files, renamed into its drop folder. Out: how long until all are delivered, and until all are closed.
Holds: delivered means that the file is visible under its final name and that the ledger says Delivered.
"""

import json
import os
import sqlite3
import subprocess
import time
from pathlib import Path

from drop import Drop, fresh
from loops import digest_of

AUTHORITY = "12302"


class Service:
    def __init__(self, given, fixtures):
        self.binary = given.binary
        self.work = fresh(given.dir, "service")
        self.fixtures = fixtures

    def __enter__(self):
        init = [self.binary, "init", self.work / "council", "--authority", AUTHORITY, "--json", "--partner-cert",
                self.fixtures.folder / "partner.asc"]
        laid = json.loads(subprocess.run(init, check=True, capture_output=True).stdout)
        self.config, self.backoffice = Path(laid["config"]), Path(laid["backoffice"])
        self.state = Path(laid["state"])
        self._take_over_key()
        self.drop = Drop(self.work, Path(laid["drop"]))
        self.log = open(self.work / "log", "wb")
        self.process = subprocess.Popen([self.binary, "--config", self.config, "run"], stderr=self.log)
        self._wait(self._answers)
        self.store = sqlite3.connect(f"file:{self.state}/store.sqlite?mode=ro", uri=True, isolation_level=None)
        return self

    def __exit__(self, *_):
        self.store.close()
        self.process.terminate()
        ended = self.process.wait(90)
        self.log.close()
        assert ended == 0, f"the service ended with {ended}:\n{(self.work / 'log').read_text()}"

    def _take_over_key(self):
        """The council's key that the other side uses too, in place of the one that `init` made."""
        own = self.state / "keys" / "own"
        for made in own.iterdir():
            made.unlink()
        key = own / f"{self.fixtures.council}.asc"
        key.touch(0o600)
        key.write_bytes((self.fixtures.folder / "council-secret.asc").read_bytes())

    def _answers(self):
        asked = [self.binary, "--config", self.config, "status", "--json"]
        status = json.loads(subprocess.run(asked, capture_output=True).stdout or "{}")
        return (self.state / "store.sqlite").exists() and bool(status.get("service"))

    def _wait(self, condition, pause=0.05):
        deadline = time.monotonic() + 600
        while not condition():
            assert self.process.poll() is None, f"the service ended:\n{(self.work / 'log').read_text()}"
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(pause)

    def _count(self, *words):
        marks = ",".join("?" * len(words))
        return self.store.execute(f"SELECT count(*) FROM consignment WHERE word IN ({marks})", words).fetchone()[0]

    def _visible(self):
        files = (path for path in self.backoffice.rglob("*") if path.is_file())
        return [path for path in files if not path.name.startswith(".")]

    def take(self, sealed):
        """Seconds until all are delivered, and until all are closed."""
        began = self.drop.put_all(sealed)
        self._wait(lambda: self._count("delivered", "closed") >= len(sealed), 0.01)
        visible = len(self._visible())
        delivered = time.monotonic() - began
        self._wait(lambda: self._count("closed") >= len(sealed), 0.01)
        closed = time.monotonic() - began
        assert visible == len(sealed), f"{visible} of {len(sealed)} files are visible"
        made = sorted(digest_of(path) for path in self._visible())
        assert made == sorted(digest for _, digest in sealed), "what was delivered is not what was sealed"
        return delivered, closed

    def take_one(self, one):
        """Seconds from the writer's close to delivered."""
        before = self._count("delivered", "closed")
        _, began = self.drop.write(one)
        self._wait(lambda: self._count("delivered", "closed") > before, 0.0005)
        delivered = time.monotonic() - began
        assert len(self._visible()) == before + 1
        self._wait(lambda: self._count("closed") == before + 1)
        return delivered

    def verify_ledger(self):
        subprocess.run([self.binary, "--config", self.config, "audit", "verify"], check=True, capture_output=True)

    def peak(self):
        """The most resident memory it has had, in bytes."""
        return self._memory("VmHWM")

    def idles(self, seconds):
        """The share of one core it takes when nothing happens, and its resident memory."""
        before = self._ticks()
        time.sleep(seconds)
        return (self._ticks() - before) / os.sysconf("SC_CLK_TCK") / seconds, self._memory("VmRSS")

    def _ticks(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    def _memory(self, which):
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(which + ":"):
                return int(line.split()[1]) * 1024
        raise AssertionError(f"no {which}")
