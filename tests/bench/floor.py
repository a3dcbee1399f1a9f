"""The floor under hbcourier: what opening the same messages, and what writing what is in them, takes at least on this machine.

In:  sealed files, and whose keys they are for. Out: seconds for each; by which way, on standard error.
Holds: one process with a thread for each core that opens from memory and throws the content away; and one that writes the
same content to the same disk and syncs it, whatever way is quickest here. Nothing else is done by either: no record, no
copy of what came, no name that must not be taken.
"""

import os
import subprocess

from drop import fresh, give_back
from loops import digest_of
from shbe import tool

# Ways of writing many: how they are synced, by how many threads, how many in a batch.
MANY = [("each", 1, 64), ("each", 4, 64), ("each", 16, 64), ("together", 1, 64), ("together", 4, 64), ("together", 1, 512)]
# Ways of writing one.
ONE = [("each", 1, 1), ("ahead", 1, 1)]


class Floor:
    def __init__(self, given, fixtures, sealed, say):
        self.folder, self.say = given.dir, say
        self.program = tool("floor")
        self.keys = [fixtures.folder / "council-secret.asc", fixtures.folder / "partner.asc"]
        self.sealed = [file for file, _ in sealed]
        self.content = fresh(self.folder, "content")
        self._run(["content", *self.keys, self.content], self.sealed)
        self.plain = sorted(self.content.iterdir())
        made = sorted(digest_of(path) for path in self.plain)
        assert made == sorted(digest for _, digest in sealed), "what was opened is not what was sealed"

    def _run(self, command, files):
        given = "".join(f"{file}\n" for file in files)
        return float(subprocess.run([self.program, *map(str, command)], input=given, text=True, check=True,
                                    stdout=subprocess.PIPE).stdout)

    def opened(self):
        """Seconds for opening all."""
        return self._quickest("opened", {
            f"by {way}": self._run(["open", way, *self.keys, os.cpu_count()], self.sealed) for way in ["sequoia", "own"]})

    def written(self):
        """Seconds for writing all."""
        taken = {}
        for sync, threads, batch in MANY if len(self.plain) > 1 else ONE:
            place = fresh(self.folder, "written")
            os.sync()
            way = f"synced {sync}, {batch} a batch, by {threads}"
            taken[way] = self._run(["write", sync, place, threads, batch], self.plain)
            assert len(os.listdir(place)) == len(self.plain)
            give_back(place)
        return self._quickest("written", taken)

    def _quickest(self, what, taken):
        self.say(f"{what}: " + "; ".join(f"{way} {seconds:.2f} s" for way, seconds in taken.items()))
        return min(taken.values())
