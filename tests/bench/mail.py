"""Reading mail: hbcourier beside fetchmail with `gpg --decrypt`, one gpg a mail.

Not getmail: its 6.18 now and then misses the end of a delivery, and waits in vain (getmail6 issues 52, 226 and 245).
In:  the options of `run`. Out: rows of its table.
Holds: in each turn the inbox is full anew and must be empty at the end, and the digest of all that was opened is compared
with what was sealed. Both begin as a process that is started, and end as one that has ended.
In the table, the column of the gpg loop is theirs. A build that runs beside it halves both: measure on a machine at rest.

    tests/bench/run --only mail [--mails 500] [--mail-bytes 100000] [--rounds 3] [--keys rsa3072] [--binary FILE]
"""

import os
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

from drop import fresh
from fixtures import end_agent
from loops import digest_of
from inbox import ACCOUNT, OWNER, PASSWORD, Certificates, Dovecot, Mails
from report import Row
from service import AUTHORITY, Service

OPEN_MAILS = Path(__file__).resolve().parent / "openmails.py"
MIB = 1 << 20

# Kind to it: all mails are expunged at once in the end, and nothing is rewritten.
FETCHMAIL = """
poll localhost service {port} protocol IMAP auth password no dns
  user "{account}" password "{password}"
  ssl sslcertck sslcertfile "{authority}"
  nokeep fetchall expunge 0 no rewrite
  mda "safecat {maildir}/tmp {maildir}/new >/dev/null"
"""

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


class Fetchmail:
    """The other side: what fetchmail, with safecat, put into a Maildir is opened by `openmails.py`."""

    def __init__(self, folder, mails, dovecot):
        self.home = mails.home("council")
        self.work = fresh(folder, "fetchmail")
        self.out, self.maildir = self.work / "out", self.work / "Maildir"
        for made in [self.out, *(self.maildir / part for part in ["cur", "new", "tmp"])]:
            made.mkdir(parents=True)
        self.settings = self.work / "fetchmailrc"
        self.settings.touch(0o600)
        self.settings.write_text(FETCHMAIL.format(
            port=dovecot.port, authority=dovecot.certificates.authority, account=ACCOUNT, password=PASSWORD,
            maildir=self.maildir))
        # It runs as somebody else than root, as it should, and reads the authority's certificate.
        dovecot.certificates.folder.chmod(0o755)
        for made in [self.work, *self.work.rglob("*")]:
            os.chown(made, OWNER, OWNER)

    def empty(self):
        """Seconds until fetchmail has ended, and until all is opened."""
        fetch = ["fetchmail", "--silent", "--nosyslog", "--fetchmailrc", self.settings, "--pidfile", self.work / "pid"]
        began = time.monotonic()
        subprocess.run(fetch, check=True, cwd="/", user=OWNER, group=OWNER, extra_groups=[],
                       env={**os.environ, "HOME": str(self.work)})
        fetched = time.monotonic() - began
        try:
            subprocess.run([sys.executable, "-B", OPEN_MAILS, self.maildir, self.home, self.out], check=True)
            seconds = time.monotonic() - began
        finally:
            end_agent(self.home)
        return fetched, seconds

    def opened(self):
        return sorted(digest_of(path) for path in self.out.iterdir())


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
                                        stdout=self.log, stderr=self.log)

    def __enter__(self):
        self._run()
        try:
            self._wait(self._answers)
        except BaseException:
            self.process.kill()
            raise
        return self

    def __exit__(self, *_):
        self.process.terminate()
        ended = self.process.wait(90)
        self.log.close()
        assert ended == 0, f"the service ended with {ended}:\n{(self.work / 'log').read_text()}"

    def empty(self):
        """Seconds that `run --once` takes, and the most memory it had, in bytes."""
        peak = 0
        began = time.monotonic()
        self._run("--once")
        try:
            while self.process.poll() is None:
                peak = max(peak, self._peak_if_any())
                time.sleep(0.005)
            seconds = time.monotonic() - began
        finally:
            self.process.kill()
            self.process.wait()
        self.log.close()
        assert self.process.returncode == 0, (self.work / "log").read_text()
        return seconds, peak

    def _peak_if_any(self):
        """What has ended, and waits to be asked how, has no memory."""
        try:
            return self.peak()
        except AssertionError:
            return 0

    def opened(self):
        return sorted(digest_of(path) for path in self._visible())

    def take_one(self, client, mail):
        """Seconds from the beginning of an APPEND until the file is in the destination."""
        before = len(self._visible())
        began = time.monotonic()
        client.append("INBOX", None, None, mail)
        self._wait(lambda: len(self._visible()) > before, 0.001)
        seconds = time.monotonic() - began
        self._wait(lambda: self.dovecot.in_inbox() == 0)
        # It goes on to wait for news.
        time.sleep(1)
        return seconds


def mail(given, keys, say):
    """A full inbox, emptied by both in turns; then one mail at a time."""
    # Told to end, it ends its Dovecot too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    mails = Mails(given.dir, keys)
    sealed = mails.mails(given.mails, given.mail_bytes)
    certificates = Certificates(given.dir)
    ours, theirs, peak = [], [], 0
    for turn in range(2 * given.rounds):
        with Dovecot(given.dir, certificates) as dovecot:
            # Each begins in every second round.
            if turn % 4 in (0, 3):
                side = Fetchmail(given.dir, mails, dovecot)
                dovecot.fill(sealed)
                fetched, seconds = side.empty()
                theirs.append(given.mails / seconds)
                say(f"{keys}: fetchmail and gpg {theirs[-1]:.1f} mails/s; fetchmail {fetched:.1f} of {seconds:.1f} s")
            else:
                side = MailService(given, mails, dovecot)
                dovecot.fill(sealed)
                seconds, highest = side.empty()
                side.verify_ledger()
                ours.append(given.mails / seconds)
                peak = max(peak, highest)
                say(f"{keys}: hbcourier {ours[-1]:.1f} mails/s, peak {highest / MIB:.0f} MiB")
            assert side.opened() == sorted(digest for _, digest in sealed), "what was opened is not what was sealed"
            assert dovecot.in_inbox() == 0, "the inbox is not empty"
    size = statistics.mean(file.stat().st_size for file, _ in sealed)
    name = f"{given.mails} mails of {size / 1000:.0f} KB, {keys}"
    return [
        Row(f"{name}", "mails/s", statistics.median(ours),
            {"fetchmail and gpg": statistics.median(theirs)}),
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
