"""Two authorities, everything that is put before them, and the real service, which is started again when it ends, as systemd does.

In:  the program, keys, a folder. Out: where things are, and the running service.
Holds: the service is bound by the modes of files, which root is not, so that permissions can be taken from it.
"""

import datetime
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import threading
import time

import unit
from place import Disk, MailServer, Share, do, until

A, B = "12302", "101809"
FAKETIME = f"/usr/lib/{os.uname().machine}-linux-gnu/faketime/libfaketime.so.1"
ABOVE_MODES = "-dac_override,-dac_read_search"
# As systemd waits: RestartSec= of the unit is longer, which would only make the soak easier.
RESTART_AFTER = 1.0

CONFIG = """
[service]
state = "{root}/state-disk/state"
sweep_every = "5s"
retry_after = "1s"
retry_after_max = "10s"
attempts_max = 100
[service.limits]
plaintext_bytes_max = "32 MiB"
archive_bytes_max = "8 MiB"
free_bytes_min = "64 MiB"
[watch]
listen = "unix:{root}/run/watch.sock"
[[timetable]]
file = "{root}/council/timetable.toml"
[[authority]]
number = "{a}"
name = "Blackpool"
[[authority.drop_folder]]
name = "drop-a"
path = "{root}/srv/drop/{a}"
partners = ["dwp"]
settle = "500ms"
patience = "20s"
[[authority.mailbox]]
name = "mail-a"
host = "localhost"
port = {port}
ca_file = "{ca}"
account = "hbms@council.example"
password_file = "{root}/council/password"
partners = ["dwp"]
poll = "10s"
{routes_a}
[[authority.return]]
kind = "shbe"
pick_up = "{root}/srv/returns/{a}"
partner = "dwp"
courier = "outgoing-a"
window = "00:00-24:00"
settle = "500ms"
[[authority]]
number = "{b}"
name = "Glasgow"
[[authority.drop_folder]]
name = "drop-b"
path = "{root}/srv/drop/{b}"
partners = ["dwp"]
settle = "500ms"
patience = "20s"
[[authority.maildir]]
name = "maildir-b"
path = "{root}/srv/mails/{b}"
partners = ["dwp"]
{routes_b}
[[authority.return]]
kind = "shbe"
pick_up = "{root}/srv/returns/{b}"
partner = "dwp"
courier = "outgoing-b"
window = "00:00-24:00"
settle = "500ms"
[[partner]]
name = "dwp"
[[courier]]
name = "outgoing-a"
folder = "{root}/srv/outgoing/{a}"
[[courier]]
name = "outgoing-b"
folder = "{root}/srv/outgoing/{b}"
"""
KINDS = {"laid": ["laid-pdf", "laid-xml"], "hbms": ["hbms-pack"], "risk": ["caseload-risk"]}


def routes(of, folder):
    return "".join(f'[[authority.route]]\nkinds = {json.dumps(kinds)}\ndestination = "{name}-{of}"\nfolder = "{folder}/{name}"\n'
                   for name, kinds in KINDS.items())


