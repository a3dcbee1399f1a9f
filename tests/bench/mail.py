"""Reading mail: hbcourier beside fetchmail and getmail with `gpg --decrypt`, one gpg a mail. See fetchers.py.

In:  the options of `run`. Out: rows of its table.
Holds: in each turn the inbox is full anew and must be empty at the end, and the digest of all that was opened is compared
with what was sealed. Each begins as a process that is started, and ends as one that has ended. A build that runs beside it
halves all of them: measure on a machine at rest.

    tests/bench/run --only mail [--mails 500] [--mail-bytes 100000] [--rounds 3] [--keys rsa3072] [--binary FILE]
"""

import statistics
import subprocess
import time

from fetchers import Fetchmail, Getmail
from inbox import ACCOUNT, PASSWORD, Certificates, Dovecot, Mails
from loops import digest_of
from report import Row
from service import AUTHORITY, Service
from unit import environment

MIB = 1 << 20

CONFIG = """
[service]
state = "{state}"
[[authority]]
number = "{number}"
name = "Bench"
[[authority.mailbox]]
name = "mail"
host = "localhost"
port = {port}
ca_file = "{authority}"
account = "{account}"
password_file = "{password}"
partners = ["dwp"]
poll = "10m"
[[authority.route]]
kinds = ["laid-xml"]
destination = "laid"
folder = "{backoffice}"
[[partner]]
name = "dwp"
"""


class MailService(Service):
    """Our side: as `init` sets it up, but for the mailbox and its route in place of the rest."""

    def __init__(self, given, mails, dovecot):
        super().__init__(given, mails)
        init = [self.binary, "init", self.work / "council", "--authority", AUTHORITY, "--partner-cert",
                mails.folder / "partner.asc"]
        subprocess.run(init, check=True, capture_output=True)
        self.config, self.state = self.work / "council" / "hbcourier.toml", self.work / "council" / "state"
        self._take_over_key()
        self.backoffice = self.work / "backoffice"
        self.backoffice.mkdir()
        password = self.work / "password"
        password.touch(0o600)
        password.write_text(PASSWORD)
        self.config.write_text(CONFIG.format(
            state=self.state, number=AUTHORITY, port=dovecot.port, authority=dovecot.certificates.authority,
            account=ACCOUNT, password=password, backoffice=self.backoffice))
        self.dovecot = dovecot

    def _run(self, *arguments):
        self.log = open(self.work / "log", "wb")
        self.process = subprocess.Popen([self.binary, "--config", self.config, "run", *arguments],
                                        stdout=self.log, stderr=self.log, env=environment())

    def __enter__(self):
        self._run()
        try:
            self.wait(self._answers)
        except BaseException:
            self.process.kill()
            raise
        return self

    def __exit__(self, *_):
        self.process.terminate()
        ended = self.process.wait(90)
        self.log.close()
        assert ended == 0, f"the service ended with {ended}:\n{(self.work / 'log').read_text()}"

    def empty(self, say):
        """Seconds that `run --once` takes."""
        self.highest = 0
        began = time.monotonic()
        self._run("--once")
        try:
            while self.process.poll() is None:
                self.highest = max(self.highest, self._peak_if_any())
                time.sleep(0.005)
            seconds = time.monotonic() - began
        finally:
            self.process.kill()
            self.process.wait()
        self.log.close()
        assert self.process.returncode == 0, (self.work / "log").read_text()
        self.verify_ledger()
        say(f"{self.fixtures.keys}: hbcourier {seconds:.2f} s, peak {self.highest / MIB:.0f} MiB")
        return seconds

    def _peak_if_any(self):
        """What has ended, and waits to be asked how, has no memory."""
        try:
            return self.peak()
        except AssertionError:
            return 0

    def opened(self):
        return sorted(digest_of(path) for path in self.visible())

    def take_one(self, client, mail):
        """Seconds from the beginning of an APPEND until the file is in the destination."""
        before = len(self.visible())
        began = time.monotonic()
        client.append("INBOX", None, None, mail)
        self.wait(lambda: len(self.visible()) > before, 0.001)
        seconds = time.monotonic() - began
        self.wait(lambda: self.dovecot.in_inbox() == 0)
        # It goes on to wait for news.
        time.sleep(1)
        return seconds


def mail(given, keys, say):
    """A full inbox, emptied by each in turns; then one mail at a time."""
    mails = Mails(given.dir, keys)
    sealed = mails.mails(given.mails, given.mail_bytes)
    certificates = Certificates(given.dir)
    sides = [Fetchmail, Getmail, MailService]
    taken, peak = {side: [] for side in sides}, 0
    for turn in range(given.rounds):
        # Each begins in turn.
        for side in sides[turn % 3:] + sides[:turn % 3]:
            with Dovecot(given.dir, certificates) as dovecot:
                one = side(given, mails, dovecot) if side is MailService else side(given.dir, mails, dovecot)
                dovecot.fill(sealed)
                taken[side].append(one.empty(say))
                assert one.opened() == sorted(digest for _, digest in sealed), "what was opened is not what was sealed"
                assert dovecot.in_inbox() == 0, "the inbox is not empty"
            peak = max(peak, one.highest if side is MailService else 0)
    size = statistics.mean(file.stat().st_size for file, _ in sealed)
    name = f"{given.mails} mails of {size / 1000:.0f} KB, {keys}"
    rates = {side: given.mails / statistics.median(seconds) for side, seconds in taken.items()}
    return [
        Row(f"{name}: delivered", "mails/s", rates.pop(MailService),
            {f"{side.name} and gpg": rate for side, rate in rates.items()}),
        Row(f"{name}: peak memory", "MiB", peak / MIB),
        *mail_latency(given, keys, mails, sealed[:given.single_mails], certificates, say),
    ]


def mail_latency(given, keys, mails, sealed, certificates, say):
    """One mail at a time, put by APPEND into an empty inbox that the service waits at."""
    with Dovecot(given.dir, certificates) as dovecot:
        contents = [file.read_bytes() for file, _ in sealed]
        told = [dovecot.tells_after(content) * 1000 for content in contents]
        client = dovecot.client()
        with MailService(given, mails, dovecot) as service:
            time.sleep(2)
            taken = [service.take_one(client, content) * 1000 for content in contents]
            assert service.opened() == sorted(digest for _, digest in sealed), "what was opened is not what was sealed"
        service.verify_ledger()
        client.logout()
    say(f"{keys}: delivered {min(taken):.0f} to {max(taken):.0f} ms after APPEND; "
        f"Dovecot tells an idle client after {min(told):.0f} to {max(told):.0f} ms")
    name = f"APPEND to delivered, {keys}"
    return [
        Row(f"{name}, median of {len(taken)}", "ms", statistics.median(taken)),
        Row(f"{name}, worst", "ms", max(taken)),
        Row("  of it, until Dovecot tells whoever idles, median", "ms", statistics.median(told)),
        Row("  of it, until Dovecot tells whoever idles, worst", "ms", max(told)),
    ]
