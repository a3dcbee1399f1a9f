"""What goes wrong on a server, step by step: slips, shares that come and go, folders that are missing or elsewhere.

In:  a council on its machine. Out: for each step a line of what was seen.
Holds: each step leaves the machine as it found it.
"""

import contextlib
import sqlite3

from council import CONFIG, LAID, STATE, UNIT
from machine import Refused, until
from steps import this_run


def mistake(council):
    """With a slip in the configuration it ends with 78, is not tried again, and says where; mended, it goes on."""
    machine, file = council.machine, council.machine.path(CONFIG)
    before = file.read_text()
    file.write_text(before.replace("\n[service]\n", "\n[servise]\n"))
    machine.do("systemctl", "restart", UNIT, ok=1)
    ended = machine.show(UNIT, "ActiveState", "Result", "ExecMainStatus")
    if ended != {"ActiveState": "failed", "Result": "exit-code", "ExecMainStatus": "78"}:
        raise Refused(f"with a slip in the configuration it is {ended}")
    says = this_run(council, UNIT)
    if "servise" not in says or CONFIG not in says:
        raise Refused(f"the journal does not name the slip: {says}")
    file.write_text(before)
    machine.do("systemctl", "restart", UNIT)
    council.drop_new(1)
    return f"78, failed, told by name; mended: {council.evidence()}"


def no_credentials_folder(council):
    """Without a folder of secrets it is not started; the way out that README.md tells leads out."""
    machine, folder = council.machine, "/etc/hbcourier/credentials.encrypted"
    machine.do("mv", folder, "/root/away")
    machine.do("systemctl", "restart", UNIT, ok=1)
    status = machine.show(UNIT, "ExecMainStatus")["ExecMainStatus"]
    if status != "243":
        raise Refused(f"without {folder} it ends with {status}")
    machine.do("systemd-tmpfiles", "--create", "hbcourier.conf")
    machine.do("sh", "-c", f"mv /root/away/* {folder}/ && rmdir /root/away")
    machine.do("systemctl", "restart", UNIT)
    council.drop_new(1)
    return f"243; then {council.evidence()}"


def opened_configuration(council):
    """What an administrator opened to be read stays open: README.md has them do so."""
    machine = council.machine
    machine.do("chmod", "755", "/etc/hbcourier/conf.d")
    machine.do("systemd-tmpfiles", "--create", "hbcourier.conf")
    mode = machine.do("stat", "-c", "%U:%G %a", "/etc/hbcourier/conf.d").strip()
    if mode != "root:hbcourier 755":
        raise Refused(f"conf.d was made {mode}")
    return mode


def altered_ledger(council):
    """The nightly verification finds that somebody altered the ledger, and those who are mailed are told at once, until one holds."""
    machine, verification, mailing = council.machine, "hbcourier-audit.service", "hbcourier-deadline.service"
    as_it_was, altered = '"boot":"', '"boot":"9'
    machine.do("systemctl", "stop", UNIT)
    rewrite_first_line(council, as_it_was, altered)
    machine.do("systemctl", "start", verification, ok=1)
    until(lambda: "CN-567" in this_run(council, mailing), 60, "the failed verification is told of")
    rewrite_first_line(council, altered, as_it_was)
    machine.do("systemctl", "start", UNIT)
    machine.do("systemctl", "start", verification)
    machine.do("systemctl", "start", mailing, ok=None)
    if "CN-567" in this_run(council, mailing):
        raise Refused(f"the ledger was verified, and {mailing} says that it was not")
    return "found, told as CN-567 at once, and not after one that holds"


def rewrite_first_line(council, old, new):
    """As somebody does who may write the store, and who first takes away what guards it."""
    with contextlib.closing(sqlite3.connect(council.machine.path(f"{STATE}/store.sqlite"))) as store, store:
        name, guard = store.execute("SELECT name, sql FROM sqlite_master WHERE name = 'ledger_is_never_rewritten'").fetchone()
        store.execute(f"DROP TRIGGER {name}")
        store.execute("UPDATE ledger SET line = CAST(replace(line, ?, ?) AS BLOB) WHERE seq = (SELECT min(seq) FROM ledger)", (old, new))
        store.execute(guard)


