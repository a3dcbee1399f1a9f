"""The other side: what an administrator would write in an afternoon, `inotifywait` with `gpg --decrypt` or with `sq decrypt` in a
shell loop.

In:  sealed files, renamed into its drop folder. Out: how long until it has opened them all.
Holds: nothing is synced, recorded, checked or kept by it; that is the comparison the targets are set against. `sq` (0.27, as
Debian 12 has it) is given the one certificate whose signature counts; `gpg` takes any that it can verify, or none.
"""

import hashlib
import os
import signal
import subprocess
import time
from pathlib import Path

from drop import Drop, fresh, give_back
from fixtures import end_agent

LOOP = r"""
inotifywait -m -q -e close_write -e moved_to --format %f "$DROP" | while read -r file; do
    OPEN_IT 2>/dev/null </dev/null && rm "$DROP/$file"
done
"""


class Loop:
    # The program that opens, and the command.
    program, command = None, None

    def __init__(self, folder: Path, fixtures):
        self.fixtures = fixtures
        self.work = fresh(folder, "loop")
        # The most memory that a process of its program has had while it worked on a single file.
        self.peak = 0

    def __enter__(self):
        self.out = self.work / "out"
        self.out.mkdir()
        self.drop = Drop(self.work)
        places = {"DROP": self.drop.path, "OUT": self.out, "HOME_OF_GPG": self.fixtures.home("council"),
                  "KEY": self.fixtures.folder / "council-secret.asc", "SIGNER": self.fixtures.folder / "partner.asc"}
        self.loop = subprocess.Popen(["bash", "-c", LOOP.replace("OPEN_IT", self.command)], start_new_session=True,
                                     env={**os.environ, **{name: str(path) for name, path in places.items()}})
        # It hears nothing before its watch is set.
        while not any(self._watches(process) for process in self._processes("inotifywait")):
            time.sleep(0.01)
        return self

    def _watches(self, process):
        return any("inotify wd:" in info.read_text() for info in (process / "fdinfo").iterdir())

    def __exit__(self, *_):
        os.killpg(self.loop.pid, signal.SIGTERM)
        self.loop.wait()
        give_back(self.work)

    def take(self, sealed):
        """Seconds until all are opened and removed."""
        began = self.drop.put_all(sealed)
        while left := sum(not name.startswith(".") for name in os.listdir(self.drop.path)):
            if len(sealed) == 1:
                self._look_at_memory()
            # As for the service: who measures takes as little as can be of the cores that are measured.
            time.sleep(0.1 if left > 0.1 * len(sealed) and len(sealed) > 1 else 0.01)
        seconds = time.monotonic() - began
        made = sorted(digest_of(path) for path in self.out.iterdir())
        assert made == sorted(digest for _, digest in sealed), "the loop did not open every file"
        return seconds

    def take_one(self, one):
        """Seconds from the writer's close to the file opened and removed."""
        name, began = self.drop.write(one)
        while (self.drop.path / name).exists():
            time.sleep(0.0005)
        return time.monotonic() - began

    def _look_at_memory(self):
        for process in self._processes(self.program):
            try:
                lines = (process / "status").read_text().splitlines()
            except OSError:
                continue
            highest = [int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")]
            self.peak = max([self.peak, *highest])

    def _processes(self, name):
        """The loop's processes of this name."""
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if (process / "comm").read_text().strip() == name and os.getsid(int(process.name)) == self.loop.pid:
                    yield process
            except OSError:
                continue


class GpgLoop(Loop):
    name, program = "gpg loop", "gpg"
    command = """gpg --homedir "$HOME_OF_GPG" --batch --no-tty --quiet --trust-model always --pinentry-mode loopback \
        --passphrase '' -o "$OUT/${file%.pgp}" --decrypt "$DROP/$file\""""

    def __exit__(self, *_):
        super().__exit__()
        end_agent(self.fixtures.home("council"))


class SqLoop(Loop):
    name, program = "sq loop", "sq"
    command = """sq decrypt --recipient-key "$KEY" --signer-cert "$SIGNER" -o "$OUT/${file%.pgp}" "$DROP/$file\""""


def digest_of(path):
    with open(path, "rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
