"""A Debian machine with systemd as its first process, in a container of its own.

In:  packages to be in it, a folder to keep it in.
Out: commands carried out in it, as root or as another account.
Holds: it has a network of its own with nothing but loopback; it is ended with the program, also when that fails.
"""

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import time
from pathlib import Path

# A cgroup2 tree of its own, because some machines mount the older one beside it; and in it a group of its own, because two
# that ran at the same time in one group would end each other's processes.
BOOT = ('mount -t cgroup2 cgroup2 /sys/fs/cgroup && mkdir "/sys/fs/cgroup/$2" && echo $$ > "/sys/fs/cgroup/$2/cgroup.procs"'
        ' && exec systemd-nspawn --quiet -D "$1" -M "$2" --keep-unit --register=no'
        ' --private-network --console=pipe'
        # Which systemd 252 does not let a container have by itself.
        ' --system-call-filter="landlock_create_ruleset landlock_add_rule landlock_restrict_self"'
        ' -b systemd.log_target=journal')
# Its groups are empty once its processes have ended.
EMPTY = 'mount -t cgroup2 cgroup2 /sys/fs/cgroup && find "/sys/fs/cgroup/$1" -depth -type d -exec rmdir {} +'
# Files by which Debian says where packages come from; the machine's own are used.
SOURCES = ["/etc/apt/sources.list", "/etc/apt/sources.list.d"]


class Refused(Exception):
    """A command ended otherwise than it was to."""


def until(holds, seconds, what, every=0.1):
    """Waits for a condition; what it answered."""
    end = time.monotonic() + seconds
    while True:
        answer = holds()
        if answer:
            return answer
        if time.monotonic() > end:
            raise Refused(f"within {seconds} s it did not come about that {what}")
        time.sleep(every)


def make_tree(tar, packages, suite="bookworm"):
    """The machine's files as one archive, from the host's own sources of packages."""
    lines = []
    for source in map(Path, SOURCES):
        files = sorted(source.glob("*.sources")) + sorted(source.glob("*.list")) if source.is_dir() else [source]
        lines += [file.read_text() for file in files if file.is_file()]
    subprocess.run(["mmdebstrap", "--quiet", "--variant=essential", f"--include={','.join(packages)}", suite, tar, "-"],
                   input="\n\n".join(lines), text=True, check=True)


class Machine:
    """Running from `with` on."""

    def __init__(self, tar, work):
        self.root, self.name, self.log = work / "root", f"hbcourier-deploy-{os.getpid()}", work / "console.log"
        self.root.mkdir(parents=True)
        subprocess.run(["tar", "-C", self.root, "-xf", tar], check=True)
        self.process = self.leader = None

    def __enter__(self):
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                ["unshare", "--mount", "--propagation", "private", "bash", "-c", BOOT, "_", self.root, self.name],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        try:
            self.leader = until(self.first_process, 30, "the container has a first process")
            until(lambda: self.do("systemctl", "is-system-running", ok=None).strip() in ("running", "degraded"), 60,
                  "the container has booted")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            if self.leader:
                os.kill(self.leader, signal.SIGKILL)
            self.process.kill()
            self.process.wait()
        subprocess.run(["unshare", "--mount", "bash", "-c", EMPTY, "_", self.name], check=False)
        shutil.rmtree(self.root, ignore_errors=True)

    def first_process(self):
        if self.process.poll() is not None:
            raise Refused(f"the container ended: {self.log.read_text(errors='replace')[-2000:]}")
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        inits = [int(child) for child in children if Path(f"/proc/{child}/comm").read_text().strip() == "systemd"]
        return inits[0] if inits else None

    def processes(self):
        """Numbers of its processes, as the host counts them."""
        mine = os.readlink(f"/proc/{self.leader}/ns/pid")
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if os.readlink(folder / "ns/pid") == mine:
                    yield int(folder.name)

    def path(self, path):
        """A file of the machine, as the host sees it."""
        return self.root / path.lstrip("/")

    def do(self, *command, ok=0, seconds=120, text=None, account=None, environment=()):
        """What it printed; `ok` is the exit status it must have, or None for any."""
        if account:
            command = ("runuser", "-u", account, "--", *command)
        line = self.line(*command, environment=environment)
        done = subprocess.run(line, input=text, capture_output=True, text=True, timeout=seconds)
        if ok is not None and done.returncode != ok:
            raise Refused(f"{' '.join(map(str, command))}: exit status {done.returncode}, not {ok}\n{done.stdout}{done.stderr}")
        return done.stdout if ok is not None else done.stdout + done.stderr

    def line(self, *command, environment=()):
        """What carries a command out in it."""
        return ["nsenter", "-t", str(self.leader), "-a", "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8",
                *environment, *command]

    def asked(self, *command, question, answer, environment=(), seconds=120):
        """What it printed on a terminal, on which the answer is typed once the question stands there."""
        ours, its = os.openpty()
        process = subprocess.Popen(["setsid", "--ctty", "--wait", *self.line(*command, environment=environment)],
                                   stdin=its, stdout=its, stderr=its, start_new_session=True)
        os.close(its)
        printed, is_answered, end = "", False, time.monotonic() + seconds
        with open(ours, "r+b", buffering=0) as terminal:
            while select.select([terminal], [], [], max(0, end - time.monotonic()))[0]:
                try:
                    printed += terminal.read(4096).decode(errors="replace")
                except OSError:
                    break  # Nobody has it open any more.
                if question in printed and not is_answered:
                    is_answered = True
                    terminal.write(f"{answer}\n".encode())
            else:
                process.kill()
        if process.wait() or not is_answered:
            raise Refused(f"{' '.join(command)}: exit status {process.returncode}, asked: {is_answered}\n{printed}")
        return printed

    def json(self, *command, **more):
        return json.loads(self.do(*command, **more))

    def show(self, unit, *properties):
        """What systemd says of a unit."""
        printed = self.do("systemctl", "show", unit, *[f"--property={name}" for name in properties])
        return dict(line.split("=", 1) for line in printed.splitlines())
