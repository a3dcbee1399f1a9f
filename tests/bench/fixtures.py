"""What both sides are given: keys of a partner and of a council, and files that the one sealed for the other.

In:  a folder to keep them in, the kind of keys. Out: paths of sealed files, and the digests of what is in them.
Holds: sealed by GnuPG as a partner would, with its defaults; made anew before the signatures are too old to be accepted.
"""

import base64
import hashlib
import os
import random
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# The service takes signatures of at most 30 days.
AGE_DAYS_MAX = 20
SMALL_BYTES = 100_000
ALGORITHMS = {"rsa3072": ("rsa3072", "rsa3072"), "curve25519": ("ed25519", "cv25519")}


def gpg(home, *arguments, **options):
    fixed = ["gpg", "--homedir", str(home), "--batch", "--no-tty", "--quiet", "--yes", "--trust-model", "always",
             "--pinentry-mode", "loopback", "--passphrase", ""]
    return subprocess.run([*fixed, *map(str, arguments)], check=True, capture_output=True, **options).stdout


def end_agent(home):
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=True)


class Fixtures:
    def __init__(self, folder, keys):
        self.folder = folder / "fixtures" / keys
        self.keys = keys
        stamp = self.folder / "made"
        if stamp.exists() and time.time() - stamp.stat().st_mtime < AGE_DAYS_MAX * 86400:
            self.partner, self.council = stamp.read_text().split()
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.partner, self.council = self._make_keys("partner"), self._make_keys("council")
        for who, other, fingerprint in [("partner", "council", self.council), ("council", "partner", self.partner)]:
            certificate = gpg(self.home(other), "--armor", "--export", fingerprint)
            (self.folder / f"{other}.asc").write_bytes(certificate)
            gpg(self.home(who), "--import", self.folder / f"{other}.asc")
        secret = self.folder / "council-secret.asc"
        secret.touch(0o600)
        secret.write_bytes(gpg(self.home("council"), "--armor", "--export-secret-keys", self.council))
        end_agent(self.home("council"))
        stamp.write_text(f"{self.partner} {self.council}")

    def home(self, who):
        return self.folder / who

    def _make_keys(self, who):
        home = self.home(who)
        home.mkdir(mode=0o700)
        sign, encrypt = ALGORITHMS[self.keys]
        gpg(home, "--quick-gen-key", f"{who}@bench.test", sign, "sign,cert", "2y")
        listed = gpg(home, "--with-colons", "--list-keys").decode().splitlines()
        fingerprint = next(line.split(":")[9] for line in listed if line.startswith("fpr:"))
        gpg(home, "--quick-add-key", fingerprint, encrypt, "encr", "2y")
        return fingerprint

    def small(self, count, size=SMALL_BYTES):
        """LAID documents as XML, each its own."""
        files = [(f"laid-{n:05}.xml", n) for n in range(count)]
        return self._sealed(f"small-{count}-{size}", files, lambda path, number: write_xml(path, number, size))

    def large(self, size):
        """One LAID document as PDF: scanned pages, that is to say, bytes that cannot be compressed further."""
        return self._sealed(f"large-{size >> 20}", [("laid-scanned.pdf", size)], write_pdf)

    def _sealed(self, name, files, write):
        folder = self.folder / name
        ready = folder / "ready"
        if not ready.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            with ThreadPoolExecutor(os.cpu_count()) as hands:
                digests = list(hands.map(lambda file: self._seal(folder, *file, write), files))
            end_agent(self.home("partner"))
            ready.write_text("\n".join(digests))
        digests = ready.read_text().split()
        return [(folder / f"{name}.pgp", digest) for (name, _), digest in zip(files, digests)]

    def _seal(self, folder, name, seed, write):
        plain = folder / name
        write(plain, seed)
        gpg(self.home("partner"), "-u", self.partner, "-r", self.council, "--sign", "--encrypt", "-o",
            folder / f"{name}.pgp", plain)
        with open(plain, "rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        plain.unlink()
        return digest


def write_xml(path: Path, number: int, size: int):
    source = random.Random(number)
    parts = ['<?xml version="1.0" encoding="UTF-8"?>\n<LAID>\n']
    length = len(parts[0])
    while length < size - 400:
        reference = base64.b64encode(source.randbytes(9)).decode()
        note = base64.b64encode(source.randbytes(180)).decode()
        parts.append(f'<Claim reference="{reference}"><Received>2020-04-01</Received><Note>{note}</Note></Claim>\n')
        length += len(parts[-1])
    padding = size - length - len("<End></End>\n</LAID>\n")
    parts.append(f"<End>{'x' * padding}</End>\n</LAID>\n")
    path.write_text("".join(parts))


def write_pdf(path: Path, size: int):
    head = (b"%%PDF-1.5\n1 0 obj\n<< /Type /Catalog >>\nendobj\n2 0 obj\n"
            b"<< /Length %d /Subtype /Image /Filter /DCTDecode >>\nstream\n")
    tail = (b"\nendstream\nendobj\nxref\n0 1\n0000000000 65535 f \n"
            b"trailer\n<< /Size 3 /Root 1 0 R >>\nstartxref\n9\n%%EOF\n")
    head = head % (size - len(head) - len(tail))
    with open(path, "wb") as file:
        file.write(head)
        left = size - len(head) - len(tail)
        while left:
            piece = min(left, 1 << 20)
            file.write(os.urandom(piece))
            left -= piece
        file.write(tail)
