"""What goes wrong, one thing at a time: each begins, lasts, and is over.

In:  a run (installation, traffic, hostile files), and for how long a fault may last. Out: what was seen, in a word.
Holds: a seed gives the same faults in the same order. In the last two thirds none ends the process, so that it gets old.
"""

import random
import shutil
import subprocess
import sys
import time

from installation import A, FAKETIME
from place import until

# How long a share hangs, if there is time: longer than the 20 s after which the service calls it hanging.
HANGS = 24
BURST = 500
HOSTILE_AT_ONCE = 3


def kill(run, lasts):
    """SIGKILL, and started again"""
    run.service.kill()
    time.sleep(0.3)
    run.service.start()
    run.service.waits()


def stop(run, lasts):
    """SIGTERM, and started again"""
    ended = run.service.stop()
    run.service.start()
    run.service.waits()
    if ended != 0:
        run.violations.append(f"a stop ended with {ended}")


def clock(run, lasts):
    """the clock stepped by an hour, there and back, while it runs"""
    run.service.stop()
    # The service's own clock alone, and not the one by which time passes.
    run.service.start(LD_PRELOAD=FAKETIME, FAKETIME="+3600", FAKETIME_DONT_FAKE_MONOTONIC="1", DONT_FAKE_MONOTONIC="1",
                      FAKETIME_START_AFTER_SECONDS=str(int(lasts / 4)), FAKETIME_STOP_AFTER_SECONDS=str(int(lasts / 2)))
    run.service.waits()
    time.sleep(lasts * 0.6)
    run.service.stop()
    run.service.start()
    run.service.waits()


def state_full(run, lasts):
    """the disk of the state directory full to the last block, then freed"""
    run.of.state_disk.fill()
    time.sleep(lasts / 2)
    run.of.state_disk.free()
    until(run.service.is_up, 120, "the service answers")


def reload(run, lasts):
    """SIGHUP, with another setting each time"""
    text = run.of.config.read_text()
    other = {"5s": "6s", "6s": "5s"}
    now = next(value for value in other if f'sweep_every = "{value}"' in text)
    run.of.config.write_text(text.replace(f'sweep_every = "{now}"', f'sweep_every = "{other[now]}"'))
    run.service.reload()
    until(run.service.is_up, 120, "the service answers")


def full(run, lasts):
    """a destination's disk full, then freed"""
    # The back office takes nothing meanwhile, or it would make room.
    with run.traffic.offices[0].pause:
        run.of.office_disk.fill()
        time.sleep(lasts / 2)
        run.of.office_disk.free()


def unmounted(run, lasts):
    """a destination's disk unmounted, and mounted again"""
    with run.traffic.offices[0].pause:
        busy = run.of.office_disk.unmount()
        time.sleep(lasts / 2)
        run.of.office_disk.mount()
    run.busy = max(run.busy, busy)


def read_only(run, lasts):
    """a destination's disk read-only, then not"""
    with run.traffic.offices[0].pause:
        run.of.office_disk.read_only(True)
        time.sleep(lasts / 2)
        run.of.office_disk.read_only(False)


def denied(run, lasts):
    """permission on a destination taken away, and given back"""
    folder = run.of.offices[A] / "laid"
    folder.chmod(0o000)
    time.sleep(lasts / 2)
    folder.chmod(0o755)


def away(run, lasts):
    """a drop folder moved away, and put back"""
    folder = run.of.drops[A]
    elsewhere = run.of.srv / "away"
    folder.rename(elsewhere)
    time.sleep(lasts / 2)
    elsewhere.rename(folder)


def hang(run, lasts):
    """a share that hangs, and answers again"""
    run.of.share.hang()
    time.sleep(min(HANGS, lasts))
    run.of.share.answer()


def mail_server(run, lasts):
    """the mail server killed, and started again"""
    run.of.mail.kill()
    time.sleep(lasts / 4)
    run.of.mail.start()


def hostile(run, lasts):
    """hostile files dropped: altered, cut short, unsigned, a stranger's, bombs, a way out of the folder, entities, a repeat"""
    for _ in range(min(HOSTILE_AT_ONCE, len(run.hostile))):
        run.traffic.drop(run.of.drops[A], run.hostile.pop(0))


def burst(run, lasts):
    """many files at once"""
    now, run.bursts[:] = run.bursts[:run.in_burst], run.bursts[run.in_burst:]
    for item in now:
        run.traffic.drop(run.of.drops[A], item)


def export(run, lasts):
    """`audit export` under load, verified by both verifiers"""
    folder = run.work / "export"
    shutil.rmtree(folder, ignore_errors=True)
    run.of.run("audit", "export", folder)
    run.of.run("audit", "verify", "--export", folder, "--vkey", folder / "vkey")
    subprocess.run([sys.executable, "-B", folder / "verify.py", folder, "--vkey", folder / "vkey"], check=True, capture_output=True)


def backup(run, lasts):
    """`backup` under load"""
    folder = run.work / "backup"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    run.of.run("backup", folder, "--reason", "soak")
    shutil.rmtree(folder)


ENDS = [kill, stop, clock, state_full]
OTHERS = [reload, full, unmounted, read_only, denied, away, hang, mail_server, hostile, burst, export, backup]


def plan(count, seed):
    """So many faults. Each kind comes once before any comes again, as far as there is room for it."""
    source = random.Random(seed)

    def draws(kinds, many):
        drawn = []
        while len(drawn) < many:
            drawn += source.sample(kinds, len(kinds))
        return drawn[:many]

    old = count * 2 // 3
    return draws(ENDS + OTHERS, count - old) + draws(OTHERS, old)
