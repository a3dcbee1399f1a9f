"""Mails, and a real Dovecot on loopback in whose inbox they lie.

In:  how many mails, of what size. Out: for each turn a Dovecot of its own, with all of them as new mail; see
tests/peers/dovecot.sh.
Holds: the mails are on the disk, and the disk at rest, before either side begins; no process outlasts its turn.
"""

import base64
import contextlib
import email.policy
import hashlib
import imaplib
import os
import random
import shutil
import signal
import socket
import ssl
import subprocess
import time
from email.message import EmailMessage
from pathlib import Path

from drop import fresh
from fixtures import Fixtures, gpg

PEERS = Path(__file__).resolve().parent.parent / "peers"
# Those of dovecot.sh.
ACCOUNT, PASSWORD, OWNER = "hbms@council.example", "correct horse", 65534


class Mails(Fixtures):
    """Mails from the partner. Each has one armoured attachment that GnuPG signed and sealed to the council."""

    def mails(self, count, size):
        """Each seals so many bytes, which makes about as many of mail. Paths, and the digests of what they seal."""
        files = [(f"laid-{n:05}.xml", n) for n in range(count)]
        return self._sealed(f"mails-{count}-{size}", files, lambda path, number: write_laid(path, number, size))

    def _seal(self, folder, name, seed, write):
        plain = folder / name
        write(plain, seed)
        sealed = gpg(self.home("partner"), "-u", self.partner, "-r", self.council, "--sign", "--encrypt", "--armor",
                     "-o", "-", plain)
        digest = hashlib.sha256(plain.read_bytes()).hexdigest()
        plain.unlink()
        mail = EmailMessage(policy=email.policy.SMTP)
        mail["From"], mail["To"] = "hbms@partner.example", ACCOUNT
        mail["Subject"], mail["Message-ID"] = "Monthly file", f"<{seed}@partner.example>"
        mail.set_content("This month's file is attached.\n")
        mail.add_attachment(sealed, "application", "octet-stream", cte="7bit", filename=f"{name}.asc")
        (folder / f"{name}.pgp").write_bytes(mail.as_bytes())
        return digest


def write_laid(path, number, size):
    """A LAID document as XML, its own for each number."""
    head, tail = '<?xml version="1.0" encoding="UTF-8"?>\n<LAID><Note>\n', "</Note></LAID>\n"
    note = base64.encodebytes(random.Random(number).randbytes(size)).decode()
    path.write_text(head + note[:size - len(head) - len(tail)] + tail)


class Certificates:
    """An authority, and what Dovecot shows; see tests/peers/certificates.sh."""

    def __init__(self, folder):
        self.folder = fresh(folder, "certificates")
        self.authority = self.folder / "ca.pem"
        subprocess.run(["sh", PEERS / "certificates.sh", self.folder], check=True)


class Dovecot:
    def __init__(self, folder, certificates):
        self.work = fresh(folder, "dovecot")
        self.certificates = certificates
        self.maildir = self.work / "mail" / "Maildir"

    def __enter__(self):
        script = ["sh", PEERS / "dovecot.sh", self.work, self.certificates.folder]
        port = free_pair_of_ports()
        self.port = port + 1
        self.master = subprocess.Popen([*script, str(port)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            self._starts()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        # Told to end, it would take three seconds.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.master.pid, signal.SIGKILL)
        self.master.wait()

    def _starts(self):
        deadline = time.monotonic() + 30
        while not self._answers():
            assert self.master.poll() is None and time.monotonic() < deadline, f"no Dovecot:\n{self._log()}"
            time.sleep(0.02)

    def _answers(self):
        try:
            self.client().logout()
            return True
        except (OSError, imaplib.IMAP4.error):
            return False

    def _log(self):
        log = self.work / "dovecot.log"
        return log.read_text() if log.exists() else ""

    def fill(self, mails):
        """Puts all of them into the inbox, as a mail system does."""
        for number, (file, _) in enumerate(mails):
            copy = self.maildir / "new" / f"{1_700_000_000 + number}.bench.council"
            shutil.copyfile(file, copy)
            os.chown(copy, OWNER, OWNER)
        os.sync()

    def in_inbox(self):
        return sum(len(os.listdir(self.maildir / part)) for part in ["new", "cur"])

    def client(self):
        """A client that is logged in and has the inbox open."""
        trust = ssl.create_default_context(cafile=self.certificates.authority)
        client = imaplib.IMAP4_SSL("localhost", self.port, ssl_context=trust)
        client.login(ACCOUNT, PASSWORD)
        client.select()
        return client

    def tells_after(self, mail):
        """Seconds from the beginning of an APPEND until a client that idles is told of the mail, which goes again."""
        idles, writes = self.client(), self.client()
        idles.send(b"X IDLE\r\n")
        assert idles.readline().startswith(b"+")
        began = time.monotonic()
        writes.append("INBOX", None, None, mail)
        while not idles.readline().rstrip().endswith(b"EXISTS"):
            pass
        told = time.monotonic() - began
        idles.shutdown()
        writes.store("1", "+FLAGS", r"(\Deleted)")
        writes.expunge()
        writes.logout()
        assert self.in_inbox() == 0
        return told


def free_pair_of_ports():
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port
