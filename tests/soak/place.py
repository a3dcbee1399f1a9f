"""The machine's side: file systems that fill up and go away, a share that hangs, a mail server that is killed.

Holds: everything is mounted in a mount namespace of the run's own (see `run`), so nothing is left mounted.
"""

import contextlib
import os
import signal
import subprocess
import time

from inbox import OWNER, PEERS, Dovecot, free_pair_of_ports


def do(*command):
    return subprocess.run([*map(str, command)], check=True, capture_output=True, text=True).stdout


def until(condition, seconds, what, pause=0.05):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds} s in vain until {what}")
        time.sleep(pause)


class Disk:
    """An ext4 of its own."""

    def __init__(self, image, at, mib):
        self.image, self.at = image, at
        with open(image, "wb") as file:
            file.truncate(mib << 20)
        do("mkfs.ext4", "-q", "-m", "0", image)
        at.mkdir(parents=True)
        self.mount()
        (at / "lost+found").rmdir()

    def mount(self):
        do("mount", "-o", "loop", self.image, self.at)

    def unmount(self):
        """How often it was busy."""
        return self._again_while_busy("umount", self.at)

    def _again_while_busy(self, *command):
        """As an administrator does. How often it was."""
        for tried in range(400):
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode == 0:
                return tried
            time.sleep(0.05)
        raise TimeoutError(f"{self.at} stays busy: {done.stderr}")

    def fill(self):
        """To the last block."""
        with open(self.at / ".ballast", "wb", buffering=0) as ballast, contextlib.suppress(OSError):
            for size in (1 << 22, 1 << 12):
                with contextlib.suppress(OSError):
                    while ballast.write(bytes(size)):
                        pass
        os.sync()

    def free(self):
        (self.at / ".ballast").unlink(missing_ok=True)

    def read_only(self, is_read_only):
        self._again_while_busy("mount", "-o", f"remount,{'ro' if is_read_only else 'rw'}", self.at)


class Share:
    """A folder that shows another by FUSE, as a network share does; its server can stop answering."""

    def __init__(self, at):
        self.at, self.behind = at, at.with_suffix(".behind")
        at.mkdir(parents=True)
        self.behind.mkdir()
        self.server = subprocess.Popen(["bindfs", "-f", self.behind, at], stdin=subprocess.DEVNULL, cwd="/")
        until(lambda: os.path.ismount(at), 30, "the share is mounted")

    def hang(self):
        self.server.send_signal(signal.SIGSTOP)

    def answer(self):
        self.server.send_signal(signal.SIGCONT)

    def end(self):
        self.answer()
        subprocess.run(["umount", "-l", self.at], capture_output=True)
        self.server.kill()
        self.server.wait()


class MailServer(Dovecot):
    """A Dovecot that can be killed and started again over what it has."""

    def __init__(self, folder, certificates):
        super().__init__(folder, certificates)
        self.port = free_pair_of_ports() + 1
        self.delivered = 0

    def start(self):
        script = ["sh", PEERS / "dovecot.sh", self.work, self.certificates.folder, str(self.port - 1)]
        self.master = subprocess.Popen(script, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL, start_new_session=True)
        self._starts()

    def kill(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.master.pid, signal.SIGKILL)
        self.master.wait()
        # Its children were orphaned, and their sockets are in the way of the next.
        until(lambda: not group_runs(self.master.pid), 30, "Dovecot's last process ended")

    def deliver(self, content):
        """As a mail system does."""
        self.delivered += 1
        name = f"{1_700_000_000 + self.delivered}.soak.council"
        part = self.maildir / "tmp" / name
        part.write_bytes(content)
        os.chown(part, OWNER, OWNER)
        part.rename(self.maildir / "new" / name)


def group_runs(group):
    try:
        os.killpg(group, 0)
        return True
    except ProcessLookupError:
        return False
