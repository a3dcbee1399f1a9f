"""Putting sealed files into a drop folder, as a transport does.

Holds: the bytes are on the disk, and the disk at rest, before the clock starts: neither side pays for the copying.
"""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def reserve(folder):
    """A handle; as long as it is open, no other run measures in this folder."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = open(folder / "lock", "w")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(f"another run measures in {folder}: wait for it, or give --dir")
    return handle


def make_turns(folder):
    """The folder of all turns. Where it can be said (ext4), each turn's folder lies in a region of the disk of its own:
    without a journal, ext4 passes over the inodes of files that were removed within some minutes, one by one, whenever
    it makes a file near by, and a turn would pay for what the turn before it removed."""
    turns = folder / "turns"
    shutil.rmtree(turns, ignore_errors=True)
    turns.mkdir(parents=True)
    subprocess.run(["chattr", "+T", turns], stderr=subprocess.DEVNULL)
    return turns


def fresh(folder, name):
    """A new folder for one turn, which stays until the end of the run."""
    return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=folder / "turns"))


def give_back(work):
    """The room that a turn's files take. Their inodes stay, for the reason above."""
    for path in work.rglob("*"):
        if path.is_file() and not path.is_symlink():
            os.truncate(path, 0)


class Drop:
    def __init__(self, work, path=None):
        self.waiting = work / "waiting"
        self.waiting.mkdir(parents=True)
        self.path = path or work / "drop"
        self.path.mkdir(exist_ok=True)

    def put_all(self, sealed):
        """Renames all into the folder. When it began."""
        copies = [self.waiting / file.name for file, _ in sealed]
        for (file, _), copy in zip(sealed, copies):
            shutil.copyfile(file, copy)
        os.sync()
        began = time.monotonic()
        for copy in copies:
            os.rename(copy, self.path / copy.name)
        return began

    def write(self, one):
        """Writes one under its final name. Its name, and when it was closed."""
        file, _ = one
        content = file.read_bytes()
        with open(self.path / file.name, "wb") as copy:
            copy.write(content)
        return file.name, time.monotonic()
