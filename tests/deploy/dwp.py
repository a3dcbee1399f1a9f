"""The other side, made up: DWP with a key of its own, which seals files and opens returns. By GnuPG, on the host."""

import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor


class Dwp:
    """Has its own key ring, in a folder that nobody else reads."""

    def __init__(self, work):
        self.home = work / "dwp"
        self.home.mkdir(mode=0o700)
        self.gpg("--passphrase", "", "--quick-generate-key", "Make-believe DWP <dwp@dwp.example>", "rsa3072", "sign,cert", "1y")
        fingerprint = next(line.split(":")[9] for line in self.gpg("--with-colons", "--list-keys").decode().splitlines()
                           if line.startswith("fpr"))
        self.gpg("--passphrase", "", "--quick-add-key", fingerprint, "rsa3072", "encr", "1y")
        self.certificate = self.gpg("--armor", "--export")
        self.fingerprint = fingerprint

    def gpg(self, *arguments, content=None):
        line = ["gpg", "--batch", "--quiet", "--no-tty", "--pinentry-mode", "loopback", *arguments]
        return subprocess.run(line, input=content, capture_output=True, check=True,
                              env={**os.environ, "GNUPGHOME": str(self.home)}).stdout

    def learn(self, certificates):
        """Takes in what the authority gives away."""
        self.gpg("--import", content=certificates)

    def seal(self, contents, key, folder):
        """Each content as a signed and sealed file of its name, in the folder."""
        folder.mkdir(parents=True, exist_ok=True)

        def one(name):
            target = folder / f"{name}.pgp"
            self.gpg("--trust-model", "always", "--sign", "--encrypt", "--recipient", key, "--output", str(target), content=contents[name])
            return target

        with ThreadPoolExecutor(2) as workers:
            return list(workers.map(one, contents))

    def open(self, sealed):
        """Its content, if the signature is good too."""
        return self.gpg("--decrypt", content=sealed)

    def close(self):
        """Ends the agent that GnuPG started for this key ring, and no other."""
        subprocess.run(["gpgconf", "--homedir", str(self.home), "--kill", "gpg-agent"], check=False)
        shutil.rmtree(self.home, ignore_errors=True)
