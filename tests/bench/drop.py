"""Putting sealed files into a drop folder, as a transport does.

Holds: the bytes are on the disk, and the disk at rest, before the clock starts: neither side pays for the copying.
"""

import os
import shutil
import tempfile
import time
from pathlib import Path


def fresh(folder, name):
    """A new folder for one turn. It stays until the end of the run: ext4 is slow to make files for a minute after many
    were removed, and the next turn would pay for it."""
    return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=folder / "turns"))


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
