"""Whether what the service holds in its memory can be had from it: by a core dump, or by its own account.

In:  a council on its machine. Out: a line of what was seen.
Holds: first it is shown that the machine dumps cores, that a secret is found in one, and that the service's memory has what
is looked for. The kernel's pattern is the host's: it is put back. The service is left as it was.
"""

import contextlib
import os
import signal
from pathlib import Path

from council import CANARIES, FILE_CANARY, STATE, UNIT
from machine import Refused, until

PATTERN = Path("/proc/sys/kernel/core_pattern")
# Everything that a unit can do for a core: no limit, and a working folder that the process may write.
POSSIBLE = f"LimitCORE=infinity\nWorkingDirectory={STATE}\n"
# So that the watchdog, which is told to have a core left, need not be waited for.
QUICK = "WatchdogSec=5s\nWatchdogSignal=SIGABRT\n"
# Of a thousand bytes each: so large that it can be caught while it is opened.
FILE_LINES = 40_000
CHUNK = 1 << 20


@contextlib.contextmanager
def cores_in_the_working_folder():
    """Where the host hands its dumps to a program or another folder, it does not for as long as this lasts."""
    before = PATTERN.read_text()
    is_so = not before.startswith("|") and "/" not in before
    if not is_so:
        PATTERN.write_text("core")
    try:
        yield
    finally:
        if not is_so:
            PATTERN.write_text(before)


def dumped(council):
    """With a file in hand it is ended by what leaves a core, and by a watchdog that asks for one: there is none."""
    machine = council.machine
    # By its name after the one that all steps have.
    drop_in = machine.path(f"/etc/systemd/system/{UNIT}.d/with-cores.conf")
    with cores_in_the_working_folder():
        control(council)
        drop_in.write_text(f"[Service]\n{POSSIBLE}{QUICK}")
        machine.do("systemctl", "daemon-reload")
        machine.do("systemctl", "restart", UNIT)
        paths = council.sealed(1, "".join(f"<note>{FILE_CANARY} {os.urandom(500).hex()}</note>\n" for _ in range(FILE_LINES)))
        council.drop(paths)
        held = in_memory(council, caught(council))
        closed_to_its_account(council)
        says = [ended_without_core(council, signal.SIGSEGV)]
        caught(council)
        says.append(ended_without_core(council, None))
        drop_in.unlink()
        machine.do("systemctl", "daemon-reload")
        machine.do("systemctl", "restart", UNIT)
    return f"a program's core has the secret; the service's memory had {held}; {' and '.join(says)}; {council.evidence(120)}"


def cores(council):
    return sorted(council.machine.path(STATE).glob("core*"))


def control(council):
    """Of another program with the same limits, folder and secret systemd tells that it dumped core, and the secret is in it."""
    machine, name, program = council.machine, "control.service", council.machine.path("/usr/local/bin/control")
    program.write_text('#!/bin/sh\nsecret=$(cat "$CREDENTIALS_DIRECTORY/plain_key-passphrase") && kill -SEGV $$\n')
    program.chmod(0o755)
    properties = ["User=hbcourier", "LoadCredential=plain:/etc/hbcourier/credentials", *POSSIBLE.split()]
    machine.do("systemd-run", "--wait", f"--unit={name}", *[f"--property={one}" for one in properties],
               "/usr/local/bin/control", ok=None)
    program.unlink()
    ended = how_it_ended(council, name)
    found = [core for core in cores(council) if CANARIES["key-passphrase"].encode() in core.read_bytes()]
    if "code=dumped" not in ended or not found:
        raise Refused(f"this machine dumps no core that would show a secret: {ended}")
    for core in cores(council):
        core.unlink()
    machine.do("systemctl", "reset-failed", name, ok=None)


def how_it_ended(council, unit):
    """What systemd says of how the unit's process ended last."""
    lines = council.machine.do("journalctl", f"--unit={unit}", "--no-pager", "--output=cat").splitlines()
    return next((line for line in reversed(lines) if line.startswith(f"{unit}: Main process exited")), "nothing")


def caught(council):
    """The service, stopped while it opens a file: its number on the host."""
    def opens():
        process = on_the_host(council)
        if process is None or not has_unnamed_file(process):
            return None
        os.kill(process, signal.SIGSTOP)
        return process

    return until(opens, 60, "the service is seen opening the file", every=0.01)


def on_the_host(council):
    """The service's process, by its number on the host; between two of them nothing."""
    for process in council.machine.processes():
        with contextlib.suppress(OSError):
            groups = Path(f"/proc/{process}/cgroup").read_text().splitlines()
            # Before it is the program it is systemd, on the way to begin it.
            if any(group.endswith(f"/{UNIT}") for group in groups) and Path(f"/proc/{process}/comm").read_text() == "hbcourier\n":
                return process
    return None


def has_unnamed_file(process):
    """Whether it has what it opens in a file without a name."""
    with contextlib.suppress(OSError):
        for opened in Path(f"/proc/{process}/fd").iterdir():
            with contextlib.suppress(OSError):
                if "/#" in os.readlink(opened) and opened.stat().st_size > CHUNK:
                    return True
    return False


def in_memory(council, process):
    """Which of the secrets its memory has just now, as root reads it."""
    wanted = {**CANARIES, "the file": FILE_CANARY}
    with open(f"/proc/{process}/maps") as maps:
        areas = [line.split() for line in maps]
    found = set()
    with open(f"/proc/{process}/mem", "rb", buffering=0) as memory:
        for area in areas:
            if area[1].startswith("r"):
                begin, end = (int(number, 16) for number in area[0].split("-"))
                found |= seen(memory, begin, end, wanted)
    if "the file" not in found:
        raise Refused("the file is not in the service's memory, so a core would show nothing")
    return " and ".join(sorted(found))


def seen(memory, begin, end, wanted):
    found, before = set(), b""
    for at in range(begin, end, CHUNK):
        try:
            memory.seek(at)
            block = before + memory.read(min(CHUNK, end - at))
        except (OSError, OverflowError):
            break  # What the kernel keeps to itself.
        found |= {name for name, secret in wanted.items() if secret.encode() in block}
        before = block[-100:]
    return found


def closed_to_its_account(council):
    """Its account reads another process of its own, and not this one."""
    machine, pid = council.machine, council.pid()
    look = 'sleep 60 & cat "/proc/$!/maps" >/dev/null && echo own; kill $!; for file in maps mem environ; do' \
           ' head -c 1 "/proc/$0/$file" >/dev/null 2>&1 && echo "$file"; done; true'
    told = machine.do("sh", "-c", look, str(pid), account="hbcourier").split()
    if told != ["own"]:
        raise Refused(f"the service's account reads {told}")


def ended_by(process, by):
    """Whether it is gone. The program's own handler lets the first one pass: what faults does so again."""
    try:
        os.kill(process, by)
    except ProcessLookupError:
        return True
    return False


def ended_without_core(council, by):
    """By this signal, or, as it hangs, by the watchdog; the service is started again."""
    machine, before = council.machine, council.restarts()
    if by:
        process = on_the_host(council)
        os.kill(process, signal.SIGCONT)
        until(lambda: ended_by(process, by), 30, f"{by.name} ends the service", every=0.01)
    until(lambda: council.restarts() == before + 1 and council.is_active(), 40, "the service is started again")
    ended = how_it_ended(council, UNIT)
    if f"code=killed, status={'11/SEGV' if by else '6/ABRT'}" not in ended or cores(council):
        raise Refused(f"{ended}; {len(cores(council))} core dumps")
    return ended.split(": ")[-1].removeprefix("Main process exited, ")
