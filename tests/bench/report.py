"""The table: ours, theirs, how many times as good, what was asked for, and whether it was met."""

import os
import subprocess
from dataclasses import dataclass


@dataclass
class Row:
    what: str
    unit: str
    ours: float
    theirs: float | None
    # At least so many times as much as theirs.
    ratio_min: float | None = None
    # At most this, in the row's unit.
    most: float | None = None

    def met(self):
        if self.ratio_min is not None:
            return self.ours >= self.ratio_min * self.theirs
        return None if self.most is None else self.ours < self.most

    def cells(self):
        number = lambda value: f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"
        target = ""
        if self.ratio_min is not None:
            target = f">= {self.ratio_min:g} x"
        elif self.most is not None:
            target = f"< {number(self.most)} {self.unit}"
        theirs = "" if self.theirs is None else number(self.theirs)
        ratio = "" if not self.theirs else f"{self.ours / self.theirs:.2f}"
        met = {True: "yes", False: "NO", None: ""}[self.met()]
        return [self.what, self.unit, number(self.ours), theirs, ratio, target, met]


def print_table(rows):
    """Whether every target was met."""
    table = [["", "unit", "hbcourier", "gpg loop", "ratio", "target", "met"]] + [row.cells() for row in rows]
    widths = [max(len(line[column]) for line in table) for column in range(len(table[0]))]
    for line in table:
        cells = [cell.ljust(width) if column < 2 else cell.rjust(width)
                 for column, (cell, width) in enumerate(zip(line, widths))]
        print("  ".join(cells).rstrip())
    return all(row.met() is not False for row in rows)


def facts_of_machine(given):
    with open("/proc/cpuinfo") as info:
        model = next((line.split(":", 1)[1].strip() for line in info if line.startswith("model name")), "unknown processor")
    disk = subprocess.run(["stat", "-f", "-c", "%T", given.dir], capture_output=True, text=True).stdout.strip()
    program = subprocess.run([given.binary, "--version"], capture_output=True, text=True).stdout.strip()
    gnupg = subprocess.run(["gpg", "--version"], capture_output=True, text=True).stdout.splitlines()[0]
    kernel = os.uname().release
    return f"{program}; {gnupg}; {os.cpu_count()} cores ({model}); {disk}; Linux {kernel}; {given.rounds} rounds\n"
