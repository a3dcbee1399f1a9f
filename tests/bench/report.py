"""The tables: ours, and what others reach in the same run, with how many times as much ours is; what was asked for; whether it was met.

Out: Markdown, on standard output, and if asked for between the marks in README.md. Rows that are held against the same
others make a table.
"""

import os
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

README = Path(__file__).resolve().parent.parent.parent / "README.md"
# What this machine could do, and which of the two bounds the whole.
OPENED, WRITTEN, LOWER = "floor: opened", "floor: written", "of the lower floor"
BEGIN, END = "<!-- tests/bench/run -->\n", "<!-- end of tests/bench/run -->\n"


@dataclass
class Row:
    what: str
    unit: str
    ours: float
    # What others reach, in the row's unit.
    beside: dict[str, float] = field(default_factory=dict)
    # At least so many times as much as theirs.
    at_least: dict[str, float] = field(default_factory=dict)
    # At most this, in the row's unit.
    most: float | None = None

    def met(self):
        """`None` if nothing was asked for."""
        asked = [self.ours >= ratio * self.beside[who] for who, ratio in self.at_least.items()]
        asked += [] if self.most is None else [self.ours <= self.most]
        return all(asked) if asked else None

    def cells(self):
        targets = [f"≥ {times(ratio)} {who if who == LOWER else f'of {who}'}" for who, ratio in self.at_least.items()]
        targets += [] if self.most is None else [f"≤ {number(self.most)} {self.unit}"]
        met = {True: "yes", False: "**no**", None: ""}[self.met()]
        return [self.what, f"{number(self.ours)} {self.unit}", *map(self._beside, self.beside), ", ".join(targets), met]

    def _beside(self, who):
        theirs, ratio = number(self.beside[who]), times(self.ours / self.beside[who])
        return {OPENED: theirs, WRITTEN: theirs, LOWER: ratio}.get(who, f"{theirs} ({ratio})")


def number(value):
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def times(ratio):
    return f"{ratio:.0%}".replace("%", " %") if ratio < 1 else f"{ratio:.1f} x"


def tables(rows):
    others = dict.fromkeys(tuple(row.beside) for row in rows)
    return "\n".join(table([row for row in rows if tuple(row.beside) == those]) for those in others)


def table(rows):
    head = ["", "hbcourier", *rows[0].beside, "asked for", "met"]
    lines = [head, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    lines.insert(1, ["-" * width for width in widths])
    return "".join(f"| {' | '.join(cell.ljust(width) for cell, width in zip(line, widths))} |\n" for line in lines)


def around():
    """What stands before and behind the tables in README.md."""
    before, rest = README.read_text().split(BEGIN)
    _, behind = rest.split(END)
    return before + BEGIN, END + behind


def write(words):
    before, behind = around()
    README.write_text(f"{before}{words}{behind}")


def facts_of_machine(given):
    with open("/proc/cpuinfo") as info:
        model = next((line.split(":", 1)[1].strip() for line in info if line.startswith("model name")), "unknown processor")
    with open("/proc/meminfo") as info:
        memory = int(info.readline().split()[1]) / (1 << 20)
    versions = "; ".join(first_line(command) for command in [
        [given.binary, "--version"], ["gpg", "--version"], ["sq", "--version"], ["getmail", "--version"]])
    kernel, rounds = os.uname().release, f"medians of {given.rounds} rounds"
    return f"{time.strftime('%-d %B %Y')}: {os.cpu_count()} cores ({model}), {memory:.0f} GiB, {disk(given.dir)}, Linux {kernel}; {versions}; {rounds}.\n"


def first_line(command):
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout.splitlines()[0]
    except (FileNotFoundError, IndexError):
        return f"no {command[0]}"


def disk(folder):
    """What lies below the folder."""
    found = subprocess.run(["findmnt", "-n", "-o", "FSTYPE,SOURCE", "-T", folder], capture_output=True, text=True).stdout
    return f"{' on '.join(found.split())}, where a small file is synced in {synced_in(folder) * 1000:.1f} ms"


def synced_in(folder):
    """Seconds, the median of a hundred."""
    taken = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(100):
            began = time.monotonic()
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
            taken.append(time.monotonic() - began)
    return statistics.median(taken)