def state_elsewhere(council):
    """The timers' units run, and are not skipped, where the state lies elsewhere."""
    machine, file = council.machine, council.machine.path(CONFIG)
    before, timers = file.read_text(), "/etc/systemd/system/hbcourier-.service.d/configured.conf"
    machine.do("systemctl", "stop", UNIT)
    machine.do("mv", STATE, "/opt/hbcourier-state")
    machine.do("install", "-d", "-o", "hbcourier", "-g", "hbcourier", "-m", "700", STATE)
    file.write_text(before.replace(f'state = "{STATE}"', 'state = "/opt/hbcourier-state"'))
    for option, place in (("", f"/etc/systemd/system/{UNIT}.d/configured.conf"), ("--timers", timers)):
        machine.do("sh", "-c", f"cp -f {place} {place}.kept; hbcourier unit {option} | install -D -m 644 /dev/stdin {place}")
    machine.do("systemctl", "daemon-reload")
    machine.do("systemctl", "start", UNIT)
    machine.do("systemctl", "start", "hbcourier-audit.service")
    ran = machine.show("hbcourier-audit.service", "Result", "ConditionResult")
    if ran != {"Result": "success", "ConditionResult": "yes"}:
        raise Refused(f"with its state elsewhere the verification {ran}")
    machine.do("systemctl", "stop", UNIT)
    file.write_text(before)
    machine.do("sh", "-c", f"rm -r {STATE} && mv /opt/hbcourier-state {STATE} && rm -r {timers.rpartition('/')[0]}"
                           f" && mv /etc/systemd/system/{UNIT}.d/configured.conf.kept /etc/systemd/system/{UNIT}.d/configured.conf")
    machine.do("systemctl", "daemon-reload")
    machine.do("systemctl", "start", UNIT)
    return f"verified there; back: {council.evidence()}"


def share(council, point):
    """A share is mounted, unmounted, and another one mounted in its place: nothing is put where nobody sees it."""
    machine, file, folder = council.machine, council.machine.path(CONFIG), f"{point}/laid"
    before, placed = file.read_text(), f"/etc/systemd/system/{UNIT}.d/configured.conf"
    unit = machine.path(placed).read_text()

    def mount(name):
        machine.do("mount", "-t", "tmpfs", name, point)
        machine.do("install", "-d", "-o", "hbcourier", "-g", "hbcourier", "-m", "750", folder)

    def lies():
        return int(machine.do("sh", "-c", f"ls {folder} | wc -l"))

    def unmount():
        # What it is writing just then keeps a share for a moment.
        until(lambda: machine.do("sh", "-c", f"umount {point} && echo away", ok=None).strip() == "away", 30, f"{point} is unmounted")

    machine.do("mkdir", "-p", point)
    # systemd keeps what a mount starts only for one that it knows by more than its being there.
    fstab = machine.path("/etc/fstab")
    known = fstab.read_text() if fstab.exists() else ""
    fstab.write_text(f"{known}share {point} tmpfs nofail,noauto 0 0\n")
    mount("first")
    file.write_text(before.replace(LAID, folder))
    machine.do("sh", "-c", f"hbcourier unit | install -D -m 644 /dev/stdin {placed}")
    wants = next(line[1:].strip() for line in machine.path(placed).read_text().splitlines() if "ln -sf" in line)
    machine.do("sh", "-c", wants)
    machine.do("systemctl", "daemon-reload")
    machine.do("systemctl", "restart", UNIT)
    council.drop_new(1)
    until(lambda: lies() == 1, 60, f"a file is delivered to {folder}")
    until(council.all_closed, 30, "its transfer is closed")
    machine.do("sh", "-c", f"mv {folder}/* {LAID}/")
    unmount()
    mount("second")
    council.drop_new(1)
    # By whatever way: it waits until the service is restarted, or it is where everybody sees it.
    until(lambda: lies() == 1 or any(code in machine.do("hbcourier", "status", ok=None) for code in ("CN-507", "CN-561", "CN-305")),
          60, "the file is in the new share, or is told to wait")
    waited = lies() == 0
    if waited and council.all_closed():
        raise Refused("the transfer is closed, and its file is nowhere to be seen")
    machine.do("systemctl", "restart", UNIT)
    until(lambda: lies() == 1, 90, "the file is in the new share after a restart")
    until(council.all_closed, 30, "its transfer is closed")
    machine.do("sh", "-c", f"mv {folder}/* {LAID}/")
    # Away while the service is not there, and mounted later: then it is started.
    machine.do("systemctl", "stop", UNIT)
    unmount()
    # What is mounted again before systemd has looked was never away to it.
    unit_of_mount = machine.do("systemd-escape", "--path", "--suffix=mount", point).strip()
    until(lambda: machine.show(unit_of_mount, "ActiveState") == {"ActiveState": "inactive"}, 30, "systemd knows that the share is away")
    council.drop_new(1)
    mount("third")
    until(council.is_active, 30, "mounting the share starts the service")
    until(lambda: lies() == 1, 90, "the file is in the third share")
    until(council.all_closed, 30, "its transfer is closed")
    machine.do("sh", "-c", f"mv {folder}/* {LAID}/")
    file.write_text(before)
    machine.path(placed).write_text(unit)
    machine.do("systemctl", "stop", UNIT)
    unmount()
    fstab.write_text(known)
    machine.do("systemctl", "daemon-reload")
    machine.do("systemctl", "start", UNIT)
    return f"{point}: {'waited, then ' if waited else ''}seen in the second, and in the third; {council.evidence()}"
