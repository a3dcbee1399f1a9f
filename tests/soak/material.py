"""What two authorities get in a day, sealed by GnuPG before the soak begins, and what nobody should send them.

In:  how many of each. Out: items, each with its bytes on the disk and what must become of it: the digests of the files the
back office gets, or the code under which it is held.
Holds: no two contents are the same, but for the one that comes twice on purpose. Whatever is sealed bears a canary. Kept on
the disk for the next run, as those of tests/bench are.
"""

import base64
import dataclasses
import email.policy
import hashlib
import io
import json
import os
import random
import shutil
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from pathlib import Path

from fixtures import AGE_DAYS_MAX, Fixtures, end_agent, gpg

# No byte of it may be found where nothing may be read.
CANARY = "soak-canary-Fieldfare-5031"
MIB = 1 << 20


@dataclasses.dataclass(frozen=True)
class Item:
    """What arrives: its name, where its bytes are, and what must become of it."""
    name: str
    file: str
    parts: tuple
    code: str | None

    def content(self):
        return Path(self.file).read_bytes()


def letters(number):
    """A number without digits, which could be taken for an authority's."""
    return "".join(chr(ord("a") + int(digit)) for digit in f"{number:06}")


def xml(number):
    source = random.Random(number)
    claims = "".join(f'<Claim reference="{CANARY}-{number}"><Note>{base64.b64encode(source.randbytes(90)).decode()}</Note></Claim>\n'
                     for _ in range(source.choice([3, 20, 60, 300])))
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<LAID>\n{claims}</LAID>\n'.encode()


def pdf(number):
    """Scanned pages: bytes that are not compressed further, after a canary."""
    scan = f"{CANARY}-{number}".encode() + random.Random(number).randbytes(60_000)
    head = (b"%%PDF-1.5\n1 0 obj\n<< /Type /Catalog >>\nendobj\n2 0 obj\n"
            b"<< /Length %d /Subtype /Image /Filter /DCTDecode >>\nstream\n" % len(scan))
    tail = (b"\nendstream\nendobj\nxref\n0 1\n0000000000 65535 f \n"
            b"trailer\n<< /Size 3 /Root 1 0 R >>\nstartxref\n9\n%%EOF\n")
    return head + scan + tail


def pack(number):
    """A pack of three, and its members."""
    rows = "".join(f"{CANARY}-{number}-{row},{200 - row},{'Y' if row < 20 else 'N'}\r\n" for row in range(200))
    members = {f"HBSA001_{letters(number)}.csv": f"REFERRAL,RULE\r\n{number},HBSA001\r\n".encode(),
               f"HBSA002_{letters(number)}.csv": f"REFERRAL,RULE\r\n{number},HBSA002\r\n".encode(),
               f"AOBWR627_LAID_RISK_{letters(number)}.csv": f"CLAIM_REF,SCORE,HIGH_RISK\r\n{rows}".encode()}
    return zipped(members), list(members.values())


def zipped(members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def mailed(name, sealed, number):
    mail = EmailMessage(policy=email.policy.SMTP)
    mail["From"], mail["To"] = "hbms@partner.example", "hbms@council.example"
    mail["Subject"], mail["Message-ID"] = "Monthly file", f"<{number}@partner.example>"
    mail.set_content("This month's file is attached.\n")
    mail.add_attachment(sealed, "application", "octet-stream", cte="7bit", filename=f"{name}.asc")
    return mail.as_bytes()


def digest(content):
    return hashlib.sha256(content).hexdigest()


class Material(Fixtures):
    """Keys as in the benchmark; beside these a stranger whom nobody trusts."""

    def __init__(self, folder):
        super().__init__(folder / "soak", "curve25519")
        stranger = self.folder / "stranger-fingerprint"
        if not stranger.exists():
            shutil.rmtree(self.home("stranger"), ignore_errors=True)
            made = self._make_keys("stranger")
            gpg(self.home("stranger"), "--import", self.folder / "council.asc")
            end_agent(self.home("stranger"))
            stranger.write_text(made)
        self.stranger = stranger.read_text()

    def seal(self, content, *, who="partner", sign=True, armour=False):
        signing = ["--sign", "-u", self.partner if who == "partner" else self.stranger] if sign else []
        return gpg(self.home(who), *signing, *(["--armor"] if armour else []), "-r", self.council, "--encrypt", input=content)

    def dropped(self, count):
        """For drop folders: most are LAIDs as XML, some PDFs, a few packs."""
        return self._kept("dropped", count, self._drop)

    def mails(self, count):
        return self._kept("mails", count, self._mail)

    def hostile(self, count):
        """One kind after the other."""
        return self._kept("hostile", count, self._hostile)

    def _kept(self, name, count, make):
        folder = self.folder / f"{name}-{count}"
        ready = folder / "ready"
        if not ready.exists() or time.time() - ready.stat().st_mtime > AGE_DAYS_MAX * 86400:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            with ThreadPoolExecutor(os.cpu_count()) as hands:
                items = list(hands.map(lambda number: make(folder, number), range(count)))
            for who in ["partner", "stranger"]:
                end_agent(self.home(who))
            ready.write_text(json.dumps([dataclasses.astuple(item) for item in items]))
        return [Item(name, file, tuple(parts), code) for name, file, parts, code in json.loads(ready.read_text())]

    def _drop(self, folder, number):
        if number % 50 == 49:
            content, parts = pack(number)
            return self._item(folder, f"hbms-{letters(number)}.zip", self.seal(content), parts)
        content = pdf(number) if number % 10 == 5 else xml(number)
        kind = "pdf" if number % 10 == 5 else "xml"
        return self._item(folder, f"laid-{letters(number)}.{kind}", self.seal(content), [content])

    def _mail(self, folder, number):
        content = xml(1_000_000 + number)
        name = f"laid-mail-{letters(number)}.xml"
        return self._item(folder, name, mailed(name, self.seal(content, armour=True), number), [content])

    def _hostile(self, folder, number):
        content = xml(2_000_000 + number)
        make = [
            ("tampered", "CN-102", lambda: tampered(self.seal(content))),
            ("cut-short", "CN-103", lambda: self.seal(content)[:-40]),
            ("unsigned", "CN-105", lambda: self.seal(content, sign=False)),
            ("strangers", "CN-106", lambda: self.seal(content, who="stranger")),
            ("bomb", "CN-115", lambda: self.seal(content + b" " * (64 * MIB))),
            ("zip-bomb", "CN-115", lambda: self.seal(zipped({"AOBWR999_REPORT.csv": content + b"0" * (12 * MIB)}))),
            ("zip-slip", "CN-116", lambda: self.seal(zipped({f"../../AOBWR999_{letters(number)}.csv": content}))),
            ("entities", "CN-117", lambda: self.seal(b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]>' + content[39:])),
            ("repeated", "CN-114", lambda: self.seal(xml(0))),
        ]
        what, code, bytes_of = make[number % len(make)]
        return self._item(folder, f"{what}-{letters(number)}", bytes_of(), [], code)

    def _item(self, folder, name, content, parts, code=None):
        file = folder / f"{name}.pgp"
        file.write_bytes(content)
        return Item(file.name, str(file), tuple(map(digest, parts)), code)


def tampered(sealed):
    at = len(sealed) - 60
    return sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1:]
