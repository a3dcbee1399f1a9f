"""Other ways of emptying a mailbox: fetchmail (with safecat) and getmail, each with one `gpg --decrypt` a mail behind it.

In:  a Dovecot with mails in its inbox. Out: how long until the fetcher has ended, and until all is opened.
Holds: they are given what is kindest to them: mails are expunged at once in the end, and nothing is rewritten.

getmail 6.18 now and then misses the end of a delivery and waits in vain for its whole time-out (getmail6 issues 52, 226, 245).
The mail is then in the Maildir and stays in the inbox, so that it comes twice. It is given a short time-out, is started again
until the inbox is empty, and what it waited in vain is not counted; how often is told.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

from drop import fresh
from fixtures import end_agent
from inbox import ACCOUNT, OWNER, PASSWORD
from loops import digest_of

OPEN_MAILS = Path(__file__).resolve().parent / "openmails.py"

FETCHMAIL = """
poll localhost service {port} protocol IMAP auth password no dns
  user "{account}" password "{password}"
  ssl sslcertck sslcertfile "{authority}"
  nokeep fetchall expunge 0 no rewrite
  mda "safecat {maildir}/tmp {maildir}/new >/dev/null"
"""

# Seconds that getmail waits for a delivery whose end it missed.
IN_VAIN = 5
GETMAIL = """
[retriever]
type = SimpleIMAPSSLRetriever
server = localhost
port = {port}
username = {account}
password = {password}
ca_certs = {authority}
mailboxes = ("INBOX",)
timeout = {timeout}
[destination]
type = Maildir
path = {maildir}/
[options]
delete = true
read_all = true
delivered_to = false
received = false
verbose = 0
"""


class Fetcher:
    """What it put into a Maildir is opened by `openmails.py`."""

    name, settings_of_it = None, None

    def __init__(self, folder, mails, dovecot):
        self.home, self.dovecot = mails.home("council"), dovecot
        self.work = fresh(folder, self.name)
        self.out, self.maildir = self.work / "out", self.work / "Maildir"
        for made in [self.out, *(self.maildir / part for part in ["cur", "new", "tmp"])]:
            made.mkdir(parents=True)
        self.settings = self.work / "settings"
        self.settings.touch(0o600)
        self.settings.write_text(self.settings_of_it.format(
            port=dovecot.port, authority=dovecot.certificates.authority, account=ACCOUNT, password=PASSWORD,
            maildir=self.maildir, timeout=IN_VAIN))
        # It runs as somebody else than root, as it should, and reads the authority's certificate.
        dovecot.certificates.folder.chmod(0o755)
        for made in [self.work, *self.work.rglob("*")]:
            os.chown(made, OWNER, OWNER)

    def empty(self, say):
        """Seconds until all is opened."""
        began = time.monotonic()
        in_vain = self._fetch()
        fetched = time.monotonic() - began - in_vain
        try:
            subprocess.run([sys.executable, "-B", OPEN_MAILS, self.maildir, self.home, self.out], check=True)
            seconds = time.monotonic() - began - in_vain
        finally:
            end_agent(self.home)
        say(f"{self.name} and gpg {seconds:.2f} s, of these {self.name} {fetched:.2f} s; {in_vain} s more in vain")
        return seconds

    def _run(self, command):
        return subprocess.run(command, cwd="/", user=OWNER, group=OWNER, extra_groups=[], capture_output=True, text=True,
                              env={**os.environ, "HOME": str(self.work)})

    def opened(self):
        return sorted(digest_of(path) for path in self.out.iterdir())


class Fetchmail(Fetcher):
    name, settings_of_it = "fetchmail", FETCHMAIL

    def _fetch(self):
        ended = self._run(["fetchmail", "--silent", "--nosyslog", "--fetchmailrc", self.settings, "--pidfile",
                           self.work / "pid"])
        assert ended.returncode == 0, ended.stderr
        return 0


class Getmail(Fetcher):
    name, settings_of_it = "getmail", GETMAIL

    def _fetch(self):
        """Seconds that it waited in vain."""
        missed = 0
        while True:
            ended = self._run(["getmail", "--getmaildir", self.work, "--rcfile", self.settings])
            if self.dovecot.in_inbox() == 0:
                return missed * IN_VAIN
            missed += 1
            assert "timed out" in ended.stdout + ended.stderr and missed < 100, ended.stdout + ended.stderr
