"""What a soak came to, as a table in Markdown: on standard output, and between two marks in README.md."""

import collections
from pathlib import Path

MIB = 1 << 20
BEGIN, END = "<!-- tests/soak/run -->", "<!-- end of tests/soak/run -->"


def rows(made):
    counts = made["counts"]
    def medians(of, what):
        second, last = of[what]
        return f"{second / MIB:.1f} and {last / MIB:.1f} MiB" if what == "resident" else f"{second:.0f} and {last:.0f}"
    ended = collections.Counter(made["ended_by_itself"])
    yield "length", f"{made['minutes']:g} minutes, a fault every {made['fault_every']:g} s, seed {made['seed']}"
    yield "faults", f"{sum(made['faults'].values())}: " + "; ".join(
        f"{made['what'][name]} {count}" for name, count in sorted(made["faults"].items()))
    for name, count in counts.items():
        yield name, f"{count:,}"
    yield "process lives", f"{made['lives']}" + (f"; ended by itself and started again: {ended.total()} (status {', '.join(map(str, ended))})" if ended else "")
    yield "said that it was not well (`/healthz`)", f"{len(made['unwell'])}"
    first, last = made["at_rest_first"], made["at_rest_last"]
    yield "at rest, before the first fault and after the last", (
        f"resident {first['resident'] / MIB:.1f} and {last['resident'] / MIB:.1f} MiB; descriptors but the store's {first['descriptors']} and "
        f"{last['descriptors']}; threads {first['threads']} and {last['threads']}")
    yield "highest resident memory", f"{made['peak'] / MIB:.1f} MiB"
    if made["same_age"]:
        yield "lives at the age of 30 to 60 s, medians of the second and the last quarter of them", "; ".join(
            f"{what} {medians(made['same_age'], what)}" for what in ("resident", "descriptors", "threads"))
    for life in made["old"]:
        yield f"in life {life['life']}, which was {life['seconds']:.0f} s, the same", "; ".join(
            f"{what} {medians(life, what)}" for what in ("resident", "descriptors", "threads"))
    yield "violations", "; ".join(made["violations"]) or "none"


def table(made):
    return "\n".join(["| what | figure |", "|---|---|", *(f"| {name} | {figure} |" for name, figure in rows(made))]) + "\n"


def print_table(made):
    print(table(made))


def write_table(made, readme: Path):
    text = readme.read_text()
    before, _, rest = text.partition(BEGIN + "\n")
    _, _, after = rest.partition(END)
    assert rest and after, f"{readme} has no {BEGIN}"
    readme.write_text(f"{before}{BEGIN}\n{table(made)}{END}{after}")
