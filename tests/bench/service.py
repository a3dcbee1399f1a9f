"""Our side: the real service, as `init` sets it up, with nothing turned off.

In:  sealed files, renamed into its drop folder. Out: how long until all are delivered, and until all are closed.
Holds: delivered means that the file is visible under its final name and that the ledger says Delivered.
"""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

from drop import Drop, fresh
from loops import digest_of
from unit import environment

AUTHORITY = "12302"


class Service:
    def __init__(self, given, fixtures):
        self.binary = given.binary
        self.work = fresh(given.dir, "service")
        self.fixtures = fixtures
        self.store = None

    def __enter__(self):
        self.lay_out()
        self.start()
        return self

    def lay_out(self):
        init = [self.binary, "init", self.work / "council", "--authority", AUTHORITY, "--json", "--partner-cert",
                self.fixtures.folder / "partner.asc"]
        laid = json.loads(subprocess.run(init, check=True, capture_output=True).stdout)
        self.config, self.backoffice = Path(laid["config"]), Path(laid["backoffice"])
        self.state = Path(laid["state"])
        self._take_over_key()
        self.drop = Drop(self.work, Path(laid["drop"]))

    def start(self):
        self.begin()
        with self.or_killed():
            self.wait(self._answers)

    @contextlib.contextmanager
    def or_killed(self):
        """It does not outlast what goes wrong within."""
        try:
            yield
        except BaseException:
            self.kill()
            raise

    def begin(self):
        """Starts it, and does not wait until it answers."""
        if self.store is not None:
            self.store.close()
            self.store = None
        self.log = open(self.work / "log", "ab")
        self.process = subprocess.Popen([self.binary, "--config", self.config, "run"], stderr=self.log,
                                        env=environment())

    def __exit__(self, *_):
        self.process.terminate()
        ended = self.process.wait(90)
        self.log.close()
        assert ended == 0, f"the service ended with {ended}:\n{self.logged()}"

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.log.close()

    def logged(self):
        return (self.work / "log").read_text()

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

    def wait(self, condition, pause=0.05):
        deadline = time.monotonic() + 600
        while not condition():
            assert self.process.poll() is None, f"the service ended:\n{self.logged()}"
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(pause)

    def _wait_for(self, all_of_them, count):
        """Asks seldom while much is left: who measures takes as little as can be of the cores that are measured."""
        self.wait(lambda: count() >= 0.9 * all_of_them, 0.1)
        self.wait(lambda: count() >= all_of_them, 0.01)

    def _ask(self, question, *values):
        """One figure from the store, which is opened once it is there."""
        if self.store is None:
            self.store = sqlite3.connect(f"file:{self.state}/store.sqlite?mode=ro", uri=True, isolation_level=None)
        return self.store.execute(question, values).fetchone()[0]

    def newest(self):
        """When the last consignment came: by the index, however many there are."""
        return self._ask("SELECT ifnull(max(received_at), 0) FROM consignment")

    def count(self, *words, since=0):
        marks = ",".join("?" * len(words))
        return self._ask(f"SELECT count(*) FROM consignment WHERE word IN ({marks}) AND received_at > ?", *words, since)

    def last_due(self):
        """When the last of what waits may be tried again, in seconds since 1970."""
        return self._ask("SELECT ifnull(max(due_at), 0) FROM consignment WHERE word = 'deferred'") / 1e9

    def visible(self):
        files = (path for path in self.backoffice.rglob("*") if path.is_file())
        return {path for path in files if not path.name.startswith(".")}

    def take(self, sealed, stopped=False):
        """Seconds until all are delivered, and until all are closed. It may be stopped while they come."""
        before, since = self.visible(), self.newest()
        if stopped:
            self.process.send_signal(signal.SIGSTOP)
        began = self.drop.put_all(sealed)
        if stopped:
            self.process.send_signal(signal.SIGCONT)
        self._wait_for(len(sealed), lambda: self.count("delivered", "closed", since=since))
        delivered = time.monotonic() - began
        visible = len(self.visible() - before)
        self._wait_for(len(sealed), lambda: self.count("closed", since=since))
        closed = time.monotonic() - began
        assert visible == len(sealed), f"{visible} of {len(sealed)} files are visible"
        self.compare(self.visible() - before, sealed)
        return delivered, closed

    def compare(self, delivered, sealed):
        made = sorted(digest_of(path) for path in delivered)
        assert made == sorted(digest for _, digest in sealed), "what was delivered is not what was sealed"

    def take_one(self, one):
        """Seconds from the writer's close to delivered."""
        before = self.count("delivered", "closed")
        _, began = self.drop.write(one)
        self.wait(lambda: self.count("delivered", "closed") > before, 0.0005)
        delivered = time.monotonic() - began
        assert len(self.visible()) == before + 1
        self.wait(lambda: self.count("closed") == before + 1)
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
