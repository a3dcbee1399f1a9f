"""The day's traffic: files and mails that arrive steadily, returns that are left, and a back office that takes what it gets.

In:  an installation and material. Out: what must become of it (`expected`), and what the back office saw.
Holds: one back office takes every file as soon as it sees it, the other leaves them; both look at each once, and whatever is
visible must be whole: its digest one of those that were sent.
"""

import collections
import datetime
import random
import sys
import threading
import time
from pathlib import Path

from installation import A, B, KINDS
from material import CANARY, digest

sys.path.append(str(Path(__file__).resolve().parent.parent / "deploy"))
from council import extract


class Expected:
    """What has been put before the service so far."""

    def __init__(self):
        self.lock = threading.Lock()
        self.items, self.returns = [], []
        self.parts = collections.Counter()
        self.codes = collections.Counter()

    def add(self, item):
        with self.lock:
            self.items.append(item)
            self.parts.update(item.parts)
            self.codes.update([item.code] if item.code else [])


class Office:
    """A back office: looks at whatever appears."""

    def __init__(self, folder, expected, takes):
        self.folder, self.expected, self.takes = folder, expected, takes
        self.seen, self.got, self.wrong = set(), collections.Counter(), []
        self.pause = threading.Lock()

    def look(self):
        with self.pause:
            for name in KINDS:
                try:
                    for path in (self.folder / name).iterdir():
                        self._look_at(path)
                except OSError:
                    # Unmounted, or not ours to read at this moment.
                    continue

    def _look_at(self, path):
        if path.name.startswith(".") or path in self.seen:
            return
        content = digest(path.read_bytes())
        with self.expected.lock:
            is_whole = content in self.expected.parts
        if not is_whole:
            self.wrong.append(str(path))
        self.got[content] += 1
        if self.takes:
            path.unlink()
        else:
            self.seen.add(path)


class Traffic:
    def __init__(self, installation, dropped, mails, minutes, seed):
        self.of, self.random = installation, random.Random(seed)
        self.expected = Expected()
        self.offices = [Office(installation.offices[A], self.expected, True), Office(installation.offices[B], self.expected, False)]
        self.dropped, self.mails = list(dropped), list(mails)
        self.seconds = minutes * 60
        self.over = threading.Event()
        self.failed = []
        self.threads = [threading.Thread(target=self._safely, args=[work], daemon=True) for work in
                        (self._drops, self._mails, self._looks)]

    def looks(self):
        """The back offices look from now on."""
        self.threads[2].start()

    def begins(self):
        """The steady stream begins."""
        self.began = time.monotonic()
        for thread in self.threads[:2]:
            thread.start()

    def ends(self):
        """Waits until everything has been put there."""
        for thread in self.threads[:2]:
            thread.join()

    def stop_looking(self):
        self.over.set()
        self.threads[2].join()

    def _safely(self, work):
        try:
            work()
        except Exception as error:  # noqa: BLE001: whatever it is, the run must say so
            self.failed.append(repr(error))

    def _spread(self, items):
        """Each at its time."""
        for number, item in enumerate(items):
            at = self.began + self.seconds * number / len(items)
            while (left := at - time.monotonic()) > 0:
                time.sleep(min(left, 0.2))
            yield number, item

    def _drops(self):
        for number, item in self._spread(self.dropped):
            self.drop(self.of.drops[B if number % 3 == 2 else A], item, slowly=number % 10 == 7)

    def _mails(self):
        for number, item in self._spread(self.mails):
            self.mail(item, B if number % 2 else A)

    def _looks(self):
        while not self.over.wait(0.1):
            for office in self.offices:
                office.look()

    def mail(self, item, number):
        self.expected.add(item)
        if number == A:
            self.of.mail.deliver(item.content())
        else:
            part = self.of.maildir / "tmp" / item.name
            part.write_bytes(item.content())
            part.rename(self.of.maildir / "new" / item.name)

    def drop(self, folder, item, slowly=False):
        """As a transport does: renamed into place, or written under its final name, in pieces. While the folder is away it waits."""
        self.expected.add(item)
        content = item.content()
        step = -(-len(content) // 4) if slowly else len(content)
        path = folder / (item.name if slowly else f".{item.name}")
        for at in range(0, len(content), step):
            self._appends(path, content[at:at + step])
            if slowly:
                time.sleep(0.05)
        if not slowly:
            self._when_there(lambda: path.rename(folder / item.name))

    def _appends(self, path, piece):
        def append():
            with open(path, "ab", buffering=0) as file:
                file.write(piece)
        self._when_there(append)

    def _when_there(self, act):
        while True:
            try:
                return act()
            except FileNotFoundError:
                time.sleep(0.05)

    def hand_in(self, number):
        """The authority's extract of today, its own for each authority."""
        content = extract(datetime.date.today()).replace(b"DEPLOY-0001", f"{CANARY}-{number}".encode())
        self.expected.returns.append(digest(content))
        part = self.of.returns[number] / ".part"
        part.write_bytes(content)
        part.rename(part.with_name("shbe.txt"))