class Installation:
    def __init__(self, binary, work, material, certificates):
        self.binary, self.root, self.material = binary, work / "root", material
        # All folders that are collected from and delivered to, apart from the configuration, as README.md wants it.
        self.srv = self.root / "srv"
        self.srv.mkdir(parents=True)
        self.state_disk = Disk(work / "state.ext4", self.root / "state-disk", 1536)
        self.state = self.root / "state-disk" / "state"
        self.office_disk = Disk(work / "office.ext4", self.srv / "office-a", 256)
        self.share = Share(self.srv / "office-b")
        self.mail = MailServer(work.parent, certificates)
        self.mail.start()
        self.maildir = self.srv / "mails" / B
        self.drops = {number: self.srv / "drop" / number for number in (A, B)}
        self.returns = {number: self.srv / "returns" / number for number in (A, B)}
        self.outgoing = {number: self.srv / "outgoing" / number for number in (A, B)}
        # What the back office sees; of the share what lies behind it, which can be seen while it hangs.
        self.offices = {A: self.office_disk.at, B: self.share.behind}
        for folder in [*self.drops.values(), *self.returns.values(), *self.outgoing.values(), self.root / "run",
                       *(office / name for office in self.offices.values() for name in KINDS),
                       *(self.maildir / part for part in ("tmp", "new", "cur"))]:
            folder.mkdir(parents=True)
        self._set_up(certificates)
        self.service = Service(self)

    def _set_up(self, certificates):
        council = self.root / "council"
        do(self.binary, "init", council, "--authority", A, "--partner-cert", self.material.folder / "partner.asc")
        shutil.copytree(council / "state", self.state)
        self.state.chmod(0o700)
        # The council's key that the partner seals to, in the place of the one that `init` made.
        own = self.state / "keys" / "own"
        for made in own.iterdir():
            made.unlink()
        key = own / f"{self.material.council}.asc"
        key.touch(0o600)
        key.write_bytes((self.material.folder / "council-secret.asc").read_bytes())
        password = council / "password"
        password.touch(0o600)
        password.write_text("correct horse")
        today = datetime.date.today()
        first = today.year if today.month >= 4 else today.year - 1
        (council / "timetable.toml").write_text(
            f'year = "{first}-{(first + 1) % 100:02}"\nsource = "make-believe"\n\n[[group]]\nweek = 1\nweekday = "Monday"\n'
            f'dates = [{{ relevant_month = "{today:%Y-%m}", extract_from = "{today - datetime.timedelta(7)}",'
            f' transfer_on = "{today}" }}]\nauthorities = [["{A}", "Blackpool"], ["{B}", "Glasgow"]]\n')
        self.config = council / "hbcourier.toml"
        self.config.write_text(CONFIG.format(
            root=self.root, a=A, b=B, port=self.mail.port, ca=certificates.authority,
            routes_a=routes("a", self.office_disk.at), routes_b=routes("b", self.share.at)))
        self.log = self.root.parent / "service.log"

    def run(self, *arguments, ok=(0,)):
        """A command of the program; its standard output."""
        command = [self.binary, "--config", self.config, *map(str, arguments)]
        ran = subprocess.run(command, capture_output=True, text=True)
        if ran.returncode not in ok:
            raise RuntimeError(f"{' '.join(map(str, arguments))} ended with {ran.returncode}: {ran.stdout[-500:]}{ran.stderr[-500:]}")
        return ran.stdout

    def standings(self):
        """How many transfers stand where."""
        with sqlite3.connect(f"file:{self.state}/store.sqlite?mode=ro", uri=True) as store:
            counted = dict(store.execute("SELECT word, count(*) FROM consignment GROUP BY word"))
        store.close()
        return counted

    def sent(self):
        with sqlite3.connect(f"file:{self.state}/store.sqlite?mode=ro", uri=True) as store:
            count = store.execute("SELECT count(*) FROM submission WHERE word = 'sent'").fetchone()[0]
        store.close()
        return count

    def asks(self, page):
        """The status of a page of the watch; None if nobody answers."""
        try:
            with socket.socket(socket.AF_UNIX) as peer:
                peer.settimeout(10)
                peer.connect(str(self.root / "run" / "watch.sock"))
                peer.sendall(f"GET {page} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
                answer = b""
                while piece := peer.recv(65536):
                    answer += piece
            return int(answer.split(b" ", 2)[1]), answer.partition(b"\r\n\r\n")[2].decode()
        except (OSError, IndexError, ValueError):
            return None, ""

    def end(self):
        self.service.end()
        self.mail.kill()
        self.share.end()


class Service:
    """The running service. It is kept running but where a fault has it stopped."""

    def __init__(self, installation):
        self.of = installation
        self.process, self.since, self.wanted = None, 0.0, False
        self.life, self.ended_by_itself = 0, []
        self.lock = threading.RLock()
        self.over = threading.Event()
        self.keeper = threading.Thread(target=self._keep, daemon=True)
        self.keeper.start()

    def start(self, **environment):
        with self.lock:
            command = ["setpriv", f"--bounding-set={ABOVE_MODES}", f"--inh-caps={ABOVE_MODES}",
                       self.of.binary, "--config", self.of.config, "run"]
            with open(self.of.log, "ab") as log:
                self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log,
                                                env=unit.environment(**environment))
            self.since, self.wanted = time.monotonic(), True
            self.life += 1

    def is_up(self):
        return self.of.asks("/healthz")[0] == 200

    def waits(self, seconds=120):
        until(self.is_up, seconds, "the service answers")

    def kill(self):
        with self.lock:
            self.wanted = False
            self.process.kill()
            self.process.wait()

    def stop(self):
        """In good order; how it ended."""
        with self.lock:
            self.wanted = False
            self.process.terminate()
            return self.process.wait(150)

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def end(self):
        self.over.set()
        self.keeper.join()
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def _keep(self):
        while not self.over.wait(0.1):
            with self.lock:
                if self.wanted and self.process.poll() is not None:
                    self.ended_by_itself.append(self.process.returncode)
                    time.sleep(RESTART_AFTER)
                    self.start()
